//! Tickets: read, lock, list. How they are written: [`writing`].

use chassis::authz::Sight;
use chassis::{Refusal, names};
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

mod writing;

pub use writing::{Asked, Beside, Reported, Wake, insert, save};

use crate::domain::moves::State;
use crate::domain::process::Facts;
use crate::domain::ticket::{Fault, Head, Kind, Moment, PauseReason, RepairStep, Site, Ticket};

/// A ticket as the table keeps it.
struct Row {
    tenant_id: String,
    ticket_id: Uuid,
    number: String,
    kind: String,
    title: String,
    description: String,
    serial_number: String,
    product: String,
    party_id: Option<Uuid>,
    partner: Option<String>,
    region: String,
    site: Option<Json<Site>>,
    fault: Json<Fault>,
    impact: i16,
    urgency: i16,
    state: String,
    step: String,
    pause_reason: Option<String>,
    queue: String,
    assignee: String,
    external_key: Option<String>,
    round: i32,
    attention: String,
    resolution: String,
    sla_policy: String,
    moments: Json<Vec<Moment>>,
    facts: Json<Facts>,
    decision: Option<Vec<u8>>,
    findings: Vec<Vec<u8>>,
    reported_at: SqlTimestamp,
    created_at: SqlTimestamp,
    updated_at: SqlTimestamp,
    erased_at: Option<SqlTimestamp>,
    version: i64,
    last_sequence: i64,
    last_hash: Vec<u8>,
}

/// The columns of [`Row`], with the rest of the statement.
macro_rules! rows {
    ($rest:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            Row,
            r#"select tenant_id, ticket_id, number, kind, title, description, serial_number, product,
                party_id, partner, region, site as "site: Json<Site>", fault as "fault!: Json<Fault>",
                impact, urgency, state, step, pause_reason, queue, assignee, external_key, round,
                attention, resolution, sla_policy, moments as "moments!: Json<Vec<Moment>>",
                facts as "facts!: Json<Facts>", decision, findings, reported_at, created_at,
                updated_at, erased_at, version, last_sequence, last_hash
            from tickets "# + $rest,
            $($argument),*
        )
    };
}

/// A name as serde writes the enum; the table keeps the same word.
fn word<T: serde::Serialize>(value: &T) -> Result<String, Refusal> {
    match serde_json::to_value(value).map_err(Refusal::internal)? {
        serde_json::Value::String(word) => Ok(word),
        other => Err(Refusal::internal(format!("{other} is no word"))),
    }
}

fn read_word<T: serde::de::DeserializeOwned>(word: String) -> Result<T, Refusal> {
    serde_json::from_value(serde_json::Value::String(word)).map_err(Refusal::internal)
}

impl TryFrom<Row> for Ticket {
    type Error = Refusal;

    fn try_from(row: Row) -> Result<Ticket, Refusal> {
        let state = State::parse(&row.state);
        let hash = row.last_hash.try_into();
        Ok(Ticket {
            tenant: row.tenant_id,
            id: row.ticket_id,
            number: row.number,
            kind: read_word::<Kind>(row.kind)?,
            title: row.title,
            description: row.description,
            serial_number: row.serial_number,
            product: row.product,
            party: row.party_id,
            partner: row.partner,
            region: row.region,
            site: row.site.map(|site| site.0),
            fault: row.fault.0,
            impact: row.impact,
            urgency: row.urgency,
            state: state.ok_or_else(|| Refusal::internal("unknown state in the table"))?,
            step: read_word::<RepairStep>(row.step)?,
            pause: row.pause_reason.map(read_word::<PauseReason>).transpose()?,
            queue: row.queue,
            assignee: row.assignee,
            external_key: row.external_key,
            round: row.round,
            attention: row.attention,
            resolution: row.resolution,
            sla_policy: row.sla_policy,
            moments: row.moments.0,
            facts: row.facts.0,
            decision: row.decision,
            findings: row.findings,
            reported_at: row.reported_at.to_jiff(),
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
            version: row.version,
            head: Head {
                sequence: row.last_sequence,
                hash: hash.map_err(|_| Refusal::internal("a hash is not 32 bytes"))?,
            },
            fresh: Vec::new(),
            told: Vec::new(),
            erased_at: row.erased_at.map(SqlTimestamp::to_jiff),
        })
    }
}

