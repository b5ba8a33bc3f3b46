//! How many minutes open between two dates, without walking the days between.
//!
//! Days are counted from 1970-01-01 (day 0, a Thursday). The open minutes of a run of days are
//! those of the plain week plus the corrections of the special days inside the run; both are
//! differences of running totals, so a run of ten years costs as much as a run of ten days.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::hours::Hours;

/// Days since 1970-01-01.
pub(crate) type DayNumber = i64;

/// Seconds in a civil day.
pub(crate) const DAY: i64 = 86_400;

/// A date whose hours or kind differ from its weekday's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Special {
    pub(crate) day: DayNumber,
    pub(crate) name: String,
    pub(crate) class: Class,
    pub(crate) hours: Hours,
}

/// Why a date is special.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Holiday,
    /// Opened like this weekday, 0 for Monday.
    MakeUp(usize),
}

/// The week and the special days, with their running totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index {
    /// Monday first.
    week: [Hours; 7],
    /// Open minutes of the week's days before the n-th, Monday first; the last is the whole week.
    week_totals: [i64; 8],
    /// Sorted by day, each day once.
    special: Vec<Special>,
    /// `special_totals[n]`: minutes the first n special days add to (or take from) their weekdays.
    special_totals: Vec<i64>,
}

impl Index {
    /// `special` must hold each day at most once; it is sorted here.
    pub(crate) fn new(week: [Hours; 7], mut special: Vec<Special>) -> Self {
        special.sort_by_key(|s| s.day);
        let mut week_totals = [0; 8];
        for (n, hours) in week.iter().enumerate() {
            week_totals[n + 1] = week_totals[n] + i64::from(hours.minutes());
        }
        let mut sum = 0;
        let mut special_totals = vec![0];
        for s in &special {
            let usual = week[weekday_index(s.day)].minutes();
            sum += i64::from(s.hours.minutes()) - i64::from(usual);
            special_totals.push(sum);
        }
        Self {
            week,
            week_totals,
            special,
            special_totals,
        }
    }

    pub(crate) fn week(&self) -> &[Hours; 7] {
        &self.week
    }

    pub(crate) fn special_days(&self) -> &[Special] {
        &self.special
    }

    pub(crate) fn special(&self, day: DayNumber) -> Option<&Special> {
        let at = self.special.binary_search_by_key(&day, |s| s.day).ok()?;
        self.special.get(at)
    }

    /// The hours of a date, special or not.
    pub(crate) fn hours(&self, day: DayNumber) -> &Hours {
        match self.special(day) {
            Some(special) => &special.hours,
            None => &self.week[weekday_index(day)],
        }
    }

    /// Open civil minutes of the days `from..to`.
    pub(crate) fn minutes(&self, from: DayNumber, to: DayNumber) -> i64 {
        self.running_total(to) - self.running_total(from)
    }

    /// The first day in `from..to` by whose end more than `minutes` have been open, together with
    /// the minutes open on the days before it; `to` and all the minutes when no day gets there.
    pub(crate) fn day_exceeding(
        &self,
        from: DayNumber,
        to: DayNumber,
        minutes: i64,
    ) -> (DayNumber, i64) {
        let base = self.running_total(from);
        let (mut low, mut high) = (from, to.max(from));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.running_total(middle + 1) - base > minutes {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        (low, self.running_total(low) - base)
    }

    fn running_total(&self, day: DayNumber) -> i64 {
        // Day 0 is a Thursday, so day -3 is a Monday.
        let since_monday = day + 3;
        let weeks = since_monday.div_euclid(7);
        let days = since_monday.rem_euclid(7) as usize;
        let specials = self.special.partition_point(|s| s.day < day);
        weeks * self.week_totals[7] + self.week_totals[days] + self.special_totals[specials]
    }
}

/// 0 for Monday to 6 for Sunday.
pub(crate) fn weekday_index(day: DayNumber) -> usize {
    (day + 3).rem_euclid(7) as usize
}

/// The number of a date.
pub(crate) fn day_number(date: Date) -> DayNumber {
    // Only a date within a day of the end of year 9999 cannot be told as an instant.
    let seconds = Offset::UTC
        .to_timestamp(date.to_datetime(jiff::civil::Time::midnight()))
        .unwrap_or(Timestamp::MAX)
        .as_second();
    seconds.div_euclid(DAY)
}

/// The date of a number, held at the ends of what can be told (years -9999 and 9999).
pub(crate) fn date_of(day: DayNumber) -> Date {
    let seconds = day.saturating_mul(DAY);
    let instant = Timestamp::from_second(seconds).unwrap_or(if day < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    });
    Offset::UTC.to_datetime(instant).date()
}
