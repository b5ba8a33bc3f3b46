//! Technicians' time. A booking states the diary version it was decided on and is won only while
//! that is current; behind this stands the exclusion constraint.

use chassis::{Position, TenantId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use super::candidates::Whom;
use crate::domain::plan::Slot;

/// Books the slot; false when the diary has changed since it was read or is being changed, or
/// the time is taken. Never waits, so that who loses holds nothing that others wait for.
pub(crate) async fn book(
    conn: &mut PgConnection,
    tenant: &TenantId,
    work_order: Uuid,
    slot: &Slot,
    site: Position,
    diary: i64,
) -> Result<bool, sqlx::Error> {
    let departs = slot
        .window
        .start
        .saturating_sub(slot.leg.time)
        .unwrap_or(slot.window.start);
    let done = sqlx::query!(
        "with current as (
             select id from technicians
             where tenant_id = $1 and id = $3 and diary = $4
             for no key update skip locked
         ), turned as (
             update technicians t set diary = t.diary + 1 from current c
             where t.tenant_id = $1 and t.id = c.id
             returning t.id
         )
         insert into bookings (tenant_id, work_order_id, technician_id, during, starts_at, ends_at,
             site_lat, site_lng)
         select $1, $2, id, tstzrange($5, $7), $6, $7, $8, $9 from turned
         on conflict on constraint bookings_never_overlap do nothing",
        tenant.as_str(),
        work_order,
        slot.technician,
        diary,
        departs.to_sqlx() as _,
        slot.window.start.to_sqlx() as _,
        slot.window.end.to_sqlx() as _,
        site.lat(),
        site.lng(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Closes the diaries of a region, or of one technician, until the end of the transaction: what
/// is read and chosen next will be won. Waits for bookings that are being made; in order of id,
/// so that two who wait do not wait for each other.
pub(crate) async fn close_diaries(
    conn: &mut PgConnection,
    tenant: &TenantId,
    whom: Whom<'_>,
) -> Result<(), sqlx::Error> {
    let (region, technician) = whom.columns();
    sqlx::query!(
        "select id from technicians
         where tenant_id = $1 and ($2::text is null or region = $2)
             and ($3::uuid is null or id = $3)
         order by id
         for no key update",
        tenant.as_str(),
        region,
        technician,
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// Frees the work order's time, if any.
pub(crate) async fn free(
    conn: &mut PgConnection,
    tenant: &TenantId,
    work_order: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from bookings where tenant_id = $1 and work_order_id = $2",
        tenant.as_str(),
        work_order,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Frees what is left of a visit that ended at `ended`: all of it when that was before the work
/// was to begin, nothing when it took as long as planned or longer.
pub(crate) async fn shrink(
    conn: &mut PgConnection,
    tenant: &TenantId,
    work_order: Uuid,
    ended: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with early as (
             delete from bookings
             where tenant_id = $1 and work_order_id = $2 and starts_at >= $3
         )
         update bookings set ends_at = $3, during = tstzrange(lower(during), $3)
         where tenant_id = $1 and work_order_id = $2 and starts_at < $3 and ends_at > $3",
        tenant.as_str(),
        work_order,
        ended.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}
