//! Work orders as kept.

use chassis::authz::Sight;
use chassis::{Refusal, TenantId, names};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{instant, unreadable};
use crate::domain::Window;
use crate::domain::finding::Finding;
use crate::domain::technician::Need;
use crate::domain::work_order::{Booked, Mode, PartUsed, Site, State, WorkOrder};

struct Row {
    id: Uuid,
    region: String,
    ticket_id: Uuid,
    step: String,
    round: i32,
    mode: String,
    work_type: String,
    needs: Json<Vec<Need>>,
    parts: Vec<String>,
    site: Json<Site>,
    duration_seconds: i64,
    search_start: jiff_sqlx::Timestamp,
    search_end: jiff_sqlx::Timestamp,
    state: String,
    technician_id: Option<Uuid>,
    starts_at: Option<jiff_sqlx::Timestamp>,
    ends_at: Option<jiff_sqlx::Timestamp>,
    travel_seconds: i64,
    findings: Json<Vec<Finding>>,
    parts_used: Json<Vec<PartUsed>>,
    report: String,
    signature: String,
    cancel_reason: String,
    reservation_id: Option<Uuid>,
    asset_id: Option<Uuid>,
    component: Option<String>,
    party_id: Option<Uuid>,
    occurred_at: jiff_sqlx::Timestamp,
    departed_at: Option<jiff_sqlx::Timestamp>,
    arrived_at: Option<jiff_sqlx::Timestamp>,
    started_at: Option<jiff_sqlx::Timestamp>,
    ended_at: Option<jiff_sqlx::Timestamp>,
    erased_at: Option<jiff_sqlx::Timestamp>,
    version: i64,
    partner: Option<String>,
}

impl Row {
    fn read(self) -> Result<WorkOrder, sqlx::Error> {
        let booked = || {
            Some(Booked {
                technician: self.technician_id?,
                window: Window {
                    start: instant(self.starts_at)?,
                    end: instant(self.ends_at)?,
                },
                travel: SignedDuration::from_secs(self.travel_seconds),
            })
        };
        Ok(WorkOrder {
            booked: booked(),
            id: self.id,
            region: self.region,
            ticket: self.ticket_id,
            step: self.step,
            round: self.round,
            mode: Mode::named(&self.mode).ok_or_else(|| unreadable("mode"))?,
            work_type: self.work_type,
            needs: self.needs.0,
            parts: self.parts,
            site: self.site.0,
            duration: SignedDuration::from_secs(self.duration_seconds),
            search: Window {
                start: self.search_start.to_jiff(),
                end: self.search_end.to_jiff(),
            },
            state: State::named(&self.state).ok_or_else(|| unreadable("state"))?,
            findings: self.findings.0,
            parts_used: self.parts_used.0,
            report: self.report,
            signature: self.signature,
            cancel_reason: self.cancel_reason,
            reservation: self.reservation_id,
            asset: self.asset_id,
            component: self.component,
            party: self.party_id,
            occurred_at: self.occurred_at.to_jiff(),
            departed_at: instant(self.departed_at),
            arrived_at: instant(self.arrived_at),
            started_at: instant(self.started_at),
            ended_at: instant(self.ended_at),
            erased_at: instant(self.erased_at),
            version: self.version,
            partner: self.partner,
        })
    }
}

/// The columns of [`Row`] and what follows them; a query must be one literal to be checked.
macro_rules! select {
    ($rest:tt, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id, region, ticket_id, step, round, mode, work_type,
                 needs as "needs: Json<Vec<Need>>", parts, site as "site: Json<Site>",
                 duration_seconds, search_start, search_end, state, technician_id, starts_at,
                 ends_at, travel_seconds, findings as "findings: Json<Vec<Finding>>",
                 parts_used as "parts_used: Json<Vec<PartUsed>>", report, signature,
                 cancel_reason, reservation_id, asset_id, component, party_id, occurred_at,
                 departed_at, arrived_at, started_at, ended_at, erased_at, version,
                 (select t.partner from technicians t where t.tenant_id = work_orders.tenant_id
                     and t.id = work_orders.technician_id) as partner
             from work_orders "# + $rest,
            $($argument),+
        )
    };
}

