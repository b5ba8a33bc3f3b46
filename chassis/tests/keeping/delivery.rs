//! What was told is heard: once, in order, whoever commits last.

use std::collections::BTreeMap;

use chassis::Clock;
use chassis::outbox::{PARTITIONS, partition_of};
use redis::streams::StreamRangeReply;
use sqlx::types::Uuid;

use crate::house::{Listener, house, open, tenant, tickets, told};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_commit_told_is_heard_once_and_in_order() {
    let house = house().await;
    let aggregates = tickets(10);
    let relay = house.relay();
    let consumer = house.consumer(&Listener::willing());

    house.tell(&aggregates, 1..=6).await;

    house.heard_count(60).await;
    house.assert_heard_once_in_order(&aggregates, 6).await;
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_rolled_back_is_never_heard() {
    let house = house().await;
    let aggregates = tickets(1);
    let relay = house.relay();
    let consumer = house.consumer(&Listener::willing());

    let mut tx = house.ticket.begin(&tenant()).await.unwrap();
    tx.tell(told("tickets/never", 1));
    drop(tx);
    house.tell(&aggregates, 1..=1).await;

    house.heard_count(1).await;
    house.assert_heard_once_in_order(&aggregates, 1).await;
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lower_number_that_commits_last_is_still_heard() {
    let house = house().await;
    let relay = house.relay();
    let consumer = house.consumer(&Listener::willing());
    let early = house.ticket.ids().v7();
    let tenant = tenant();
    let sql = "insert into outbox (event_id, tenant_id, kind, aggregate, version, partition,
        occurred_at, recorded_at, payload)
        values ($1, $2, 'ticket.closed', 'tickets/early', 1, $3, now(), now(), '')";
    let mut slow = house.ticket.begin(&tenant).await.unwrap();
    let insert = sqlx::query(sql)
        .bind(early)
        .bind(tenant.as_str())
        .bind(partition_of(&tenant, "tickets/early"));
    insert.execute(&mut *slow).await.unwrap();

    house.tell(&tickets(20), 1..=1).await;
    house.heard_count(20).await;
    slow.commit().await.unwrap();

    house.heard_count(21).await;
    assert_eq!(house.heard().await[20], ("tickets/early".to_owned(), 1));
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_relays_publish_each_event_once_and_in_order() {
    let house = house().await;
    let other = crate::house::House {
        ticket: open(&house.database, "ticket").await,
        feedback: house.feedback.clone(),
        admin: house.admin.clone(),
        database: house.database.clone(),
        redis: chassis::testing::redis().await,
        events: house.events.clone(),
    };
    let aggregates = tickets(30);

    let (first, second) = (house.relay(), other.relay());
    house.tell(&aggregates, 1..=5).await;
    other.tell(&aggregates, 6..=10).await;
    house.published_all().await;

    let mut published = 0;
    let mut versions: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut link = house.link().await;
    for partition in 0..PARTITIONS {
        let key = format!("fettle:ticket:{partition}");
        let reply: StreamRangeReply = redis::cmd("XRANGE")
            .arg(key)
            .arg("-")
            .arg("+")
            .query_async(&mut link)
            .await
            .unwrap();
        for (place, entry) in (1i64..).zip(&reply.ids) {
            assert_eq!(entry.get::<i64>("seq"), Some(place));
            let aggregate: String = entry.get("subject").unwrap();
            versions
                .entry(aggregate)
                .or_default()
                .push(entry.get("version").unwrap());
            published += 1;
        }
    }
    assert_eq!(published, 300);
    assert!(
        versions
            .values()
            .all(|seen| *seen == (1..=10).collect::<Vec<i64>>())
    );
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_carries_the_attributes_of_a_cloud_event() {
    let house = house().await;
    let relay = house.relay();
    let aggregates = tickets(1);
    house.tell(&aggregates, 1..=1).await;
    house.published_all().await;

    let key = format!("fettle:ticket:{}", partition_of(&tenant(), &aggregates[0]));
    let mut link = house.link().await;
    let reply: StreamRangeReply = redis::cmd("XRANGE")
        .arg(key)
        .arg("-")
        .arg("+")
        .query_async(&mut link)
        .await
        .unwrap();

    let entry = &reply.ids[0];
    let text = |name: &str| entry.get::<String>(name).unwrap();
    assert!(Uuid::parse_str(&text("id")).is_ok());
    assert_eq!(
        (text("specversion"), text("source"), text("type")),
        ("1.0".into(), "ticket".into(), "ticket.closed".into())
    );
    assert_eq!(
        (text("subject"), text("tenant"), text("version")),
        (aggregates[0].clone(), "acme".into(), "1".into())
    );
    assert!(text("time").parse::<jiff::Timestamp>().unwrap() <= Clock::system().now());
    relay.stop().await;
}
