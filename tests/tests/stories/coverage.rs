//! What is owed, and what becomes of it: repaired on our account, quoted, declined, by contract.

use proto::dispatch::v1::WorkMode;
use proto::entitlement::v1::entitlement_decision::Outcome;
use proto::kinds::v1::Money;
use proto::kinds::v1::finding::Verdict;
use proto::ticket::v1::clock::Milestone;
use proto::ticket::v1::quote;
use proto::ticket::v1::ticket::{PauseReason, State};
use stories::world::{DESKTOP, NOTEBOOK, OLD_NOTEBOOK, Report, World, due};

#[tokio::test(flavor = "multi_thread")]
async fn the_decision_names_the_layer_that_won_for_each_component() {
    // Given a notebook sold in Zhejiang 18 months ago.
    let world = World::new().await;
    let faults = [
        (
            "MEMORY",
            Outcome::FreeOfCharge,
            "VENDOR",
            "xiaomi-notebook@1",
        ),
        (
            "POWER_SUPPLY",
            Outcome::FreeOfCharge,
            "STATUTORY",
            "cn-microcomputers-2002@1",
        ),
        (
            "KEYBOARD",
            Outcome::FreeOfCharge,
            "VENDOR",
            "xiaomi-notebook@1",
        ),
        ("HINGE", Outcome::Chargeable, "", ""),
    ];
    for (component, outcome, layer, policy) in faults {
        // When one of its components fails,
        let ticket = world.report(NOTEBOOK, component).await;
        let decided = world.await_decision(&ticket).await.entitlement.unwrap();

        // then the decision says by whose terms it is owed, or that it is not.
        assert_eq!(decided.outcome(), outcome, "{component}");
        assert_eq!(decided.winning_layer, layer, "{component}");
        let winner = decided
            .findings
            .iter()
            .find(|finding| finding.code == "WINNER");
        let named =
            winner.and_then(|finding| finding.arguments.iter().find(|a| a.name == "policy"));
        assert_eq!(
            named.map_or("", |named| &named.value),
            policy,
            "{component}"
        );
        let source = |policy: &str| {
            let has = |f: &&proto::kinds::v1::Finding| {
                f.source.as_ref().is_some_and(|s| s.policy == policy)
            };
            decided.findings.iter().filter(has).count()
        };
        assert!(
            source("xiaomi-notebook@1") > 0,
            "{component}: the vendor's terms were tried"
        );
        assert!(
            source("cn-microcomputers-2002@1") > 0,
            "{component}: the law was tried"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uncovered_fault_is_quoted_and_repaired_after_approval() {
    // Given a notebook that nobody owes anything for.
    let world = World::new().await;

    // When its mainboard fails,
    let ticket = world.report(OLD_NOTEBOOK, "MAINBOARD").await;
    let quote = world.quote(&ticket).await;

    // then the repair is offered at the list price: 180 for labour, 950 for the board.
    let waiting = world.ticket(&ticket.name).await;
    assert_eq!(waiting.entitlement.unwrap().outcome(), Outcome::Chargeable);
    assert_eq!(
        quote.total,
        Some(Money {
            currency_code: "CNY".to_owned(),
            units: 1130,
            nanos: 0
        })
    );
    assert!(
        world.reservations_of(&ticket.name, &[]).await.is_empty(),
        "nothing is held on spec"
    );

    // When the customer agrees, then it is repaired.
    let approved = world.approve(&quote).await;
    assert_eq!(approved.state(), quote::State::Approved);
    world.visit(&ticket).await.repair().await;
    let closed = world.confirm(&ticket).await;
    assert_eq!(closed.state(), State::Closed);
    world.answer_survey(&ticket, 4).await;
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn liquid_is_quoted_also_within_the_term() {
    // Given a notebook under warranty, when liquid got into it,
    let world = World::new().await;
    let ticket = world
        .report_this(&Report::fault(NOTEBOOK, "MEMORY").caused_by("LIQUID"))
        .await;

    // then the exclusion is a finding and the repair is offered.
    world.quote(&ticket).await;
    let decided = world.ticket(&ticket.name).await.entitlement.unwrap();
    let excluded = decided
        .findings
        .iter()
        .find(|finding| finding.code == "EXCLUSION");
    assert!(
        excluded.is_some_and(|finding| finding.verdict() == Verdict::Met),
        "{excluded:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_quote_ends_the_ticket_and_nothing_is_held() {
    // Given an offer, when the customer declines it,
    let world = World::new().await;
    let ticket = world.report(OLD_NOTEBOOK, "MAINBOARD").await;
    let quote = world.quote(&ticket).await;
    let declined = world.decline(&quote).await;

    // then the ticket ends, nothing is held, and nobody asks how it was.
    assert_eq!(declined.state(), quote::State::Declined);
    let ended = world.await_state(&ticket, State::Cancelled).await;
    assert_eq!(ended.pause_reason(), PauseReason::Unspecified);
    world.nothing_is_held_for(&ticket).await;
    assert!(world.reservations_of(&ticket.name, &[]).await.is_empty());
    assert!(world.surveys_of(&ticket).await.is_empty());
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_brings_the_technician_to_the_site() {
    // Given a desktop whose warranty is over and whose contract promises the next business day.
    let world = World::new().await;

    // When its disk fails,
    let ticket = world.report(DESKTOP, "DISK").await;
    let mut visit = world.visit(&ticket).await;

    // then the contract wins, its promises govern the clocks, and the nearest who can comes.
    let booked = world.ticket(&ticket.name).await;
    let decided = booked.entitlement.as_ref().unwrap();
    assert_eq!(decided.winning_layer, "CONTRACT");
    assert_eq!(decided.sla_policy, "next-business-day");
    assert!(due(&booked, Milestone::OnSite).is_some());
    assert_eq!(visit.order.mode(), WorkMode::OnSite);
    assert_eq!(visit.technician().await, "NEAR");
    let mut why: Vec<&str> = visit
        .order
        .findings
        .iter()
        .map(|f| f.code.as_str())
        .collect();
    why.sort_unstable();
    assert_eq!(
        why,
        [
            "CERTIFICATE_EXPIRED",
            "FARTHER",
            "INACTIVE",
            "SKILL_MISSING",
            "TECHNICIAN_CHOSEN"
        ]
    );

    // When the technician arrives, then the on-site clock stops at that moment.
    visit.departs().await.arrives().await;
    let arrived = world.now();
    let there = world
        .await_ticket(&ticket.name, "the on-site clock stops", |ticket| {
            let mut clocks = ticket.clocks.iter();
            clocks.any(|c| c.milestone() == Milestone::OnSite && c.stop_time.is_some())
        })
        .await;
    let clock = there
        .clocks
        .iter()
        .find(|c| c.milestone() == Milestone::OnSite)
        .unwrap();
    assert_eq!(clock.stop_time, Some(chassis::refusal::to_pb(arrived)));
    assert_eq!(there.state(), State::InProgress);

    visit.starts().await.completes().await;
    world.confirm(&ticket).await;
    world.answer_survey(&ticket, 5).await;
    world.verify().await;
}
