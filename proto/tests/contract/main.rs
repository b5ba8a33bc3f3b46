//! The rules that the contract keeps, each with a tiny contract that breaks it.
//!
//! A rule reads descriptors and answers with one sentence per offence, which says what to do.
//! It is held against the contract itself, and against a text of a few lines that it must refuse.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod baseline;
mod documentation;
mod http;
mod manual;
mod names;
mod paging;
mod privacy;
mod reading;
mod reasons;
mod relied;
mod template;
mod writes;

use reading::Contract;

/// One rule: every offence as a sentence that says what to do.
type Rule = fn(&Contract) -> Vec<String>;

/// The contract itself keeps the rule.
fn kept(rule: Rule) {
    let offences = rule(Contract::ours());
    assert!(offences.is_empty(), "\n  {}\n", offences.join("\n  "));
}

/// The rule refuses this text, with a sentence that says all of `words`.
fn refuses(rule: Rule, text: &str, words: &str) {
    let offences = rule(&Contract::tiny(text));
    let said = |o: &String| words.split(' ').all(|word| o.contains(word));
    assert!(
        offences.iter().any(said),
        "nothing of {words:?} in {offences:?}"
    );
}

/// The rule finds nothing in this text.
fn accepts(rule: Rule, text: &str) {
    let offences = rule(&Contract::tiny(text));
    assert!(offences.is_empty(), "{offences:?}");
}
