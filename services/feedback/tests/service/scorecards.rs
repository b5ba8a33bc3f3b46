//! Scorecards: counted from what customers said.

use proto::feedback::v1::scorecard::SubjectKind;
use proto::feedback::v1::{ListScorecardsRequest, ListScorecardsResponse, Scorecard};
use tonic::Status;

use crate::support::{House, agent, fields, house, reason, stranger};

const BUSY: &str = "technicians/00000000-0000-0000-0000-000000000001";
const CALM: &str = "technicians/00000000-0000-0000-0000-000000000002";

async fn cards(
    house: &House,
    request: ListScorecardsRequest,
) -> Result<ListScorecardsResponse, Status> {
    let listed = house.scorecards(&agent()).list_scorecards(request).await?;
    Ok(listed.into_inner())
}

fn about(kind: SubjectKind) -> ListScorecardsRequest {
    ListScorecardsRequest {
        subject_kind: kind.into(),
        ..ListScorecardsRequest::default()
    }
}

async fn all(house: &House, kind: SubjectKind) -> Vec<Scorecard> {
    cards(house, about(kind)).await.unwrap().scorecards
}

/// Two technicians: one with 20 surveys of which 10 answered (8 content), one with 5 of which 4
/// answered (all content); two without a technician, one of them answered badly.
async fn season(house: &House) {
    let sql =
        "insert into surveys (tenant_id, survey_id, ticket_id, round, number, region, product,
             technician_id, assignee, kind, version, closed_at, created_at, expires_at, score)
         select 'acme', gen_random_uuid(), gen_random_uuid(), 1, 'n', region, product, technician,
             assignee, kind, 1, now(), now(), now() + interval '1 day', score
         from (
             select 'north' as region, 'laptop' as product,
                 '00000000-0000-0000-0000-000000000001'::uuid as technician, 'users/1' as assignee,
                 1 as kind, case when n <= 8 then 4 when n <= 10 then 3 end as score
             from generate_series(1, 20) as n
             union all
             select 'south', 'desktop', '00000000-0000-0000-0000-000000000002'::uuid, 'users/1',
                 2, case when n <= 4 then 9 end
             from generate_series(1, 5) as n
             union all
             select 'south', '', null, '', 3, case when n = 1 then 2 end
             from generate_series(1, 2) as n
         ) as s";
    sqlx::query(sql).execute(&house.admin).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_tells_share_sample_and_how_sure_it_is() {
    let house = house().await;
    season(&house).await;

    let cards = all(&house, SubjectKind::Technician).await;

    let [busy, calm] = cards.as_slice() else {
        panic!("{cards:?}")
    };
    assert_eq!((busy.subject.as_str(), calm.subject.as_str()), (BUSY, CALM));
    assert_eq!((busy.surveyed, busy.answered, busy.satisfied), (20, 10, 8));
    assert_eq!((busy.satisfaction, busy.response_rate), (0.8, 0.5));
    // Wilson, 8 of 10.
    assert!((busy.satisfaction_low - 0.4902).abs() < 5e-5, "{busy:?}");
    assert!((busy.satisfaction_high - 0.9433).abs() < 5e-5, "{busy:?}");
    assert_eq!((calm.satisfaction, calm.satisfaction_high), (1.0, 1.0));
    assert!(
        calm.satisfaction_low < 0.52,
        "four answers prove little: {calm:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_subject_counts_its_own() {
    let house = house().await;
    season(&house).await;
    for (kind, expected) in [
        (SubjectKind::Agent, vec![("users/1", 25, 14, 12)]),
        (
            SubjectKind::Region,
            vec![("north", 20, 10, 8), ("south", 7, 5, 4)],
        ),
        (
            SubjectKind::Product,
            vec![("laptop", 20, 10, 8), ("desktop", 5, 4, 4)],
        ),
        (SubjectKind::All, vec![("", 27, 15, 12)]),
    ] {
        let cards = all(&house, kind).await;
        let counted: Vec<(&str, i64, i64, i64)> = cards
            .iter()
            .map(|c| (c.subject.as_str(), c.surveyed, c.answered, c.satisfied))
            .collect();
        assert_eq!(counted, expected, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_subject_is_found_and_a_tenant_without_surveys_has_no_card() {
    let house = house().await;
    season(&house).await;
    let calm = ListScorecardsRequest {
        subject: CALM.into(),
        ..about(SubjectKind::Technician)
    };
    let cards = cards(&house, calm).await.unwrap().scorecards;
    assert_eq!(cards.len(), 1);
    assert_eq!(cards[0].subject, CALM);
    for kind in [SubjectKind::All, SubjectKind::Region] {
        let theirs = house
            .scorecards(&stranger())
            .list_scorecards(about(kind))
            .await
            .unwrap();
        assert!(theirs.into_inner().scorecards.is_empty(), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_where_they_ended_and_for_their_own_list_alone() {
    let house = house().await;
    season(&house).await;
    let first = ListScorecardsRequest {
        page_size: 1,
        ..about(SubjectKind::Technician)
    };
    let page = cards(&house, first.clone()).await.unwrap();
    assert_eq!(page.scorecards[0].subject, BUSY);
    let next = ListScorecardsRequest {
        page_token: page.next_page_token,
        ..first
    };

    let second = cards(&house, next.clone()).await.unwrap();
    assert_eq!(second.scorecards[0].subject, CALM);
    assert_eq!(second.next_page_token, "");

    let mut other = next.clone();
    other.set_subject_kind(SubjectKind::Region);
    let other = cards(&house, other).await.unwrap_err();
    let foreign = house
        .scorecards(&stranger())
        .list_scorecards(next)
        .await
        .unwrap_err();
    for refused in [other, foreign] {
        assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_asked_for_by_kind_and_name() {
    let house = house().await;
    let wrong = |kind, subject: &str| ListScorecardsRequest {
        subject: subject.into(),
        ..about(kind)
    };
    for (request, expected) in [
        (wrong(SubjectKind::Unspecified, ""), "subject_kind"),
        (wrong(SubjectKind::Technician, "users/1"), "subject"),
        (wrong(SubjectKind::All, "north"), "subject"),
    ] {
        let refused = cards(&house, request).await.unwrap_err();
        assert_eq!(fields(&refused), [expected]);
    }
}
