//! Pieces of serialised parts, one by one.

use chassis::TenantId;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::settle::Swap;

/// Adds pieces to a shelf; the serial numbers that were there already are returned and not added.
pub async fn receive(
    conn: &mut PgConnection,
    tenant: &TenantId,
    part: &str,
    location: &str,
    serials: &[String],
    received_at: Timestamp,
) -> Result<Vec<String>, sqlx::Error> {
    let added = sqlx::query_scalar!(
        "insert into part_serials (tenant_id, part, serial, status, location, received_at)
         select $1, $2, s, 'AVAILABLE', $3, $5 from unnest($4::text[]) as s
         on conflict do nothing returning serial",
        tenant.as_str(),
        part,
        location,
        serials as _,
        received_at.to_sqlx() as _,
    )
    .fetch_all(conn)
    .await?;
    Ok(serials
        .iter()
        .filter(|s| !added.contains(s))
        .cloned()
        .collect())
}

/// Settles what a reservation held: the used pieces are consumed, the others free again.
/// Returns how many pieces it held.
pub async fn settle(
    conn: &mut PgConnection,
    tenant: &TenantId,
    reservation: Uuid,
    held: &[(&str, &str)],
    used: &[(&str, &str)],
) -> Result<u64, sqlx::Error> {
    let (parts, serials): (Vec<&str>, Vec<&str>) = held.iter().copied().unzip();
    let is_used: Vec<bool> = held.iter().map(|piece| used.contains(piece)).collect();
    let done = sqlx::query!(
        "update part_serials p
         set status = case when h.used then 'CONSUMED' else 'AVAILABLE' end,
             reservation = case when h.used then p.reservation end
         from unnest($3::text[], $4::text[], $5::bool[]) as h (part, serial, used)
         where p.tenant_id = $1 and p.part = h.part and p.serial = h.serial
           and p.status = 'HELD' and p.reservation = $2",
        tenant.as_str(),
        reservation,
        &parts[..] as _,
        &serials[..] as _,
        &is_used[..] as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Which repair replaced pieces.
#[derive(Clone, Copy, Debug)]
pub struct Repair<'a> {
    /// The ticket.
    pub ticket: Uuid,
    /// `workOrders/{uuid}`; empty: settled by hand.
    pub work_order: &'a str,
    /// The reservation.
    pub reservation: Uuid,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it is recorded.
    pub now: Timestamp,
}

/// Keeps which piece replaced which.
pub async fn keep_swaps(
    conn: &mut PgConnection,
    tenant: &TenantId,
    repair: Repair<'_>,
    swaps: &[(Uuid, &Swap)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = swaps.iter().map(|(id, _)| *id).collect();
    let parts: Vec<&str> = swaps.iter().map(|(_, s)| s.part.as_str()).collect();
    let olds: Vec<&str> = swaps.iter().map(|(_, s)| s.old_serial.as_str()).collect();
    let news: Vec<&str> = swaps.iter().map(|(_, s)| s.new_serial.as_str()).collect();
    sqlx::query!(
        "insert into swaps (tenant_id, id, ticket, work_order, reservation, part, old_serial,
             new_serial, occurred_at, recorded_at)
         select $1, s.id, $2, $3, $4, s.part, s.old_serial, s.new_serial, $5, $6
         from unnest($7::uuid[], $8::text[], $9::text[], $10::text[])
             as s (id, part, old_serial, new_serial)",
        tenant.as_str(),
        repair.ticket,
        repair.work_order,
        repair.reservation,
        repair.occurred_at.to_sqlx() as _,
        repair.now.to_sqlx() as _,
        &ids[..] as _,
        &parts[..] as _,
        &olds[..] as _,
        &news[..] as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}
