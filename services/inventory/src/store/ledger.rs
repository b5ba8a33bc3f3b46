//! Movements and entries: written once with the balances they change.

use chassis::TenantId;
use chassis::authz::Sight;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::domain::ledger::Movement;

/// What a group of movements is made for.
#[derive(Clone, Copy, derive_more::Debug)]
pub struct Cause<'a> {
    /// Resource it is made for: `tickets/{uuid}`; empty: none.
    pub subject: &'a str,
    /// Delivery note, reason or reservation.
    #[debug("[personal]")]
    pub reference: &'a str,
    /// When it happened in the world.
    pub occurred_at: Timestamp,
    /// When it is recorded.
    pub now: Timestamp,
}

/// Movements and entries as columns, for `unnest`.
#[derive(Default)]
pub(super) struct Columns<'a> {
    pub(super) ids: Vec<Uuid>,
    pub(super) kinds: Vec<&'static str>,
    pub(super) parts: Vec<&'a str>,
    pub(super) of: Vec<Uuid>,
    pub(super) positions: Vec<i16>,
    pub(super) accounts: Vec<&'static str>,
    pub(super) locations: Vec<Option<&'a str>>,
    pub(super) quantities: Vec<i64>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(movements: &'a [(Uuid, Movement)]) -> Columns<'a> {
        let mut columns = Columns::default();
        for (id, movement) in movements {
            columns.ids.push(*id);
            columns.kinds.push(movement.kind.name());
            columns.parts.push(&movement.part);
            for (position, (account, quantity)) in (0..).zip(&movement.entries) {
                let (account, location) = account.parts();
                columns.of.push(*id);
                columns.positions.push(position);
                columns.accounts.push(account);
                columns.locations.push(location);
                columns.quantities.push(*quantity);
            }
        }
        columns
    }
}

/// Books movements and changes the balances they touch, in one statement. The levels must be
/// there and locked.
pub async fn post(
    conn: &mut PgConnection,
    tenant: &TenantId,
    cause: Cause<'_>,
    movements: &[(Uuid, Movement)],
) -> Result<(), sqlx::Error> {
    let columns = Columns::of(movements);
    sqlx::query!(
        "with movement as (
             insert into stock_movements (tenant_id, id, kind, part, subject, reference,
                 occurred_at, recorded_at)
             select $1, m.id, m.kind, m.part, $5, $6, $7, $8
             from unnest($2::uuid[], $3::text[], $4::text[]) as m (id, kind, part)
         ), entry as (
             insert into stock_entries (tenant_id, movement, position, account, location, quantity)
             select $1, e.movement, e.position, e.account, e.location, e.quantity
             from unnest($9::uuid[], $10::smallint[], $11::text[], $12::text[], $13::bigint[])
                 as e (movement, position, account, location, quantity)
         )
         update stock_levels l
         set available = l.available + d.available, held = l.held + d.held
         from (
             select m.part, e.location,
                 coalesce(sum(e.quantity) filter (where e.account = 'available'), 0)::bigint
                     as available,
                 coalesce(sum(e.quantity) filter (where e.account = 'held'), 0)::bigint as held
             from unnest($9::uuid[], $11::text[], $12::text[], $13::bigint[])
                 as e (movement, account, location, quantity)
             join unnest($2::uuid[], $4::text[]) as m (id, part) on m.id = e.movement
             where e.location is not null
             group by m.part, e.location
         ) d
         where l.tenant_id = $1 and l.part = d.part and l.location = d.location",
        tenant.as_str(),
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
    .execute(conn)
    .await?;
    Ok(())
}

/// A movement as listed.
#[derive(derive_more::Debug)]
pub struct Booked {
    /// Identifier.
    pub id: Uuid,
    /// Why, by name.
    pub kind: String,
    /// Part number.
    pub part: String,
    /// What it was made for.
    pub subject: String,
    /// Delivery note, reason or reservation.
    #[debug("[personal]")]
    pub reference: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Account, location and pieces.
    pub entries: Vec<(String, Option<String>, i64)>,
}

#[derive(sqlx::FromRow)]
struct BookedRow {
    id: Uuid,
    kind: String,
    part: String,
    subject: String,
    reference: String,
    occurred_at: jiff_sqlx::Timestamp,
    accounts: Vec<String>,
    locations: Vec<Option<String>>,
    quantities: Vec<i64>,
}

/// Movements, newest first, before `before`, of that part and subject (empty: any).
///
/// Each filter has an index of its own, so the statement is put together from those given.
pub async fn movements(
    conn: &mut PgConnection,
    tenant: &TenantId,
    part: &str,
    subject: &str,
    sight: &Sight,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Booked>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select m.id, m.kind, m.part, m.subject, m.reference, m.occurred_at,
             array_agg(e.account order by e.position) as accounts,
             array_agg(e.location order by e.position) as locations,
             array_agg(e.quantity order by e.position) as quantities
         from (select tenant_id, id, kind, part, subject, reference, occurred_at
             from stock_movements where tenant_id = ",
    );
    query.push_bind(tenant.as_str());
    if !part.is_empty() {
        query.push(" and part = ").push_bind(part);
    }
    if !subject.is_empty() {
        query
            .push(" and subject <> '' and subject = ")
            .push_bind(subject);
    }
    if let Some(before) = before {
        query.push(" and id < ").push_bind(before);
    }
    if let Some(region) = &sight.region {
        query
            .push(
                " and exists (select from stock_entries s
                     join stock_locations l on l.tenant_id = s.tenant_id and l.code = s.location
                     where s.tenant_id = stock_movements.tenant_id
                         and s.movement = stock_movements.id and l.region = ",
            )
            .push_bind(region)
            .push(")");
    }
    query.push(" order by id desc limit ").push_bind(limit);
    query.push(
        ") m join stock_entries e on e.tenant_id = m.tenant_id and e.movement = m.id
         group by m.id, m.kind, m.part, m.subject, m.reference, m.occurred_at
         order by m.id desc",
    );
    let rows: Vec<BookedRow> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(booked).collect())
}

fn booked(row: BookedRow) -> Booked {
    let sides = row
        .accounts
        .into_iter()
        .zip(row.locations)
        .zip(row.quantities);
    Booked {
        id: row.id,
        kind: row.kind,
        part: row.part,
        subject: row.subject,
        reference: row.reference,
        occurred_at: row.occurred_at.to_jiff(),
        entries: sides
            .map(|((account, location), quantity)| (account, location, quantity))
            .collect(),
    }
}
