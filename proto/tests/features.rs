//! docs/FEATURES.md has a row for every capability, and claims no more than tests show.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Areas and the number of their last capability; ids run from 01 without gaps and none is dropped.
const AREAS: [(&str, u32); 10] = [
    ("TK", 25),
    ("EN", 20),
    ("IN", 17),
    ("DI", 19),
    ("FB", 11),
    ("CH", 7),
    ("ED", 8),
    ("MO", 5),
    ("KN", 3),
    ("CC", 2),
];

/// Folders whose tests may be named as proof.
const PLACES: [&str; 6] = ["calendar", "chassis", "cli", "proto", "services", "tests"];

/// What is wrong with the table, given the names of all tests.
fn wrong(table: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut rows: BTreeMap<String, u32> = BTreeMap::new();
    for line in table.lines().filter(|l| is_row(l)) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [id, _, state, _, proof] = cells[..] else {
            wrong.push(format!("five columns: {line}"));
            continue;
        };
        *rows.entry(id.to_owned()).or_default() += 1;
        let named: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        match (state, named.is_empty()) {
            ("works", true) => {
                wrong.push(format!("{id} says \"works\": name the tests that show it"))
            }
            ("not yet", false) => wrong.push(format!("{id} says \"not yet\" and names tests")),
            ("works" | "partly" | "not yet", _) => {}
            _ => wrong.push(format!(
                "{id}: the state is works, partly or not yet, not {state:?}"
            )),
        }
        let absent = named.iter().filter(|name| !tests.contains(**name));
        wrong.extend(absent.map(|name| format!("{id} names {name}, and there is no such test")));
    }
    for (area, last) in AREAS {
        for number in 1..=last {
            let id = format!("{area}-{number:02}");
            if rows.remove(&id) != Some(1) {
                wrong.push(format!("{id} needs exactly one row"));
            }
        }
    }
    wrong.extend(
        rows.keys()
            .map(|id| format!("{id} is no capability known here")),
    );
    wrong
}

/// `| TK-01 | …`
fn is_row(line: &str) -> bool {
    let id = line
        .strip_prefix("| ")
        .and_then(|rest| rest.split(' ').next());
    id.is_some_and(|id| {
        let areas = id.len() == 5 && id.as_bytes()[2] == b'-';
        areas && id[..2].chars().all(|c| c.is_ascii_uppercase())
    })
}

/// The names of all tests below `folder`.
fn collect(folder: &Path, tests: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, tests);
        } else if path.extension().is_some_and(|end| end == "rs") {
            tests.extend(named_in(&std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Functions under an attribute that makes them tests.
fn named_in(source: &str) -> Vec<String> {
    let (mut named, mut marked) = (Vec::new(), false);
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| marked) {
            named.extend(rest.split('(').next().map(str::to_owned));
            marked = false;
        }
    }
    named
}

#[test]
fn every_capability_has_a_row_that_claims_no_more_than_tests_show() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let table = std::fs::read_to_string(root.join("docs/FEATURES.md")).unwrap();
    let mut tests = BTreeSet::new();
    for place in PLACES {
        collect(&root.join(place), &mut tests);
    }

    let wrong = wrong(&table, &tests);

    assert!(
        wrong.is_empty(),
        "docs/FEATURES.md:\n  {}",
        wrong.join("\n  ")
    );
}

#[test]
fn a_row_that_is_missing_or_claims_too_much_is_found() {
    let tests = BTreeSet::from(["a_fault_is_repaired".to_owned()]);
    let rows = "| TK-01 | Kinds | works | – | – |
| TK-02 | Number | done | – | – |
| TK-03 | Intake | partly | – | `nobody_wrote_this` |
| TK-04 | Codes | not yet | – | `a_fault_is_repaired` |
| TK-05 | States | works | `CreateTicket` | `a_fault_is_repaired` |
| TK-99 | Magic | not yet | – | – |";

    let found = wrong(rows, &tests);

    for said in [
        "TK-01 says \"works\"",
        "TK-02: the state",
        "TK-03 names nobody_wrote_this",
        "TK-04 says \"not yet\" and",
        "TK-06 needs exactly one row",
        "TK-99 is no capability",
    ] {
        assert!(
            found.iter().any(|f| f.starts_with(said)),
            "{said:?} not in {found:?}"
        );
    }
    assert!(!found.iter().any(|f| f.starts_with("TK-05")), "{found:?}");
}

#[test]
fn tests_are_known_by_their_attribute() {
    let source = "#[test]\nfn first() {}\n#[tokio::test(flavor = \"multi_thread\")]\n#[ignore]\n\
                  async fn second() {}\nfn no_test() {}";
    assert_eq!(named_in(source), ["first", "second"]);
}
