//! Redis holds nothing that cannot be lost.

use chassis::outbox::{PARTITIONS, partition_of};
use redis::streams::StreamRangeReply;

use crate::house::{House, Listener, house, tenant, tickets};

async fn flush(house: &House) {
    let () = redis::cmd("FLUSHALL")
        .query_async(&mut house.link().await)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_between_publication_and_reading_loses_nothing() {
    let house = house().await;
    let aggregates = tickets(12);
    let relay = house.relay();
    house.tell(&aggregates, 1..=2).await;
    house.published_all().await;

    flush(&house).await;
    let consumer = house.consumer(&Listener::willing());

    house.heard_count(24).await;
    house.assert_heard_once_in_order(&aggregates, 2).await;
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_while_events_flow_loses_and_doubles_nothing() {
    let house = house().await;
    let aggregates = tickets(12);
    let relay = house.relay();
    let consumer = house.consumer(&Listener::willing());

    house.tell(&aggregates, 1..=3).await;
    flush(&house).await;
    house.tell(&aggregates, 4..=6).await;
    flush(&house).await;
    house.tell(&aggregates, 7..=9).await;

    house.heard_count(108).await;
    house.assert_heard_once_in_order(&aggregates, 9).await;
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_go_on_while_redis_is_down_and_events_follow_when_it_is_back() {
    let house = house().await;
    let aggregates = tickets(8);
    let relay = house.relay();
    let consumer = house.consumer(&Listener::willing());
    house.tell(&aggregates, 1..=2).await;
    house.heard_count(16).await;

    house.redis.kill();
    house.tell(&aggregates, 3..=4).await;
    house.redis.restart().await;
    house.tell(&aggregates, 5..=5).await;

    house.heard_count(40).await;
    house.assert_heard_once_in_order(&aggregates, 5).await;
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_answers_nothing_delays_and_loses_nothing() {
    let house = house().await;
    let aggregates = tickets(8);
    let relay = house.relay();
    let consumer = house.consumer(&Listener::willing());
    house.tell(&aggregates, 1..=1).await;
    house.heard_count(8).await;

    house.redis.freeze();
    house.tell(&aggregates, 2..=3).await;
    house.redis.thaw();

    house.heard_count(24).await;
    house.assert_heard_once_in_order(&aggregates, 3).await;
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicated_and_reordered_entries_take_effect_once_and_in_order() {
    let house = house().await;
    let aggregates = tickets(12);
    let relay = house.relay();
    house.tell(&aggregates, 1..=5).await;
    house.published_all().await;
    relay.stop().await;

    // Every stream anew: last entry first, and all of it twice.
    let mut link = house.link().await;
    for partition in 0..PARTITIONS {
        let key = format!("fettle:ticket:{partition}");
        let read: StreamRangeReply = redis::cmd("XRANGE")
            .arg(&key)
            .arg("-")
            .arg("+")
            .query_async(&mut link)
            .await
            .unwrap();
        let () = redis::cmd("DEL")
            .arg(&key)
            .query_async(&mut link)
            .await
            .unwrap();
        for entry in read.ids.iter().rev().chain(read.ids.iter().rev()) {
            let mut add = redis::cmd("XADD");
            add.arg(&key).arg("*");
            for (name, value) in &entry.map {
                let value: Vec<u8> = redis::from_redis_value(value.clone()).unwrap();
                add.arg(name).arg(value);
            }
            let () = add.query_async(&mut link).await.unwrap();
        }
    }
    let consumer = house.consumer(&Listener::willing());

    house.heard_count(60).await;
    house.assert_heard_once_in_order(&aggregates, 5).await;
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_entry_is_asked_for_wherever_it_is() {
    let house = house().await;
    let aggregates = tickets(1);
    let relay = house.relay();
    house.tell(&aggregates, 1..=6).await;
    house.published_all().await;
    let key = format!("fettle:ticket:{}", partition_of(&tenant(), &aggregates[0]));
    let mut link = house.link().await;
    let read: StreamRangeReply = redis::cmd("XRANGE")
        .arg(&key)
        .arg("-")
        .arg("+")
        .query_async(&mut link)
        .await
        .unwrap();
    // The first, one in the middle, and the last.
    for place in [0, 3, 5] {
        let () = redis::cmd("XDEL")
            .arg(&key)
            .arg(&read.ids[place].id)
            .query_async(&mut link)
            .await
            .unwrap();
    }

    let consumer = house.consumer(&Listener::willing());

    house.heard_count(6).await;
    house.assert_heard_once_in_order(&aggregates, 6).await;
    relay.stop().await;
    consumer.stop().await;
}
