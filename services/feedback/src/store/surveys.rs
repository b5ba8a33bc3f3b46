//! Surveys, their links and their answers.

use chassis::authz::Sight;
use chassis::{Refusal, names};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// A survey with its answer, if it has one.
#[derive(Clone, derive_more::Debug)]
pub(crate) struct SurveyRow {
    pub(crate) survey_id: Uuid,
    pub(crate) ticket_id: Uuid,
    pub(crate) round: i32,
    pub(crate) number: String,
    pub(crate) region: String,
    pub(crate) technician_id: Option<Uuid>,
    pub(crate) kind: i16,
    pub(crate) version: i64,
    pub(crate) created_at: jiff_sqlx::Timestamp,
    pub(crate) expires_at: jiff_sqlx::Timestamp,
    pub(crate) score: Option<i16>,
    #[debug("[personal]")]
    pub(crate) comment: Option<String>,
    pub(crate) answered_at: Option<jiff_sqlx::Timestamp>,
    pub(crate) erased_at: Option<jiff_sqlx::Timestamp>,
}

/// A survey to make.
#[derive(Clone, Debug)]
pub(crate) struct NewSurvey {
    pub(crate) survey_id: Uuid,
    pub(crate) ticket_id: Uuid,
    pub(crate) round: i32,
    pub(crate) number: String,
    pub(crate) region: String,
    pub(crate) product: String,
    pub(crate) technician_id: Option<Uuid>,
    pub(crate) assignee: String,
    pub(crate) kind: i16,
    pub(crate) closed_at: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// An answer to keep.
#[derive(Clone, derive_more::Debug)]
pub(crate) struct Answer {
    pub(crate) score: i16,
    #[debug("[personal]")]
    pub(crate) comment: String,
    pub(crate) low_threshold: Option<i16>,
    pub(crate) answered_at: Timestamp,
    pub(crate) recorded_at: Timestamp,
}

/// Which states a list shows at an instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct States {
    pub(crate) open: bool,
    pub(crate) answered: bool,
    pub(crate) expired: bool,
    pub(crate) now: Timestamp,
}

/// The last survey shown: newest first, then by descending id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SurveysAfter {
    pub(crate) created_at: Timestamp,
    pub(crate) survey_id: Uuid,
}

/// Makes the survey of a closure; false when that closure has one.
pub(crate) async fn add(
    conn: &mut PgConnection,
    tenant: &str,
    new: &NewSurvey,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "insert into surveys (tenant_id, survey_id, ticket_id, round, number, region, product,
             technician_id, assignee, kind, version, closed_at, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $12, $13)
         on conflict do nothing",
        tenant,
        new.survey_id,
        new.ticket_id,
        new.round,
        new.number,
        new.region,
        new.product,
        new.technician_id,
        new.assignee,
        new.kind,
        new.closed_at.to_sqlx() as _,
        new.created_at.to_sqlx() as _,
        new.expires_at.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The survey that a link leads to.
pub(crate) async fn by_link(
    conn: &mut PgConnection,
    tenant: &str,
    token_hash: &[u8],
) -> Result<Option<SurveyRow>, sqlx::Error> {
    sqlx::query_as!(
        SurveyRow,
        r#"select s.survey_id, s.ticket_id, s.round, s.number, s.region, s.technician_id, s.kind,
             s.version, s.created_at, s.expires_at, s.score,
             a.comment as "comment?", a.answered_at as "answered_at?", s.erased_at
         from surveys s
         left join answers a on a.tenant_id = s.tenant_id and a.survey_id = s.survey_id
         where s.tenant_id = $1 and s.token_hash = $2"#,
        tenant,
        token_hash,
    )
    .fetch_optional(conn)
    .await
}

/// The survey that a link leads to, held until the transaction ends: of several who answer at
/// once, each but the first sees the first one's score.
pub(crate) async fn to_answer(
    conn: &mut PgConnection,
    tenant: &str,
    token_hash: &[u8],
) -> Result<Option<SurveyRow>, sqlx::Error> {
    sqlx::query_as!(
        SurveyRow,
        r#"select survey_id, ticket_id, round, number, region, technician_id, kind, version,
             created_at, expires_at, score, null::text as comment, null::timestamptz as answered_at,
             erased_at
         from surveys where tenant_id = $1 and token_hash = $2 for update"#,
        tenant,
        token_hash,
    )
    .fetch_optional(conn)
    .await
}

/// One survey.
pub(crate) async fn by_id(
    conn: &mut PgConnection,
    tenant: &str,
    survey_id: Uuid,
) -> Result<Option<SurveyRow>, sqlx::Error> {
    sqlx::query_as!(
        SurveyRow,
        r#"select s.survey_id, s.ticket_id, s.round, s.number, s.region, s.technician_id, s.kind,
             s.version, s.created_at, s.expires_at, s.score,
             a.comment as "comment?", a.answered_at as "answered_at?", s.erased_at
         from surveys s
         left join answers a on a.tenant_id = s.tenant_id and a.survey_id = s.survey_id
         where s.tenant_id = $1 and s.survey_id = $2"#,
        tenant,
        survey_id,
    )
    .fetch_optional(conn)
    .await
}

