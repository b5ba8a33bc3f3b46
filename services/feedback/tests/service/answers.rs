//! Answers: once, judged, told.

use chassis::refusal::to_pb;
use jiff::{SignedDuration, Timestamp};
use proto::feedback::v1::survey::State;
use proto::feedback::v1::{GetSurveyRequest, SubmitSurveyRequest, Survey, SurveyEventPayload};
use tonic::{Code, Status};

use crate::support::{House, agent, fields, house, reason, stranger, submit};

async fn answer(house: &House, request: SubmitSurveyRequest) -> Result<Survey, Status> {
    let answered = house.surveys(&stranger()).submit_survey(request).await?;
    Ok(answered.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_kept_told_and_ends_the_link() {
    let house = house().await;
    let (name, token) = house.link().await;
    let request = SubmitSurveyRequest {
        comment: format!("very good, see {token}"),
        ..submit(&token, 5)
    };

    let survey = answer(&house, request).await.unwrap();

    assert_eq!((survey.state(), survey.score), (State::Answered, 5));
    assert_eq!(survey.comment, "very good, see [link]");
    assert!(survey.answer_time.is_some());
    assert_eq!(house.told(&name).await, ["survey.sent", "survey.answered"]);
    let request = GetSurveyRequest {
        token: token.clone(),
    };
    let got = house
        .surveys(&agent())
        .get_survey(request)
        .await
        .unwrap_err();
    let again = answer(&house, submit(&token, 1)).await.unwrap_err();
    let issued = house.issue(&name).await.unwrap_err();
    for refused in [got, again, issued] {
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(reason(&refused), "SURVEY_ANSWERED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_who_answer_at_once_one_is_heard() {
    let house = house().await;
    let (name, token) = house.link().await;

    let calls = (0..64).map(|n| answer(&house, submit(&token, n % 5 + 1)));
    let answers = futures::future::join_all(calls).await;

    let (heard, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(heard.len(), 1);
    for refused in refused {
        assert_eq!(reason(&refused.unwrap_err()), "SURVEY_ANSWERED");
    }
    assert_eq!(house.count("select count(*) from answers").await, 1);
    let answered = house
        .told(&name)
        .await
        .iter()
        .filter(|k| *k == "survey.answered")
        .count();
    assert_eq!(answered, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_gives_the_first_answer_and_no_two_links_share_keys() {
    let house = house().await;
    let ((_, token), (_, other)) = (house.link().await, house.link().await);
    let keyed = |token: &str, score| SubmitSurveyRequest {
        request_id: "1".into(),
        ..submit(token, score)
    };

    let first = answer(&house, keyed(&token, 4)).await.unwrap();

    assert_eq!(answer(&house, keyed(&token, 4)).await.unwrap(), first);
    let reused = answer(&house, keyed(&token, 3)).await.unwrap_err();
    assert_eq!(reason(&reused), "REQUEST_ID_REUSED");
    let another = answer(&house, keyed(&other, 4)).await.unwrap();
    assert_ne!(another.name, first.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_repeats_of_one_keyed_answer_are_all_answered_alike() {
    let house = house().await;
    let (_, token) = house.link().await;
    let request = SubmitSurveyRequest {
        request_id: "k".into(),
        ..submit(&token, 4)
    };

    let calls = (0..64).map(|_| answer(&house, request.clone()));
    let answers = futures::future::join_all(calls).await;

    let mut answers: Vec<Survey> = answers.into_iter().map(Result::unwrap).collect();
    answers.dedup();
    assert_eq!(answers.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_with_an_answer_is_said_at_once() {
    let house = house().await;
    let (_, token) = house.link().await;
    let tomorrow = Timestamp::now() + SignedDuration::from_hours(24);
    let request = SubmitSurveyRequest {
        comment: "x".repeat(2_001),
        occur_time: Some(to_pb(tomorrow)),
        ..submit(&token, 6)
    };

    let refused = answer(&house, request).await.unwrap_err();

    assert_eq!(fields(&refused), ["score", "comment", "occur_time"]);
    assert!(
        answer(&house, submit(&token, 5)).await.is_ok(),
        "and nothing was kept"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nought_is_a_score_of_recommendation_and_of_nothing_else() {
    let house = house().await;
    for (kind, score, taken) in [
        (1, 0, false),
        (2, 0, true),
        (2, 11, false),
        (2, -1, false),
        (3, 0, false),
        (3, 7, true),
        (3, 8, false),
    ] {
        let (name, token) = house.link().await;
        house.ask(&name, kind).await;
        let answered = answer(&house, submit(&token, score)).await;
        assert_eq!(
            answered.is_ok(),
            taken,
            "kind {kind}, score {score}: {answered:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_score_is_told_with_its_reason_and_without_the_words() {
    let house = house().await;
    let (name, token) = house.link().await;
    let at: Timestamp = "2019-03-02T10:00:00Z".parse().unwrap();
    let request = SubmitSurveyRequest {
        comment: "never again".into(),
        occur_time: Some(to_pb(at)),
        ..submit(&token, 2)
    };

    answer(&house, request).await.unwrap();

    assert_eq!(
        house.told(&name).await,
        ["survey.sent", "survey.answered", "score.low"]
    );
    let sql = "select payload from outbox where aggregate = $1 and kind = 'score.low'";
    let payload: Vec<u8> = sqlx::query_scalar(sql)
        .bind(&name)
        .fetch_one(&house.admin)
        .await
        .unwrap();
    assert!(!String::from_utf8_lossy(&payload).contains("never"));
    let told: SurveyEventPayload = prost::Message::decode(payload.as_slice()).unwrap();
    assert_eq!((told.survey, told.round, told.score), (name.clone(), 1, 2));
    assert_eq!(told.time, Some(to_pb(at)));
    let [finding] = told.findings.as_slice() else {
        panic!("one finding")
    };
    assert_eq!(
        (finding.code.as_str(), &finding.subject),
        ("LOW_SCORE", &name)
    );
    let numbers: Vec<i64> = finding.numbers.iter().map(|n| n.value).collect();
    assert_eq!(numbers, [2, 2]);
}
