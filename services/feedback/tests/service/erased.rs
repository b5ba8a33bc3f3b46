//! What a customer said of a ticket goes with them; how satisfied they were still counts.

use std::time::Duration;

use chassis::testing::eventually;
use proto::feedback::v1::{ListSurveysRequest, Survey, survey};
use tonic::Code;
use uuid::Uuid;

use crate::support::{House, agent, closed, house, reason, submit, tenant};

const PATIENCE: Duration = Duration::from_secs(30);

/// Hears that a ticket is erased.
async fn hears_of(house: &House, ticket: &str) {
    let mut tx = house.db.begin(&tenant()).await.unwrap();
    chassis::erasure::record(&mut tx, ticket).await.unwrap();
    tx.commit().await.unwrap();
}

async fn surveys(house: &House, ticket: &str) -> Vec<Survey> {
    let request = ListSurveysRequest {
        ticket: ticket.to_owned(),
        ..ListSurveysRequest::default()
    };
    let listed = house.surveys(&agent()).list_surveys(request).await;
    listed.unwrap().into_inner().surveys
}

async fn erased(house: &House, ticket: &str) -> Survey {
    eventually(PATIENCE, "the survey is erased", async || {
        let found = surveys(house, ticket).await.pop();
        found.filter(|survey| survey.erase_time.is_some())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_goes_and_the_score_stays() {
    let house = house().await;
    let closure = closed(Uuid::now_v7());
    let name = house.survey_of(&closure).await;
    let token = house.issue(&name).await.unwrap();
    let mut said = submit(&token, 2);
    said.comment = "Ask my neighbour Li".to_owned();
    house.surveys_of_nobody().submit_survey(said).await.unwrap();

    hears_of(&house, &closure.ticket).await;

    let survey = erased(&house, &closure.ticket).await;
    assert_eq!((survey.score, survey.comment.as_str()), (2, ""));
    assert_eq!(survey.state(), survey::State::Answered);
    let kept = "select count(*) from answers where comment <> '' or low_threshold is null";
    assert_eq!(house.count(kept).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_survey_ends_and_its_link_leads_nowhere() {
    let house = house().await;
    let closure = closed(Uuid::now_v7());
    let name = house.survey_of(&closure).await;
    let token = house.issue(&name).await.unwrap();

    hears_of(&house, &closure.ticket).await;

    let survey = erased(&house, &closure.ticket).await;
    assert_eq!(survey.state(), survey::State::Expired);
    let late = house
        .surveys_of_nobody()
        .submit_survey(submit(&token, 5))
        .await;
    assert_eq!(late.unwrap_err().code(), Code::NotFound);
    let again = house.issue(&name).await.unwrap_err();
    assert_eq!(reason(&again), "SURVEY_EXPIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_that_is_heard_after_the_erasure_asks_nobody() {
    let house = house().await;
    let (gone, stays) = (closed(Uuid::now_v7()), closed(Uuid::now_v7()));
    hears_of(&house, &gone.ticket).await;

    house.hears(&gone).await.unwrap();
    house.hears(&stays).await.unwrap();

    assert_eq!(surveys(&house, &gone.ticket).await, []);
    assert_eq!(surveys(&house, &stays.ticket).await.len(), 1);
}
