//! Those who wait: who is served when pieces come, and holds that lapse.

use std::time::Duration;

use chassis::testing::eventually;
use inventory::workers;
use proto::inventory::v1::ReservePartsRequest;
use proto::inventory::v1::reservation::State;

use crate::support::{HOLD_FOR, House, codes, house, house_with, used, wants};

const WAIT: Duration = Duration::from_secs(20);

async fn empty() -> House {
    let house = house().await;
    for part in ["P", "Q"] {
        house.part(part, false).await;
    }
    house.location("SH", 31.0).await;
    house
}

async fn waits(house: &House, lines: &[(&str, i64)], priority: i32) -> String {
    let waiting = house
        .reserve(ReservePartsRequest {
            priority,
            ..wants(lines)
        })
        .await;
    assert_eq!(waiting.state(), State::Backordered);
    waiting.name
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_serves_the_most_urgent_first_then_the_longest_waiting() {
    let house = empty().await;
    let ordinary = waits(&house, &[("P", 1)], 3).await;
    let later = waits(&house, &[("P", 1)], 3).await;
    let critical = waits(&house, &[("P", 1)], 1).await;

    house.receive("P", "SH", 1).await;
    assert_eq!(house.state(&critical).await, State::Held);
    assert_eq!(house.state(&ordinary).await, State::Backordered);

    house.receive("P", "SH", 1).await;
    assert_eq!(house.state(&ordinary).await, State::Held);
    assert_eq!(house.state(&later).await, State::Backordered);

    let served = house.get(&critical).await;
    assert_eq!(codes(&served), ["LOCATION_CHOSEN", "PROMOTED"]);
    assert!(served.expire_time.is_some());
    assert_eq!(
        house.told(&critical).await,
        ["reservation.backordered", "reservation.held"]
    );
    assert_eq!(
        house.told("parts/P").await,
        ["part.arrived", "part.arrived"]
    );
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_does_not_overtake_unless_more_urgent() {
    let house = empty().await;
    let large = waits(&house, &[("P", 5)], 2).await;
    house.receive("P", "SH", 3).await;

    let small = house.reserve(wants(&[("P", 1)])).await;
    let urgent = house
        .reserve(ReservePartsRequest {
            priority: 1,
            ..wants(&[("P", 1)])
        })
        .await;

    assert_eq!(
        (small.state(), codes(&small)),
        (State::Backordered, vec!["OTHERS_FIRST"])
    );
    assert_eq!(
        (urgent.state(), codes(&urgent)),
        (State::Held, vec!["LOCATION_CHOSEN"])
    );
    house.receive("P", "SH", 3).await;
    assert_eq!(house.state(&large).await, State::Held);
    assert_eq!(house.state(&small.name).await, State::Backordered);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_waits_for_another_part_lets_the_next_pass() {
    let house = empty().await;
    let both = waits(&house, &[("P", 1), ("Q", 1)], 1).await;
    let one = waits(&house, &[("P", 1)], 4).await;

    house.receive("P", "SH", 1).await;
    assert_eq!(house.state(&one).await, State::Held);

    house.receive("P", "SH", 1).await;
    house.receive("Q", "SH", 1).await;
    assert_eq!(house.state(&both).await, State::Held);
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn release_adjustment_and_leftovers_serve_those_who_wait() {
    let house = empty().await;
    house.receive("P", "SH", 2).await;
    let first = house.reserve(wants(&[("P", 2)])).await;
    let second = waits(&house, &[("P", 1)], 3).await;
    let third = waits(&house, &[("P", 1)], 3).await;
    let fourth = waits(&house, &[("P", 1)], 3).await;

    house
        .hears(
            "work_order.incomplete",
            &first.name,
            vec![used("P", 1, "", "")],
        )
        .await
        .unwrap();
    assert_eq!(house.state(&second).await, State::Held);

    house.adjust("P", "SH", 1).await.unwrap();
    assert_eq!(house.state(&third).await, State::Held);

    house.release(&second).await.unwrap();
    assert_eq!(house.state(&fourth).await, State::Held);
    assert_eq!(house.level("P").await, (0, 2));
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_that_waits_can_be_released_and_is_served_no_more() {
    let house = empty().await;
    let waiting = waits(&house, &[("P", 1)], 3).await;

    house.release(&waiting).await.unwrap();
    house.receive("P", "SH", 1).await;

    assert_eq!(house.state(&waiting).await, State::Released);
    assert_eq!(house.level("P").await, (1, 0));
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_lapses_is_told_and_serves_the_next() {
    let house = house_with(&[("inventory.expiry_poll_ms", "20")]).await;
    house.part("P", false).await;
    house.location("SH", 31.0).await;
    house.receive("P", "SH", 1).await;
    let held = house.reserve(wants(&[("P", 1)])).await;
    let next = waits(&house, &[("P", 1)], 3).await;

    sqlx::query(
        "update reservations set expire_at = now() - interval '1 second' where state = 'HELD'",
    )
    .execute(&house.admin)
    .await
    .unwrap();

    eventually(WAIT, "the hold lapses", async || {
        (house.state(&held.name).await == State::Expired).then_some(())
    })
    .await;
    assert_eq!(house.state(&next).await, State::Held);
    assert_eq!(
        house.told(&held.name).await,
        ["reservation.held", "reservation.expired"]
    );
    assert_eq!(
        house.release(&held.name).await.unwrap().state(),
        State::Expired
    );
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_serves_whom_no_turn_reached() {
    let house = empty().await;
    house.receive("P", "SH", 1).await;
    let held = house.reserve(wants(&[("P", 1)])).await;
    let waiting = waits(&house, &[("P", 1)], 3).await;
    // As if the turn had ended before this one: its queue was not locked, so it was passed over.
    let mut other = chassis::db::begin(&house.admin, "begin").await.unwrap();
    let lock = "select id from reservations where state = 'BACKORDERED' for update";
    sqlx::query(lock).execute(&mut *other).await.unwrap();
    house.release(&held.name).await.unwrap();
    other.rollback().await.unwrap();
    assert_eq!(house.state(&waiting).await, State::Backordered);

    workers::serve_awaited(&house.db, HOLD_FOR).await.unwrap();

    assert_eq!(house.state(&waiting).await, State::Held);
}
