//! The command line as people and scripts meet it.

#![allow(
    clippy::unwrap_used,
    reason = "a test's ground: what is missing ends it"
)]

use std::process::{Command, Output};

fn fettle(arguments: &[&str]) -> Output {
    let folder = std::env::temp_dir().join(format!("fettle-usage-{}", std::process::id()));
    Command::new(env!("CARGO_BIN_EXE_fettle"))
        .args(arguments)
        .env("FETTLE_DIR", folder)
        .env_remove("FETTLE_DATA")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn help_names_every_command_and_gives_examples() {
    let help = fettle(&["--help"]);

    assert!(help.status.success());
    for word in [
        "up",
        "down",
        "demo",
        "seed",
        "report",
        "track",
        "export-ticket",
        "verify-ticket",
        "export-person",
        "erase-person",
        "check",
        "verify",
        "Examples:",
    ] {
        assert!(said(&help).contains(word), "{word}");
    }
    for command in [
        "up",
        "demo",
        "seed",
        "track",
        "export-ticket",
        "export-person",
        "erase-person",
        "verify-ticket",
        "check",
    ] {
        let help = fettle(&[command, "--help"]);
        assert!(said(&help).contains("Examples:"), "{command}");
    }
}

#[test]
fn a_command_that_cannot_be_understood_ends_with_two() {
    for arguments in [
        &["polish"][..],
        &[],
        &["demo", "--tickets", "0"],
        &["demo", "--tickets", "many"],
        &["demo", "--data", "/nowhere"],
        &["check"],
        &["track"],
        &["up", "--port-base", "80"],
    ] {
        assert_eq!(fettle(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_question_to_a_suite_that_does_not_run_ends_with_one_and_says_what_to_do() {
    for arguments in [
        &["report"][..],
        &["track", "C1-000001-1"],
        &["export-ticket", "C1-000001-1"],
        &["seed"],
    ] {
        let answer = fettle(arguments);
        assert_eq!(answer.status.code(), Some(1), "{arguments:?}");
        let words = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert!(words.contains("fettle up --detach"), "{words}");
    }
}

#[test]
fn with_json_an_error_is_one_document_too() {
    let answer = fettle(&["report", "--json"]);

    let text = said(&answer);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with(r#"{"error":"#), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours outside of a terminal");
}

#[test]
fn nothing_is_there_to_take_down() {
    let answer = fettle(&["down"]);

    assert!(answer.status.success());
    assert!(said(&answer).contains("nothing was running"));
}
