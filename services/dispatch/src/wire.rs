//! Contract ↔ domain: parses requests, noting every violation, and writes answers.

pub(crate) mod technician;
pub(crate) mod work_order;

use chassis::refusal::to_pb;
use chassis::{Position, Violations, names};
use jiff::{SignedDuration, Timestamp};
use proto::dispatch::v1 as pb;
use proto::kinds::v1 as kinds;

use crate::domain::Window;
use crate::domain::finding::Finding;
use crate::domain::plan::Slot;

/// How far ahead of now something may have happened.
pub(crate) const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A skill code: 1 to 60 of `A-Z`, `0-9`, `_`.
fn skill(v: &mut Violations, field: String, code: &str) -> String {
    let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if code.is_empty() || code.len() > 60 || !code.bytes().all(allowed) {
        v.add(field, "is not 1 to 60 of A-Z, 0-9 and _");
    }
    code.to_owned()
}

/// A name of the form `collection/…`, its last part of 1 to 100 characters without a slash.
fn reference(v: &mut Violations, field: String, name: &str, collection: &str) -> String {
    let last = name
        .strip_prefix(collection)
        .and_then(|rest| rest.strip_prefix('/'));
    let fits = |last: &str| {
        (1..=100).contains(&last.chars().count())
            && !last
                .chars()
                .any(|c| c == '/' || c.is_control() || c.is_whitespace())
    };
    if !last.is_some_and(fits) {
        v.add(field, format!("is no name of the form {collection}/{{id}}"));
    }
    name.to_owned()
}

/// Degrees north and east. Both 0 is what an absent pair looks like: a point in the sea.
fn place(v: &mut Violations, fields: [&str; 2], lat: f64, lng: f64) -> Option<Position> {
    if lat == 0.0 && lng == 0.0 {
        v.add(fields[0], "is required, with the longitude");
        return None;
    }
    if !(-90.0..=90.0).contains(&lat) {
        v.add(fields[0], "is not within -90 to 90 degrees");
    }
    if !(-180.0..=180.0).contains(&lng) {
        v.add(fields[1], "is not within -180 to 180 degrees");
    }
    Position::new(lat, lng)
}

/// A window with both ends, in order; absent is none.
fn window(v: &mut Violations, field: &str, value: Option<&kinds::TimeWindow>) -> Option<Window> {
    let value = value?;
    let start = v.required_instant(&format!("{field}.start"), value.start.as_ref());
    let end = v.required_instant(&format!("{field}.end"), value.end.as_ref());
    let (start, end) = (start?, end?);
    if end <= start {
        v.add(format!("{field}.end"), "is not after the start");
        return None;
    }
    Some(Window { start, end })
}

/// A window as the contract writes it.
fn window_pb(window: Window) -> kinds::TimeWindow {
    kinds::TimeWindow {
        start: Some(to_pb(window.start)),
        end: Some(to_pb(window.end)),
    }
}

fn instant_pb(at: Option<Timestamp>) -> Option<prost_types::Timestamp> {
    at.map(to_pb)
}

/// An offer as the contract writes it.
pub(crate) fn slot(slot: &Slot) -> pb::Slot {
    pb::Slot {
        technician: names::name("technicians", slot.technician),
        window: Some(window_pb(slot.window)),
        travel_seconds: slot.leg.time.as_secs(),
    }
}

/// A finding as the contract writes it.
pub(crate) fn finding(finding: &Finding) -> kinds::Finding {
    use kinds::finding::{Argument, Measure, Verdict};
    let verdict = match finding.passed() {
        Some(true) => Verdict::Met,
        Some(false) => Verdict::NotMet,
        None => Verdict::Noted,
    };
    let argument = |(name, value): &(String, String)| Argument {
        name: name.clone(),
        value: value.clone(),
    };
    let numbers = finding.numbers.iter().map(|number| Measure {
        name: number.name.clone(),
        value: number.value,
        unit: number.unit.clone(),
    });
    kinds::Finding {
        code: finding.code.name().to_owned(),
        verdict: verdict.into(),
        subject: finding
            .technician
            .map_or_else(String::new, |id| names::name("technicians", id)),
        arguments: finding.arguments.iter().map(argument).collect(),
        numbers: numbers.collect(),
        source: None,
        message: finding.message(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Code;

    #[test]
    fn every_finding_code_is_one_of_the_contract() {
        for number in 1..=11 {
            let of_contract = pb::FindingCode::try_from(number).unwrap().as_str_name();
            let ours: Code = serde_json::from_value(of_contract.into()).unwrap();
            assert_eq!(ours.name(), of_contract);
        }
        assert!(pb::FindingCode::try_from(12).is_err());
    }
}
