//! The progress worker's rows: claim what is due, give it back.

use chassis::Refusal;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgPool;
use uuid::Uuid;

/// A ticket's process in a worker's hands.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Tenant of the ticket.
    pub tenant: String,
    /// The ticket.
    pub ticket: Uuid,
    /// Rises with every claim; a worker whose fence is old has lost the ticket.
    pub fence: i64,
    /// When it was due.
    pub due_at: Timestamp,
    /// Failed tries of the step at hand.
    pub attempts: i32,
    /// The step that was asked of a peer, its round, and the bytes that were sent.
    pub asked: Option<(String, i32, Vec<u8>)>,
    /// Trace to go on with.
    pub traceparent: String,
}

/// Leases at most `limit` due tickets until `until`, longest due first.
pub async fn claim(
    pool: &PgPool,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<Claimed>, Refusal> {
    let rows = sqlx::query!(
        r#"with due as (
            select tenant_id, ticket_id from processes
            where due_at <= $1 and leased_until <= $1
            order by due_at limit $3
            for update skip locked
        )
        update processes p set leased_until = $2, fence = p.fence + 1
        from due where p.tenant_id = due.tenant_id and p.ticket_id = due.ticket_id
        returning p.tenant_id, p.ticket_id, p.fence, p.due_at as "due_at!", p.attempts, p.asked_step, p.asked_round,
            p.asked, p.traceparent"#,
        now.to_sqlx(),
        until.to_sqlx(),
        limit
    );
    let claimed = rows.fetch_all(pool).await?.into_iter().map(|row| Claimed {
        tenant: row.tenant_id,
        ticket: row.ticket_id,
        fence: row.fence,
        due_at: row.due_at.to_jiff(),
        attempts: row.attempts,
        asked: match (row.asked_step, row.asked_round, row.asked) {
            (Some(step), Some(round), Some(bytes)) => Some((step, round, bytes)),
            _ => None,
        },
        traceparent: row.traceparent,
    });
    Ok(claimed.collect())
}

/// Gives a ticket back: looked at again at `due_at`, or not before an event. An event that woke
/// the ticket since it was claimed keeps its word.
pub async fn release(
    pool: &PgPool,
    claimed: &Claimed,
    due_at: Option<Timestamp>,
    attempts: i32,
) -> Result<(), Refusal> {
    let released = sqlx::query!(
        "update processes
        set due_at = case when due_at = $6 then $4 else due_at end,
            leased_until = '-infinity', attempts = $5
        where tenant_id = $1 and ticket_id = $2 and fence = $3",
        claimed.tenant,
        claimed.ticket,
        claimed.fence,
        due_at.map(ToSqlx::to_sqlx),
        attempts,
        claimed.due_at.to_sqlx()
    );
    released.execute(pool).await?;
    Ok(())
}
