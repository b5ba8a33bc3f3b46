//! A keyed write takes effect at most once.

use chassis::db::Db;
use chassis::keyed::{self, Keyed, keyed};
use chassis::{Caller, Refusal};
use futures::future::join_all;
use jiff::SignedDuration;
use prost::Message;
use sqlx::PgPool;
use tonic::Code;

use crate::house::{house, tenant};

fn caller() -> Caller {
    Caller::service(tenant(), "tests")
}

/// A handler: one row per effect, the answer says which.
async fn report(db: &Db, id: &str, body: &str) -> Result<String, Refusal> {
    let body = body.to_owned();
    let mut tx = match keyed(db, &caller(), "Report", id, &body).await? {
        Keyed::Replay(answer) => return Ok(answer),
        Keyed::Fresh(tx) => tx,
    };
    let sql = "insert into effects (event_id, tenant_id, aggregate, version)
        values (gen_random_uuid(), 'acme', $1, 1) returning place";
    let place: i64 = sqlx::query_scalar(sql)
        .bind(&body)
        .fetch_one(&mut **tx)
        .await?;
    if body == "broken" {
        return Err(Refusal::not_found("tickets/1"));
    }
    let answer = format!("effect {place}");
    tx.finish_as(answer.encode_to_vec()).await?;
    Ok(answer)
}

async fn effects(admin: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from ticket.effects")
        .fetch_one(admin)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_callers_with_one_key_have_one_effect_and_one_answer() {
    let house = house().await;

    let answers = join_all((0..64).map(|_| report(&house.ticket, "key-1", "does not start"))).await;

    let first = answers[0].as_ref().unwrap();
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap() == first)
    );
    assert_eq!(effects(&house.admin).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_comes_with_another_body_is_refused() {
    let house = house().await;
    report(&house.ticket, "key-1", "does not start")
        .await
        .unwrap();

    let refusal = report(&house.ticket, "key-1", "does not stop")
        .await
        .unwrap_err();

    assert_eq!(
        (refusal.code(), refusal.reason()),
        (Code::InvalidArgument, "REQUEST_ID_REUSED")
    );
    assert_eq!(effects(&house.admin).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_leaves_its_key_free() {
    let house = house().await;
    let refusal = report(&house.ticket, "key-1", "broken").await.unwrap_err();
    assert_eq!(refusal.code(), Code::NotFound);

    report(&house.ticket, "key-1", "does not start")
        .await
        .unwrap();

    assert_eq!(effects(&house.admin).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_every_request_takes_effect_and_a_malformed_key_is_refused() {
    let house = house().await;
    for _ in 0..2 {
        report(&house.ticket, "", "does not start").await.unwrap();
    }
    assert_eq!(effects(&house.admin).await, 2);

    for id in [
        "x".repeat(65),
        "tab\there".to_owned(),
        "schlüssel".to_owned(),
    ] {
        let refusal = report(&house.ticket, &id, "does not start")
            .await
            .unwrap_err();
        assert_eq!(
            (refusal.code(), refusal.reason()),
            (Code::InvalidArgument, "INVALID_FIELDS")
        );
    }
    assert_eq!(effects(&house.admin).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_first_request_still_runs_when_the_wait_ends_is_worth_a_retry() {
    let house = house().await;
    let body = "does not start".to_owned();
    let running = keyed::<_, String>(&house.ticket, &caller(), "Report", "key-1", &body)
        .await
        .unwrap();

    let refusal = report(&house.ticket, "key-1", &body).await.unwrap_err();

    assert_eq!(refusal.code(), Code::Aborted);
    assert!(refusal.retry_delay().is_some());
    drop(running);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_week_a_key_begins_anew_and_upkeep_forgets_it() {
    let house = house().await;
    report(&house.ticket, "key-1", "does not start")
        .await
        .unwrap();
    report(&house.ticket, "key-2", "does not start")
        .await
        .unwrap();
    let age = "update ticket.request_keys set created_at = created_at - interval '7 days 1 minute'";
    sqlx::query(age).execute(&house.admin).await.unwrap();

    report(&house.ticket, "key-1", "something else")
        .await
        .unwrap();
    assert_eq!(effects(&house.admin).await, 3);

    let now = house.ticket.clock().now() + SignedDuration::from_secs(1);
    let forgotten = keyed::forget_old(house.ticket.worker_pool(), now, 100)
        .await
        .unwrap();
    assert_eq!(forgotten, 1);
}
