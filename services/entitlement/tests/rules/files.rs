//! Policy files: what is refused, and that everything wrong is told at once.

use std::fs;

use entitlement::domain::price::PriceList;
use entitlement::domain::{Policy, Violation};

use super::*;

fn lines(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(Violation::to_string).collect()
}

#[test]
fn every_mistake_of_a_policy_file_is_told_at_once_with_its_line() {
    let text = "\
id: Bad Name
version: 0
layer: STATUTORY
jurisdictions: [China]
colour: red
valid_from: 2024-13-01
source: a law
verified: perhaps
start: [PURCHASE]
terms:
  - {rule: a, components: [UNIT], for: 12 moons}
  - {rule: a, components: [unit], for: 1 year}
";
    let refused = Policy::read(text).unwrap_err();

    let told = lines(&refused);
    for (line, path) in [
        (1, "id"),
        (2, "version"),
        (4, "jurisdictions"),
        (5, "colour"),
        (6, "valid_from"),
        (8, "verified"),
        (9, "start"),
        (11, "terms[0].for"),
        (12, "terms[1].components"),
    ] {
        let expected = format!("line {line}: {path}: ");
        assert!(
            told.iter().any(|said| said.starts_with(&expected)),
            "{expected} in {told:#?}"
        );
    }
    assert!(
        told.iter()
            .any(|said| said.contains("rule `a` is there twice")),
        "{told:#?}"
    );
}

#[test]
fn a_contract_has_no_start_and_no_law_is_a_default() {
    let contract = "{id: a, version: 1, layer: CONTRACT, source: s, verified: true, start: [SALE], terms: [{rule: t, components: [UNIT]}]}";
    assert!(lines(&Policy::read(contract).unwrap_err())[0].contains("start"));
    let law = "{id: a, version: 1, layer: STATUTORY, source: s, verified: true, default: true, start: [SALE], terms: [{rule: t, components: [UNIT], for: 1 year}]}";
    assert!(lines(&Policy::read(law).unwrap_err())[0].contains("default"));
    let empty = "{id: a, version: 1, layer: VENDOR, source: s, verified: true, start: [SALE]}";
    assert!(lines(&Policy::read(empty).unwrap_err())[0].contains("grants nothing"));
}

#[test]
fn what_is_no_yaml_or_no_map_is_one_complaint() {
    for text in ["", "- a", "a: [", "id: {a"] {
        assert_eq!(Policy::read(text).unwrap_err().len(), 1, "{text:?}");
    }
}

#[test]
fn a_price_list_needs_a_currency_and_a_price_for_the_whole_device() {
    let text = "{id: p, version: 1, class: COST_ONLY, currency: YEN, source: s, verified: false, prices: {FAN: {labour: -1, material: x}}}";
    let told = lines(&PriceList::read(text).unwrap_err());
    for field in [
        "class",
        "currency",
        "prices.FAN.labour",
        "prices.FAN.material",
        "UNIT",
    ] {
        assert!(
            told.iter().any(|said| said.contains(field)),
            "{field} in {told:#?}"
        );
    }
}

#[test]
fn a_folder_replaces_the_built_in_files_and_all_its_mistakes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["warranty", "prices", "calendars"] {
        fs::create_dir(folder.path().join(kind)).unwrap();
    }
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let own = "{id: own, version: 1, layer: VENDOR, default: true, source: s, verified: true, start: [SALE], terms: [{rule: t, components: [UNIT], for: 5 years}]}";
    write("warranty/own.yaml", own);
    write("warranty/readme.md", "not a policy");
    let rules = load(Some(folder.path())).unwrap();
    assert_eq!(rules.policies().len(), 1);

    write(
        "warranty/twin.yaml",
        &own.replace("verified: true", "verified: true, last_day_calendar: none"),
    );
    write("warranty/broken.yaml", "id: 7");
    write("prices/broken.yaml", "id: 7");
    let refused = load(Some(folder.path())).unwrap_err().to_string();
    for problem in [
        "warranty/broken.yaml: ",
        "prices/broken.yaml: ",
        "own@1 is there twice",
        "there is no calendar none",
    ] {
        assert!(refused.contains(problem), "{problem} in {refused}");
    }

    let missing = load(Some(&folder.path().join("nowhere"))).unwrap_err();
    assert_eq!(missing.problems.len(), 3);
}

#[test]
fn every_shipped_policy_says_where_it_comes_from() {
    assert!(RULES.policies().len() >= 10);
    for policy in RULES.policies() {
        assert!(policy.source.len() > 20, "{}", policy.name);
        assert!(policy.content.contains(&policy.id), "{}", policy.name);
    }
}
