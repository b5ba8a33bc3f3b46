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
