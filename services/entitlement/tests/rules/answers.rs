//! What every answer has: findings in order, a digest.

use entitlement::domain::Code;

use super::*;

#[test]
fn a_device_without_a_start_date_is_charged_and_the_answer_says_why() {
    let mut asset = device("NOTEBOOK", Some("xiaomi-notebook"), "2022-06-07");
    asset.facts = Facts::default();
    asset.facts.set(Fact::Acceptance, day("2022-06-07"));
    let question = fault("", "2022-10-10", "CN");
    let decision = decide(&question, &asset, &RULES);
    assert_eq!(decision.outcome, Outcome::Chargeable);
    assert!(
        decision
            .findings
            .iter()
            .any(|f| f.code == Code::StartMissing)
    );
}

#[test]
fn findings_are_told_by_layer_policy_and_rule_and_every_one_has_a_sentence() {
    let mut asset = device("NOTEBOOK", Some("xiaomi-notebook"), "2022-06-07");
    asset.contracts = vec![contract("four-hour-24x7", "2022-06-07", "2024-06-07")];
    asset.repairs = vec![repair(1, "LCD", "2022-08-01", "2022-09-20")];
    let question = Question {
        cause: Some("LIQUID"),
        ..fault("LCD", "2022-10-10", "CN-ZJ")
    };
    let decision = decide(&question, &asset, &RULES);

    // What a province's rule did to a term is told with that term.
    let lengthened = [Code::RepairExtension, Code::RepairedPart];
    let own = decision
        .findings
        .iter()
        .filter(|f| !lengthened.contains(&f.code));
    let mut order: Vec<&str> = own.filter_map(|f| Some(f.source?.policy)).collect();
    order.dedup();
    let tried = [
        "cn-consumer-protection-2013@1",
        "cn-microcomputers-2002@1",
        "cn-mobile-phones-2001@1",
        "cn-zhejiang-2017@1",
        "xiaomi-notebook@1",
        "four-hour-24x7@1",
    ];
    assert_eq!(order, tried);
    assert!(
        decision
            .findings
            .iter()
            .any(|f| lengthened.contains(&f.code))
    );
    for finding in &decision.findings {
        let sentence = finding.message();
        assert!(
            sentence.ends_with('.') && !sentence.contains("  "),
            "{finding:?}: {sentence}"
        );
    }
    assert_eq!(decision.winner.unwrap().id, "four-hour-24x7");
}

#[test]
fn the_same_question_gives_the_same_digest_and_another_another() {
    let asset = device("NOTEBOOK", Some("xiaomi-notebook"), "2022-06-07");
    let of = |asset: &Asset, question: &Question<'_>| {
        digest(question, asset, &decide(question, asset, &RULES))
    };
    let question = fault("MEMORY", "2023-01-10", "CN");
    let first = of(&asset, &question);
    let reread = load(None).unwrap();
    assert_eq!(
        first,
        digest(&question, &asset, &decide(&question, &asset, &reread))
    );

    assert_ne!(first, of(&asset, &fault("MEMORY", "2023-01-11", "CN")));
    assert_ne!(
        first,
        of(
            &asset,
            &Question {
                symptom: Some("NO_BOOT"),
                ..question
            }
        )
    );
    let mut later = asset.clone();
    later.repairs = vec![repair(1, "FAN", "2023-02-01", "2023-02-02")];
    assert_eq!(
        first,
        of(&later, &question),
        "a later repair does not rewrite an earlier answer"
    );
    later.repairs = vec![repair(1, "FAN", "2023-01-01", "2023-01-02")];
    assert_ne!(first, of(&later, &question));
}
