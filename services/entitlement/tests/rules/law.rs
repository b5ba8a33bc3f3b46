//! The law of a place, by the kind of goods.

use super::*;

#[test]
fn the_law_owes_return_then_exchange_then_repair_for_a_notebook_in_china() {
    // Sold on a Tuesday; the vendor's own year is as long as the law's.
    let asset = device("NOTEBOOK", None, "2022-06-07");
    let until = "by cn-microcomputers-2002 until 2023-06-07";
    table(
        &asset,
        &[
            (
                "",
                "2022-06-07",
                "CN",
                &format!("FreeOfCharge RETURN,EXCHANGE,REPAIR {until}"),
            ),
            (
                "",
                "2022-06-14",
                "CN",
                &format!("FreeOfCharge RETURN,EXCHANGE,REPAIR {until}"),
            ),
            (
                "",
                "2022-06-15",
                "CN",
                &format!("FreeOfCharge EXCHANGE,REPAIR {until}"),
            ),
            (
                "",
                "2022-06-22",
                "CN",
                &format!("FreeOfCharge EXCHANGE,REPAIR {until}"),
            ),
            (
                "",
                "2022-06-23",
                "CN",
                &format!("FreeOfCharge REPAIR {until}"),
            ),
            (
                "",
                "2023-06-07",
                "CN",
                &format!("FreeOfCharge REPAIR {until}"),
            ),
            ("", "2023-06-08", "CN", "Chargeable  by nobody until -"),
            (
                "MAINBOARD",
                "2023-06-08",
                "CN",
                "FreeOfCharge REPAIR by cn-microcomputers-2002 until 2024-06-07",
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
                "KEYBOARD",
                "2023-06-08",
                "CN",
                "Chargeable  by nobody until -",
            ),
            // Abroad the law of China does not apply: the vendor's year does.
            (
                "POWER_SUPPLY",
                "2023-06-07",
                "US",
                "FreeOfCharge REPAIR by standard-limited-warranty until 2023-06-07",
            ),
            (
                "POWER_SUPPLY",
                "2023-06-08",
                "US",
                "Chargeable  by nobody until -",
            ),
            // Before the sale nothing is owed.
            ("", "2022-06-06", "CN", "Chargeable  by nobody until -"),
            // Nobody has prices there.
            (
                "POWER_SUPPLY",
                "2023-06-08",
                "FR",
                "Refused  by nobody until -",
            ),
        ],
    );
}

#[test]
fn a_last_day_on_a_public_holiday_moves_to_the_next_working_day() {
    // 2023-10-01 begins a holiday that ends on 10-06; 10-07, a Saturday, is worked to make up for it.
    let asset = device("NOTEBOOK", None, "2022-10-01");
    let until = "FreeOfCharge REPAIR by cn-microcomputers-2002 until 2023-10-07";
    table(
        &asset,
        &[
            ("", "2023-10-07", "CN", until),
            ("", "2023-10-08", "CN", "Chargeable  by nobody until -"),
            (
                "",
                "2023-10-01",
                "US",
                "FreeOfCharge REPAIR by standard-limited-warranty until 2023-10-01",
            ),
        ],
    );
}

#[test]
fn days_in_repair_lengthen_the_term_and_the_repaired_part_works_thirty_days() {
    let mut asset = device("NOTEBOOK", None, "2022-06-07");
    asset.repairs = vec![repair(1, "KEYBOARD", "2023-05-20", "2023-05-30")];
    table(
        &asset,
        &[
            // Ten days longer for everything; the repaired keyboard at least until 06-29.
            (
                "",
                "2023-06-17",
                "CN",
                "FreeOfCharge REPAIR by cn-microcomputers-2002 until 2023-06-17",
            ),
            ("", "2023-06-18", "CN", "Chargeable  by nobody until -"),
            (
                "KEYBOARD",
                "2023-06-29",
                "CN",
                "FreeOfCharge REPAIR by cn-microcomputers-2002 until 2023-06-29",
            ),
            (
                "KEYBOARD",
                "2023-06-30",
                "CN",
                "Chargeable  by nobody until -",
            ),
            // A fault before the repair is judged without it.
            (
                "",
                "2023-05-25",
                "CN",
                "FreeOfCharge REPAIR by cn-microcomputers-2002 until 2023-06-07",
            ),
        ],
    );
}

#[test]
fn a_repair_after_the_term_does_not_bring_it_back_but_is_itself_covered() {
    let mut asset = device("NOTEBOOK", None, "2022-06-07");
    asset.repairs = vec![repair(1, "FAN", "2023-08-01", "2023-08-03")];
    table(
        &asset,
        &[
            (
                "FAN",
                "2023-09-02",
                "CN",
                "FreeOfCharge REPAIR by cn-microcomputers-2002 until 2023-09-02",
            ),
            ("FAN", "2023-09-03", "CN", "Chargeable  by nobody until -"),
            ("LCD", "2023-08-20", "CN", "Chargeable  by nobody until -"),
        ],
    );
}

#[test]
fn after_two_repairs_within_the_term_exchange_is_owed() {
    let mut asset = device("NOTEBOOK", None, "2022-06-07");
    asset.repairs = vec![
        repair(1, "FAN", "2022-08-01", "2022-08-01"),
        repair(2, "FAN", "2022-09-01", "2022-09-01"),
    ];
    table(
        &asset,
        &[
            (
                "FAN",
                "2022-08-20",
                "CN",
                "FreeOfCharge REPAIR by cn-microcomputers-2002 until 2023-06-07",
            ),
            (
                "FAN",
                "2022-10-20",
                "CN",
                "FreeOfCharge REPAIR,EXCHANGE by cn-microcomputers-2002 until 2023-06-07",
            ),
        ],
    );
}

