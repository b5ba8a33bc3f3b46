//! What several test files say: a shipped calendar, a zone, an instant.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

use calendar::Calendar;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub(crate) fn workspace() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A calendar shipped in `policies/calendars`.
pub(crate) fn shipped(id: &str) -> Calendar {
    let path = workspace().join(format!("policies/calendars/{id}.yaml"));
    let text = std::fs::read_to_string(path).unwrap();
    Calendar::from_yaml(&text).unwrap_or_else(|violations| panic!("{id}: {violations:#?}"))
}

pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// The instant of a civil time such as `2024-02-10T09:00`.
pub(crate) fn at(tz: &TimeZone, civil: &str) -> Timestamp {
    tz.to_timestamp(civil.parse::<DateTime>().unwrap()).unwrap()
}

pub(crate) fn hours(n: i64) -> SignedDuration {
    SignedDuration::from_hours(n)
}

pub(crate) fn minutes(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

/// A calendar for one test from the lines under `hours:` and what follows.
pub(crate) fn with_hours(body: &str) -> Calendar {
    let head = "id: test\nversion: 1\njurisdiction: any\nsource: this test\n";
    let text = format!("{head}years: {{from: 2000, to: 2030}}\nhours:\n{body}");
    Calendar::from_yaml(&text).unwrap_or_else(|violations| panic!("{violations:#?}"))
}
