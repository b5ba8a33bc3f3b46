//! Repairs that take more than one round, and tickets that end by themselves.

use chassis::refusal::to_pb;
use jiff::SignedDuration;
use proto::dispatch::v1::work_order;
use proto::inventory::v1::reservation;
use proto::ticket::v1::ticket::State;
use stories::world::{DESKTOP, NOTEBOOK, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_low_score_reopens_the_ticket_with_its_finding_and_it_is_repaired_again() {
    // Given a repair that did not help,
    let world = World::new().await;
    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    let first = world.visit(&ticket).await.repair().await;
    let closed = world.confirm(&ticket).await;

    // when the customer says so,
    let answered = world.answer_survey(&ticket, 1).await;
    assert_eq!((answered.round, answered.score), (closed.round, 1));

    // then the ticket opens again, with the reason to read, and everything is made anew.
    let again = world
        .await_ticket(&ticket.name, "the ticket is open again", |ticket| {
            ticket.round == 2
        })
        .await;
    let timeline = world.timeline(&ticket).await;
    assert!(
        timeline.iter().any(|e| e.verb == "score_low"),
        "{timeline:?}"
    );
    assert!(timeline.iter().any(|e| e.verb == "reopen"), "{timeline:?}");
    assert!(again.state() != State::Closed);
    let second = world.visit_of_round(&ticket.name, 2).await.repair().await;
    assert_ne!(first.name, second.name);
    assert_ne!(first.reservation, second.reservation);
    assert_eq!((first.round, second.round), (1, 2));

    // The second closure is surveyed again, once.
    world.confirm(&ticket).await;
    world.answer_survey(&ticket, 5).await;
    let rounds: Vec<i32> = world
        .surveys_of(&ticket)
        .await
        .iter()
        .map(|s| s.round)
        .collect();
    assert_eq!(rounds, [1, 2]);
    world
        .await_reservation(&second.reservation, reservation::State::Committed)
        .await;
    assert_eq!(world.level("HANGZHOU", "MEM-16").await, (0, 0));
    world.nothing_is_held_for(&ticket).await;
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_finding_of_a_low_score_stays_readable_until_the_next_answer() {
    // Given a closed ticket and nobody who could hold parts again,
    let mut world = World::new().await;
    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    world.visit(&ticket).await.repair().await;
    world.confirm(&ticket).await;
    world.stop("inventory").await;

    // when the customer is not satisfied, then the open ticket says why.
    world.answer_survey(&ticket, 2).await;
    let again = world
        .await_ticket(&ticket.name, "the ticket is open again", |ticket| {
            ticket.round == 2
        })
        .await;
    let finding = again
        .findings
        .iter()
        .find(|finding| finding.code == "LOW_SCORE");
    let numbers: Vec<i64> = finding.unwrap().numbers.iter().map(|n| n.value).collect();
    assert_eq!(numbers, [2, 2], "score and threshold");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_visit_leads_to_another() {
    // Given a technician at a closed door,
    let world = World::new().await;
    let ticket = world.report(DESKTOP, "DISK").await;
    let mut visit = world.visit(&ticket).await;
    visit.departs().await.arrives().await;

    // when the visit ends without a fix,
    let first = visit.starts().await.ends_incomplete().await;
    assert_eq!(first.state(), work_order::State::Incomplete);

    // then the parts brought are free again, and another visit is booked and ends it.
    world
        .await_reservation(&first.reservation, reservation::State::Committed)
        .await;
    let second = world.visit_of_round(&ticket.name, 2).await.repair().await;
    assert_ne!(first.name, second.name);
    let closed = world.confirm(&ticket).await;
    assert_eq!((closed.state(), closed.round), (State::Closed, 2));
    world
        .await_reservation(&second.reservation, reservation::State::Committed)
        .await;
    assert_eq!(world.level("HANGZHOU", "DISK-1T").await, (1, 0));
    world.answer_survey(&ticket, 3).await;
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolved_ticket_closes_by_itself() {
    // Given a repair on Tuesday, 23 September 2025, at about noon in Hangzhou,
    let tuesday = "2025-09-23T02:00:00Z".parse().unwrap();
    let world = World::beginning(tuesday).await;
    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    world.visit(&ticket).await.repair().await;
    let resolved = world.now();

    // when nobody says anything for 72 hours of the workshop's time (nine a day),
    let closed = world.await_state(&ticket, State::Closed).await;

    // then it closes at that time of day on the eighth working day after: 24, 25, 26, 28 (a Sunday
    // made up), 29, 30 September, 9 October (after the holidays of 1 to 8), 10 October.
    let timeline = world.timeline(&ticket).await;
    let close = timeline.iter().find(|entry| entry.verb == "close").unwrap();
    assert_eq!(
        close.time,
        Some(to_pb(resolved + SignedDuration::from_hours(17 * 24)))
    );
    assert_eq!(close.summary, "Closed, as nobody objected");
    assert_eq!(closed.round, 1);
    world.answer_survey(&ticket, 5).await;
    world.verify().await;
}
