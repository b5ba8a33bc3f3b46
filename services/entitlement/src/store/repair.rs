//! Repairs, and the components they changed.

use chassis::Refusal;
use chassis::db::Tx;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use uuid::Uuid;

use super::asset::{Touched, touch};
use crate::domain::asset::{Component, Repair, Swap};

/// A component with the row it is kept in.
type Kept = (Uuid, Component);

/// Locks a device and reads the components in it; none when the device does not exist.
///
/// The order of the components is the one [`swap`] counts places in.
pub(crate) async fn lock(tx: &mut Tx, asset: Uuid) -> Result<Option<Vec<Component>>, Refusal> {
    let tenant = tx.tenant().clone();
    let locked = sqlx::query_scalar!(
        "select id from assets where tenant_id = $1 and id = $2 for update",
        tenant.as_str(),
        asset,
    )
    .fetch_optional(&mut **tx)
    .await?;
    if locked.is_none() {
        return Ok(None);
    }
    let kept = components(tx, asset).await?;
    Ok(Some(
        kept.into_iter().map(|(_, component)| component).collect(),
    ))
}

async fn components(tx: &mut Tx, asset: Uuid) -> Result<Vec<Kept>, Refusal> {
    let tenant = tx.tenant().clone();
    let rows = sqlx::query!(
        "select id, component, serial_number, installed_on from asset_components
         where tenant_id = $1 and asset_id = $2 and removed_on is null
         order by component, id",
        tenant.as_str(),
        asset,
    )
    .fetch_all(&mut **tx)
    .await?;
    let kept = rows.into_iter().map(|row| {
        let component = Component {
            component: row.component,
            serial_number: row.serial_number,
            installed_on: row.installed_on.map(|date| date.to_jiff()),
        };
        (row.id, component)
    });
    Ok(kept.collect())
}

/// Adds a repair of a locked device; none when its work order was added before.
pub(crate) async fn add(
    tx: &mut Tx,
    asset: Uuid,
    repair: &Repair,
    ticket: Option<Uuid>,
    occurred: Timestamp,
) -> Result<Option<Touched>, Refusal> {
    let tenant = tx.tenant().clone();
    let now = tx.now();
    let added = sqlx::query!(
        "insert into asset_repairs (tenant_id, asset_id, work_order, ticket, components,
             received_on, completed_on, occurred_at, recorded_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict do nothing",
        tenant.as_str(),
        asset,
        repair.work_order,
        ticket,
        &repair.components[..],
        repair.received_on.to_sqlx() as _,
        repair.completed_on.to_sqlx() as _,
        occurred.to_sqlx() as _,
        now.to_sqlx() as _,
    )
    .execute(&mut **tx)
    .await?;
    if added.rows_affected() == 0 {
        return Ok(None);
    }
    Ok(touch(tx, &[asset]).await?.pop())
}

/// Takes components out of a locked device and puts their successors in.
pub(crate) async fn swap(
    tx: &mut Tx,
    asset: Uuid,
    repair: &Repair,
    swaps: &[Swap],
) -> Result<(), Refusal> {
    if swaps.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant().clone();
    let now = tx.now();
    let kept = components(tx, asset).await?;
    let removed: Vec<Uuid> = swaps
        .iter()
        .filter_map(|s| Some(kept.get(s.removed?)?.0))
        .collect();
    let ids: Vec<Uuid> = swaps.iter().map(|_| tx.ids().v7()).collect();
    let classes: Vec<&str> = swaps.iter().map(|swap| swap.component.as_str()).collect();
    let serials: Vec<Option<&str>> = swaps.iter().map(|swap| swap.installed.as_deref()).collect();
    sqlx::query!(
        "with removed as (
             update asset_components set removed_on = $3
             where tenant_id = $1 and asset_id = $2 and id = any($4)
         )
         insert into asset_components (tenant_id, asset_id, id, component, serial_number,
             installed_on, work_order, known_from)
         select $1, $2, u.id, u.component, left(u.serial_number, 64), $3, $5, $6
         from unnest($7::uuid[], $8::text[], $9::text[]) as u (id, component, serial_number)",
        tenant.as_str(),
        asset,
        repair.completed_on.to_sqlx() as _,
        &removed[..],
        repair.work_order,
        now.to_sqlx() as _,
        &ids[..],
        &classes[..] as _,
        &serials[..] as _,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
