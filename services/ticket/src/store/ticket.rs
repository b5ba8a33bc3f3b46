//! Tickets: insert, read, lock, save.
//!
//! Insert and save write the ticket, its new timeline entries, its process, what it tells and the
//! request's key in one statement, and nothing of them when the version has moved on or the key is
//! there already.

use chassis::audit::Change;
use chassis::authz::Sight;
use chassis::keyed::Key;
use chassis::outbox::Columns;
use chassis::{Refusal, names};
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::timeline::Chained;
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

/// What goes with a ticket into a save.
#[derive(Debug, Default)]
pub struct Wake {
    /// When the process looks next, in system time; none: not before an event.
    pub due_at: Option<Timestamp>,
    /// Until when the saving worker keeps it.
    pub leased_until: Option<Timestamp>,
    /// Failed tries of the step at hand.
    pub attempts: i32,
    /// What is noted as asked of a peer.
    pub asked: Asked,
}

impl Wake {
    /// The process looks at that instant.
    pub fn at(due: Timestamp) -> Wake {
        Wake {
            due_at: Some(due),
            ..Wake::default()
        }
    }
}

/// The note of what was asked of a peer; only the progress worker writes it.
#[derive(Debug, Default)]
pub enum Asked {
    /// Stays as it is.
    #[default]
    Keep,
    /// Nothing is being asked.
    Nothing,
    /// That step of that round is about to be asked with those very bytes.
    Step(&'static str, i32, Vec<u8>),
}

/// What is written beside a ticket in the same statement.
pub struct Beside<'a> {
    /// The ticket's version that was read; 0: it is new.
    pub read_version: i64,
    /// New entries of the timeline.
    pub chained: Chained,
    /// What is told.
    pub told: Columns,
    /// When the earliest open clock is due.
    pub next_due: Option<Timestamp>,
    /// Key and answer of the request, unless its transaction keeps them.
    pub key: Option<(&'a Key, Vec<u8>)>,
    /// What goes to the audit, with its id, unless the transaction says it.
    pub change: Option<(Uuid, Change)>,
}

/// Inserts a new ticket with its first entries, its process, what it tells, and the request's key.
/// False: ticket, number, external key or request key are there already (within a transaction that
/// is lost with it), or the customer was erased; nothing was written.
pub async fn insert(
    conn: &mut PgConnection,
    ticket: &Ticket,
    beside: &Beside<'_>,
    traceparent: &str,
) -> Result<bool, Refusal> {
    let (chained, told) = (&beside.chained, &beside.told);
    let (key, change) = (beside.key.as_ref(), beside.change.as_ref());
    let inserted = sqlx::query!(
        "with ticket as (
            insert into tickets (tenant_id, ticket_id, number, kind, title, description,
                serial_number, product, party_id, region, site, fault, impact, urgency, priority,
                state, step, pause_reason, queue, assignee, external_key, round, attention,
                resolution, sla_policy, moments, facts, decision, findings, next_due, reported_at,
                created_at, updated_at, version, last_sequence, last_hash, partner)
            select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                null, $18, '', $19, 1, '', '', $20, $21, $22, null, '{}', $23, $24, $25, $25, 1,
                $26, $27, $52
            where $61::text is null or not exists (
                select from erasures where tenant_id = $1 and subject = $61)
            returning tenant_id, ticket_id
        ), process as (
            insert into processes (tenant_id, ticket_id, due_at, leased_until, fence, attempts,
                traceparent)
            select tenant_id, ticket_id, $25, '-infinity', 0, 0, $28 from ticket
        ), told as (
            insert into outbox (event_id, tenant_id, kind, aggregate, version, partition,
                occurred_at, recorded_at, traceparent, principal, payload)
            select o.event_id, ticket.tenant_id, o.kind, o.aggregate, o.version, o.partition,
                o.occurred_at, $25, $28, $53, o.payload
            from ticket, unnest($40::uuid[], $41::text[], $42::text[], $43::bigint[],
                $44::smallint[], $45::timestamptz[], $46::bytea[]) as o (event_id, kind,
                aggregate, version, partition, occurred_at, payload)
        ), key as (
            insert into request_keys (tenant_id, principal, rpc, request_id, body_hash, answer,
                created_at)
            select tenant_id, $47, $48, $49, $50, $51, $25 from ticket where $49::text is not null
        ), audited as (
            insert into audit_pending (id, tenant_id, recorded_at, principal, rpc, origin,
                request_id, resource, before, after)
            select $54, tenant_id, $25, $55, $56, $57, $58, $59, null, $60
            from ticket where $54::uuid is not null
        )
        insert into ticket_events (tenant_id, ticket_id, sequence, verb, actor, occurred_at,
            recorded_at, state, arguments, body, salt, text_hash, previous_hash, hash)
        select ticket.tenant_id, ticket.ticket_id, e.sequence, e.verb, e.actor, e.occurred_at, $25,
            e.state, e.arguments, e.body, e.salt, e.text_hash, e.previous_hash, e.hash
        from ticket, unnest($29::bigint[], $30::text[], $31::text[], $32::timestamptz[],
            $33::text[], $34::jsonb[], $35::text[], $36::bytea[], $37::bytea[], $38::bytea[],
            $39::bytea[]) as e (sequence, verb, actor, occurred_at, state, arguments, body, salt,
            text_hash, previous_hash, hash)",
        ticket.tenant,
        ticket.id,
        ticket.number,
        word(&ticket.kind)?,
        ticket.title,
        ticket.description,
        ticket.serial_number,
        ticket.product,
        ticket.party,
        ticket.region,
        ticket.site.as_ref().map(Json) as _,
        Json(&ticket.fault) as _,
        ticket.impact,
        ticket.urgency,
        ticket.priority(),
        ticket.state.name(),
        word(&ticket.step)?,
        ticket.queue,
        ticket.external_key,
        ticket.sla_policy,
        Json(&ticket.moments) as _,
        Json(&ticket.facts) as _,
        beside.next_due.map(ToSqlx::to_sqlx),
        ticket.reported_at.to_sqlx(),
        ticket.created_at.to_sqlx(),
        chained.head.sequence,
        &chained.head.hash[..],
        traceparent,
        &chained.sequences[..],
        &chained.verbs[..] as _,
        &chained.actors[..],
        &chained.occurred[..] as _,
        &chained.states[..] as _,
        &chained.arguments[..] as _,
        &chained.bodies[..] as _,
        &chained.salts[..] as _,
        &chained.text_hashes[..] as _,
        &chained.previous[..] as _,
        &chained.hashes[..] as _,
        &told.ids[..],
        &told.kinds[..] as _,
        &told.aggregates[..],
        &told.versions[..],
        &told.partitions[..],
        &told.occurred[..] as _,
        &told.payloads[..],
        key.map(|(key, _)| key.principal.as_str()),
        key.map(|(key, _)| key.rpc),
        key.map(|(key, _)| key.id.as_str()),
        key.map(|(key, _)| &key.body_hash[..]),
        key.map(|(_, answer)| &answer[..]),
        ticket.partner,
        told.principal,
        change.map(|(id, _)| *id),
        change.map(|(_, change)| change.principal.as_str()),
        change.map(|(_, change)| change.rpc.as_str()),
        change.map(|(_, change)| change.origin.as_str()),
        change.map(|(_, change)| change.request_id.as_str()),
        change.map(|(_, change)| change.resource.as_str()),
        change.and_then(|(_, change)| change.after.as_ref().map(|hash| &hash[..])),
        ticket.party.map(|party| names::name("parties", party)),
    );
    let written = inserted.execute(conn).await;
    unless_there(written.map(|done| done.rows_affected() > 0))
}

