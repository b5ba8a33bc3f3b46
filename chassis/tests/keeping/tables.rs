//! Days are made ahead, and dropped when nobody needs them.

use chassis::{maintenance, streams};
use jiff::{SignedDuration, Timestamp};

use crate::house::{House, Listener, house, tickets};

async fn partitions(house: &House) -> Vec<String> {
    let sql = "select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'ticket.outbox'::regclass order by 1";
    sqlx::query_scalar(sql)
        .fetch_all(&house.admin)
        .await
        .unwrap()
}

async fn kept(house: &House) -> i64 {
    sqlx::query_scalar("select count(*) from ticket.outbox")
        .fetch_one(&house.admin)
        .await
        .unwrap()
}

fn day(at: Timestamp) -> String {
    format!("outbox_p{}", at.strftime("%Y%m%d"))
}

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

#[tokio::test(flavor = "multi_thread")]
async fn upkeep_makes_the_coming_days_and_empties_the_default_partition_into_them() {
    let house = house().await;
    let later = house.ticket.clock().now() + days(30);
    let sql = "insert into ticket.outbox (event_id, tenant_id, kind, aggregate, version, partition,
        occurred_at, recorded_at, payload) values (ticket.uuid7_floor($1::text::timestamptz), 'acme', 'k', 'a', 1, 0, now(), now(), '')";
    sqlx::query(sql)
        .bind(later.to_string())
        .execute(&house.admin)
        .await
        .unwrap();
    let of_row = "select tableoid::regclass::text from ticket.outbox";
    let before: String = sqlx::query_scalar(of_row)
        .fetch_one(&house.admin)
        .await
        .unwrap();
    assert_eq!(before, "ticket.outbox_rest");

    let settings = streams::Settings::default();
    maintenance::round(house.ticket.worker_pool(), later, &settings)
        .await
        .unwrap();

    let after: String = sqlx::query_scalar(of_row)
        .fetch_one(&house.admin)
        .await
        .unwrap();
    assert_eq!(after, format!("ticket.{}", day(later)));
    assert!(partitions(&house).await.contains(&day(later + days(7))));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_dropped_by_the_day_once_every_consumer_has_passed_them() {
    let house = house().await;
    let settings = streams::Settings::default();
    let (pool, now) = (house.ticket.worker_pool(), house.ticket.clock().now());
    let later = now + days(20);
    let relay = house.relay();
    house.tell(&tickets(5), 1..=1).await;
    house.published_all().await;

    maintenance::round(pool, later, &settings).await.unwrap();
    assert_eq!(kept(&house).await, 5, "no consumer has passed them");

    let consumer = house.consumer(&Listener::willing());
    house.heard_count(5).await;
    let sql = "select count(*) from ticket.relay_partitions r
        left join ticket.consumer_positions c using (partition)
        where r.published > coalesce(c.sequence, 0)";
    chassis::testing::eventually(
        crate::house::PATIENCE,
        "the producer knows what was passed",
        async || {
            let behind: i64 = sqlx::query_scalar(sql)
                .fetch_one(&house.admin)
                .await
                .unwrap();
            (behind == 0).then_some(())
        },
    )
    .await;
    maintenance::round(pool, later, &settings).await.unwrap();

    assert_eq!(kept(&house).await, 0);
    assert!(!partitions(&house).await.contains(&day(now)));
    relay.stop().await;
    consumer.stop().await;
}
