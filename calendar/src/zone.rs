//! Where the days of a calendar lie on the time line of a zone.
//!
//! A day runs from its 00:00 to the next day's 00:00, and every civil time of it becomes an
//! instant by the rule jiff calls "compatible": a time that a gap swallows moves forward by the
//! length of the gap, a time that a fold repeats is the first of the two. Far from a clock change
//! that is one multiplication; only near one is the zone asked for each time.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil::Time};

use crate::hours::{Hours, Opening};
use crate::index::{DAY, DayNumber, date_of};

/// No clock change shifts civil time by more than this (a skipped date is 24 h).
const MARGIN: i64 = 26 * 3600;

/// A stretch of the zone's time line without a clock change.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    /// Seconds east of UTC.
    offset: i64,
    /// Instant of the change before, in seconds since the epoch.
    after: i64,
    /// Instant of the change after.
    before: i64,
}

/// A zone, read from one instant onwards; keeps the stretch it is in.
#[derive(Debug, Clone)]
pub(crate) struct Zone<'a> {
    tz: &'a TimeZone,
    stretch: Stretch,
}

/// One date on the time line: seconds since the epoch, end exclusive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) day: DayNumber,
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// No clock change is near: civil time runs evenly.
    linear: bool,
}

impl Placed {
    /// Whether the day is 24 hours long and so are its neighbours.
    pub(crate) fn is_linear(&self) -> bool {
        self.linear
    }
}

impl<'a> Zone<'a> {
    pub(crate) fn new(tz: &'a TimeZone, at: Timestamp) -> Self {
        Self {
            tz,
            stretch: stretch(tz, at),
        }
    }

    /// The date that `at` falls into.
    pub(crate) fn locate(&mut self, at: Timestamp) -> Placed {
        let second = floor_second(at);
        let mut placed = self.place((second + self.stretch.offset).div_euclid(DAY));
        // Near a change at midnight the civil date of an instant may be the neighbour of the day
        // it belongs to. Two steps reach any neighbour; the limit is only a guard.
        for _ in 0..3 {
            if second < placed.start {
                placed = self.place(placed.day - 1);
            } else if second >= placed.end {
                placed = self.place(placed.day + 1);
            } else {
                break;
            }
        }
        placed
    }

    /// The date after `placed`.
    pub(crate) fn after(&mut self, placed: &Placed) -> Placed {
        if placed.end >= self.stretch.before {
            self.stretch = stretch(self.tz, instant(placed.end));
        }
        self.place(placed.day + 1)
    }

    /// A date, wherever it lies.
    pub(crate) fn place(&self, day: DayNumber) -> Placed {
        let start = day * DAY - self.stretch.offset;
        if start >= self.stretch.after.saturating_add(MARGIN) && day < self.linear_until() {
            return Placed {
                day,
                start,
                end: start + DAY,
                linear: true,
            };
        }
        Placed {
            day,
            start: self.resolve(day, 0),
            end: self.resolve(day + 1, 0),
            linear: false,
        }
    }

    /// The first day from which on civil time may not be linear any more.
    pub(crate) fn linear_until(&self) -> DayNumber {
        let last = self.stretch.before.saturating_sub(MARGIN);
        last.saturating_add(self.stretch.offset).div_euclid(DAY)
    }

    /// Where an interval of `hours` lies, cut so that it starts no sooner than `not_before`:
    /// intervals that a gap has pushed over one another count once.
    pub(crate) fn opening(
        &self,
        placed: &Placed,
        opening: Opening,
        not_before: i64,
    ) -> Option<(i64, i64)> {
        let at = |minute: u16| match placed.linear {
            true => placed.start + i64::from(minute) * 60,
            false => self.resolve(placed.day, minute),
        };
        let (start, end) = (at(opening.opens()), at(opening.closes()));
        let start = start.max(placed.start).max(not_before);
        let end = end.min(placed.end);
        (start < end).then_some((start, end))
    }

    /// The open stretches of a day in order, seconds since the epoch, end exclusive.
    pub(crate) fn openings<'s>(
        &'s self,
        placed: Placed,
        hours: &'s Hours,
    ) -> impl Iterator<Item = (i64, i64)> + 's {
        let mut cursor = placed.start;
        hours.openings().iter().filter_map(move |opening| {
            let found = self.opening(&placed, *opening, cursor)?;
            cursor = found.1;
            Some(found)
        })
    }

    /// The instant of a civil time; minute 1440 is the next day's 00:00.
    fn resolve(&self, day: DayNumber, minute: u16) -> i64 {
        let (day, minute) = (day + i64::from(minute / 1440), minute % 1440);
        let time = Time::midnight() + SignedDuration::from_mins(i64::from(minute));
        let civil = date_of(day).to_datetime(time);
        match self.tz.to_timestamp(civil) {
            Ok(instant) => instant.as_second(),
            Err(_) if day < 0 => Timestamp::MIN.as_second(),
            Err(_) => Timestamp::MAX.as_second(),
        }
    }
}

fn stretch(tz: &TimeZone, at: Timestamp) -> Stretch {
    let second = SignedDuration::from_secs(1);
    let just_after = at.checked_add(second).unwrap_or(Timestamp::MAX);
    Stretch {
        offset: i64::from(tz.to_offset(at).seconds()),
        after: tz
            .preceding(just_after)
            .next()
            .map_or(i64::MIN, |t| t.timestamp().as_second()),
        before: tz
            .following(at)
            .next()
            .map_or(i64::MAX, |t| t.timestamp().as_second()),
    }
}

/// The whole second an instant lies in (rounded towards the past).
pub(crate) fn floor_second(at: Timestamp) -> i64 {
    let second = at.as_second();
    if at.subsec_nanosecond() < 0 {
        second - 1
    } else {
        second
    }
}

/// The instant of a second since the epoch, held at the ends of what jiff can tell.
pub(crate) fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(if second < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}