/// The first of the next hundred ticket numbers, for this process alone.
pub async fn next_numbers(conn: &mut PgConnection) -> Result<i64, Refusal> {
    let first = sqlx::query_scalar!(r#"select nextval('ticket_numbers') as "first!""#);
    Ok(first.fetch_one(conn).await?)
}

/// Name of another ticket with this external key.
pub async fn with_external_key(
    conn: &mut PgConnection,
    tenant: &str,
    key: &str,
) -> Result<Option<Uuid>, Refusal> {
    let found = sqlx::query_scalar!(
        "select ticket_id from tickets where tenant_id = $1 and external_key = $2",
        tenant,
        key,
    );
    Ok(found.fetch_optional(conn).await?)
}

/// The ticket of that id.
pub async fn get(
    conn: &mut PgConnection,
    tenant: &str,
    id: Uuid,
) -> Result<Option<Ticket>, Refusal> {
    let row = rows!("where tenant_id = $1 and ticket_id = $2", tenant, id);
    row.fetch_optional(conn)
        .await?
        .map(Ticket::try_from)
        .transpose()
}

/// The tickets of those ids, as far as they are there, in no order.
pub async fn get_all(
    conn: &mut PgConnection,
    tenant: &str,
    ids: &[Uuid],
) -> Result<Vec<Ticket>, Refusal> {
    let rows = rows!("where tenant_id = $1 and ticket_id = any($2)", tenant, ids);
    let rows = rows.fetch_all(conn).await?.into_iter();
    rows.map(Ticket::try_from).collect()
}

/// The ticket of that service-order number.
pub async fn get_by_number(
    conn: &mut PgConnection,
    tenant: &str,
    number: &str,
) -> Result<Option<Ticket>, Refusal> {
    let row = rows!("where tenant_id = $1 and number = $2", tenant, number);
    row.fetch_optional(conn)
        .await?
        .map(Ticket::try_from)
        .transpose()
}

/// The ticket of that id, locked until the transaction ends.
pub async fn lock(
    conn: &mut PgConnection,
    tenant: &str,
    id: Uuid,
) -> Result<Option<Ticket>, Refusal> {
    let row = rows!(
        "where tenant_id = $1 and ticket_id = $2 for update",
        tenant,
        id
    );
    row.fetch_optional(conn)
        .await?
        .map(Ticket::try_from)
        .transpose()
}

/// Tickets of a serial number that wait for its registration.
pub async fn awaiting_registration(
    conn: &mut PgConnection,
    tenant: &str,
    serial_number: &str,
) -> Result<Vec<Ticket>, Refusal> {
    let found = rows!(
        "where tenant_id = $1 and serial_number = $2 and serial_number <> '' and state = 'PENDING'
            and pause_reason = 'WAITING_REGISTRATION'
        order by ticket_id limit 100 for update",
        tenant,
        serial_number
    );
    found
        .fetch_all(conn)
        .await?
        .into_iter()
        .map(Ticket::try_from)
        .collect()
}

/// What a list selects; empty fields select all.
#[derive(Debug, Default)]
#[allow(missing_docs)]
pub struct Filter {
    pub serial_number: Option<String>,
    pub party: Option<Uuid>,
    pub region: Option<String>,
    pub states: Vec<String>,
    pub due_before: Option<Timestamp>,
    pub external_key: Option<String>,
    pub needs_attention: bool,
    /// What the caller may see of them.
    pub sight: Sight,
}

/// At most `limit` tickets older than `before`, newest first.
pub async fn list(
    conn: &mut PgConnection,
    tenant: &str,
    filter: &Filter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Ticket>, Refusal> {
    let sight = &filter.sight;
    let customer = names::parse_given("parties", sight.customer.as_deref())?;
    let technician = names::parse_given("technicians", sight.technician.as_deref())?;
    let found = rows!(
        "where tenant_id = $1
            and ($2::uuid is null or ticket_id < $2)
            and ($3::text is null or (serial_number = $3 and serial_number <> ''))
            and ($4::uuid is null or party_id = $4)
            and ($5::text is null or region = $5)
            and (cardinality($6::text[]) = 0 or state = any($6))
            and ($7::timestamptz is null or (next_due is not null and next_due < $7))
            and ($8::text is null or external_key = $8)
            and (not $9::boolean or attention <> '')
            and ($11::text is null or region = $11)
            and ($12::uuid is null or party_id = $12)
            and ($13::text is null or partner = $13)
            and ($14::uuid is null or technician_id = $14)
        order by ticket_id desc limit $10",
        tenant,
        before,
        filter.serial_number.as_deref(),
        filter.party,
        filter.region.as_deref(),
        &filter.states[..],
        filter.due_before.map(ToSqlx::to_sqlx),
        filter.external_key.as_deref(),
        filter.needs_attention,
        limit,
        sight.region.as_deref(),
        customer,
        sight.partner.as_deref(),
        technician
    );
    found
        .fetch_all(conn)
        .await?
        .into_iter()
        .map(Ticket::try_from)
        .collect()
}
