//! Clocks: is it open, how much time has counted, when is an allowance used up.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::Calendar;
use crate::index::{DAY, DayNumber};
use crate::zone::{Placed, Zone, floor_second, instant};

/// How far [`Calendar::next_open`] looks.
const NEXT_OPEN_DAYS: i64 = 400;

/// How far [`Calendar::add`] and [`Calendar::add_working_days`] look.
pub(crate) const HORIZON_DAYS: i64 = 100 * 366;

/// The answer lies further away than is searched, or outside the years that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the calendar gives no answer within its search limit (100 years, 400 days to an opening)")]
pub struct OutOfRange;

impl Calendar {
    /// Whether the site is open at this instant.
    pub fn is_open(&self, tz: &TimeZone, at: Timestamp) -> bool {
        let mut zone = Zone::new(tz, at);
        let placed = zone.locate(at);
        let second = floor_second(at);
        zone.openings(placed, self.index.hours(placed.day))
            .any(|(start, end)| start <= second && second < end)
    }

    /// The first open instant that is not before `at`: `at` itself when open. `None` when the
    /// site does not open within 400 days.
    pub fn next_open(&self, tz: &TimeZone, at: Timestamp) -> Option<Timestamp> {
        let mut zone = Zone::new(tz, at);
        let mut placed = zone.locate(at);
        let second = floor_second(at);
        for _ in 0..=NEXT_OPEN_DAYS {
            let found = zone
                .openings(placed, self.index.hours(placed.day))
                .find(|(_, end)| second < *end);
            if let Some((start, _)) = found {
                return Some(if start <= second { at } else { instant(start) });
            }
            placed = zone.after(&placed);
        }
        None
    }

    /// Open time from `from` to `to`, elapsed and exact to the nanosecond; negative when `to` is
    /// the earlier. `elapsed(a, c) = elapsed(a, b) + elapsed(b, c)` for any three instants.
    pub fn elapsed(&self, tz: &TimeZone, from: Timestamp, to: Timestamp) -> SignedDuration {
        if to < from {
            return -self.elapsed(tz, to, from);
        }
        let mut zone = Zone::new(tz, from);
        let mut placed = zone.locate(from);
        let to_second = floor_second(to);
        let (from, to) = (from.as_duration(), to.as_duration());

        let mut counted = SignedDuration::ZERO;
        loop {
            for (start, end) in zone.openings(placed, self.index.hours(placed.day)) {
                let start = seconds(start).max(from);
                let end = seconds(end).min(to);
                if start < end {
                    counted += end - start;
                }
            }
            if seconds(placed.end) >= to || past_all_time(&placed) {
                return counted;
            }
            placed = zone.after(&placed);
            let last = zone.day_if_linear(&placed, to_second);
            if last > placed.day {
                counted += seconds(self.index.minutes(placed.day, last) * 60);
                placed = zone.place(last);
            }
        }
    }

    /// The earliest instant by which `allowance` has counted since `start`.
    ///
    /// An allowance used up exactly at closing time falls due at closing time, not at the next
    /// opening. An allowance of zero falls due at `start` when open, else at the next opening.
    /// For any allowance above zero `elapsed(start, add(start, allowance)) = allowance`.
    ///
    /// # Errors
    /// [`OutOfRange`] when that is more than 100 years away.
    pub fn add(
        &self,
        tz: &TimeZone,
        start: Timestamp,
        allowance: Duration,
    ) -> Result<Timestamp, OutOfRange> {
        if allowance.is_zero() {
            return self.next_open(tz, start).ok_or(OutOfRange);
        }
        let mut remaining = SignedDuration::try_from(allowance).map_err(|_| OutOfRange)?;
        let mut zone = Zone::new(tz, start);
        let mut placed = zone.locate(start);
        let start = start.as_duration();
        let horizon = placed.day + HORIZON_DAYS;

        while placed.day < horizon && !past_all_time(&placed) {
            for (open, close) in zone.openings(placed, self.index.hours(placed.day)) {
                let open = seconds(open).max(start);
                let span = seconds(close) - open;
                if !span.is_positive() {
                    continue;
                }
                if remaining <= span {
                    return Timestamp::from_duration(open + remaining).map_err(|_| OutOfRange);
                }
                remaining -= span;
            }
            placed = zone.after(&placed);
            let linear = zone.linear_days(&placed).min(horizon);
            if linear > placed.day {
                let short_of = whole_minutes_below(remaining);
                let (day, passed) = self.index.day_exceeding(placed.day, linear, short_of);
                remaining -= seconds(passed * 60);
                placed = zone.place(day);
            }
        }
        Err(OutOfRange)
    }
}

impl Zone<'_> {
    /// The first day after `placed` from which on civil time may not be linear; `placed` itself
    /// when it is already so.
    fn linear_days(&self, placed: &Placed) -> DayNumber {
        if placed.is_linear() {
            self.linear_until()
        } else {
            placed.day
        }
    }

    /// The day that holds `second`, or the last day up to which days can be counted blindly.
    fn day_if_linear(&self, placed: &Placed, second: i64) -> DayNumber {
        let days = (second - placed.start).div_euclid(DAY);
        self.linear_days(placed).min(placed.day + days)
    }
}

/// The most whole minutes that are still less than `duration`, which is above zero.
fn whole_minutes_below(duration: SignedDuration) -> i64 {
    let whole = duration.as_secs() / 60;
    let exact = duration.as_secs() % 60 == 0 && duration.subsec_nanos() == 0;
    if exact { whole - 1 } else { whole }
}

/// Whether a day reaches the end of the instants that can be told (year 9999).
pub(crate) fn past_all_time(placed: &Placed) -> bool {
    placed.end >= Timestamp::MAX.as_second()
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}
