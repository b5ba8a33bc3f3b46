//! Many callers at once: never held twice, nobody stuck.

use std::sync::Arc;

use proto::inventory::v1::reservation::State;
use tokio::task::JoinSet;

use crate::support::{house, wants};

#[tokio::test(flavor = "multi_thread")]
async fn fifty_pieces_serve_fifty_of_128_callers_and_the_others_wait() {
    let house = Arc::new(house().await);
    house.part("BAT-1", false).await;
    house.location("SH", 31.0).await;
    house.receive("BAT-1", "SH", 50).await;

    let mut callers = JoinSet::new();
    for _ in 0..128 {
        let house = Arc::clone(&house);
        callers.spawn(async move { house.reserve(wants(&[("BAT-1", 1)])).await.state() });
    }
    let states = callers.join_all().await;

    let count = |state| states.iter().filter(|s| **s == state).count();
    assert_eq!((count(State::Held), count(State::Backordered)), (50, 78));
    assert_eq!(house.level("BAT-1").await, (0, 50));
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_parts_in_opposite_order_do_not_block_each_other() {
    let house = Arc::new(house().await);
    for part in ["A", "B"] {
        house.part(part, false).await;
    }
    house.location("SH", 31.0).await;
    house.receive("A", "SH", 20).await;
    house.receive("B", "SH", 20).await;

    let mut callers = JoinSet::new();
    for i in 0..60 {
        let house = Arc::clone(&house);
        callers.spawn(async move {
            let forth = wants(&[("A", 1), ("B", 1)]);
            let back = wants(&[("B", 1), ("A", 1)]);
            let held = house.reserve(if i % 2 == 0 { forth } else { back }).await;
            if i % 3 == 0 {
                house.release(&held.name).await.unwrap();
            }
        });
    }
    // A deadlock would be refused as contention, and the caller's unwrap would say so.
    callers.join_all().await;

    assert_eq!(house.level("A").await, (0, 20));
    assert_eq!(house.level("B").await, (0, 20));
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_step_asked_many_times_at_once_holds_once() {
    let house = Arc::new(house().await);
    house.part("BAT-1", false).await;
    house.location("SH", 31.0).await;
    house.receive("BAT-1", "SH", 5).await;

    let asked = wants(&[("BAT-1", 1)]);
    let mut callers = JoinSet::new();
    for _ in 0..16 {
        let (house, asked) = (Arc::clone(&house), asked.clone());
        callers.spawn(async move { house.reserve(asked).await.name });
    }
    let mut names = callers.join_all().await;
    names.dedup();

    assert_eq!(names.len(), 1);
    assert_eq!(house.level("BAT-1").await, (4, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_that_is_released_and_received_while_others_ask_reaches_them() {
    let house = Arc::new(house().await);
    house.part("BAT-1", false).await;
    house.location("SH", 31.0).await;
    house.location("BJ", 39.0).await;

    let mut callers = JoinSet::new();
    for i in 0..40 {
        let house = Arc::clone(&house);
        callers.spawn(async move {
            if i % 2 == 0 {
                house
                    .receive("BAT-1", if i % 4 == 0 { "SH" } else { "BJ" }, 1)
                    .await;
            } else {
                house.reserve(wants(&[("BAT-1", 1)])).await;
            }
        });
    }
    callers.join_all().await;

    // As many came as were asked for: whoever came first, nobody waits beside a free piece.
    assert_eq!(house.level("BAT-1").await, (0, 20));
    assert_eq!(house.breaches().await, []);
}
