//! Links: who has one sees the survey, nobody else does.

use proto::feedback::v1::survey::{Kind, State};
use proto::feedback::v1::{GetSurveyRequest, IssueSurveyLinkRequest, ListSurveysRequest, Survey};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::support::{House, agent, closed, fields, house, reason, stranger, submit};

async fn get(house: &House, token: &str) -> Result<Survey, Status> {
    let request = GetSurveyRequest {
        token: token.into(),
    };
    let got = house.surveys(&stranger()).get_survey(request).await?;
    Ok(got.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bearer_of_a_link_sees_the_survey_whoever_asks() {
    let house = house().await;
    let (name, token) = house.link().await;
    assert!(
        token.starts_with("svy1.acme."),
        "it carries kind and tenant"
    );

    let survey = get(&house, &token).await.unwrap();

    assert_eq!(survey.name, name);
    assert_eq!(survey.number, "CN-000017-4");
    assert_eq!((survey.kind(), survey.state()), (Kind::Csat, State::Open));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_link_ends_the_one_before() {
    let house = house().await;
    let (name, former) = house.link().await;

    let token = house.issue(&name).await.unwrap();

    let refused = get(&house, &former).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::NotFound, "NOT_FOUND".into())
    );
    assert_eq!(get(&house, &token).await.unwrap().name, name);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_lead_nowhere_are_all_answered_alike() {
    let house = house().await;
    let (_, token) = house.link().await;
    let other = token.replace("acme", "other");
    let unknown = format!("{}A", &token[..token.len() - 1]);
    let unknown = if unknown == token {
        format!("{}E", &token[..token.len() - 1])
    } else {
        unknown
    };

    let mut said = Vec::new();
    for bad in [
        "",
        "svy1.acme.short",
        "surveys/1",
        &other,
        &unknown,
        &"x".repeat(10_000),
    ] {
        let got = get(&house, bad).await.unwrap_err();
        let submitted = house
            .surveys(&agent())
            .submit_survey(submit(bad, 9))
            .await
            .unwrap_err();
        assert!(
            !format!("{got:?} {submitted:?}").contains(&token[10..]),
            "{got:?}"
        );
        said.extend([got, submitted].map(|s| (s.code(), s.message().to_owned())));
    }

    said.dedup();
    assert_eq!(
        said,
        [(
            Code::NotFound,
            "the survey of this link does not exist".to_owned()
        )]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_issued_for_a_survey_of_the_callers_tenant_alone() {
    let house = house().await;
    let (name, _) = house.link().await;
    let issue = |caller, name: &str| {
        let request = IssueSurveyLinkRequest { name: name.into() };
        let mut surveys = house.surveys(&caller);
        async move { surveys.issue_survey_link(request).await.unwrap_err() }
    };

    let foreign = issue(stranger(), &name).await;
    let absent = issue(agent(), &format!("surveys/{}", Uuid::nil())).await;
    let malformed = issue(agent(), "tickets/1").await;

    assert_eq!(reason(&foreign), "NOT_FOUND");
    assert_eq!(reason(&absent), "NOT_FOUND");
    assert_eq!(fields(&malformed), ["name"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_survey_that_is_too_old_says_when_it_ended() {
    let house = house().await;
    let (name, token) = house.link().await;
    house.expire(&name).await;

    let got = get(&house, &token).await.unwrap_err();
    let submitted = house
        .surveys(&agent())
        .submit_survey(submit(&token, 5))
        .await
        .unwrap_err();
    let issued = house.issue(&name).await.unwrap_err();

    for refused in [got, submitted, issued] {
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(reason(&refused), "SURVEY_EXPIRED");
        let details = tonic_types::StatusExt::get_error_details(&refused);
        assert!(
            details
                .error_info()
                .unwrap()
                .metadata
                .contains_key("expire_time")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_of_years_ago_can_be_answered_for_thirty_days_from_now() {
    let house = house().await;
    let name = house.survey_of(&closed(Uuid::now_v7())).await;
    let token = house.issue(&name).await.unwrap();

    let survey = get(&house, &token).await.unwrap();

    let days = survey.expire_time.unwrap().seconds - survey.create_time.unwrap().seconds;
    assert_eq!(days, 30 * 86_400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_survey_is_answered_by_whoever_has_the_link_whatever_token_comes_along() {
    let house = house().await;
    let (_, token) = house.link().await;
    let mut nobody = house.surveys_of_nobody();
    let ask = |authorization: Option<&str>| {
        let token = token.clone();
        let mut request = tonic::Request::new(GetSurveyRequest { token });
        if let Some(value) = authorization {
            let value = value.parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        request
    };

    for authorization in [None, Some("Bearer nonsense")] {
        let got = nobody.get_survey(ask(authorization)).await;
        assert!(got.is_ok(), "{got:?}");
    }
    let answered = nobody.submit_survey(submit(&token, 5)).await;
    assert!(answered.is_ok(), "{answered:?}");

    let listed = nobody.list_surveys(ListSurveysRequest::default()).await;
    let refused = listed.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(reason(&refused), "CALLER_UNKNOWN");
}
