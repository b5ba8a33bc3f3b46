//! What is erased with a person; the tables themselves refuse words where somebody was erased.

use chassis::Refusal;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ticket::Ticket;

/// At most `limit` tickets of a party that are not erased yet, oldest first.
pub async fn of_party(
    conn: &mut PgConnection,
    tenant: &str,
    party: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, Refusal> {
    let found = sqlx::query_scalar!(
        "select ticket_id from tickets
        where tenant_id = $1 and party_id = $2 and erased_at is null
        order by ticket_id limit $3",
        tenant,
        party,
        limit
    );
    Ok(found.fetch_all(conn).await?)
}

/// Takes out of a ticket's row what tells of a person; before it is saved, as its version stays.
pub async fn ticket(conn: &mut PgConnection, ticket: &Ticket) -> Result<(), Refusal> {
    let erased = sqlx::query!(
        "update tickets set title = '', description = '', resolution = '', site = $3,
            erased_at = $4
        where tenant_id = $1 and ticket_id = $2",
        ticket.tenant,
        ticket.id,
        ticket.site.as_ref().map(Json) as _,
        ticket.erased_at.map(ToSqlx::to_sqlx)
    );
    erased.execute(conn).await?;
    Ok(())
}

/// Takes the words out of a ticket's timeline, with the salts by which they could be guessed.
pub async fn words(conn: &mut PgConnection, ticket: &Ticket) -> Result<(), Refusal> {
    let erased = sqlx::query!(
        "update ticket_events set body = null, salt = null
        where tenant_id = $1 and ticket_id = $2 and body is not null",
        ticket.tenant,
        ticket.id
    );
    erased.execute(conn).await?;
    Ok(())
}

/// Takes the words out of a ticket's quotes; their identifiers.
pub async fn quotes(conn: &mut PgConnection, ticket: &Ticket) -> Result<Vec<Uuid>, Refusal> {
    let erased = sqlx::query_scalar!(
        r#"update quotes set decline_reason = null, version = version + 1, lines = (
            select coalesce(jsonb_agg(line || '{"description": ""}' order by place), '[]')
            from jsonb_array_elements(lines) with ordinality as of_quote (line, place))
        where tenant_id = $1 and ticket_id = $2
        returning quote_id"#,
        ticket.tenant,
        ticket.id
    );
    Ok(erased.fetch_all(conn).await?)
}
