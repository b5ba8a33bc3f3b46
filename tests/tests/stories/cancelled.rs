//! Undo is not a second path: wherever a ticket is withdrawn, it ends holding nothing.

use proto::dispatch::v1::work_order;
use proto::ticket::v1::Ticket;
use proto::ticket::v1::ticket::{PauseReason, State};
use stories::world::{DESKTOP, NOTEBOOK, OLD_NOTEBOOK, World};

/// How far a repair came before the customer withdrew it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    JustReported,
    WaitsForRegistration,
    QuoteOpen,
    PartsBackordered,
    VisitBooked,
    TechnicianUnderWay,
    RepairUnderWay,
}

const ALL: [Reached; 7] = [
    Reached::JustReported,
    Reached::WaitsForRegistration,
    Reached::QuoteOpen,
    Reached::PartsBackordered,
    Reached::VisitBooked,
    Reached::TechnicianUnderWay,
    Reached::RepairUnderWay,
];

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_at_every_step_leaves_nothing_held() {
    let world = World::new().await;
    for reached in ALL {
        // Given a repair that came so far,
        let ticket = come(&world, reached).await;

        // when the customer withdraws it,
        world.cancel(&ticket).await;

        // then nothing is held, and nobody asks how it was.
        world.await_state(&ticket, State::Cancelled).await;
        world.nothing_is_held_for(&ticket).await;
        assert!(world.surveys_of(&ticket).await.is_empty(), "{reached:?}");
        for (part, pieces) in [("MEM-16", 2), ("DISK-1T", 2), ("LCD-14", 0)] {
            assert_eq!(
                world.level("HANGZHOU", part).await,
                (pieces, 0),
                "{reached:?}: {part}"
            );
        }
    }
    world.verify().await;
}

/// Takes a ticket as far as that.
async fn come(world: &World, reached: Reached) -> Ticket {
    match reached {
        Reached::JustReported => world.report(NOTEBOOK, "MEMORY").await,
        Reached::WaitsForRegistration => {
            let ticket = world.report("SN-NEVER", "MEMORY").await;
            world
                .await_pause(&ticket, PauseReason::WaitingRegistration)
                .await
        }
        Reached::QuoteOpen => {
            let ticket = world.report(OLD_NOTEBOOK, "MAINBOARD").await;
            world.quote(&ticket).await;
            ticket
        }
        Reached::PartsBackordered => {
            let ticket = world.report(NOTEBOOK, "LCD").await;
            world.await_pause(&ticket, PauseReason::WaitingPart).await
        }
        Reached::VisitBooked => {
            let ticket = world.report(NOTEBOOK, "MEMORY").await;
            world.visit(&ticket).await;
            assert_eq!(world.level("HANGZHOU", "MEM-16").await, (1, 1));
            ticket
        }
        Reached::TechnicianUnderWay | Reached::RepairUnderWay => {
            let ticket = world.report(DESKTOP, "DISK").await;
            let mut visit = world.visit(&ticket).await;
            visit.departs().await;
            if reached == Reached::RepairUnderWay {
                visit.arrives().await.starts().await;
            }
            let order = world.work_order(&visit.order.name).await;
            assert_ne!(order.state(), work_order::State::Scheduled);
            ticket
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawn_while_the_process_runs_leaves_nothing_held() {
    // Given repairs of which each came a little further than the one before,
    let world = World::new().await;
    let mut tickets = Vec::new();
    for further in 0..16 {
        let ticket = world.report(DESKTOP, "DISK").await;
        for _ in 0..further {
            world.ticket(&ticket.name).await;
        }

        // when each is withdrawn wherever its process is at that moment,
        world.cancel(&ticket).await;
        tickets.push(ticket);
    }

    // then none holds anything, and the stock is as it was.
    for ticket in &tickets {
        world.await_state(ticket, State::Cancelled).await;
        world.nothing_is_held_for(ticket).await;
    }
    assert_eq!(world.level("HANGZHOU", "DISK-1T").await, (2, 0));
    assert_eq!(world.level("SHANGHAI", "DISK-1T").await, (3, 0));
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_given_back_goes_to_who_waits_for_it() {
    // Given one display, held for one repair, and another repair that waits for one,
    let world = World::new().await;
    world.register("SN-2", 12).await;
    world.receive_stock("HANGZHOU", "LCD-14", 1).await;
    let first = world.report(NOTEBOOK, "LCD").await;
    world.visit(&first).await;
    let second = world.report("SN-2", "LCD").await;
    world.await_pause(&second, PauseReason::WaitingPart).await;

    // when the first is withdrawn, then the second is repaired with its part.
    world.cancel(&first).await;
    world.visit(&second).await.repair().await;
    world.confirm(&second).await;
    world.nothing_is_held_for(&first).await;
    assert_eq!(world.level("HANGZHOU", "LCD-14").await, (0, 0));
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawn_while_those_who_hold_are_down_is_given_back_later() {
    // Given a booked repair, when it is withdrawn while inventory and dispatch are down,
    let mut world = World::new().await;
    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    world.visit(&ticket).await;
    world.stop("inventory").await;
    world.stop("dispatch").await;
    let cancelled = world.cancel(&ticket).await;
    assert_eq!(
        cancelled.state(),
        State::Cancelled,
        "the customer does not wait for them"
    );

    // then both give back what they hold as soon as they can be asked.
    world.start("inventory").await;
    world.start("dispatch").await;
    world.nothing_is_held_for(&ticket).await;
    assert_eq!(world.level("HANGZHOU", "MEM-16").await, (2, 0));
    world.verify().await;
}
