//! Plans that were sold, exclusions, service modes.

use super::*;

#[test]
fn a_plan_adds_on_site_service_and_the_best_plan_governs_the_clock() {
    let mut asset = device("NOTEBOOK", None, "2020-06-07");
    asset.contracts = vec![contract(
        "business-next-business-day",
        "2021-01-01",
        "2023-12-31",
    )];
    table(
        &asset,
        &[
            (
                "MOUSE",
                "2023-12-31",
                "US",
                "FreeOfCharge REPAIR by business-next-business-day until 2023-12-31",
            ),
            ("MOUSE", "2024-01-01", "US", "Chargeable  by nobody until -"),
        ],
    );
    let question = fault("", "2023-01-01", "US");
    assert_eq!(
        decide(&question, &asset, &RULES).sla_policy,
        "next-business-day"
    );

    asset
        .contracts
        .push(contract("four-hour-24x7", "2022-01-01", "2023-06-30"));
    let decision = decide(&question, &asset, &RULES);
    assert_eq!(decision.sla_policy, "four-hour-24x7");
    assert_eq!(
        decision.modes.iter().map(|m| m.name()).collect::<Vec<_>>(),
        ["ON_SITE", "REMOTE"]
    );
    assert_eq!(decision.covered_until, Some(day("2023-12-31")));
}

#[test]
fn a_cause_that_is_excluded_is_charged_in_whole_or_in_part() {
    // (contract, cause, outcome, price): the mainboard costs 180 labour and 950 material in China.
    let rows = [
        (None, "LIQUID", Outcome::Chargeable, Some("1130")),
        (None, "VIRUS", Outcome::Discounted, Some("950")),
        (None, "WEAR", Outcome::FreeOfCharge, None),
        (
            Some("business-next-business-day"),
            "LIQUID",
            Outcome::Discounted,
            Some("950"),
        ),
        (
            Some("business-next-business-day"),
            "SELF_MODIFICATION",
            Outcome::Chargeable,
            Some("1130"),
        ),
        (
            Some("four-hour-24x7"),
            "LIQUID",
            Outcome::FreeOfCharge,
            None,
        ),
        (
            Some("four-hour-24x7"),
            "MISUSE",
            Outcome::Chargeable,
            Some("1130"),
        ),
    ];
    for (plan, cause, outcome, price) in rows {
        let mut asset = device("NOTEBOOK", None, "2022-06-07");
        asset.contracts = plan
            .map(|plan| contract(plan, "2022-06-07", "2024-06-07"))
            .into_iter()
            .collect();
        let question = Question {
            cause: Some(cause),
            ..fault("MAINBOARD", "2022-10-10", "CN")
        };

        let decision = decide(&question, &asset, &RULES);

        assert_eq!(decision.outcome, outcome, "{cause} with {plan:?}");
        let paid = decision.price.map(|price| price.amount.to_string());
        assert_eq!(paid.as_deref(), price, "{cause} with {plan:?}");
    }
}

#[test]
fn the_mode_asked_for_is_answered_and_what_is_charged_has_modes_too() {
    use entitlement::domain::{Code, Mode, Verdict};
    let asset = device("NOTEBOOK", None, "2022-06-07");
    let verdict = |mode, on| {
        let question = Question {
            mode: Some(mode),
            ..fault("", on, "CN")
        };
        let decision = decide(&question, &asset, &RULES);
        let found = decision
            .findings
            .iter()
            .find(|f| f.code == Code::Mode)
            .unwrap();
        (decision.outcome, found.verdict)
    };
    assert_eq!(
        verdict(Mode::CarryIn, "2022-10-10"),
        (Outcome::FreeOfCharge, Verdict::Met)
    );
    assert_eq!(
        verdict(Mode::OnSite, "2022-10-10"),
        (Outcome::FreeOfCharge, Verdict::NotMet)
    );
    assert_eq!(
        verdict(Mode::OnSite, "2024-10-10"),
        (Outcome::Chargeable, Verdict::Met)
    );
}
