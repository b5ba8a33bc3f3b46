//! Reservations and their lines.

use chassis::authz::Sight;
use chassis::{Position, TenantId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde::Deserialize;
use serde_json::Value;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::domain::finding::Finding;
use crate::domain::reservation::{Line, Reservation, State};
use crate::domain::settle::SettledLine;
use crate::domain::stock::Place;

/// Adds a reservation without its lines; false when its id or its (ticket, step, round) is taken.
pub async fn add(
    conn: &mut PgConnection,
    tenant: &TenantId,
    reservation: &Reservation,
) -> Result<bool, sqlx::Error> {
    let near = reservation.place.near;
    let done = sqlx::query!(
        "insert into reservations (tenant_id, id, region, ticket, step, round, state, priority,
             near_latitude, near_longitude, needed_by, expire_at, findings, occurred_at,
             created_at)
         select $1, $2, $3, $4, $5, $6, $7, $8, near.latitude, near.longitude, $11, $12, $13, $14,
             $15
         from (select 1) as one
         -- Of an erased ticket's customer nobody says where they live.
         left join (select $9::float8 as latitude, $10::float8 as longitude) as near
             on not exists (select from erasures where tenant_id = $1
                 and subject = 'tickets/' || $4::uuid)
         on conflict do nothing",
        tenant.as_str(),
        reservation.id,
        reservation.place.region,
        reservation.ticket,
        reservation.step,
        reservation.round,
        reservation.state.name(),
        reservation.priority,
        near.map(|near| near.lat()),
        near.map(|near| near.lng()),
        reservation.needed_by.map(|at| at.to_sqlx()) as _,
        reservation.expire_at.map(|at| at.to_sqlx()) as _,
        written(&reservation.findings),
        reservation.occurred_at.to_sqlx() as _,
        reservation.created_at.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Findings as the store keeps them.
pub fn written(findings: &[Finding]) -> Value {
    // Names, texts and numbers: nothing that JSON cannot say.
    serde_json::to_value(findings).unwrap_or_default()
}

/// Forgets where the parts of a ticket were needed; gives the reservations that told it.
pub async fn forget_places(
    conn: &mut PgConnection,
    tenant: &TenantId,
    ticket: Uuid,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "update reservations set near_latitude = null, near_longitude = null
         where tenant_id = $1 and ticket = $2 and near_latitude is not null
         returning id",
        tenant.as_str(),
        ticket,
    )
    .fetch_all(conn)
    .await
}

/// The reservation of that (ticket, step, round).
pub async fn of_step(
    conn: &mut PgConnection,
    tenant: &TenantId,
    ticket: Uuid,
    step: &str,
    round: i32,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select id from reservations
         where tenant_id = $1 and ticket = $2 and step = $3 and round = $4",
        tenant.as_str(),
        ticket,
        step,
        round,
    )
    .fetch_optional(conn)
    .await
}

