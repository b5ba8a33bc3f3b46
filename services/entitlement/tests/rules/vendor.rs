//! Vendors' own terms.

use super::*;
use entitlement::domain::policy::UNIT;

#[test]
fn different_layers_win_for_two_components_of_one_notebook() {
    let asset = device("NOTEBOOK", Some("xiaomi-notebook"), "2022-06-07");
    table(
        &asset,
        &[
            (
                "MEMORY",
                "2025-06-07",
                "CN",
                "FreeOfCharge REPAIR by xiaomi-notebook until 2025-06-07",
            ),
            (
                "POWER_SUPPLY",
                "2024-06-07",
                "CN",
                "FreeOfCharge REPAIR by cn-microcomputers-2002 until 2024-06-07",
            ),
            (
                "POWER_SUPPLY",
                "2024-06-08",
                "CN",
                "Chargeable  by nobody until -",
            ),
            (
                "LCD",
                "2024-06-07",
                "CN",
                "FreeOfCharge REPAIR by xiaomi-notebook until 2024-06-07",
            ),
            ("HINGE", "2023-06-08", "CN", "Chargeable  by nobody until -"),
        ],
    );

    let question = fault("MEMORY", "2023-01-10", "CN");
    let decision = decide(&question, &asset, &RULES);
    let term = |component| {
        let term = decision
            .terms
            .iter()
            .find(|t| t.component == component)
            .unwrap();
        (term.policy.id.as_str(), term.end.to_string())
    };
    assert_eq!(term("MEMORY"), ("xiaomi-notebook", "2025-06-07".into()));
    assert_eq!(
        term("POWER_SUPPLY"),
        ("cn-microcomputers-2002", "2024-06-07".into())
    );
    assert_eq!(term(UNIT), ("cn-microcomputers-2002", "2023-06-07".into()));
    assert_eq!(
        decision.modes.iter().map(|m| m.name()).collect::<Vec<_>>(),
        ["CARRY_IN", "MAIL_IN"]
    );
    assert_eq!(decision.sla_policy, "standard-bench");
}

#[test]
fn lenovo_notebooks_have_three_terms_and_a_delivery_before_the_invoice_starts_them() {
    let mut asset = device("NOTEBOOK", Some("lenovo-notebook"), "2022-06-07");
    table(
        &asset,
        &[
            (
                "MAINBOARD",
                "2025-06-07",
                "US",
                "FreeOfCharge REPAIR by lenovo-notebook until 2025-06-07",
            ),
            (
                "ADAPTER",
                "2024-06-07",
                "US",
                "FreeOfCharge REPAIR by lenovo-notebook until 2024-06-07",
            ),
            ("HINGE", "2023-06-08", "US", "Chargeable  by nobody until -"),
        ],
    );
    asset.facts.set(Fact::Delivery, day("2022-06-01"));
    table(
        &asset,
        &[(
            "MAINBOARD",
            "2025-06-01",
            "US",
            "FreeOfCharge REPAIR by lenovo-notebook until 2025-06-01",
        )],
    );
    // After a repair at least three months, where the term is a year at least thirty days.
    asset.repairs = vec![
        repair(1, "ADAPTER", "2024-05-20", "2024-05-20"),
        repair(2, "HINGE", "2024-05-20", "2024-05-20"),
    ];
    table(
        &asset,
        &[
            (
                "ADAPTER",
                "2024-08-20",
                "US",
                "FreeOfCharge REPAIR by lenovo-notebook until 2024-08-20",
            ),
            (
                "HINGE",
                "2024-06-19",
                "US",
                "FreeOfCharge REPAIR by lenovo-notebook until 2024-06-19",
            ),
            ("HINGE", "2024-06-20", "US", "Chargeable  by nobody until -"),
        ],
    );
}

#[test]
fn lenovo_desktops_are_served_on_site_for_a_year_and_in_the_workshop_afterwards() {
    let asset = device("DESKTOP", Some("lenovo-home-desktop"), "2022-06-07");
    table(
        &asset,
        &[
            (
                "MAINBOARD",
                "2025-06-07",
                "US",
                "FreeOfCharge REPAIR by lenovo-home-desktop until 2025-06-07",
            ),
            (
                "LCD",
                "2023-09-07",
                "US",
                "FreeOfCharge REPAIR by lenovo-home-desktop until 2023-09-07",
            ),
            (
                "BUTTON",
                "2022-09-08",
                "US",
                "Chargeable  by nobody until -",
            ),
            // The law knows no shorter term for buttons.
            (
                "BUTTON",
                "2022-09-08",
                "CN",
                "FreeOfCharge REPAIR by cn-microcomputers-2002 until 2023-06-07",
            ),
        ],
    );
    let sla = |on| {
        let question = fault("MAINBOARD", on, "US");
        decide(&question, &asset, &RULES).sla_policy.to_owned()
    };
    assert_eq!(sla("2023-06-07"), "standard-onsite");
    assert_eq!(sla("2023-06-08"), "standard-bench");

    let early = device("DESKTOP", Some("lenovo-home-desktop"), "2006-07-31");
    table(
        &early,
        &[(
            "MAINBOARD",
            "2006-09-01",
            "US",
            "Chargeable  by nobody until -",
        )],
    );
}

#[test]
fn an_aoc_monitor_is_exchanged_on_site_for_three_years_when_registered_within_one() {
    let mut asset = device("MONITOR", Some("aoc-monitor"), "2022-06-07");
    asset.registered_on = day("2023-06-07");
    table(
        &asset,
        &[
            (
                "",
                "2022-06-10",
                "CN",
                "FreeOfCharge RETURN,EXCHANGE,REPAIR by aoc-monitor until 2025-06-07",
            ),
            (
                "",
                "2025-06-07",
                "CN",
                "FreeOfCharge EXCHANGE,REPAIR by aoc-monitor until 2025-06-07",
            ),
        ],
    );
    asset.registered_on = day("2023-06-08");
    table(
        &asset,
        &[
            (
                "",
                "2023-06-07",
                "CN",
                "FreeOfCharge REPAIR by aoc-monitor until 2023-06-07",
            ),
            ("", "2023-06-08", "CN", "Chargeable  by nobody until -"),
        ],
    );
}
