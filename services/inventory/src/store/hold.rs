//! Setting pieces aside: the lines, the pieces, the ledger and the balances in one statement.

use chassis::TenantId;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use super::ledger::{Cause, Columns};
use crate::domain::allocate::Allotted;
use crate::domain::ledger::Movement;
use crate::domain::reservation::Line;

/// Holds what was allotted to a reservation, oldest pieces first. The levels must be locked and
/// have enough, and the reservation must have no lines. Returns its lines.
pub async fn hold(
    conn: &mut PgConnection,
    tenant: &TenantId,
    cause: Cause<'_>,
    reservation: Uuid,
    allotted: &[Allotted],
    movements: &[(Uuid, Movement)],
) -> Result<Vec<Line>, sqlx::Error> {
    let columns = Columns::of(movements);
    let parts: Vec<&str> = allotted.iter().map(|a| a.part.as_str()).collect();
    let locations: Vec<&str> = allotted.iter().map(|a| a.location.as_str()).collect();
    let quantities: Vec<i64> = allotted.iter().map(|a| a.quantity).collect();
    let rows = sqlx::query!(
        r#"with wanted as (
             select w.part, w.location, w.quantity, (w.n - 1)::smallint as position
             from unnest($3::text[], $4::text[], $5::bigint[]) with ordinality
                 as w (part, location, quantity, n)
         ), piece as (
             update part_serials p set status = 'HELD', reservation = $2
             from wanted w cross join lateral (
                 select s.serial from part_serials s
                 where s.tenant_id = $1 and s.part = w.part and s.location = w.location
                   and s.status = 'AVAILABLE'
                 order by s.received_at, s.serial limit w.quantity) next
             where p.tenant_id = $1 and p.part = w.part and p.serial = next.serial
             returning w.position, p.serial, p.received_at
         ), movement as (
             insert into stock_movements (tenant_id, id, kind, part, subject, reference,
                 occurred_at, recorded_at)
             select $1, m.id, m.kind, m.part, $9, $10, $11, $12
             from unnest($6::uuid[], $7::text[], $8::text[]) as m (id, kind, part)
         ), entry as (
             insert into stock_entries (tenant_id, movement, position, account, location, quantity)
             select $1, e.movement, e.position, e.account, e.location, e.quantity
             from unnest($13::uuid[], $14::smallint[], $15::text[], $16::text[], $17::bigint[])
                 as e (movement, position, account, location, quantity)
         ), level as (
             update stock_levels l
             set available = l.available - w.quantity, held = l.held + w.quantity
             from wanted w
             where l.tenant_id = $1 and l.part = w.part and l.location = w.location
         )
         insert into reservation_lines (tenant_id, reservation, position, part, quantity, location,
             standing, serials)
         select $1, $2, w.position, w.part, w.quantity, w.location, 'HELD',
             coalesce((select array_agg(piece.serial order by piece.received_at, piece.serial)
                 from piece where piece.position = w.position), '{}')
         from wanted w
         returning position, part, quantity, location, serials, used"#,
        tenant.as_str(),
        reservation,
        &parts[..] as _,
        &locations[..] as _,
        &quantities[..] as _,
        &columns.ids[..] as _,
        &columns.kinds[..] as _,
        &columns.parts[..] as _,
        cause.subject,
        cause.reference,
        cause.occurred_at.to_sqlx() as _,
        cause.now.to_sqlx() as _,
        &columns.of[..] as _,
        &columns.positions[..] as _,
        &columns.accounts[..] as _,
        &columns.locations[..] as _,
        &columns.quantities[..] as _,
    )
    .fetch_all(conn)
    .await?;
    let mut lines: Vec<Line> = Vec::with_capacity(rows.len());
    for row in rows {
        let (part, quantity, location) = (row.part, row.quantity, row.location);
        let (position, serials, used) = (row.position, row.serials, row.used);
        lines.push(Line {
            position,
            part,
            quantity,
            location,
            serials,
            used,
        });
    }
    lines.sort_unstable_by_key(|line| line.position);
    Ok(lines)
}
