//! Work order ids that callers chose, or withdrew before they were used.

use chassis::TenantId;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// Takes the id for a create or, `withdrawn`, for a cancel; false: it was taken before, or we gave
/// it to a work order. Waits for another transaction that is taking it.
pub(crate) async fn take(
    conn: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
    withdrawn: bool,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "insert into work_order_claims (tenant_id, work_order_id, claimed_at, withdrawn)
         select $1, $2, $3::timestamptz, $4::boolean
         where not exists (select from work_orders where tenant_id = $1 and id = $2)
         on conflict (tenant_id, work_order_id) do nothing",
        tenant.as_str(),
        id,
        now.to_sqlx() as _,
        withdrawn,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether the id was withdrawn.
pub(crate) async fn is_withdrawn(
    conn: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<bool, sqlx::Error> {
    let withdrawn = sqlx::query_scalar!(
        "select withdrawn from work_order_claims where tenant_id = $1 and work_order_id = $2",
        tenant.as_str(),
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(withdrawn.unwrap_or(false))
}
