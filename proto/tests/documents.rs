//! What docs/ claims is there: every capability has its row and its tests, every measure of
//! security its tests, every metric its code.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

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

/// What `read` finds in the Rust files below `folder`.
fn collect(folder: &Path, read: fn(&str) -> Vec<String>, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, read, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.extend(read(&std::fs::read_to_string(&path).unwrap()));
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

/// The tree's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(name)).unwrap()
}

/// What `read` finds in every Rust file of the tree.
fn found_in_tree(read: fn(&str) -> Vec<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for place in PLACES {
        collect(&root().join(place), read, &mut found);
    }
    found
}

/// The names in backticks of the last column of tables with three columns.
fn shown_by(text: &str) -> Vec<&str> {
    let rows = text.lines().filter(|l| l.starts_with("| "));
    let cells = rows.map(|l| l.trim_matches('|').split(" | ").collect::<Vec<_>>());
    let last = cells.filter(|c| c.len() == 3).map(|c| c[2]);
    last.flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect()
}

/// The words of a text that are written like metrics: `fettle_rpc_seconds`.
fn metrics_in(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ends = ["_total", "_seconds", "_in_flight"];
    words
        .filter(|w| w.starts_with("fettle_") && ends.iter().any(|end| w.ends_with(end)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_measure_of_security_has_its_tests() {
    let (page, tests) = (page("SECURITY.md"), found_in_tree(named_in));

    let shown = shown_by(&page);

    assert!(
        shown.len() > 10,
        "the column of proofs is not read: {shown:?}"
    );
    let absent: Vec<&&str> = shown
        .iter()
        .filter(|name| !tests.contains(**name))
        .collect();
    assert!(
        absent.is_empty(),
        "docs/SECURITY.md names tests that are not there: {absent:?}"
    );
}

#[test]
fn every_metric_is_in_the_manual_and_no_other() {
    let written: BTreeSet<String> = metrics_in(&page("OPERATIONS.md")).into_iter().collect();
    let mut counted = named_as_constants();
    counted.extend(found_in_tree(|source| match source.contains("metrics::") {
        true => metrics_in(source),
        false => Vec::new(),
    }));

    assert_eq!(
        written, counted,
        "docs/OPERATIONS.md on the left, the code on the right"
    );
}

/// The metrics that chassis names in one place.
fn named_as_constants() -> BTreeSet<String> {
    let source = std::fs::read_to_string(root().join("chassis/src/metrics.rs")).unwrap();
    metrics_in(&source).into_iter().collect()
}

#[test]
fn every_decision_is_in_the_index() {
    let index = page("decisions/README.md");

    for entry in std::fs::read_dir(root().join("docs/decisions")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let listed = name == "README.md" || index.contains(&format!("({name})"));
        assert!(listed, "add {name} to docs/decisions/README.md");
    }
}

#[test]
fn every_capability_has_a_row_that_claims_no_more_than_tests_show() {
    let wrong = wrong(&page("FEATURES.md"), &found_in_tree(named_in));

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
fn proofs_and_metrics_are_read_from_their_columns_and_words() {
    let page =
        "| Measure | How | Shown by |\n| Links | hashed `sha` | `a_link` `b_link` |\n| a | b |";
    assert_eq!(shown_by(page), ["a_link", "b_link"]);
    assert_eq!(
        metrics_in("`fettle_rpc_seconds` of fettle_ticket"),
        ["fettle_rpc_seconds"]
    );
}

#[test]
fn tests_are_known_by_their_attribute() {
    let source = "#[test]\nfn first() {}\n#[tokio::test(flavor = \"multi_thread\")]\n#[ignore]\n\
                  async fn second() {}\nfn no_test() {}";
    assert_eq!(named_in(source), ["first", "second"]);
}
