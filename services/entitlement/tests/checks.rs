//! Checks through a real client, and repairs heard from dispatch.
#![allow(clippy::unwrap_used)]

mod support;

use entitlement::explain;
use prost::Message;
use proto::entitlement::v1::entitlement_decision::{Outcome, Remedy};
use proto::entitlement::v1::*;
use support::*;
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn one_notebook_has_parts_covered_by_vendor_and_by_law() {
    let suite = suite().await;
    let registered = suite
        .register(notebook("SN-1", "2022-06-07"))
        .await
        .unwrap();

    let memory = suite
        .check(question("SN-1", "MEMORY", "2024-06-10", "CN"))
        .await
        .unwrap();
    let supply = suite
        .check(question("SN-1", "POWER_SUPPLY", "2024-06-07", "CN"))
        .await
        .unwrap();

    assert_eq!(
        (memory.outcome(), &*memory.winning_layer),
        (Outcome::FreeOfCharge, "VENDOR")
    );
    assert_eq!(
        (supply.outcome(), &*supply.winning_layer),
        (Outcome::FreeOfCharge, "STATUTORY")
    );
    assert_eq!(memory.remedies().collect::<Vec<_>>(), [Remedy::Repair]);
    assert_eq!(
        (memory.asset, memory.category),
        (registered.name, "NOTEBOOK".into())
    );
    assert!(memory.price.is_none());
    assert_eq!(memory.decision_digest.len(), 64);
    let term = |component: &str| {
        let found = memory
            .terms
            .iter()
            .find(|term| term.component == component)
            .unwrap();
        (found.layer.clone(), found.end.clone())
    };
    assert_eq!(term("MEMORY"), ("VENDOR".into(), "2025-06-07".into()));
    assert_eq!(
        term("POWER_SUPPLY"),
        ("STATUTORY".into(), "2024-06-07".into())
    );
    assert!(
        memory
            .policy_versions
            .contains(&"xiaomi-notebook@1".to_owned())
    );
    assert!(
        memory
            .findings
            .iter()
            .all(|f| !f.message.is_empty() && !f.code.is_empty())
    );

    let over = suite
        .check(question("SN-1", "POWER_SUPPLY", "2024-06-10", "CN"))
        .await
        .unwrap();
    assert_eq!(over.outcome(), Outcome::Chargeable);
    assert_eq!(
        over.price.as_ref().map(|p| (p.units, &*p.currency_code)),
        Some((280, "CNY"))
    );
    assert!(
        explain(&over).starts_with("Not owed; offered for 280.00 CNY net"),
        "{}",
        explain(&over)
    );
    let refused = suite
        .check(question("SN-1", "POWER_SUPPLY", "2024-06-10", "FR"))
        .await
        .unwrap();
    assert_eq!(
        (refused.outcome(), refused.price, refused.modes.len()),
        (Outcome::Refused, None, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_question_gives_the_same_bytes() {
    let suite = suite().await;
    suite
        .register(notebook("SN-1", "2022-06-07"))
        .await
        .unwrap();
    let ask = || suite.check(question("SN-1", "MEMORY", "2023-06-10", "CN-ZJ"));
    assert_eq!(
        ask().await.unwrap().encode_to_vec(),
        ask().await.unwrap().encode_to_vec()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_of_a_question_is_told_at_once() {
    let suite = suite().await;
    let wrong = CheckEntitlementRequest {
        serial_number: String::new(),
        product: "x".repeat(65),
        fault: Some(Fault {
            component: "main board".into(),
            symptom: "-".into(),
            cause: "wet".into(),
        }),
        on: "2024-02-30".into(),
        site: Some(Place {
            region: "China".into(),
            city: "x".repeat(101),
        }),
        mode: "BY_BIKE".into(),
    };

    let refused = suite.check(wrong).await.unwrap_err();

    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::InvalidArgument, "INVALID_FIELDS".into())
    );
    let fields = [
        "serial_number",
        "product",
        "fault.component",
        "fault.symptom",
        "fault.cause",
        "on",
        "site.region",
        "site.city",
        "mode",
    ];
    assert_eq!(violated(&refused), fields);
    let refused = suite
        .check(CheckEntitlementRequest::default())
        .await
        .unwrap_err();
    assert_eq!(violated(&refused), ["serial_number", "on", "site"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_in_the_future_or_before_manufacture_is_refused() {
    let suite = suite().await;
    let mut device = notebook("SN-1", "2022-06-07");
    device.facts.as_mut().unwrap().manufacture_date = "2022-05-01".into();
    suite.register(device).await.unwrap();
    let today = chassis::Clock::system()
        .now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let days = |n: i32| {
        today
            .checked_add(jiff::Span::new().days(n))
            .unwrap()
            .to_string()
    };

    for (on, accepted) in [
        (days(1), true),
        (days(2), false),
        ("2022-05-01".into(), true),
        ("2022-04-30".into(), false),
    ] {
        match suite.check(question("SN-1", "", &on, "CN")).await {
            Ok(_) => assert!(accepted, "{on}"),
            Err(refused) => {
                assert!(!accepted, "{on}: {refused:?}");
                assert_eq!(violated(&refused), ["on"]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_serial_number_and_an_ambiguous_one_are_told_apart() {
    let suite = suite().await;
    let refused = suite
        .check(question("SN-1", "", "2023-01-01", "CN"))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::NotFound, "ASSET_UNKNOWN".into())
    );
    assert_eq!(metadata(&refused, "serial_number"), "SN-1");

    suite
        .register(notebook("SN-1", "2022-06-07"))
        .await
        .unwrap();
    suite
        .register(Asset {
            product: "NB-15".into(),
            ..notebook("SN-1", "2022-06-07")
        })
        .await
        .unwrap();
    let refused = suite
        .check(question("SN-1", "", "2023-01-01", "CN"))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "SERIAL_AMBIGUOUS");
    assert_eq!(metadata(&refused, "products"), "NB-14-2024,NB-15");

    let of = |product: &str| CheckEntitlementRequest {
        product: product.into(),
        ..question("SN-1", "", "2023-01-01", "CN")
    };
    assert_eq!(suite.check(of("NB-15")).await.unwrap().product, "NB-15");
    let refused = suite.check(of("NB-16")).await.unwrap_err();
    assert_eq!(
        (reason(&refused), metadata(&refused, "product")),
        ("ASSET_UNKNOWN".into(), "NB-16".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_nobody_is_refused() {
    let suite = suite().await;
    let request = question("SN-1", "", "2023-01-01", "CN");
    let refused = suite
        .entitlements
        .clone()
        .check_entitlement(request)
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::Unauthenticated, "CALLER_UNKNOWN".into())
    );
}
