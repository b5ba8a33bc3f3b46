//! Customers report faults, in order of arrival; an agent answers each; some customers think
//! better of it at once.

use std::sync::Arc;

use chassis::refusal::to_pb;
use proto::ticket::v1::RespondToTicketRequest;

use super::{Play, hand_over, waiting};
use crate::client::Told;
use crate::demo::report_of;
use crate::world::Cancel;

/// Reports everything, as far as tickets may be open at the same time, then stays silent.
pub(super) async fn act(play: Arc<Play>) -> anyhow::Result<()> {
    for index in 0..play.world.plans.len() {
        let permit = play.open.clone().acquire_owned().await?;
        // Waiting for a turn here keeps the reports in their order.
        drop(play.calls.acquire().await?);
        let task = report(play.clone(), index, permit);
        hand_over(&play, "reporting", index.to_string(), task);
    }
    std::future::pending().await
}

async fn report(
    play: Arc<Play>,
    index: usize,
    permit: tokio::sync::OwnedSemaphorePermit,
) -> Result<(), Told> {
    let plan = play.plan(index);
    let request = report_of(plan, &play.seeded, &play.keys);
    let ticket = play.call(play.cast.agent.create_ticket(request)).await?;
    play.board.opened(&ticket.name, index, plan.at, permit);
    if plan.course.cancel == Some(Cancel::AtOnce) {
        return waiting::cancel(&play, &ticket.name, "found it myself").await;
    }
    let at = crate::world::minutes_after(plan.at, plan.course.response_minutes);
    let request = RespondToTicketRequest {
        name: ticket.name.clone(),
        request_id: play.key("respond", &ticket.name),
        occur_time: Some(to_pb(at)),
        note: "Thank you, we are on it.".to_owned(),
        ..Default::default()
    };
    match play.call(play.cast.agent.respond_to_ticket(request)).await {
        // The process may have come to an end first: refused coverage, for instance.
        Err(told) if told.is("ILLEGAL_MOVE") => play.board.count(|tally| tally.overtaken += 1),
        answered => drop(answered?),
    }
    Ok(())
}
