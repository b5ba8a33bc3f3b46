//! The main job and a withdrawal, and the same with each peer dead at first.

use proto::ticket::v1::ticket::State;
use stories::processes::Suite;
use stories::world::{NOTEBOOK, World, recently};

/// From a ticket that waits for its visit to its survey.
async fn repaired_and_surveyed(world: &World, ticket: &proto::ticket::v1::Ticket) {
    world.visit(ticket).await.repair().await;
    world.confirm(ticket).await;
    world.answer_survey(ticket, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn six_processes_do_the_main_job_and_undo_a_withdrawn_one() {
    let suite = Suite::new(&[]).await;
    let world = suite.world(recently()).await;

    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    repaired_and_surveyed(&world, &ticket).await;

    let withdrawn = world.report(NOTEBOOK, "KEYBOARD").await;
    world.visit(&withdrawn).await;
    world.cancel(&withdrawn).await;
    world.nothing_is_held_for(&withdrawn).await;

    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_taken_while_a_peer_is_dead_and_its_repair_goes_on_when_the_peer_is_back() {
    let mut suite = Suite::new(&[]).await;
    let world = suite.world(recently()).await;

    for peer in [
        "entitlement",
        "inventory",
        "dispatch",
        "feedback",
        "channel",
    ] {
        suite.kill9(peer).await;
        let ticket = world.report(NOTEBOOK, "MEMORY").await;
        assert_eq!(ticket.state(), State::Acknowledged, "while {peer} is dead");

        match peer {
            "entitlement" | "inventory" | "dispatch" => suite.start(peer).await,
            // These two are not needed before the end.
            _ => drop(world.visit(&ticket).await),
        }
        let mut visit = world.visit(&ticket).await;
        visit.repair().await;
        world.confirm(&ticket).await;
        if ["feedback", "channel"].contains(&peer) {
            suite.start(peer).await;
        }
        world.answer_survey(&ticket, 5).await;
    }

    world.verify().await;
}
