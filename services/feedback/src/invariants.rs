//! What must hold of the tables at every moment, as queries: for tests and for operators.

pub use chassis::invariants::Breach;
use sqlx::PgConnection;

/// Most breaches told per query: one is an alarm already.
const MOST: i64 = 100;

/// Every law of this module.
pub const LAWS: [&str; 1] = [SURVEYS];

/// A closure is surveyed once, a survey answered once, and no link is kept as text.
const SURVEYS: &str = "G8";

/// Every breach of G8 in the connection's schema: a closure is surveyed at most once, a survey is
/// answered at most once and shows the score it was answered with, and no link is kept as text.
pub async fn check(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let mut breaches = surveyed_twice(conn).await?;
    breaches.extend(answered_twice(conn).await?);
    breaches.extend(scores_differ(conn).await?);
    breaches.extend(links_as_text(conn).await?);
    Ok(breaches)
}

fn breach(subject: String, detail: impl Into<String>) -> Breach {
    Breach {
        law: SURVEYS,
        subject,
        detail: detail.into(),
    }
}

async fn surveyed_twice(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let found = sqlx::query!(
        r#"select tenant_id, ticket_id, round, count(*) as "times!" from surveys
         group by tenant_id, ticket_id, round having count(*) > 1 limit $1"#,
        MOST,
    )
    .fetch_all(conn)
    .await?;
    let told = found.into_iter().map(|row| {
        let (times, round) = (row.times, row.round);
        let subject = format!("{} tickets/{}", row.tenant_id, row.ticket_id);
        breach(subject, format!("{times} surveys of round {round}"))
    });
    Ok(told.collect())
}

async fn answered_twice(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let found = sqlx::query!(
        r#"select tenant_id, survey_id, count(*) as "times!" from answers
         group by tenant_id, survey_id having count(*) > 1 limit $1"#,
        MOST,
    )
    .fetch_all(conn)
    .await?;
    let told = found.into_iter().map(|row| {
        let subject = format!("{} surveys/{}", row.tenant_id, row.survey_id);
        breach(subject, format!("{} answers", row.times))
    });
    Ok(told.collect())
}

async fn scores_differ(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let found = sqlx::query!(
        r#"select coalesce(s.tenant_id, a.tenant_id) as "tenant_id!",
             coalesce(s.survey_id, a.survey_id) as "survey_id!", s.score as "shown?",
             a.score as "given?"
         from surveys s
         full join answers a on a.tenant_id = s.tenant_id and a.survey_id = s.survey_id
         where s.score is distinct from a.score limit $1"#,
        MOST,
    )
    .fetch_all(conn)
    .await?;
    let told = found.into_iter().map(|row| {
        let subject = format!("{} surveys/{}", row.tenant_id, row.survey_id);
        let score = |score: Option<i16>| score.map_or("none".to_owned(), |s| s.to_string());
        let (shown, given) = (score(row.shown), score(row.given));
        breach(subject, format!("shows score {shown}, was given {given}"))
    });
    Ok(told.collect())
}

/// Looks through every text and every payload for a token that opens a survey.
async fn links_as_text(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let found = sqlx::query!(
        r#"with texts as (
             select 'surveys' as place, s::text as content from surveys s
             union all
             select 'answers', a::text from answers a
             union all
             select 'outbox', o.aggregate || ' ' || encode(o.payload, 'escape') from outbox o
             union all
             select 'request_keys',
                 k.principal || ' ' || k.request_id || ' ' || encode(k.answer, 'escape')
             from request_keys k
             union all
             select 'dead_letters', d.detail || ' ' || encode(d.payload, 'escape')
             from dead_letters d
         ), tokens as (
             select t.place, found[1] as token
             from texts t,
                 regexp_matches(t.content, 'svy1\.[a-z0-9-]{1,64}\.[A-Za-z0-9_-]{43}', 'g') as found
             where position('svy1.' in t.content) > 0
         )
         select t.place as "place!", s.tenant_id, s.survey_id
         from tokens t join surveys s on s.token_hash = sha256(convert_to(t.token, 'UTF8'))
         limit $1"#,
        MOST,
    )
    .fetch_all(conn)
    .await?;
    let told = found.into_iter().map(|row| {
        let subject = format!("{} surveys/{}", row.tenant_id, row.survey_id);
        breach(
            subject,
            format!("the token of its link stands in {}", row.place),
        )
    });
    Ok(told.collect())
}

/// Those of the given tickets of whose customers a survey tells something, or asks them.
pub async fn telling_of(
    conn: &mut PgConnection,
    tickets: &[(String, uuid::Uuid)],
) -> Result<Vec<(String, uuid::Uuid)>, sqlx::Error> {
    let (tenants, ids): (Vec<String>, Vec<uuid::Uuid>) = tickets.iter().cloned().unzip();
    let rows = sqlx::query!(
        r#"select distinct s.tenant_id, s.ticket_id as "ticket!"
         from unnest($1::text[], $2::uuid[]) as asked (tenant_id, ticket_id)
         join surveys s on s.tenant_id = asked.tenant_id and s.ticket_id = asked.ticket_id
         left join answers a on a.tenant_id = s.tenant_id and a.survey_id = s.survey_id
         where s.erased_at is null or a.comment <> ''"#,
        &tenants,
        &ids,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    Ok(rows.map(|row| (row.tenant_id, row.ticket)).collect())
}
