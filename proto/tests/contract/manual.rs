//! docs/CONTRACT.md says what the contract says: its tables of RPCs and reasons are generated.
//!
//! After a change write them anew with
//! `FETTLE_UPDATE_BASELINE=1 cargo test -p fettle-proto --test contract`.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use prost_reflect::EnumDescriptor;

use crate::reading::Contract;

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/CONTRACT.md")
}

/// Every RPC by service, with its address and the first sentence of its comment.
fn rpcs(contract: &Contract) -> String {
    let mut services: Vec<_> = contract.services().collect();
    services.sort_by_key(|s| s.full_name().to_owned());
    let mut table = String::from("| RPC | HTTP | |\n|---|---|---|\n");
    for service in services {
        writeln!(table, "| **{}** | | |", service.full_name()).unwrap();
        for method in service.methods() {
            let address = contract.binding(&method);
            let address = address.map(|b| format!("`{} {}`", b.verb, b.path));
            writeln!(
                table,
                "| {} | {} | {} |",
                method.name(),
                address.unwrap_or_default(),
                first_sentence(&one_line(contract.method_comment(&method)))
            )
            .unwrap();
        }
    }
    table
}

/// Every reason by package, with its comment.
fn reasons(contract: &Contract) -> String {
    let mut table = String::from("| Reason | When, and what `metadata` tells |\n|---|---|\n");
    for reasons in enums_of_reasons(contract) {
        let domain: Vec<&str> = reasons.package_name().split('.').take(2).collect();
        let domain = domain.into_iter().rev().collect::<Vec<_>>().join(".");
        writeln!(table, "| **{domain}** | |").unwrap();
        for value in reasons.values().filter(|v| v.number() != 0) {
            let comment = contract.comment(&reasons.parent_file(), value.path());
            writeln!(table, "| `{}` | {} |", value.name(), one_line(comment)).unwrap();
        }
    }
    table
}

/// The enums of reasons, the shared one first.
fn enums_of_reasons(contract: &Contract) -> Vec<EnumDescriptor> {
    let mut enums: Vec<_> = contract
        .enums()
        .filter(|e| e.name() == "ErrorReason")
        .collect();
    enums.sort_by_key(|e| {
        (
            e.package_name() != "fettle.type.v1",
            e.full_name().to_owned(),
        )
    });
    enums
}

fn one_line(comment: &str) -> String {
    let words: Vec<&str> = comment.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

/// The text between the markers `<!-- name -->` and `<!-- /name -->`.
fn between<'a>(text: &'a str, name: &str) -> &'a str {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let start = text.find(&open).map_or(0, |at| at + open.len());
    let end = text.find(&close).unwrap_or(start);
    &text[start..end]
}

#[test]
fn the_manual_lists_every_rpc_and_reason_as_the_contract_says_them() {
    let mut text = std::fs::read_to_string(file()).unwrap();
    let contract = Contract::ours();
    for (name, wanted) in [("rpcs", rpcs(contract)), ("reasons", reasons(contract))] {
        let written = between(&text, name).to_owned();
        if written != wanted && std::env::var_os("FETTLE_UPDATE_BASELINE").is_some() {
            let at = text.find(&format!("<!-- /{name} -->")).unwrap() - written.len();
            text.replace_range(at..at + written.len(), &wanted);
            std::fs::write(file(), &text).unwrap();
            continue;
        }
        assert!(
            written == wanted,
            "the table {name:?} of docs/CONTRACT.md is not what the contract says: write it anew \
             with FETTLE_UPDATE_BASELINE=1 cargo test -p fettle-proto --test contract"
        );
    }
}

#[test]
fn the_manual_gives_every_reason_its_code() {
    let text = std::fs::read_to_string(file()).unwrap();
    let table = between(&text, "codes");
    let named: BTreeSet<&str> = table.split('`').skip(1).step_by(2).collect();

    for reasons in enums_of_reasons(Contract::ours()) {
        for value in reasons.values().filter(|v| v.number() != 0) {
            assert!(
                named.contains(value.name()),
                "give {} its gRPC code in the table \"codes\" of docs/CONTRACT.md",
                value.name()
            );
        }
    }
}

#[test]
fn a_table_that_is_missing_or_old_is_not_the_contract() {
    let tiny = Contract::tiny(
        "service S {\n /* Reads. Refused: `NOT_FOUND`. */ rpc GetM(M) returns (M)
           { option (google.api.http) = {get: \"/v1/{name=ms/*}\"}; } }
         message M { string name = 1; }
         enum ErrorReason { ERROR_REASON_UNSPECIFIED = 0;\n /* In a bad\n mood. */ OUT_OF_MOOD = 1; }",
    );

    assert!(rpcs(&tiny).ends_with("| GetM | `GET /v1/{name=ms/*}` | Reads. |\n"));
    assert!(
        reasons(&tiny).ends_with("| **tiny.fettle** | |\n| `OUT_OF_MOOD` | In a bad mood. |\n")
    );
    assert_eq!(between("a\n<!-- x -->\nb\n<!-- /x -->\n", "x"), "b\n");
    assert_eq!(between("nothing marked", "x"), "");
}
