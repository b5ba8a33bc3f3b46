//! Technicians: skills with certificates, weekly shifts in civil time, and a diary of bookings.

use chassis::Position;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Window;

/// Highest level of a skill.
pub const TOP_LEVEL: i32 = 5;

/// Minutes of a civil day; the end of a shift that ends at midnight.
pub const MIDNIGHT: u16 = 24 * 60;

/// What somebody can do, and until when it is certified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skill {
    /// Upper snake case: `NOTEBOOK_REPAIR`.
    pub skill: String,
    /// 1 to [`TOP_LEVEL`].
    pub level: i32,
    /// Last day of the certificate, included, in the technician's zone; none: for ever.
    pub valid_until: Option<Date>,
}

/// What a job needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Upper snake case.
    pub skill: String,
    /// Least level, 1 to [`TOP_LEVEL`].
    pub level: i32,
}

/// Working hours of one weekday in civil time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// 1 Monday to 7 Sunday.
    pub weekday: i8,
    /// Minutes after civil midnight.
    pub start: u16,
    /// Minutes after civil midnight, above `start`, at most [`MIDNIGHT`].
    pub end: u16,
}

impl Shift {
    /// The shift on that date as instants; none on other weekdays, and where a change of clocks
    /// leaves nothing of it. A civil time that the change skips counts as the one after the gap.
    pub fn on(&self, date: Date, zone: &TimeZone) -> Option<Window> {
        if date.weekday().to_monday_one_offset() != self.weekday {
            return None;
        }
        let (start, end) = (
            instant(date, self.start, zone)?,
            instant(date, self.end, zone)?,
        );
        (start < end).then_some(Window { start, end })
    }
}

/// The instant so many civil minutes into the date.
fn instant(date: Date, minutes: u16, zone: &TimeZone) -> Option<Timestamp> {
    let (date, minutes) = match minutes {
        MIDNIGHT => (date.tomorrow().ok()?, 0),
        minutes => (date, minutes),
    };
    let (hour, minute) = (
        i8::try_from(minutes / 60).ok()?,
        i8::try_from(minutes % 60).ok()?,
    );
    let civil = date.to_datetime(Time::new(hour, minute, 0, 0).ok()?);
    zone.to_ambiguous_timestamp(civil).compatible().ok()
}

/// The civil day as instants: 23 or 25 hours where clocks change.
pub fn day(date: Date, zone: &TimeZone) -> Option<Window> {
    Some(Window {
        start: instant(date, 0, zone)?,
        end: instant(date, MIDNIGHT, zone)?,
    })
}

/// One booking in a diary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Booking {
    /// Whose time it is.
    pub work_order: Uuid,
    /// Setting out.
    pub departs: Timestamp,
    /// Start of the work.
    pub starts: Timestamp,
    /// End of the work.
    pub ends: Timestamp,
    /// Where the technician is then.
    pub site: Position,
}

/// One who may be asked: a technician with the diary around the window in question.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The technician.
    pub id: Uuid,
    /// Where the day begins; also where bench work is done.
    pub home: Position,
    /// Zone of shifts and certificates.
    pub zone: TimeZone,
    /// Each skill once.
    pub skills: Vec<Skill>,
    /// Weekly hours; those of one day do not overlap.
    pub shifts: Vec<Shift>,
    /// Gets no jobs.
    pub inactive: bool,
    /// Bookings by time; they do not overlap.
    pub bookings: Vec<Booking>,
    /// The diary's version these bookings were read at.
    pub diary: i64,
}

impl Candidate {
    /// The skill of that code.
    pub fn skill(&self, code: &str) -> Option<&Skill> {
        self.skills.iter().find(|s| s.skill == code)
    }
}

/// A technician as kept and shown.
#[derive(Clone, derive_more::Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "the contract's Technician documents each field"
)]
pub struct Technician {
    pub id: Uuid,
    pub code: String,
    #[debug("[personal]")]
    pub display_name: String,
    pub partner: Option<String>,
    pub region: String,
    pub home: Position,
    pub time_zone: String,
    pub skills: Vec<Skill>,
    pub shifts: Vec<Shift>,
    pub inactive: bool,
    pub version: i64,
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn shift(weekday: i8, start: u16, end: u16) -> Shift {
        Shift {
            weekday,
            start,
            end,
        }
    }

    fn hours(shift: Shift, on: Date, zone: &str) -> Option<f64> {
        let window = shift.on(on, &TimeZone::get(zone).unwrap())?;
        Some(window.end.duration_since(window.start).as_secs_f64() / 3_600.0)
    }

    #[test]
    fn a_shift_is_civil_time_and_follows_the_change_of_clocks() {
        let night = shift(7, 0, 6 * 60);
        let (spring, autumn) = (date(2026, 3, 8), date(2026, 11, 1));

        assert_eq!(
            hours(night, date(2026, 3, 1), "America/New_York"),
            Some(6.0)
        );
        assert_eq!(hours(night, spring, "America/New_York"), Some(5.0));
        assert_eq!(hours(night, autumn, "America/New_York"), Some(7.0));
        // The hour that the spring skips leaves nothing of a shift within it.
        assert_eq!(hours(shift(7, 120, 180), spring, "America/New_York"), None);
        assert_eq!(hours(night, date(2026, 3, 2), "America/New_York"), None);
    }

    #[test]
    fn a_shift_may_end_at_midnight() {
        let late = shift(1, 16 * 60, MIDNIGHT);
        assert_eq!(hours(late, date(2026, 3, 2), "Asia/Shanghai"), Some(8.0));
    }
}
