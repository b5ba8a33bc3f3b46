//! What cannot be digested is put aside with its reason; the others flow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chassis::inbox::{self, Consumer};
use chassis::outbox::partition_of;
use chassis::{Refusal, Violations};
use redis::streams::StreamRangeReply;
use sqlx::types::Uuid;

use crate::house::{House, Listener, house, tenant, tickets};

fn refusal() -> Refusal {
    let mut violations = Violations::new();
    violations.add("payload", "makes no sense");
    violations.check().unwrap_err()
}

async fn letters(house: &House) -> Vec<(Uuid, String, String)> {
    sqlx::query_as("select id, aggregate, reason from feedback.dead_letters order by aggregate")
        .fetch_all(&house.admin)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_goes_to_the_dead_letters_while_others_flow_and_is_replayed_once() {
    let house = house().await;
    let aggregates = tickets(20);
    let (refused, panics) = (aggregates[3].clone(), aggregates[11].clone());
    let healed = Arc::new(AtomicBool::new(false));
    let seen = healed.clone();
    let listener = Listener::new(move |event, _| match () {
        () if seen.load(Ordering::Relaxed) => Ok(()),
        () if event.aggregate == refused && event.version == 2 => Err(refusal()),
        () if event.aggregate == panics && event.version == 2 => panic!("cannot think of that"),
        () => Ok(()),
    });
    let relay = house.relay();
    let consumer = house.consumer(&listener);

    house.tell(&aggregates, 1..=3).await;
    house.heard_count(58).await;

    let letters = letters(&house).await;
    let reasons: Vec<(&str, &str)> = letters
        .iter()
        .map(|(_, a, r)| (a.as_str(), r.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            (aggregates[3].as_str(), "INVALID_FIELDS"),
            (aggregates[11].as_str(), "PANIC")
        ]
    );

    healed.store(true, Ordering::Relaxed);
    let consumers: Vec<Arc<dyn Consumer>> = vec![listener];
    inbox::replay(&house.feedback, &consumers, letters[0].0)
        .await
        .unwrap();
    let again = inbox::replay(&house.feedback, &consumers, letters[0].0)
        .await
        .unwrap_err();
    assert_eq!(again.code(), tonic::Code::NotFound);
    assert_eq!(house.heard().await.len(), 59);
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_waited_out_and_the_effect_happens_once() {
    let house = house().await;
    let aggregates = tickets(3);
    let listener = Listener::new(|_, call| match call {
        0..=4 => Err(Refusal::unavailable("something it needs")),
        _ => Ok(()),
    });
    let relay = house.relay();
    let consumer = house.consumer(&listener);

    house.tell(&aggregates, 1..=2).await;

    house.heard_count(6).await;
    house.assert_heard_once_in_order(&aggregates, 2).await;
    assert!(letters(&house).await.is_empty());
    relay.stop().await;
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_cannot_be_read_is_put_aside_by_its_place() {
    let house = house().await;
    let aggregates = tickets(1);
    let relay = house.relay();
    house.tell(&aggregates, 1..=3).await;
    house.published_all().await;
    relay.stop().await;
    let key = format!("fettle:ticket:{}", partition_of(&tenant(), &aggregates[0]));
    let mut link = house.link().await;
    let read: StreamRangeReply = redis::cmd("XRANGE")
        .arg(&key)
        .arg("-")
        .arg("+")
        .query_async(&mut link)
        .await
        .unwrap();
    let () = redis::cmd("XDEL")
        .arg(&key)
        .arg(&read.ids[1].id)
        .query_async(&mut link)
        .await
        .unwrap();
    for fields in [
        vec!["seq", "2", "id", "nonsense", "data", "?"],
        vec!["seq", "-7"],
        vec!["what", "is this"],
    ] {
        let () = redis::cmd("XADD")
            .arg(&key)
            .arg("*")
            .arg(fields)
            .query_async(&mut link)
            .await
            .unwrap();
    }

    let consumer = house.consumer(&Listener::willing());

    house.heard_count(2).await;
    assert_eq!(
        house.heard().await,
        [(aggregates[0].clone(), 1), (aggregates[0].clone(), 3)]
    );
    let letters = letters(&house).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].2, "MALFORMED");
    consumer.stop().await;
}
