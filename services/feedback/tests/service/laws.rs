//! The laws see what they forbid: each is broken by hand, with the wall that prevents it torn down.

use feedback::invariants::check;
use sqlx::AssertSqlSafe;

use crate::support::{House, agent, house, submit};

async fn run(house: &House, sql: &'static str) {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&house.admin)
        .await
        .unwrap();
}

async fn details(house: &House) -> Vec<String> {
    let mut conn = house.admin.acquire().await.unwrap();
    let breaches = check(&mut conn).await.unwrap();
    assert!(breaches.iter().all(|breach| breach.law == "G8"));
    breaches.into_iter().map(|breach| breach.detail).collect()
}

/// An answered survey, with its token.
async fn answered(house: &House) -> String {
    let (_, token) = house.link().await;
    house
        .surveys(&agent())
        .submit_survey(submit(&token, 1))
        .await
        .unwrap();
    token
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_store_breaks_no_law() {
    let house = house().await;
    answered(&house).await;
    house.link().await;
    assert_eq!(details(&house).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_survey_of_a_round_is_seen() {
    let house = house().await;
    answered(&house).await;
    let again = "insert into surveys select tenant_id, gen_random_uuid(), ticket_id, round, number,
         region, product, technician_id, assignee, kind, version, closed_at, created_at, expires_at,
         null, null from surveys";
    assert!(
        sqlx::raw_sql(again).execute(&house.admin).await.is_err(),
        "the wall stands"
    );

    run(
        &house,
        "alter table surveys drop constraint surveys_once_per_round",
    )
    .await;
    run(&house, again).await;

    assert_eq!(details(&house).await, ["2 surveys of round 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_answer_is_seen() {
    let house = house().await;
    answered(&house).await;
    let again = "insert into answers select tenant_id, survey_id, score, comment, low_threshold,
         answered_at, recorded_at from answers";
    assert!(
        sqlx::raw_sql(again).execute(&house.admin).await.is_err(),
        "the wall stands"
    );

    run(&house, "alter table answers drop constraint answers_once").await;
    run(&house, again).await;

    assert_eq!(details(&house).await, ["2 answers"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_score_that_was_not_given_is_seen() {
    let house = house().await;
    answered(&house).await;
    run(&house, "update surveys set score = 5").await;
    assert_eq!(details(&house).await, ["shows score 5, was given 1"]);
    run(&house, "delete from answers").await;
    assert_eq!(details(&house).await, ["shows score 5, was given none"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_kept_as_text_is_seen_wherever_it_stands() {
    let house = house().await;
    let token = answered(&house).await;
    for (place, sql) in [
        ("answers", "update answers set comment = 'see ' || $1"),
        ("surveys", "update surveys set assignee = $1"),
        (
            "outbox",
            "update outbox set payload = convert_to('x' || $1, 'UTF8') where version = 1",
        ),
    ] {
        sqlx::query(sql)
            .bind(&token)
            .execute(&house.admin)
            .await
            .unwrap();
        let expected = format!("the token of its link stands in {place}");
        let details = details(&house).await;
        assert!(details.contains(&expected), "{details:?}");
        assert!(!details.iter().any(|detail| detail.contains(&token)));
    }
}
