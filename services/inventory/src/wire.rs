//! Contract ↔ domain: the only module that sees both. Reading collects all violations.

use std::collections::BTreeSet;

use chassis::Violations;
use jiff::SignedDuration;

pub mod part;
pub mod reservation;
pub mod stock;

/// How far ahead of our clock something may be said to have happened.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Longest serial number, in characters.
const LONGEST_SERIAL: usize = 64;

/// The number in `parts/{number}`; empty is "is required".
fn part_of(violations: &mut Violations, field: impl Into<String>, name: &str) -> String {
    let is_number = |text: &str| coded(text, b"-.");
    named(violations, field.into(), name, "parts/", is_number)
}

/// The code in `stockLocations/{code}`; empty is "is required".
fn location_of(violations: &mut Violations, field: &str, name: &str) -> String {
    let is_code = |text: &str| coded(text, b"-");
    named(
        violations,
        field.to_owned(),
        name,
        "stockLocations/",
        is_code,
    )
}

/// As [`part_of`] for a filter: empty does not filter.
fn optional_part(violations: &mut Violations, field: &str, name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        part_of(violations, field, name)
    }
}

fn named(
    violations: &mut Violations,
    field: String,
    name: &str,
    prefix: &str,
    is_code: impl Fn(&str) -> bool,
) -> String {
    match name.strip_prefix(prefix).filter(|code| is_code(code)) {
        Some(code) => return code.to_owned(),
        None if name.is_empty() => violations.add(field, "is required"),
        None => violations.add(field, format!("is no name of the form {prefix}{{code}}")),
    }
    String::new()
}

/// 1 to 40 of `A-Z`, `0-9` and the extra signs.
fn coded(text: &str, signs: &[u8]) -> bool {
    let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || signs.contains(&b);
    (1..=40).contains(&text.len()) && text.bytes().all(allowed)
}

/// Serial numbers: each 1 to 64 characters, none twice.
fn serials(violations: &mut Violations, field: &str, given: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut read = Vec::with_capacity(given.len());
    for (i, serial) in given.iter().enumerate() {
        let serial = violations.text(format!("{field}[{i}]"), serial, 1..=LONGEST_SERIAL);
        if !seen.insert(serial.clone()) {
            violations.add(format!("{field}[{i}]"), "is given twice");
        }
        read.push(serial);
    }
    read
}