/// Keeps the answer of a survey that has none; the survey's version rises by one.
pub(crate) async fn answer(
    conn: &mut PgConnection,
    tenant: &str,
    survey_id: Uuid,
    answer: &Answer,
) -> Result<(), Refusal> {
    let done = sqlx::query!(
        "with given as (
             insert into answers (tenant_id, survey_id, score, comment, low_threshold,
                 answered_at, recorded_at)
             values ($1, $2, $3, $4, $5, $6, $7)
         )
         update surveys set score = $3, version = version + 1
         where tenant_id = $1 and survey_id = $2 and score is null",
        tenant,
        survey_id,
        answer.score,
        answer.comment,
        answer.low_threshold,
        answer.answered_at.to_sqlx() as _,
        answer.recorded_at.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    match done.rows_affected() {
        1 => Ok(()),
        _ => Err(Refusal::internal("a survey that was held has an answer")),
    }
}

/// Puts a new link in the place of the one before, if the survey is open at `now`; answers with
/// its expiry.
pub(crate) async fn replace_link(
    conn: &mut PgConnection,
    tenant: &str,
    survey_id: Uuid,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<Timestamp>, sqlx::Error> {
    let expires_at = sqlx::query_scalar!(
        "update surveys set token_hash = $3
         where tenant_id = $1 and survey_id = $2 and score is null and expires_at > $4
         returning expires_at",
        tenant,
        survey_id,
        token_hash,
        now.to_sqlx() as _,
    )
    .fetch_optional(conn)
    .await?;
    Ok(expires_at.map(jiff_sqlx::Timestamp::to_jiff))
}

/// At most `limit` surveys, newest first, after the given one.
pub(crate) async fn list(
    conn: &mut PgConnection,
    tenant: &str,
    ticket: Option<Uuid>,
    states: States,
    sight: &Sight,
    after: Option<SurveysAfter>,
    limit: i64,
) -> Result<Vec<SurveyRow>, Refusal> {
    let technician = names::parse_given("technicians", sight.technician.as_deref())?;
    // The first page begins after what is newer than everything: one condition, one index range.
    let after = after.unwrap_or(SurveysAfter {
        created_at: Timestamp::MAX,
        survey_id: Uuid::max(),
    });
    let rows = sqlx::query_as!(
        SurveyRow,
        r#"select s.survey_id, s.ticket_id, s.round, s.number, s.region, s.technician_id, s.kind,
             s.version, s.created_at, s.expires_at, s.score,
             a.comment as "comment?", a.answered_at as "answered_at?", s.erased_at
         from surveys s
         left join answers a on a.tenant_id = s.tenant_id and a.survey_id = s.survey_id
         where s.tenant_id = $1
           and ($2::uuid is null or s.ticket_id = $2)
           and (s.created_at, s.survey_id) < ($3, $4)
           and case when s.score is not null then $5::boolean
                    when s.expires_at <= $6 then $7::boolean
                    else $8::boolean end
           and ($10::text is null or s.region = $10)
           and ($11::uuid is null or s.technician_id = $11)
         order by s.created_at desc, s.survey_id desc
         limit $9"#,
        tenant,
        ticket,
        after.created_at.to_sqlx() as _,
        after.survey_id,
        states.answered,
        states.now.to_sqlx() as _,
        states.expired,
        states.open,
        limit,
        sight.region,
        technician,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Takes the links of a ticket's surveys; gives those that were not erased yet. From then on nobody
/// answers them, and [`forget_comments`] takes what was said.
async fn erase_links(
    conn: &mut PgConnection,
    tenant: &str,
    ticket: Uuid,
    now: Timestamp,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "update surveys set token_hash = null, erased_at = $3, version = version + 1,
             expires_at = case when score is null
                 then greatest(least(expires_at, $3), created_at + interval '1 microsecond')
                 else expires_at end
         where tenant_id = $1 and ticket_id = $2 and erased_at is null
         returning survey_id",
        tenant,
        ticket,
        now.to_sqlx() as _,
    )
    .fetch_all(conn)
    .await
}

async fn forget_comments(
    conn: &mut PgConnection,
    tenant: &str,
    surveys: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update answers set comment = '' where tenant_id = $1 and survey_id = any ($2)",
        tenant,
        surveys,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes out of a ticket's surveys what tells of a person; gives those that were not erased yet.
pub(crate) async fn erase(
    conn: &mut PgConnection,
    tenant: &str,
    ticket: Uuid,
    now: Timestamp,
) -> Result<Vec<Uuid>, sqlx::Error> {
    // Two statements: an answer that was being given is there once its survey was waited for.
    let erased = erase_links(conn, tenant, ticket, now).await?;
    forget_comments(conn, tenant, &erased).await?;
    Ok(erased)
}
