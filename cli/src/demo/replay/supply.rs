//! A storekeeper: parts that tickets wait for arrive some days later, piece by piece.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chassis::refusal::to_pb;
use jiff::SignedDuration;
use proto::inventory::v1::reservation::State;
use proto::inventory::v1::{ListReservationsRequest, ReceiveStockRequest, Reservation};

use super::{LOOK_EVERY, Play, hand_over};
use crate::client::{Told, all_pages};
use crate::world::Cancel;

/// A delivery is served to whoever waits first, who may be another: what still waits after this
/// long is ordered again.
const ORDER_AGAIN: Duration = Duration::from_secs(3);

/// Looks for reservations that wait, and has what they wait for delivered.
pub(super) async fn act(play: Arc<Play>) -> anyhow::Result<()> {
    // When each was ordered last, and how often.
    let mut ordered: HashMap<String, (Instant, u32)> = HashMap::new();
    loop {
        for waiting in listed(&play, &[State::Backordered]).await? {
            let Some(index) = play.board.plan_of(&waiting.ticket) else {
                continue;
            };
            let (last, times) = ordered
                .get(&waiting.name)
                .map_or((None, 0), |(at, times)| (Some(*at), *times));
            if last.is_some_and(|at| at.elapsed() < ORDER_AGAIN) {
                continue;
            }
            if play.board.take(format!("supply:{}:{times}", waiting.name)) {
                ordered.insert(waiting.name.clone(), (Instant::now(), times + 1));
                let ticket = waiting.ticket.clone();
                play.board.count(|tally| tally.backordered.extend([ticket]));
                // Who will lose patience is not served first.
                if play.plan(index).course.cancel != Some(Cancel::Waiting) || waiting.round > 1 {
                    let name = waiting.name.clone();
                    hand_over(
                        &play,
                        "supplying",
                        name,
                        deliver(play.clone(), index, waiting, times),
                    );
                }
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Reservations in one of the states.
pub(super) async fn listed(play: &Play, states: &[State]) -> Result<Vec<Reservation>, Told> {
    let page = |page_token: String| async {
        let request = ListReservationsRequest {
            page_size: 1_000,
            page_token,
            states: states.iter().copied().map(i32::from).collect(),
            ..Default::default()
        };
        let answer = play.cast.storekeeper.list_reservations(request).await?;
        Ok((answer.reservations, answer.next_page_token))
    };
    all_pages(20, page).await
}

async fn deliver(
    play: Arc<Play>,
    index: usize,
    waiting: Reservation,
    times: u32,
) -> Result<(), Told> {
    let plan = play.plan(index);
    let days = SignedDuration::from_hours(24 * plan.course.supply_days);
    let at = play.board.moment(&waiting.ticket, plan.at + days);
    for (number, line) in waiting.lines.iter().enumerate() {
        let spare = play
            .world
            .spares
            .iter()
            .find(|spare| line.part.ends_with(&spare.number));
        let serialised = spare.is_some_and(|spare| spare.serialised);
        let id = format!("{}-{times}", play.key("in", &waiting.name));
        let serial = |piece: i64| format!("{id}-{number}-{piece}");
        let request = ReceiveStockRequest {
            location: format!("stockLocations/REGIONAL-{}", plan.site.region.code),
            part: line.part.clone(),
            quantity: line.quantity,
            serial_numbers: if serialised {
                (0..line.quantity).map(serial).collect()
            } else {
                vec![]
            },
            reference: "ordered for a waiting repair".to_owned(),
            request_id: format!("{id}-{number}"),
            occur_time: Some(to_pb(at)),
        };
        play.call(play.cast.storekeeper.receive_stock(request))
            .await?;
    }
    Ok(())
}
