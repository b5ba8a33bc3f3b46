//! Messages to domain and back; the only place that sees both. Reading collects every violation.

pub(crate) mod asset;
pub(crate) mod contract;
pub(crate) mod decision;
mod explain;
pub(crate) mod policy;

use chassis::Violations;
use jiff::SignedDuration;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

pub use explain::explain;

use crate::domain::policy::{code, region};

/// How far ahead of our clock the callers' may be.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The last date that is no future date anywhere on earth: tomorrow in UTC.
fn latest_date(now: Timestamp) -> Date {
    let today = now.to_zoned(TimeZone::UTC).date();
    today.tomorrow().unwrap_or(today)
}

/// A date that is not in the future; empty is `None`.
fn past_date(
    violations: &mut Violations,
    field: impl Into<String>,
    value: &str,
    now: Timestamp,
) -> Option<Date> {
    let field = field.into();
    let date = violations.date(field.clone(), value)?;
    if date > latest_date(now) {
        violations.add(field, "is in the future");
        return None;
    }
    Some(date)
}

/// An upper case word of at most 40 characters; empty is `None`.
fn optional_code(
    violations: &mut Violations,
    field: impl Into<String>,
    value: &str,
) -> Option<String> {
    if value.is_empty() {
        return None;
    }
    let read = code(value);
    if read.is_none() {
        violations.add(
            field,
            "is no upper case word such as POWER_SUPPLY, of at most 40 characters",
        );
    }
    read
}

/// An upper case word that must be there.
fn required_code(
    violations: &mut Violations,
    field: impl Into<String>,
    value: &str,
) -> Option<String> {
    let field = field.into();
    if value.is_empty() {
        violations.add(field, "is required");
        return None;
    }
    optional_code(violations, field, value)
}

/// A country or subdivision of ISO 3166 that must be there.
fn required_region(violations: &mut Violations, field: &str, value: &str) -> Option<String> {
    if value.is_empty() {
        violations.add(field, "is required");
        return None;
    }
    let read = region(value);
    if read.is_none() {
        violations.add(field, "is no ISO 3166 code such as CN or CN-ZJ");
    }
    read
}
