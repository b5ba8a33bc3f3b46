//! Services that are down for a while: tickets wait, nothing is lost.

use proto::ticket::v1::Ticket;
use stories::world::{NOTEBOOK, World, recently};

/// After two failed tries the ticket says that it is stuck, which is how a test sees it wait.
const SOON_STUCK: [(&str, &str, &str); 1] =
    [("ticket", "ticket.progress.attempts_until_attention", "2")];

async fn a_world_that_complains() -> World {
    World::with(recently(), &SOON_STUCK).await
}

/// The job from a decided repair to its survey.
async fn it_ends_well(world: &World, ticket: &Ticket) {
    world.visit(ticket).await.repair().await;
    world.confirm(ticket).await;
    world.answer_survey(ticket, 5).await;
    world.nothing_is_held_for(ticket).await;
    world.verify().await;
}

/// Reports while a peer is down, sees the ticket wait at that step, and starts the peer.
async fn reported_while_down(peer: &str, step: &str) {
    // Given a peer that is down, when a fault is reported,
    let mut world = a_world_that_complains().await;
    world.stop(peer).await;
    let ticket = world.report(NOTEBOOK, "MEMORY").await;

    // then the customer has a ticket, and it says what it waits for.
    let what = format!("the ticket waits for {step}");
    let stuck = |ticket: &Ticket| ticket.attention.starts_with(step);
    world.await_ticket(&ticket.name, &what, stuck).await;

    // When the peer is back, then the job ends as always.
    world.start(peer).await;
    it_ends_well(&world, &ticket).await;
    let after = world.ticket(&ticket.name).await;
    assert_eq!(after.attention, "", "what was stuck is not stuck any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn entitlement_down_delays_and_loses_nothing() {
    reported_while_down("entitlement", "DECIDE_COVERAGE").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inventory_down_delays_and_loses_nothing() {
    reported_while_down("inventory", "CHOOSE_PARTS").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dispatch_down_delays_and_loses_nothing() {
    reported_while_down("dispatch", "BOOK_VISIT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn feedback_down_delays_the_survey_and_loses_nothing() {
    // Given that feedback is down while a repair is done and closed,
    let mut world = World::new().await;
    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    world.stop("feedback").await;
    world.visit(&ticket).await.repair().await;
    world.confirm(&ticket).await;

    // when it is back, then the customer is asked, once.
    world.start("feedback").await;
    world.answer_survey(&ticket, 5).await;
    assert_eq!(world.surveys_of(&ticket).await.len(), 1);
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ticket_service_down_hears_afterwards_what_happened() {
    // Given that the ticket service is down while the technician works,
    let mut world = World::new().await;
    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    let order = world.visit(&ticket).await.order.name;
    world.stop("ticket").await;
    world.take_up(&order).await.repair().await;

    // when it is back, then it hears of the repair, and the job ends as always.
    world.start("ticket").await;
    world.confirm(&ticket).await;
    world.answer_survey(&ticket, 5).await;
    world.nothing_is_held_for(&ticket).await;
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_restarted_in_the_middle() {
    // Given a repair, when every service is restarted between its steps, then it ends as always.
    let mut world = World::new().await;
    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    world.restart_everything().await;
    world.visit(&ticket).await;
    world.restart_everything().await;
    world.visit(&ticket).await.repair().await;
    world.restart_everything().await;
    world.confirm(&ticket).await;
    world.answer_survey(&ticket, 5).await;
    world.nothing_is_held_for(&ticket).await;
    world.verify().await;
}
