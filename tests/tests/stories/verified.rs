//! `fettle verify` finds what no single service can see.

use stories::world::{NOTEBOOK, World};

#[tokio::test(flavor = "multi_thread")]
async fn parts_kept_for_a_ticket_that_is_over_are_named() {
    // Given a ticket whose part and visit are booked, and nothing wrong,
    let mut world = World::new().await;
    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    world.visit(&ticket).await;
    world.verify().await;
    let (holds, words) = world.told_by_verify();
    assert!(holds, "{words}");

    // when the ticket is ended behind everybody's back,
    world.stop("ticket").await;
    world
        .corrupt("update ticket.tickets set state = 'CANCELLED'")
        .await;
    world
        .corrupt("update ticket.processes set due_at = null")
        .await;

    // then the law and the ticket are named.
    let (holds, words) = world.told_by_verify();
    assert!(!holds);
    let id = ticket.name.trim_start_matches("tickets/");
    let named = words
        .lines()
        .skip_while(|line| !line.contains("PROCESS_NOTHING_HELD_WHEN_OVER  1 breach"));
    assert!(named.take(2).any(|line| line.contains(id)), "{words}");
}