/// Saves a changed ticket with its new entries, its process, what it tells, and the request's key,
/// if nobody was faster. False: somebody was, or the request key is there already, and nothing was
/// written.
pub async fn save(
    conn: &mut PgConnection,
    ticket: &Ticket,
    beside: &Beside<'_>,
    wake: &Wake,
) -> Result<bool, Refusal> {
    let (chained, told) = (&beside.chained, &beside.told);
    let (key, change) = (beside.key.as_ref(), beside.change.as_ref());
    let (noted, asked) = match &wake.asked {
        Asked::Keep => (false, None),
        Asked::Nothing => (true, None),
        Asked::Step(step, round, bytes) => (true, Some((*step, *round, bytes))),
    };
    // A decision is long and seldom new: where it is the same, the kept bytes stay as they are.
    let saved = sqlx::query!(
        r#"with ticket as (
            update tickets set title = $4, description = $5, impact = $6, urgency = $7,
                priority = $8, state = $9, step = $10, pause_reason = $11, queue = $12,
                assignee = $13, round = $14, attention = $15, resolution = $16, sla_policy = $17,
                moments = $18, facts = $19, findings = $21, next_due = $22,
                decision = case when decision is distinct from $20 then $20 else decision end,
                updated_at = $23, version = version + 1, last_sequence = $24, last_hash = $25,
                product = $26, technician_id = $58
            where tenant_id = $1 and ticket_id = $2 and version = $3
            returning tenant_id, ticket_id
        ), process as (
            update processes p set due_at = $27, attempts = $29,
                asked_step = case when $44 then $30 else asked_step end,
                asked_round = case when $44 then $31 else asked_round end,
                asked = case when $44 then $32 else asked end,
                leased_until = coalesce($28, leased_until)
            from ticket where p.tenant_id = ticket.tenant_id and p.ticket_id = ticket.ticket_id
        ), entries as (
            insert into ticket_events (tenant_id, ticket_id, sequence, verb, actor, occurred_at,
                recorded_at, state, arguments, body, salt, text_hash, previous_hash, hash)
            select ticket.tenant_id, ticket.ticket_id, e.sequence, e.verb, e.actor, e.occurred_at,
                $23, e.state, e.arguments, e.body, e.salt, e.text_hash, e.previous_hash, e.hash
            from ticket, unnest($33::bigint[], $34::text[], $35::text[], $36::timestamptz[],
                $37::text[], $38::jsonb[], $39::text[], $40::bytea[], $41::bytea[], $42::bytea[],
                $43::bytea[]) as e (sequence, verb, actor, occurred_at, state, arguments, body,
                salt, text_hash, previous_hash, hash)
        ), told as (
            insert into outbox (event_id, tenant_id, kind, aggregate, version, partition,
                occurred_at, recorded_at, traceparent, principal, payload)
            select o.event_id, ticket.tenant_id, o.kind, o.aggregate, o.version, o.partition,
                o.occurred_at, $23, $45, $59, o.payload
            from ticket, unnest($46::uuid[], $47::text[], $48::text[], $49::bigint[],
                $50::smallint[], $51::timestamptz[], $52::bytea[]) as o (event_id, kind,
                aggregate, version, partition, occurred_at, payload)
        ), key as (
            insert into request_keys (tenant_id, principal, rpc, request_id, body_hash, answer,
                created_at)
            select tenant_id, $53, $54, $55, $56, $57, $23 from ticket where $55::text is not null
        ), audited as (
            insert into audit_pending (id, tenant_id, recorded_at, principal, rpc, origin,
                request_id, resource, before, after)
            select $60, tenant_id, $23, $61, $62, $63, $64, $65, $66, $67
            from ticket where $60::uuid is not null
        )
        select count(*) as "saved!" from ticket"#,
        ticket.tenant,
        ticket.id,
        beside.read_version,
        ticket.title,
        ticket.description,
        ticket.impact,
        ticket.urgency,
        ticket.priority(),
        ticket.state.name(),
        word(&ticket.step)?,
        ticket.pause.map(PauseReason::name),
        ticket.queue,
        ticket.assignee,
        ticket.round,
        ticket.attention,
        ticket.resolution,
        ticket.sla_policy,
        Json(&ticket.moments) as _,
        Json(&ticket.facts) as _,
        ticket.decision.as_deref(),
        &ticket.findings[..],
        beside.next_due.map(ToSqlx::to_sqlx),
        ticket.updated_at.to_sqlx(),
        chained.head.sequence,
        &chained.head.hash[..],
        ticket.product,
        wake.due_at.map(ToSqlx::to_sqlx),
        wake.leased_until.map(ToSqlx::to_sqlx),
        wake.attempts,
        asked.map(|asked| asked.0),
        asked.map(|asked| asked.1),
        asked.map(|asked| &asked.2[..]),
        &chained.sequences[..],
        &chained.verbs[..] as _,
        &chained.actors[..],
        &chained.occurred[..] as _,
        &chained.states[..] as _,
        &chained.arguments[..] as _,
        &chained.bodies[..] as _,
        &chained.salts[..] as _,
        &chained.text_hashes[..] as _,
        &chained.previous[..] as _,
        &chained.hashes[..] as _,
        noted,
        told.traceparent,
        &told.ids[..],
        &told.kinds[..] as _,
        &told.aggregates[..],
        &told.versions[..],
        &told.partitions[..],
        &told.occurred[..] as _,
        &told.payloads[..],
        key.map(|(key, _)| key.principal.as_str()),
        key.map(|(key, _)| key.rpc),
        key.map(|(key, _)| key.id.as_str()),
        key.map(|(key, _)| &key.body_hash[..]),
        key.map(|(_, answer)| &answer[..]),
        ticket.facts.technician,
        told.principal,
        change.map(|(id, _)| *id),
        change.map(|(_, change)| change.principal.as_str()),
        change.map(|(_, change)| change.rpc.as_str()),
        change.map(|(_, change)| change.origin.as_str()),
        change.map(|(_, change)| change.request_id.as_str()),
        change.map(|(_, change)| change.resource.as_str()),
        change.and_then(|(_, change)| change.before.as_ref().map(|hash| &hash[..])),
        change.and_then(|(_, change)| change.after.as_ref().map(|hash| &hash[..])),
    );
    unless_there(saved.fetch_one(conn).await.map(|row| row.saved == 1))
}

/// False where a row of the same key is there already.
fn unless_there(written: Result<bool, sqlx::Error>) -> Result<bool, Refusal> {
    match written {
        Err(sqlx::Error::Database(said)) if said.is_unique_violation() => Ok(false),
        written => Ok(written?),
    }
}