#[test]
fn zhejiang_restarts_the_repaired_part_extends_the_others_and_lends_a_device() {
    let mut asset = device("NOTEBOOK", None, "2022-06-07");
    asset.repairs = vec![repair(1, "LCD", "2023-05-01", "2023-05-11")];
    let by =
        |until: &str| format!("FreeOfCharge REPAIR,LOANER by cn-microcomputers-2002 until {until}");
    table(
        &asset,
        &[
            // The part's year begins again on the day of the repair; elsewhere in China it does not.
            ("LCD", "2024-05-11", "CN-ZJ", &by("2024-05-11")),
            ("LCD", "2024-05-11", "CN", "Chargeable  by nobody until -"),
            ("HINGE", "2023-06-17", "CN-ZJ", &by("2023-06-17")),
            (
                "HINGE",
                "2023-06-18",
                "CN-ZJ",
                "Chargeable  by nobody until -",
            ),
        ],
    );
    let question = fault("LCD", "2024-05-01", "CN-ZJ");
    let decision = decide(&question, &asset, &RULES);
    assert_eq!(decision.obligations, ["FREIGHT", "LOANER"]);
}

#[test]
fn zhejiang_owes_refund_or_exchange_after_more_than_35_days_in_repair() {
    let mut asset = device("NOTEBOOK", None, "2022-06-07");
    asset.repairs = vec![repair(1, "LCD", "2022-08-01", "2022-09-05")];
    let until = "by cn-microcomputers-2002 until 2023-09-05";
    table(
        &asset,
        &[(
            "LCD",
            "2022-10-01",
            "CN-ZJ",
            &format!("FreeOfCharge REPAIR,LOANER {until}"),
        )]
        .map(|(c, d, r, _)| {
            (
                c,
                d,
                r,
                "FreeOfCharge REPAIR,LOANER by cn-microcomputers-2002 until 2023-09-05",
            )
        }),
    );
    asset.repairs[0].completed_on = day("2022-09-06");
    table(
        &asset,
        &[(
            "LCD",
            "2022-10-01",
            "CN-ZJ",
            "FreeOfCharge REPAIR,EXCHANGE,REFUND,LOANER by cn-microcomputers-2002 until 2023-09-06",
        )],
    );
}

#[test]
fn a_phone_battery_has_half_a_year_and_a_lost_proof_starts_90_days_after_manufacture() {
    let asset = device("PHONE", Some("huawei-china-phone"), "2022-06-07");
    table(
        &asset,
        &[
            (
                "BATTERY",
                "2022-12-07",
                "CN",
                "FreeOfCharge REPAIR by cn-mobile-phones-2001 until 2022-12-07",
            ),
            (
                "BATTERY",
                "2022-12-08",
                "CN",
                "Chargeable  by nobody until -",
            ),
            (
                "EARPHONE",
                "2022-09-07",
                "CN",
                "FreeOfCharge REPAIR by cn-mobile-phones-2001 until 2022-09-07",
            ),
            (
                "EARPHONE",
                "2022-09-08",
                "CN",
                "Chargeable  by nobody until -",
            ),
            (
                "CHARGER",
                "2023-06-07",
                "CN",
                "FreeOfCharge REPAIR by cn-mobile-phones-2001 until 2023-06-07",
            ),
            (
                "",
                "2022-06-10",
                "CN",
                "FreeOfCharge RETURN,EXCHANGE,REPAIR by cn-mobile-phones-2001 until 2023-06-07",
            ),
        ],
    );

    let mut lost = device("PHONE", Some("huawei-china-phone"), "2022-06-07");
    lost.facts = Facts::default();
    lost.facts.set(Fact::Manufacture, day("2022-03-09"));
    table(
        &lost,
        &[
            // 90 days after 2022-03-09 is 06-07; without a proof there are no first days.
            (
                "",
                "2022-06-10",
                "CN",
                "FreeOfCharge REPAIR by cn-mobile-phones-2001 until 2023-06-07",
            ),
            ("", "2023-06-08", "CN", "Chargeable  by nobody until -"),
        ],
    );
}

#[test]
fn without_a_proof_a_notebook_is_repaired_from_its_date_of_manufacture() {
    let mut asset = device("NOTEBOOK", None, "2022-06-07");
    asset.facts = Facts::default();
    asset.facts.set(Fact::Manufacture, day("2022-06-07"));
    table(
        &asset,
        &[(
            "",
            "2022-06-08",
            "CN",
            "FreeOfCharge REPAIR by cn-microcomputers-2002 until 2023-06-07",
        )],
    );
}

#[test]
fn freight_is_owed_by_law_only_where_something_is_owed() {
    let asset = device("PRINTER", None, "2022-06-07");
    let covered = fault("", "2022-10-10", "CN");
    assert_eq!(decide(&covered, &asset, &RULES).obligations, ["FREIGHT"]);
    let over = fault("", "2024-10-10", "CN");
    assert!(decide(&over, &asset, &RULES).obligations.is_empty());
    // Goods without a rule of their own are returned within seven days of receipt.
    let early = fault("", "2022-06-14", "CN");
    assert!(
        decide(&early, &asset, &RULES)
            .remedies
            .contains(&Remedy::Return)
    );
}
