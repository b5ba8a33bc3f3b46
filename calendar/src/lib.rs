//! Business time: which instants of a site count, and what day and hour a promise falls due.
//!
//! A [`Calendar`] is data: weekly opening hours, holidays and make-up working days, with an id and
//! a version so that a decision can name what it was computed with. It knows civil time only; the
//! zone of the site is a parameter of every question, so one calendar serves sites in many zones.
//! Nothing here reads a clock, a file or the network.
//!
//! # Rules that hold everywhere
//!
//! - A day runs from its 00:00 to the next day's 00:00 in the zone. An interval `08:30-17:00` is
//!   every instant from the one called 08:30 up to, not including, the one called 17:00.
//! - A civil time that a clock change skips moves forward by the length of the gap; one that a
//!   change repeats is the first of the two (jiff's "compatible" rule, RFC 5545). A date that a
//!   zone skipped altogether has no time in it.
//! - Time counted is time elapsed: an open night of 00:00–24:00 counts 23 or 25 hours where the
//!   clocks change within it.
//! - The hours of a date are its make-up or holiday hours where it is one, else its weekday's.
//!   Outside [`Calendar::years`] nobody has listed the special days; the weekday's hours are used
//!   and [`Calendar::covers`] says so. Callers report that as a finding.
//!
//! # The map
//!
//! - [`Calendar::day`] – one date: its kind and hours
//! - `clock` – open or not, elapsed time, the instant at which an allowance is used up
//! - `workdays` – the same time N working days later
//! - `spans` – every stretch of a period with the reason it did or did not count
//! - [`document`] and `parse` – the YAML or JSON form; `write` – back to it
//! - `index` and `zone` – why long periods cost no more than short ones

mod clock;
pub mod document;
mod hours;
mod index;
mod parse;
mod spans;
mod workdays;
mod write;
mod zone;

use jiff::civil::Date;

pub use clock::OutOfRange;
pub use document::Violation;
pub use hours::{Hours, Opening};
pub use spans::{Closed, Open, Span, State};

use index::{Class, DayNumber, Index, day_number};

/// The civil years, both inclusive, whose special days a calendar lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Years {
    /// First year covered.
    pub from: i16,
    /// Last year covered.
    pub to: i16,
}

/// Opening hours with holidays and make-up working days: one version of one calendar.
///
/// Read it with [`Calendar::from_yaml`] or any serde format; two calendars are equal when they
/// give the same answers under the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    id: String,
    version: u32,
    jurisdiction: String,
    source: String,
    years: Years,
    holiday_hours: Hours,
    index: Index,
}

/// What kind of day a date is. Names are those of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DayKind<'a> {
    /// An ordinary day with hours.
    Working,
    /// A day off that is opened to make up for a holiday; counts as a working day.
    MakeUp(&'a str),
    /// A holiday. It may have hours, and is no working day even then.
    Holiday(&'a str),
    /// A weekday that never opens, such as a Sunday.
    WeeklyClosed,
}

impl DayKind<'_> {
    /// Whether the day counts when working days are counted.
    pub fn is_working_day(self) -> bool {
        matches!(self, Self::Working | Self::MakeUp(_))
    }
}

/// One date as a calendar sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day<'a> {
    /// Ordinary, holiday, make-up or closed every week.
    pub kind: DayKind<'a>,
    /// Opening hours in the site's civil time; empty when closed.
    pub hours: &'a Hours,
}

impl Calendar {
    /// Open every hour of every day, in every year. Id `always`, version 1.
    pub fn always() -> Self {
        let day = Hours::whole_day;
        let week = [day(), day(), day(), day(), day(), day(), day()];
        Self {
            id: "always".to_owned(),
            version: 1,
            jurisdiction: "any".to_owned(),
            source: "by definition".to_owned(),
            years: Years {
                from: parse::FIRST_YEAR,
                to: parse::LAST_YEAR,
            },
            holiday_hours: Hours::default(),
            index: Index::new(week, Vec::new()),
        }
    }

    /// Name of the calendar, unique within a tenant; lower case, digits and hyphens.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Version of the content, from 1. A decision records it next to the id.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whose law or custom it follows, such as `CN` or `US-MA`.
    pub fn jurisdiction(&self) -> &str {
        &self.jurisdiction
    }

    /// Where the days and hours were published.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The years whose special days are listed.
    pub fn years(&self) -> Years {
        self.years
    }

    /// Whether the special days of the date's year are known. Where they are not, answers rest on
    /// the weekly hours alone.
    pub fn covers(&self, date: Date) -> bool {
        (self.years.from..=self.years.to).contains(&date.year())
    }

    /// The kind and hours of a date.
    pub fn day(&self, date: Date) -> Day<'_> {
        self.numbered_day(day_number(date))
    }

    /// The listed holidays and make-up days in order of date.
    pub fn special_days(&self) -> impl Iterator<Item = (Date, Day<'_>)> {
        let listed = self.index.special_days().iter();
        listed.map(|s| (index::date_of(s.day), self.numbered_day(s.day)))
    }

    fn numbered_day(&self, day: DayNumber) -> Day<'_> {
        let Some(special) = self.index.special(day) else {
            let hours = self.index.hours(day);
            let kind = match hours.is_closed() {
                true => DayKind::WeeklyClosed,
                false => DayKind::Working,
            };
            return Day { kind, hours };
        };
        let kind = match special.class {
            Class::Holiday => DayKind::Holiday(&special.name),
            Class::MakeUp(_) => DayKind::MakeUp(&special.name),
        };
        Day {
            kind,
            hours: &special.hours,
        }
    }
}
