//! What only one may do is done by one, and a late one is kept out.

use std::time::Duration;

use chassis::lease::{acquire, hold};
use chassis::testing::eventually;
use sqlx::types::Uuid;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::house::{PATIENCE, house};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_has_one_holder_until_it_ends_and_the_next_one_has_a_higher_fence() {
    let house = house().await;
    let pool = house.ticket.worker_pool();
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));

    let held = acquire(pool, "work", one, LONG).await.unwrap().unwrap();
    assert!(acquire(pool, "work", other, LONG).await.unwrap().is_none());
    sqlx::query("update ticket.leases set until = now() - interval '1 second'")
        .execute(&house.admin)
        .await
        .unwrap();
    let next = acquire(pool, "work", other, LONG).await.unwrap().unwrap();

    assert!(next.fence() > held.fence());
    assert!(!held.renew(pool, LONG).await.unwrap());
    let mut tx = chassis::db::begin(pool, "begin").await.unwrap();
    assert!(!held.check(&mut tx).await.unwrap());
    assert!(next.check(&mut tx).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_a_lease_over_while_a_fenced_write_is_under_way() {
    let house = house().await;
    let pool = house.ticket.worker_pool();
    let held = acquire(pool, "work", Uuid::from_u128(1), Duration::from_millis(200))
        .await
        .unwrap()
        .unwrap();
    let mut tx = chassis::db::begin(pool, "begin").await.unwrap();
    assert!(held.check(&mut tx).await.unwrap());

    let next = eventually(PATIENCE, "the lease is taken over", async || {
        acquire(pool, "work", Uuid::from_u128(2), LONG)
            .await
            .unwrap()
    });
    let write = async {
        let blocked = "select count(*) from pg_stat_activity
            where wait_event_type = 'Lock' and datname = current_database()";
        eventually(PATIENCE, "the other one waits", async || {
            let waiting: i64 = sqlx::query_scalar(blocked)
                .fetch_one(&house.admin)
                .await
                .unwrap();
            (waiting > 0).then_some(())
        })
        .await;
        assert!(held.check(&mut tx).await.is_ok());
        tx.commit().await.unwrap();
        std::time::Instant::now()
    };
    let taken = async { (next.await, std::time::Instant::now()) };

    let ((next, taken_at), written_at) = tokio::join!(taken, write);
    assert!(next.fence() > held.fence());
    assert!(taken_at >= written_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_moves_to_another_holder_when_the_first_one_stops() {
    let house = house().await;
    let (began, mut begins) = mpsc::unbounded_channel();
    let start = |name: &'static str| {
        let (pool, began, stop) = (
            house.ticket.worker_pool().clone(),
            began.clone(),
            CancellationToken::new(),
        );
        let ended = stop.clone();
        let task = tokio::spawn(async move {
            hold(&pool, "work", Duration::from_millis(600), &ended, |held| {
                let _ = began.send((name, held.fence()));
                std::future::pending()
            })
            .await;
        });
        (stop, task)
    };

    let (stop, task) = start("first");
    assert_eq!(begins.recv().await, Some(("first", 1)));
    let (stop_other, other) = start("second");
    stop.cancel();
    task.await.unwrap();

    assert_eq!(begins.recv().await, Some(("second", 2)));
    stop_other.cancel();
    other.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_whose_lease_was_taken_stops_its_work() {
    let house = house().await;
    let (began, mut begins) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let task = tokio::spawn({
        let (pool, stop) = (house.ticket.worker_pool().clone(), stop.clone());
        async move {
            hold(&pool, "work", Duration::from_millis(600), &stop, |held| {
                let _ = began.send(held.fence());
                std::future::pending()
            })
            .await;
        }
    });
    assert_eq!(begins.recv().await, Some(1));

    let steal = "update ticket.leases set holder = gen_random_uuid(), fence = 2, until = now() + interval '1 second'";
    sqlx::query(steal).execute(&house.admin).await.unwrap();

    // It begins again only after the thief's time, with a fence above the thief's.
    assert_eq!(begins.recv().await, Some(3));
    stop.cancel();
    task.await.unwrap();
}