/// Adds one; false when the step has one for this round. `retry_at` (system time) is the next
/// search of one that is open.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    tenant: &TenantId,
    new: &WorkOrder,
    now: Timestamp,
    retry_at: Timestamp,
) -> Result<bool, sqlx::Error> {
    let booked = new.booked.as_ref();
    let done = sqlx::query!(
        "insert into work_orders (tenant_id, id, region, ticket_id, step, round, mode, work_type,
             needs, parts, site, duration_seconds, search_start, search_end, state, technician_id,
             starts_at, ends_at, travel_seconds, findings, reservation_id, asset_id, component,
             party_id, occurred_at, created_at, updated_at, next_try_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19, $20, $21, $22, $23, $24, $25, $26, $26, $27, $28)
         on conflict on constraint work_orders_step do nothing",
        tenant.as_str(),
        new.id,
        new.region,
        new.ticket,
        new.step,
        new.round,
        new.mode.name(),
        new.work_type,
        Json(&new.needs) as _,
        &new.parts,
        Json(&new.site) as _,
        new.duration.as_secs(),
        new.search.start.to_sqlx() as _,
        new.search.end.to_sqlx() as _,
        new.state.name(),
        booked.map(|b| b.technician),
        booked.map(|b| b.window.start.to_sqlx()) as _,
        booked.map(|b| b.window.end.to_sqlx()) as _,
        booked.map_or(0, |b| b.travel.as_secs()),
        Json(&new.findings) as _,
        new.reservation,
        new.asset,
        new.component,
        new.party,
        new.occurred_at.to_sqlx() as _,
        now.to_sqlx() as _,
        (new.state == State::Open).then(|| retry_at.to_sqlx()) as _,
        new.version,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One.
pub(crate) async fn get(
    conn: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<Option<WorkOrder>, sqlx::Error> {
    let row = select!("where tenant_id = $1 and id = $2", tenant.as_str(), id);
    row.fetch_optional(conn).await?.map(Row::read).transpose()
}

/// The one of a step and round.
pub(crate) async fn of_step(
    conn: &mut PgConnection,
    tenant: &TenantId,
    ticket: Uuid,
    step: &str,
    round: i32,
) -> Result<Option<WorkOrder>, sqlx::Error> {
    let row = select!(
        "where tenant_id = $1 and ticket_id = $2 and step = $3 and round = $4",
        tenant.as_str(),
        ticket,
        step,
        round,
    );
    row.fetch_optional(conn).await?.map(Row::read).transpose()
}

/// One, locked until the end of the transaction.
pub(crate) async fn lock(
    conn: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<Option<WorkOrder>, sqlx::Error> {
    let row = select!(
        "where tenant_id = $1 and id = $2 for no key update",
        tenant.as_str(),
        id,
    );
    row.fetch_optional(conn).await?.map(Row::read).transpose()
}

/// One that is still open, locked; none when somebody else has it.
pub(crate) async fn lock_open(
    conn: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<Option<WorkOrder>, sqlx::Error> {
    let row = select!(
        "where tenant_id = $1 and id = $2 and state = 'OPEN' for no key update skip locked",
        tenant.as_str(),
        id,
    );
    row.fetch_optional(conn).await?.map(Row::read).transpose()
}

/// What selects work orders; what is none does not filter.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) ticket: Option<Uuid>,
    pub(crate) technician: Option<Uuid>,
    pub(crate) states: Option<Vec<String>>,
    pub(crate) region: Option<String>,
    /// What the caller may see of them.
    pub(crate) sight: Sight,
}

/// Up to `limit`, newest first, after that time and id.
pub(crate) async fn list(
    conn: &mut PgConnection,
    tenant: &TenantId,
    filter: &Filter,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<WorkOrder>, Refusal> {
    let (at, id) = after.unzip();
    let sight = &filter.sight;
    let customer = names::parse_given("parties", sight.customer.as_deref())?;
    let own = names::parse_given("technicians", sight.technician.as_deref())?;
    let rows = select!(
        "where tenant_id = $1 and ($2::uuid is null or ticket_id = $2)
             and ($3::uuid is null or technician_id = $3)
             and ($4::text[] is null or state = any ($4))
             and ($5::text is null or region = $5)
             and ($6::timestamptz is null or (occurred_at, id) < ($6, $7::uuid))
             and ($9::text is null or region = $9)
             and ($10::uuid is null or party_id = $10)
             and ($11::text is null or technician_id in (
                 select t.id from technicians t where t.tenant_id = $1 and t.partner = $11))
             and ($12::uuid is null or technician_id = $12)
         order by occurred_at desc, id desc limit $8",
        tenant.as_str(),
        filter.ticket,
        filter.technician,
        filter.states.as_deref() as _,
        filter.region,
        at.map(|at| at.to_sqlx()) as _,
        id,
        limit,
        sight.region,
        customer,
        sight.partner,
        own,
    );
    let rows = rows.fetch_all(conn).await?.into_iter().map(Row::read);
    Ok(rows.collect::<Result<_, sqlx::Error>>()?)
}

/// Writes what a verb changes, as the next version; false when the version is another.
pub(crate) async fn save(
    conn: &mut PgConnection,
    tenant: &TenantId,
    order: &WorkOrder,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let booked = order.booked.as_ref();
    let done = sqlx::query!(
        "update work_orders set state = $4, technician_id = $5, starts_at = $6, ends_at = $7,
             travel_seconds = $8, findings = $9, parts_used = $10, report = $11, signature = $12,
             cancel_reason = $13, departed_at = $14, arrived_at = $15, started_at = $16,
             ended_at = $17, updated_at = $18, next_try_at = null, version = $3 + 1
         where tenant_id = $1 and id = $2 and version = $3",
        tenant.as_str(),
        order.id,
        order.version,
        order.state.name(),
        booked.map(|b| b.technician),
        booked.map(|b| b.window.start.to_sqlx()) as _,
        booked.map(|b| b.window.end.to_sqlx()) as _,
        booked.map_or(0, |b| b.travel.as_secs()),
        Json(&order.findings) as _,
        Json(&order.parts_used) as _,
        order.report,
        order.signature,
        order.cancel_reason,
        order.departed_at.map(|at| at.to_sqlx()) as _,
        order.arrived_at.map(|at| at.to_sqlx()) as _,
        order.started_at.map(|at| at.to_sqlx()) as _,
        order.ended_at.map(|at| at.to_sqlx()) as _,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Open work orders of any tenant whose next search is due, the longest waiting first.
pub(crate) async fn due(
    pool: &PgPool,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(String, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select tenant_id, id from work_orders where state = 'OPEN' and next_try_at <= $1
         order by next_try_at limit $2",
        now.to_sqlx() as _,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tenant_id, row.id))
        .collect())
}

/// Sets the next search of one that stays open; nothing a reader sees changes.
pub(crate) async fn retry_at(
    conn: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update work_orders set next_try_at = $3
         where tenant_id = $1 and id = $2 and state = 'OPEN'",
        tenant.as_str(),
        id,
        at.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes the open work orders of a region due: somebody new may have time.
pub(crate) async fn hurry(
    conn: &mut PgConnection,
    tenant: &TenantId,
    region: &str,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "update work_orders set next_try_at = $3
         where tenant_id = $1 and region = $2 and state = 'OPEN' and next_try_at > $3",
        tenant.as_str(),
        region,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Takes out of a ticket's work orders and bookings what tells of a person: words, street, and the
/// place beyond a tenth of a degree. Gives those that told something.
pub(crate) async fn erase(
    conn: &mut PgConnection,
    tenant: &TenantId,
    ticket: Uuid,
    now: Timestamp,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"with erased as (
             update work_orders set erased_at = $3, updated_at = $3, version = version + 1,
                 report = '', signature = '', cancel_reason = '',
                 site = site || jsonb_build_object(
                     'latitude', round((site ->> 'latitude')::numeric, 1),
                     'longitude', round((site ->> 'longitude')::numeric, 1),
                     'address', case jsonb_typeof(site -> 'address') when 'object'
                         then site -> 'address' || '{"address_lines": [], "postal_code": ""}'
                         else 'null' end)
             where tenant_id = $1 and ticket_id = $2 and erased_at is null
             returning id
         ), coarser as (
             update bookings b set site_lat = round(site_lat::numeric, 1),
                 site_lng = round(site_lng::numeric, 1)
             from erased where b.tenant_id = $1 and b.work_order_id = erased.id
         )
         select id from erased"#,
        tenant.as_str(),
        ticket,
        now.to_sqlx() as _,
    )
    .fetch_all(conn)
    .await
}
