//! The main job: reported, decided, held, booked, repaired, closed, surveyed, counted.

use proto::ticket::v1::ticket::State;
use stories::world::{NOTEBOOK, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_under_warranty_is_repaired_free_of_charge() {
    let world = World::new().await;
    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    world.visit(&ticket).await.repair().await;
    world.confirm(&ticket).await;
    world.answer_survey(&ticket, 5).await;
    let _ = State::Closed;
    world.verify().await;
}
