//! Quotes: insert, read, decide.

use chassis::Refusal;
use jiff_sqlx::ToSqlx;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::coverage::Price;
use crate::domain::quote::{Line, Quote, QuoteState};

struct Row {
    quote_id: Uuid,
    ticket_id: Uuid,
    state: String,
    lines: Json<Vec<Line>>,
    amount: Decimal,
    currency: String,
    expires_at: jiff_sqlx::Timestamp,
    issued_at: jiff_sqlx::Timestamp,
    created_at: jiff_sqlx::Timestamp,
    decided_at: Option<jiff_sqlx::Timestamp>,
    decided_by: Option<String>,
    decline_reason: Option<String>,
    version: i64,
}

impl TryFrom<Row> for Quote {
    type Error = Refusal;

    fn try_from(row: Row) -> Result<Quote, Refusal> {
        let state = QuoteState::parse(&row.state);
        Ok(Quote {
            id: row.quote_id,
            ticket: row.ticket_id,
            state: state.ok_or_else(|| Refusal::internal("unknown quote state in the table"))?,
            lines: row.lines.0,
            total: Price {
                amount: row.amount,
                currency: row.currency,
            },
            expires_at: row.expires_at.to_jiff(),
            issued_at: row.issued_at.to_jiff(),
            created_at: row.created_at.to_jiff(),
            decided_at: row.decided_at.map(|at| at.to_jiff()),
            decided_by: row.decided_by,
            decline_reason: row.decline_reason,
            version: row.version,
        })
    }
}

/// Inserts an offer. False: the ticket has an open one, or this one is stored already.
pub async fn insert(conn: &mut PgConnection, tenant: &str, quote: &Quote) -> Result<bool, Refusal> {
    let inserted = sqlx::query!(
        "insert into quotes (tenant_id, quote_id, ticket_id, state, lines, amount, currency,
            expires_at, issued_at, created_at, version)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1)
        on conflict do nothing",
        tenant,
        quote.id,
        quote.ticket,
        quote.state.name(),
        Json(&quote.lines) as _,
        quote.total.amount,
        quote.total.currency,
        quote.expires_at.to_sqlx(),
        quote.issued_at.to_sqlx(),
        quote.created_at.to_sqlx(),
    );
    Ok(inserted.execute(conn).await?.rows_affected() == 1)
}

/// One offer of a ticket.
pub async fn get(
    conn: &mut PgConnection,
    tenant: &str,
    ticket: Uuid,
    id: Uuid,
) -> Result<Option<Quote>, Refusal> {
    let row = sqlx::query_as!(
        Row,
        r#"select quote_id, ticket_id, state, lines as "lines!: Json<Vec<Line>>", amount, currency,
            expires_at, issued_at, created_at, decided_at, decided_by, decline_reason, version
        from quotes where tenant_id = $1 and ticket_id = $2 and quote_id = $3"#,
        tenant,
        ticket,
        id
    );
    row.fetch_optional(conn)
        .await?
        .map(Quote::try_from)
        .transpose()
}

/// The open offer of a ticket.
pub async fn open(
    conn: &mut PgConnection,
    tenant: &str,
    ticket: Uuid,
) -> Result<Option<Quote>, Refusal> {
    let row = sqlx::query_as!(
        Row,
        r#"select quote_id, ticket_id, state, lines as "lines!: Json<Vec<Line>>", amount, currency,
            expires_at, issued_at, created_at, decided_at, decided_by, decline_reason, version
        from quotes where tenant_id = $1 and ticket_id = $2 and state = 'OPEN'"#,
        tenant,
        ticket
    );
    row.fetch_optional(conn)
        .await?
        .map(Quote::try_from)
        .transpose()
}

/// At most `limit` offers of a ticket made before `before`, newest first.
pub async fn list(
    conn: &mut PgConnection,
    tenant: &str,
    ticket: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Quote>, Refusal> {
    let rows = sqlx::query_as!(
        Row,
        r#"select quote_id, ticket_id, state, lines as "lines!: Json<Vec<Line>>", amount, currency,
            expires_at, issued_at, created_at, decided_at, decided_by, decline_reason, version
        from quotes
        where tenant_id = $1 and ticket_id = $2 and ($3::uuid is null or quote_id < $3)
        order by quote_id desc limit $4"#,
        tenant,
        ticket,
        before,
        limit
    );
    rows.fetch_all(conn)
        .await?
        .into_iter()
        .map(Quote::try_from)
        .collect()
}

/// Saves what was decided if the offer is still the version that was read.
pub async fn save(conn: &mut PgConnection, tenant: &str, quote: &Quote) -> Result<bool, Refusal> {
    let saved = sqlx::query!(
        "update quotes set state = $4, decided_at = $5, decided_by = $6, decline_reason = $7,
            version = version + 1
        where tenant_id = $1 and quote_id = $2 and version = $3",
        tenant,
        quote.id,
        quote.version,
        quote.state.name(),
        quote.decided_at.map(ToSqlx::to_sqlx),
        quote.decided_by,
        quote.decline_reason,
    );
    Ok(saved.execute(conn).await?.rows_affected() == 1)
}

/// Ends the open offer of a ticket that is over.
pub async fn lapse(
    conn: &mut PgConnection,
    tenant: &str,
    ticket: Uuid,
    at: jiff::Timestamp,
) -> Result<(), Refusal> {
    let lapsed = sqlx::query!(
        "update quotes set state = 'EXPIRED', decided_at = $3, version = version + 1
        where tenant_id = $1 and ticket_id = $2 and state = 'OPEN'",
        tenant,
        ticket,
        at.to_sqlx()
    );
    lapsed.execute(conn).await?;
    Ok(())
}
