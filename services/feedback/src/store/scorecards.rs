//! Scorecards, counted from the surveys: nothing is added up beside them, so nothing can differ.

use sqlx::PgConnection;

use crate::domain::Kind;

/// One subject's counts.
#[derive(Clone, Debug)]
pub(crate) struct CardRow {
    pub(crate) subject: String,
    pub(crate) surveyed: i64,
    pub(crate) answered: i64,
    pub(crate) satisfied: i64,
}

/// Whom cards are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubjectKind {
    Technician,
    Agent,
    Region,
    Product,
    All,
}

/// The last card shown: most answers first, then by subject.
#[derive(Clone, Debug)]
pub(crate) struct CardsAfter {
    pub(crate) answered: i64,
    pub(crate) subject: String,
}

/// The five statements differ in nothing but the column a card is about, which no parameter can
/// name; each is checked when it is compiled.
macro_rules! cards_by {
    ($subject:literal, $one:literal, $conn:expr, $tenant:expr, $only:expr, $region:expr, $after:expr, $limit:expr) => {
        sqlx::query_as!(
            CardRow,
            r#"select subject as "subject!", surveyed as "surveyed!", answered as "answered!",
                 satisfied as "satisfied!"
             from (
                 select "#
                + $subject
                + r#" as subject, count(*) as surveyed,
                     count(score) as answered,
                     count(*) filter (where score >= (case kind when 1 then $2::smallint
                         when 2 then $3::smallint when 3 then $4::smallint end)) as satisfied
                 from surveys
                 where tenant_id = $1 and "#
                + $one
                + r#" and ($9::text is null or region = $9)
                 group by 1
             ) as cards
             where (-answered, subject) > ($6::bigint, $7::text)
             order by -answered, subject
             limit $8"#,
            $tenant,
            Kind::Csat.satisfied_from(),
            Kind::Nps.satisfied_from(),
            Kind::Ces.satisfied_from(),
            $only,
            -$after.answered,
            $after.subject,
            $limit,
            $region,
        )
        .fetch_all($conn)
        .await
    };
}

/// At most `limit` cards, largest sample first, after the given one; `only`: one subject's;
/// `region`: counted over that region's surveys alone.
pub(crate) async fn cards(
    conn: &mut PgConnection,
    tenant: &str,
    about: SubjectKind,
    only: Option<&str>,
    region: Option<&str>,
    after: Option<CardsAfter>,
    limit: i64,
) -> Result<Vec<CardRow>, sqlx::Error> {
    let after = after.unwrap_or(CardsAfter {
        answered: i64::MAX,
        subject: String::new(),
    });
    match about {
        SubjectKind::Technician => cards_by!(
            "technician_id::text",
            "technician_id is not null and ($5::text is null or technician_id = $5::text::uuid)",
            conn,
            tenant,
            only,
            region,
            after,
            limit
        ),
        SubjectKind::Agent => cards_by!(
            "assignee",
            "assignee <> '' and ($5::text is null or assignee = $5)",
            conn,
            tenant,
            only,
            region,
            after,
            limit
        ),
        SubjectKind::Region => cards_by!(
            "region",
            "region <> '' and ($5::text is null or region = $5)",
            conn,
            tenant,
            only,
            region,
            after,
            limit
        ),
        SubjectKind::Product => cards_by!(
            "product",
            "product <> '' and ($5::text is null or product = $5)",
            conn,
            tenant,
            only,
            region,
            after,
            limit
        ),
        SubjectKind::All => cards_by!(
            "''::text",
            "$5::text is null",
            conn,
            tenant,
            only,
            region,
            after,
            limit
        ),
    }
}