/// Locks a reservation, then reads it: what it says holds until the transaction ends.
pub async fn lock(
    conn: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<Option<Reservation>, sqlx::Error> {
    // Two statements: the lines must be read after the lock was waited for.
    let found = sqlx::query_scalar!(
        "select id from reservations where tenant_id = $1 and id = $2 for no key update",
        tenant.as_str(),
        id,
    )
    .fetch_optional(&mut *conn)
    .await?;
    match found {
        Some(id) => get(conn, tenant, id).await,
        None => Ok(None),
    }
}

/// One reservation with its lines.
pub async fn get(
    conn: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<Option<Reservation>, sqlx::Error> {
    Ok(get_all(conn, tenant, &[id]).await?.pop())
}

/// These reservations with their lines, in the order of `ids`.
pub async fn get_all(
    conn: &mut PgConnection,
    tenant: &TenantId,
    ids: &[Uuid],
) -> Result<Vec<Reservation>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select r.id, r.region, r.ticket, r.step, r.round, r.state, r.priority, r.near_latitude,
             r.near_longitude, r.needed_by, r.expire_at, r.findings, r.occurred_at, r.created_at,
             r.version,
             coalesce((select jsonb_agg(jsonb_build_object('position', l.position, 'part', l.part,
                     'quantity', l.quantity, 'location', l.location, 'serials', l.serials,
                     'used', l.used) order by l.position)
                 from reservation_lines l
                 where l.tenant_id = r.tenant_id and l.reservation = r.id), '[]') as "lines!"
         from reservations r
         where r.tenant_id = $1 and r.id = any ($2)
         order by array_position($2, r.id)"#,
        tenant.as_str(),
        ids as _,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Reservations, newest first, before (created, id), of that ticket and in those states (none:
/// any).
pub async fn newest(
    conn: &mut PgConnection,
    tenant: &TenantId,
    ticket: Option<Uuid>,
    states: &[State],
    sight: &Sight,
    before: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Reservation>, sqlx::Error> {
    // Each filter has an index of its own, so the statement is put together from those given.
    let mut query = QueryBuilder::<Postgres>::new("select id from reservations where tenant_id = ");
    query.push_bind(tenant.as_str());
    if let Some(ticket) = ticket {
        query.push(" and ticket = ").push_bind(ticket);
    }
    if !states.is_empty() {
        let names: Vec<&str> = states.iter().map(|state| state.name()).collect();
        query.push(" and state = any (").push_bind(names).push(")");
    }
    if let Some(region) = &sight.region {
        query.push(" and region = ").push_bind(region);
    }
    if let Some((created, id)) = before {
        query
            .push(" and (created_at, id) < (")
            .push_bind(created.to_sqlx());
        query.push(", ").push_bind(id).push(")");
    }
    query
        .push(" order by created_at desc, id desc limit ")
        .push_bind(limit);
    let ids: Vec<Uuid> = query.build_query_scalar().fetch_all(&mut *conn).await?;
    get_all(conn, tenant, &ids).await
}

/// The region of one, "" where it is of none; none: there is no such reservation, or it was
/// withdrawn before it was made, and so is nobody's.
pub async fn region(
    conn: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<Option<String>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select region from reservations
         where tenant_id = $1 and id = $2 and ticket is not null",
        tenant.as_str(),
        id,
    );
    found.fetch_optional(conn).await
}

/// Moves the expiry; returns the new version.
pub async fn extend(
    conn: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
    expire_at: Timestamp,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        "update reservations set expire_at = $3, version = version + 1
         where tenant_id = $1 and id = $2 returning version",
        tenant.as_str(),
        id,
        expire_at.to_sqlx() as _,
    )
    .fetch_one(conn)
    .await
}

/// Ends a reservation: its state, findings and what was used of each line. Returns the version.
pub async fn close(
    conn: &mut PgConnection,
    tenant: &TenantId,
    reservation: &Reservation,
    lines: &[SettledLine],
) -> Result<i64, sqlx::Error> {
    let positions: Vec<i16> = lines.iter().map(|s| s.line.position).collect();
    let used: Vec<i64> = lines.iter().map(|s| s.used).collect();
    sqlx::query_scalar!(
        "with line as (
             update reservation_lines l set standing = 'SETTLED', used = s.used
             from unnest($5::smallint[], $6::bigint[]) as s (position, used)
             where l.tenant_id = $1 and l.reservation = $2 and l.position = s.position
         )
         update reservations set state = $3, findings = $4, version = version + 1
         where tenant_id = $1 and id = $2 returning version",
        tenant.as_str(),
        reservation.id,
        reservation.state.name(),
        written(&reservation.findings),
        &positions[..] as _,
        &used[..] as _,
    )
    .fetch_one(conn)
    .await
}

/// Held reservations of any tenant whose time is up, the longest first.
pub async fn expired(
    conn: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(String, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select tenant_id, id from reservations where state = 'HELD' and expire_at <= $1
         order by expire_at limit $2",
        now.to_sqlx() as _,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tenant_id, row.id))
        .collect())
}

struct Row {
    id: Uuid,
    region: String,
    ticket: Option<Uuid>,
    step: String,
    round: i32,
    state: String,
    priority: i16,
    near_latitude: Option<f64>,
    near_longitude: Option<f64>,
    needed_by: Option<jiff_sqlx::Timestamp>,
    expire_at: Option<jiff_sqlx::Timestamp>,
    findings: Value,
    occurred_at: jiff_sqlx::Timestamp,
    created_at: jiff_sqlx::Timestamp,
    version: i64,
    lines: Value,
}

#[derive(Deserialize)]
struct LineRow {
    position: i16,
    part: String,
    quantity: i64,
    location: Option<String>,
    serials: Vec<String>,
    used: i64,
}

impl Row {
    fn read(self) -> Result<Reservation, sqlx::Error> {
        let unreadable = |e: serde_json::Error| sqlx::Error::Decode(Box::new(e));
        let lines: Vec<LineRow> = serde_json::from_value(self.lines).map_err(unreadable)?;
        let point = self.near_latitude.zip(self.near_longitude);
        let near = point.and_then(|(lat, lng)| Position::new(lat, lng));
        let state = State::named(&self.state);
        Ok(Reservation {
            id: self.id,
            state: state.ok_or_else(|| sqlx::Error::Decode(self.state.into()))?,
            ticket: self.ticket,
            step: self.step,
            round: self.round,
            priority: self.priority,
            place: Place {
                near,
                region: self.region,
            },
            needed_by: self.needed_by.map(|at| at.to_jiff()),
            expire_at: self.expire_at.map(|at| at.to_jiff()),
            lines: lines.into_iter().map(line).collect(),
            findings: serde_json::from_value(self.findings).map_err(unreadable)?,
            occurred_at: self.occurred_at.to_jiff(),
            created_at: self.created_at.to_jiff(),
            version: self.version,
        })
    }
}

fn line(row: LineRow) -> Line {
    let LineRow {
        position,
        part,
        quantity,
        location,
        serials,
        used,
    } = row;
    Line {
        position,
        part,
        quantity,
        location,
        serials,
        used,
    }
}
