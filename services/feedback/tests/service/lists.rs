//! ListSurveys: newest first, by page, without tokens.

use proto::feedback::v1::survey::State;
use proto::feedback::v1::{ListSurveysRequest, ListSurveysResponse};
use tonic::Status;
use uuid::Uuid;

use crate::support::{House, agent, closed, fields, house, reason, stranger, submit};

async fn list(house: &House, request: ListSurveysRequest) -> Result<ListSurveysResponse, Status> {
    let listed = house.surveys(&agent()).list_surveys(request).await?;
    Ok(listed.into_inner())
}

fn names(listed: &ListSurveysResponse) -> Vec<&str> {
    listed
        .surveys
        .iter()
        .map(|survey| survey.name.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn surveys_come_newest_first_page_by_page() {
    let house = house().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(house.survey_of(&closed(Uuid::now_v7())).await);
    }
    made.reverse();

    let (mut seen, mut token) = (Vec::new(), String::new());
    for page in 0..3 {
        let request = ListSurveysRequest {
            page_size: 2,
            page_token: token,
            ..ListSurveysRequest::default()
        };
        let listed = list(&house, request).await.unwrap();
        seen.extend(names(&listed).into_iter().map(str::to_owned));
        token = listed.next_page_token;
        assert_eq!(token.is_empty(), page == 2);
    }

    assert_eq!(seen, made);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_are_joined_and_show_states_as_they_are_now() {
    let house = house().await;
    let (open, _) = house.link().await;
    let (answered, token) = house.link().await;
    house
        .surveys(&agent())
        .submit_survey(submit(&token, 4))
        .await
        .unwrap();
    let payload = closed(Uuid::now_v7());
    let expired = house.survey_of(&payload).await;
    house.expire(&expired).await;
    let wanted = |states: &[State], ticket: &str| ListSurveysRequest {
        states: states.iter().map(|state| *state as i32).collect(),
        ticket: ticket.into(),
        ..ListSurveysRequest::default()
    };

    for (states, ticket, expected) in [
        (&[State::Open][..], "", vec![&open]),
        (&[State::Answered], "", vec![&answered]),
        (&[State::Expired], "", vec![&expired]),
        (&[State::Expired, State::Open], "", vec![&open, &expired]),
        (&[], &payload.ticket, vec![&expired]),
        (&[State::Open], &payload.ticket, vec![]),
    ] {
        let listed = list(&house, wanted(states, ticket)).await.unwrap();
        assert_eq!(names(&listed), expected, "{states:?} {ticket}");
    }
    let all = list(&house, wanted(&[], "")).await.unwrap();
    assert!(!format!("{all:?}").contains("svy1"));
    assert_eq!(all.surveys.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_tenants_see_nothing_and_use_no_token_of_ours() {
    let house = house().await;
    house.link().await;
    house.link().await;
    let first = ListSurveysRequest {
        page_size: 1,
        ..ListSurveysRequest::default()
    };
    let token = list(&house, first.clone()).await.unwrap().next_page_token;
    let next = ListSurveysRequest {
        page_token: token.clone(),
        ..first.clone()
    };
    let filtered = ListSurveysRequest {
        states: vec![State::Open.into()],
        ..next.clone()
    };

    let theirs = house
        .surveys(&stranger())
        .list_surveys(first)
        .await
        .unwrap();
    assert!(theirs.into_inner().surveys.is_empty());
    let foreign = house
        .surveys(&stranger())
        .list_surveys(next.clone())
        .await
        .unwrap_err();
    let other_filter = list(&house, filtered).await.unwrap_err();
    for refused in [foreign, other_filter] {
        assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
    }
    assert_eq!(list(&house, next).await.unwrap().surveys.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_filter_is_named() {
    let house = house().await;
    let request = ListSurveysRequest {
        ticket: "surveys/1".into(),
        states: vec![1, 0, 9],
        ..ListSurveysRequest::default()
    };
    let refused = list(&house, request).await.unwrap_err();
    assert_eq!(fields(&refused), ["ticket", "states[1]", "states[2]"]);
}
