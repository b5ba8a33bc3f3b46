//! Those who wait for parts: their queues, their locks, their turn.

use chassis::TenantId;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::reservation::Line;

/// Parts locked for one turn of a queue, at most.
const MOST_PARTS: i64 = 200;

/// Locks these parts and the parts that their waiting reservations want as well, by number.
/// Whoever changes a part's queue or brings pieces to it waits here for the one before.
pub async fn lock_parts(
    conn: &mut PgConnection,
    tenant: &TenantId,
    parts: &[String],
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "select number from parts
         where tenant_id = $1 and number = any (array(
             select unnest($2::text[])
             union
             (select distinct also.part
              from reservation_lines l
              join reservation_lines also
                  on also.tenant_id = l.tenant_id and also.reservation = l.reservation
              where l.tenant_id = $1 and l.part = any ($2) and l.standing = 'WAITING'
              limit $3)))
         order by number for no key update",
        tenant.as_str(),
        parts as _,
        MOST_PARTS,
    )
    .fetch_all(conn)
    .await
}

/// Locks those who wait for any of these parts: the first by priority, then time. Those whom
/// another transaction has in hand are passed over.
pub async fn first(
    conn: &mut PgConnection,
    tenant: &TenantId,
    parts: &[String],
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select r.id from reservations r
         where r.tenant_id = $1 and r.state = 'BACKORDERED' and r.id in (
             select l.reservation from reservation_lines l
             where l.tenant_id = $1 and l.part = any ($2) and l.standing = 'WAITING')
         order by r.priority, r.created_at, r.id limit $3
         for no key update skip locked",
        tenant.as_str(),
        parts as _,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Begins to wait: lines without a place.
pub async fn add_lines(
    conn: &mut PgConnection,
    tenant: &TenantId,
    reservation: Uuid,
    lines: &[Line],
) -> Result<(), sqlx::Error> {
    let positions: Vec<i16> = lines.iter().map(|l| l.position).collect();
    let parts: Vec<&str> = lines.iter().map(|l| l.part.as_str()).collect();
    let quantities: Vec<i64> = lines.iter().map(|l| l.quantity).collect();
    sqlx::query!(
        "insert into reservation_lines (tenant_id, reservation, position, part, quantity, standing)
         select $1, $2, w.position, w.part, w.quantity, 'WAITING'
         from unnest($3::smallint[], $4::text[], $5::bigint[]) as w (position, part, quantity)",
        tenant.as_str(),
        reservation,
        &positions[..] as _,
        &parts[..] as _,
        &quantities[..] as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps why one goes on waiting.
pub async fn explain(
    conn: &mut PgConnection,
    tenant: &TenantId,
    reservation: Uuid,
    findings: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update reservations set findings = $3 where tenant_id = $1 and id = $2",
        tenant.as_str(),
        reservation,
        findings,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the waiting: HELD, and the lines without a place are gone. Returns the new version.
pub async fn end(
    conn: &mut PgConnection,
    tenant: &TenantId,
    reservation: Uuid,
    expire_at: Timestamp,
    findings: &Value,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        "with gone as (
             delete from reservation_lines
             where tenant_id = $1 and reservation = $2 and standing = 'WAITING'
         )
         update reservations
         set state = 'HELD', expire_at = $3, findings = $4, version = version + 1
         where tenant_id = $1 and id = $2
         returning version",
        tenant.as_str(),
        reservation,
        expire_at.to_sqlx() as _,
        findings,
    )
    .fetch_one(conn)
    .await
}

/// Counts a receipt of the part; the number is the version of what it tells.
pub async fn count_arrival(
    conn: &mut PgConnection,
    tenant: &TenantId,
    part: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        "update parts set arrivals = arrivals + 1 where tenant_id = $1 and number = $2
         returning arrivals",
        tenant.as_str(),
        part,
    )
    .fetch_one(conn)
    .await
}

/// Parts of any tenant that somebody waits for while pieces are free, after (tenant, part).
pub async fn awaited_with_stock(
    conn: &mut PgConnection,
    after: (&str, &str),
    limit: i64,
) -> Result<Vec<(String, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select distinct l.tenant_id, l.part from reservation_lines l
         where l.standing = 'WAITING' and (l.tenant_id, l.part) > ($1, $2)
           and exists (select from stock_levels s
               where s.tenant_id = l.tenant_id and s.part = l.part and s.available > 0)
         order by l.tenant_id, l.part limit $3",
        after.0,
        after.1,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tenant_id, row.part))
        .collect())
}
