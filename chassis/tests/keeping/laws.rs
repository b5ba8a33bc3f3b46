//! Each law of G6: a sound store breaks none; a damaged row is named.

use chassis::invariants::{
    AHEAD, COUNT, DEAD, FEED, ORDER, WAITING, check, feeds_agree, passed, published,
};
use sqlx::Connection;

use crate::house::{House, Listener, house, tickets};

/// Ten versions of four tickets are told, published and heard.
async fn tell_and_settle(house: &House) {
    let aggregates = tickets(4);
    let (relay, consumer) = (house.relay(), house.consumer(&Listener::willing()));
    house.tell(&aggregates, 1..=10).await;
    house.heard_count(40).await;
    house.published_all().await;
    relay.stop().await;
    consumer.stop().await;
}

/// The laws that a store breaks after the damage.
async fn broken(house: &House, damage: &'static str) -> Vec<(&'static str, String)> {
    let mut conn = sqlx::PgConnection::connect(&house.database.url())
        .await
        .unwrap();
    sqlx::raw_sql("set search_path to ticket, public")
        .execute(&mut conn)
        .await
        .unwrap();
    sqlx::raw_sql(damage).execute(&mut conn).await.unwrap();
    let breaches = check(&mut conn).await.unwrap();
    breaches
        .into_iter()
        .map(|breach| (breach.law, breach.detail))
        .collect()
}

fn laws(found: &[(&'static str, String)]) -> Vec<&'static str> {
    let mut laws: Vec<&str> = found.iter().map(|(law, _)| *law).collect();
    laws.dedup();
    laws
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_store_breaks_no_law_and_every_damage_is_named() {
    let house = house().await;
    tell_and_settle(&house).await;
    assert_eq!(broken(&house, "select 1").await, []);

    let lost = "delete from outbox where event_id = (select event_id from outbox o
        where sequence > 1 and exists (select from outbox n
            where n.partition = o.partition and n.sequence > o.sequence) limit 1)";
    assert_eq!(laws(&broken(&house, lost).await), [FEED]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_counts_less_than_it_gave_is_named() {
    let house = house().await;
    tell_and_settle(&house).await;
    let back = "update relay_partitions set published = 0, numbered = 0 where numbered > 0";
    assert_eq!(laws(&broken(&house, back).await), [COUNT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_waits_for_its_number_or_comes_out_of_order_is_named() {
    let house = house().await;
    tell_and_settle(&house).await;

    let early = "update outbox set version = version + 100 where sequence = 1";
    let found = broken(&house, early).await;
    assert!(laws(&found).iter().all(|law| *law == ORDER), "{found:?}");

    let waits = "insert into outbox (event_id, tenant_id, kind, aggregate, version, partition,
        occurred_at, recorded_at, payload) values (uuid7_floor(now()), 'acme', 'k', 'tickets/1', 1,
        0, now(), now() - interval '5 minutes', '')";
    assert!(laws(&broken(&house, waits).await).contains(&WAITING));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_waits_is_named_until_it_is_replayed() {
    let house = house().await;
    let dead = "insert into dead_letters (id, consumer, producer, partition, sequence, payload,
        reason, failed_at) values (gen_random_uuid(), 'ticket', 'dispatch', 0, 1, '', 'POISON', now())";
    assert_eq!(laws(&broken(&house, dead).await), [DEAD]);
    let replayed = "update dead_letters set replayed_at = now()";
    assert_eq!(broken(&house, replayed).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_ahead_of_its_producer_is_named() {
    let house = house().await;
    tell_and_settle(&house).await;
    let mut conn = sqlx::PgConnection::connect(&house.database.url())
        .await
        .unwrap();
    sqlx::raw_sql("set search_path to feedback, public")
        .execute(&mut conn)
        .await
        .unwrap();
    let sound = passed(&mut conn).await.unwrap();
    sqlx::raw_sql("update inbox_positions set sequence = sequence + 1000")
        .execute(&mut conn)
        .await
        .unwrap();
    let ahead = passed(&mut conn).await.unwrap();
    sqlx::raw_sql("set search_path to ticket, public")
        .execute(&mut conn)
        .await
        .unwrap();
    let given = published(&mut conn, "ticket").await.unwrap();

    assert!(!sound.is_empty());
    assert_eq!(feeds_agree(&given, &sound), []);
    let found = feeds_agree(&given, &ahead);
    assert_eq!(found.len(), ahead.len());
    assert!(found.iter().all(|breach| breach.law == AHEAD));
}
