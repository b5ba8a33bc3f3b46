//! Names say their kind: zeros of enums, instants, units, JSON.

use prost_reflect::{FieldDescriptor, Kind};

use crate::reading::{Contract, words};
use crate::{accepts, kept, refuses};

/// Instants that are not named after what happened then, and why.
const INSTANTS: [(&str, &str); 3] = [
    (
        "due_before",
        "a bound to filter by, not an instant of something",
    ),
    ("needed_by", "a bound, as people say it"),
    ("as_of", "the instant a question is asked for"),
];

/// Numbers whose comment speaks of a unit that they are not counted in, and why.
const NOT_IN_THAT_UNIT: [(&str, &str); 1] = [(
    "fettle.ticket.v1.Quote.Line.quantity",
    "pieces or hours, by what the line charges for",
)];

/// The zero of an enum is `<ENUM>_UNSPECIFIED`, so that nothing is meant by silence.
fn zeros(contract: &Contract) -> Vec<String> {
    let mut offences = Vec::new();
    for an_enum in contract.enums() {
        let wanted = format!(
            "{}_UNSPECIFIED",
            words(an_enum.name()).join("_").to_uppercase()
        );
        let zero = an_enum.get_value(0);
        if zero.is_none_or(|v| v.name() != wanted) {
            let name = an_enum.full_name();
            offences.push(format!("{name}: its value 0 is {wanted}"));
        }
    }
    offences
}

/// A timestamp ends in `_time`, or is the `start`, `end` or `time` of its message.
fn instants(contract: &Contract) -> Vec<String> {
    let wrong = contract.fields().filter(|f| {
        let named = f.name().ends_with("_time") || ["start", "end", "time"].contains(&f.name());
        let excepted = INSTANTS.iter().any(|(name, _)| *name == f.name());
        named != is(f, "google.protobuf.Timestamp") && !excepted
    });
    // A date or a civil time may be called start and end too; its comment says so.
    let civil = |f: &FieldDescriptor| {
        let comment = contract.field_comment(f);
        comment.contains("YYYY-MM-DD") || comment.contains("HH:MM")
    };
    wrong
        .filter(|f| !civil(f))
        .map(|f| {
            format!(
                "{}: an instant is a Timestamp whose name ends in _time",
                f.full_name()
            )
        })
        .collect()
}

fn is(field: &FieldDescriptor, message: &str) -> bool {
    matches!(field.kind(), Kind::Message(m) if m.full_name() == message)
}

/// A number counted in a unit says it in its name; a span of time is a Duration or says its unit.
fn units(contract: &Contract) -> Vec<String> {
    let mut offences = Vec::new();
    for field in contract.fields().filter(is_number) {
        if NOT_IN_THAT_UNIT
            .iter()
            .any(|(name, _)| *name == field.full_name())
        {
            continue;
        }
        let comment = contract.field_comment(&field).to_lowercase();
        let mut said = comment.split(|c: char| !c.is_alphanumeric());
        let unit = said.find(|w| ["seconds", "minutes", "hours", "days", "meters"].contains(w));
        let last = words(field.name()).pop().unwrap_or_default();
        if let Some(unit) = unit.filter(|unit| last != *unit) {
            offences.push(format!(
                "{} counts {unit}: end its name in _{unit}, or use a Duration",
                field.full_name()
            ));
        } else if ["duration", "timeout", "delay", "distance", "travel", "age"].contains(&&*last) {
            let name = field.full_name();
            offences.push(format!("{name} is a bare number: end its name in its unit"));
        }
    }
    offences
}

fn is_number(field: &FieldDescriptor) -> bool {
    matches!(
        field.kind(),
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 | Kind::Double | Kind::Float
    )
}

/// In JSON a field is its name in camelCase. That two fields of a message do not look alike there
/// is what the compiler sees to: it refuses `foo_bar` beside `foobar`.
fn json(contract: &Contract) -> Vec<String> {
    let renamed = contract
        .fields()
        .filter(|f| f.json_name() != camel(f.name()));
    renamed
        .map(|f| format!("{}: leave its JSON name as it is by itself", f.full_name()))
        .collect()
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |camel, part| {
        let (head, tail) = part.split_at(part.len().min(1));
        camel + &head.to_uppercase() + tail
    })
}

#[test]
fn nothing_is_meant_by_the_zero_of_an_enum() {
    kept(zeros);
    refuses(zeros, "enum Mode { ON_SITE = 0; }", "Mode MODE_UNSPECIFIED");
    refuses(
        zeros,
        "enum Mode { UNSPECIFIED = 0; }",
        "Mode MODE_UNSPECIFIED",
    );
    accepts(zeros, "enum WorkMode { WORK_MODE_UNSPECIFIED = 0; }");
}

#[test]
fn an_instant_is_known_by_its_name() {
    kept(instants);
    let created = "message M { google.protobuf.Timestamp created = 1; }";
    refuses(instants, created, "M.created _time");
    refuses(
        instants,
        "message M { string create_time = 1; }",
        "M.create_time Timestamp",
    );
    accepts(
        instants,
        "message M { /* First day, YYYY-MM-DD. */ string start = 1; }",
    );
}

#[test]
fn a_number_says_its_unit() {
    kept(units);
    let travel = "message M { /* How far, in meters. */ int64 how_far = 1; }";
    refuses(units, travel, "M.how_far _meters");
    refuses(
        units,
        "message M { /* How long. */ int32 timeout = 1; }",
        "timeout unit",
    );
    accepts(
        units,
        "message M { /* How far, meters. */ int64 distance_meters = 1; }",
    );
}

#[test]
fn a_field_has_one_name_in_json() {
    kept(json);
    let own = "message M { string serial_number = 1 [json_name = \"sn\"]; }";
    refuses(json, own, "M.serial_number JSON");
}

#[test]
fn every_exception_is_still_needed() {
    let contract = Contract::ours();
    for (name, why) in INSTANTS {
        let used = contract.fields().any(|f| f.name() == name);
        assert!(
            used && !why.is_empty(),
            "{name} is gone: take it out of INSTANTS"
        );
    }
    for (name, _) in NOT_IN_THAT_UNIT {
        let used = contract.fields().any(|f| f.full_name() == name);
        assert!(used, "{name} is gone: take it out of NOT_IN_THAT_UNIT");
    }
}
