//! Where parts were needed goes with the customer; the ledger stays as it is.

use std::time::Duration;

use chassis::testing::eventually;
use proto::inventory::v1::reservation::State;
use proto::kinds::v1::LatLng;
use sqlx::AssertSqlSafe;

use crate::support::*;

const PATIENCE: Duration = Duration::from_secs(30);

async fn count(house: &House, what: &str) -> i64 {
    let count = sqlx::query_scalar(AssertSqlSafe(what.to_owned()));
    count.fetch_one(&house.admin).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_of_an_erased_ticket_is_forgotten_and_nothing_else_changes() {
    let house = house().await;
    house.part("P-1", false).await;
    house.location("HZ", 30.0).await;
    house.receive("P-1", "HZ", 5).await;
    let place = LatLng {
        latitude: 30.2436,
        longitude: 120.1826,
    };
    let mut reservations = Vec::new();
    for _ in 0..2 {
        let mut request = wants(&[("P-1", 1)]);
        request.near = Some(place);
        reservations.push(house.reserve(request).await);
    }
    let movements = count(&house, "select count(*) from stock_movements").await;

    let mut tx = house.db.begin(&tenant()).await.unwrap();
    let recorded = chassis::erasure::record(&mut tx, &reservations[0].ticket);
    recorded.await.unwrap();
    tx.commit().await.unwrap();

    let told = "select count(*) from reservations where near_latitude is not null";
    eventually(PATIENCE, "one place is forgotten", async || {
        (count(&house, told).await == 1).then_some(())
    })
    .await;
    for reservation in &reservations {
        assert_eq!(house.state(&reservation.name).await, State::Held);
    }
    assert_eq!(house.level("P-1").await, (3, 2));
    assert_eq!(
        count(&house, "select count(*) from stock_movements").await,
        movements
    );
    let mut later = wants(&[("P-1", 1)]);
    later.near = Some(place);
    (later.ticket, later.round) = (reservations[0].ticket.clone(), 2);
    assert_eq!(house.reserve(later).await.state(), State::Held);
    assert_eq!(count(&house, told).await, 1, "nor is a later one's told");
}
