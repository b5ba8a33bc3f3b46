//! What was published stays: nothing is removed, renumbered or retyped.
//!
//! `baseline/contract.txt` lists every element with what callers rely on, one line each, sorted.
//! After adding elements write them into it with
//! `FETTLE_UPDATE_BASELINE=1 cargo test -p fettle-proto --test contract`; a line is never taken
//! out by that, so a break has to be written by hand, where a reviewer sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use prost_reflect::{Cardinality, FieldDescriptor, Kind};

use crate::reading::Contract;

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("baseline/contract.txt")
}

/// Every element of the contract as a line: `field fettle.ticket.v1.Ticket.name = 1 string`.
fn listing(contract: &Contract) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for message in contract.messages() {
        lines.insert(format!("message {}", message.full_name()));
    }
    for field in contract.fields() {
        let (name, number) = (field.full_name(), field.number());
        lines.insert(format!("field {name} = {number} {}", typed(&field)));
    }
    for an_enum in contract.enums() {
        lines.insert(format!("enum {}", an_enum.full_name()));
        for value in an_enum.values() {
            let (parent, name) = (an_enum.full_name(), value.name());
            lines.insert(format!("value {parent}.{name} = {}", value.number()));
        }
    }
    for service in contract.services() {
        lines.insert(format!("service {}", service.full_name()));
    }
    for method in contract.methods() {
        let stream = |is: bool| if is { "stream " } else { "" };
        let address = contract.binding(&method);
        let address = address.map(|b| format!(" {} {} {:?}", b.verb, b.path, b.body));
        lines.insert(format!(
            "rpc {} = ({}{}) {}{}{}",
            method.full_name(),
            stream(method.is_client_streaming()),
            method.input().full_name(),
            stream(method.is_server_streaming()),
            method.output().full_name(),
            address.unwrap_or_default(),
        ));
    }
    lines
}

/// The field's type as the contract writes it, with what changes its wire or JSON form.
fn typed(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(an_enum) => an_enum.full_name().to_owned(),
        plain => format!("{plain:?}").to_lowercase(),
    };
    let repeated = field.cardinality() == Cardinality::Repeated;
    let oneof = field.containing_oneof();
    let oneof = oneof
        .map(|o| format!(" of {}", o.name()))
        .unwrap_or_default();
    format!("{}{kind}{oneof}", if repeated { "repeated " } else { "" })
}

/// What stands before ` = `: the element without what may not change about it.
fn element(line: &str) -> &str {
    line.split(" = ").next().unwrap_or(line)
}

/// Lines of the baseline that the contract does not keep, each with what stands there now.
fn broken(baseline: &BTreeSet<String>, now: &BTreeSet<String>) -> Vec<String> {
    let by_element: BTreeMap<&str, &String> = now.iter().map(|l| (element(l), l)).collect();
    let lost = baseline.difference(now);
    lost.map(|line| match by_element.get(element(line)) {
        Some(other) => format!("{line}\n    is now: {other}"),
        None => format!("{line}\n    is gone"),
    })
    .collect()
}

#[test]
fn nothing_published_was_removed_renumbered_or_retyped() {
    let written = std::fs::read_to_string(file()).unwrap_or_default();
    let baseline: BTreeSet<String> = written.lines().map(str::to_owned).collect();
    let now = listing(Contract::ours());

    let broken = broken(&baseline, &now);
    assert!(
        broken.is_empty(),
        "callers rely on these; put them back, or add an element beside the old one:\n  {}\n\
         Before anyone relies on them, take their lines out of {} by hand and say why.",
        broken.join("\n  "),
        file().display()
    );

    if std::env::var_os("FETTLE_UPDATE_BASELINE").is_some() {
        let lines: Vec<&str> = now.iter().map(String::as_str).collect();
        std::fs::write(file(), lines.join("\n") + "\n").unwrap();
        return;
    }
    let new: Vec<&String> = now.difference(&baseline).collect();
    assert!(
        new.is_empty(),
        "new elements; publish them with FETTLE_UPDATE_BASELINE=1 \
         cargo test -p fettle-proto --test contract, and commit the baseline:\n  {new:#?}"
    );
}

#[test]
fn an_element_removed_renumbered_or_retyped_is_found() {
    let before = "message M { string name = 1; int32 round = 2; repeated string parts = 3; }
         enum State { STATE_UNSPECIFIED = 0; OPEN = 1; }
         service S { rpc GetM(M) returns (M)
           { option (google.api.http) = {get: \"/v1/{name=ms/*}\"}; } }";
    let baseline = listing(&Contract::tiny(before));

    for (old, new, words) in [
        ("string name = 1;", "string name = 4;", "M.name = 4 string"),
        ("int32 round", "int64 round", "M.round = 2 int64"),
        (
            "repeated string parts",
            "string parts",
            "M.parts = 3 string",
        ),
        ("int32 round = 2;", "", "M.round = 2 int32\n    is gone"),
        ("OPEN = 1", "OPENED = 1", "State.OPEN = 1\n    is gone"),
        ("=ms/*", "=things/*", "/v1/{name=things/*}"),
    ] {
        assert!(before.contains(old), "{old}");
        let now = listing(&Contract::tiny(&before.replace(old, new)));
        let broken = broken(&baseline, &now).join("\n");
        assert!(broken.contains(words), "{words:?} not in {broken:?}");
    }
}

#[test]
fn a_new_element_breaks_nothing() {
    let before = listing(&Contract::tiny("message M { string name = 1; }"));
    let after = listing(&Contract::tiny(
        "message M { string name = 1; string etag = 2; }",
    ));
    assert_eq!(broken(&before, &after), Vec::<String>::new());
}
