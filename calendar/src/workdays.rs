//! Counting working days: "within two working days", "the same time three business days later".

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::clock::HORIZON_DAYS;
use crate::hours::MINUTES_PER_DAY;
use crate::index::{DayNumber, date_of};
use crate::zone::Zone;
use crate::{Calendar, Hours, OutOfRange};

impl Calendar {
    /// The instant `days` working days after `start`.
    ///
    /// A working day is one whose kind is working or make-up; a holiday is none even where it has
    /// hours.
    ///
    /// 1. *Where counting begins.* `start` inside the hours of a working day: that day, at the
    ///    civil time of `start`. Otherwise (night, break, day off, holiday): the next opening of a
    ///    working day, which may be later on the same day.
    /// 2. *Where it ends.* The `days`-th working day after that one; with 0, that day itself.
    /// 3. *At what time.* With `end_of_day`, the last closing of that day. Otherwise the civil
    ///    time of step 1; where the last day is shorter, its last closing, and where that time is
    ///    before its first opening or in a break, the opening that follows.
    ///
    /// Civil times become instants by the rule of the crate, so "the same time" holds across a
    /// clock change. The rule is the one city service desks publish for their target dates
    /// (Boston 311: inside hours the same time N business days later, outside hours 08:30 of the
    /// next business day and N days).
    ///
    /// # Errors
    /// [`OutOfRange`] when the day is more than 100 years away, or no working day comes at all.
    pub fn add_working_days(
        &self,
        tz: &TimeZone,
        start: Timestamp,
        days: u32,
        end_of_day: bool,
    ) -> Result<Timestamp, OutOfRange> {
        let (first, time) = self.counting_begins(tz, start)?;
        let last = self.nth_working_day_after(first, days)?;
        let hours = self.index.hours(last);
        let closing = hours.openings().last().ok_or(OutOfRange)?.closes();
        let due = match end_of_day {
            true => CivilNanos::minute(closing),
            false => fit(time, hours),
        };
        due.on(last, tz)
    }

    fn counting_begins(
        &self,
        tz: &TimeZone,
        start: Timestamp,
    ) -> Result<(DayNumber, CivilNanos), OutOfRange> {
        let mut zone = Zone::new(tz, start);
        let mut placed = zone.locate(start);
        let at = start.as_duration();
        for _ in 0..HORIZON_DAYS {
            let day = self.numbered_day(placed.day);
            if day.kind.is_working_day() {
                for (open, close) in zone.openings(placed, day.hours) {
                    if SignedDuration::from_secs(close) <= at {
                        continue;
                    }
                    let begins = match SignedDuration::from_secs(open) <= at {
                        true => start,
                        false => crate::zone::instant(open),
                    };
                    let time = tz.to_datetime(begins).time();
                    return Ok((placed.day, CivilNanos::of(time)));
                }
            }
            placed = zone.after(&placed);
        }
        Err(OutOfRange)
    }

    fn nth_working_day_after(&self, first: DayNumber, days: u32) -> Result<DayNumber, OutOfRange> {
        let mut day = first;
        for _ in 0..days {
            day += 1;
            while !self.numbered_day(day).kind.is_working_day() {
                day += 1;
                if day - first > HORIZON_DAYS {
                    return Err(OutOfRange);
                }
            }
            if day - first > HORIZON_DAYS {
                return Err(OutOfRange);
            }
        }
        Ok(day)
    }
}

/// A civil time of day in nanoseconds after 00:00, up to and including 24:00.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct CivilNanos(i64);

impl CivilNanos {
    fn of(time: Time) -> Self {
        let since = time.duration_since(Time::midnight());
        Self(since.as_secs() * 1_000_000_000 + i64::from(since.subsec_nanos()))
    }

    fn minute(minute: u16) -> Self {
        Self(i64::from(minute) * 60 * 1_000_000_000)
    }

    fn on(self, day: DayNumber, tz: &TimeZone) -> Result<Timestamp, OutOfRange> {
        let (day, nanos) = match self >= Self::minute(MINUTES_PER_DAY) {
            true => (day + 1, 0),
            false => (day, self.0),
        };
        let time = Time::midnight() + SignedDuration::from_nanos(nanos);
        tz.to_timestamp(date_of(day).to_datetime(time))
            .map_err(|_| OutOfRange)
    }
}

/// The time itself where the hours hold it, else the next opening, else the last closing.
fn fit(time: CivilNanos, hours: &Hours) -> CivilNanos {
    for opening in hours.openings() {
        if time < CivilNanos::minute(opening.closes()) {
            return time.max(CivilNanos::minute(opening.opens()));
        }
    }
    let closing = hours.openings().last().map(|o| o.closes());
    closing.map_or(time, CivilNanos::minute)
}
