//! Tickets written: each statement writes tickets, their new timeline entries, their processes, what
//! they tell, their requests' keys and what goes to the audit, and nothing of them where a version
//! has moved on or a key is there already.
//!
//! An insert takes several tickets of a tenant at once ([`chassis::gather`]). A save takes one: most
//! are the process worker's, seldom two at the same moment, and a statement over arrays costs a single
//! save half as much again.

use chassis::Refusal;
use chassis::audit::Change;
use chassis::keyed::Key;
use chassis::outbox::Columns;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::word;
use crate::domain::ticket::{PauseReason, Ticket};
use crate::store::timeline::{Chained, Entries};

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
pub struct Beside {
    /// The ticket's version that was read; 0: it is new.
    pub read_version: i64,
    /// New entries of the timeline.
    pub chained: Chained,
    /// What is told.
    pub told: Columns,
    /// When the earliest open clock is due.
    pub next_due: Option<Timestamp>,
    /// Key and answer of the request, unless its transaction keeps them.
    pub key: Option<(Key, Vec<u8>)>,
    /// What goes to the audit, with its id, unless the transaction says it.
    pub change: Option<(Uuid, Change)>,
}

/// A new ticket and what is written beside it.
pub type Reported = (Ticket, Beside);

/// Inserts new tickets of a tenant with their first entries, their processes, what they tell, and
/// their requests' keys: all of it or nothing. False: ticket, number, external key or request key of
/// one is there already, or a customer was erased, and nothing was written (within a transaction that
/// is lost with it).
pub async fn insert(
    conn: &mut PgConnection,
    tenant: &str,
    new: &[Reported],
) -> Result<bool, Refusal> {
    let words = |word: fn(&Ticket) -> Result<String, Refusal>| {
        let words = new.iter().map(|(ticket, _)| word(ticket));
        words.collect::<Result<Vec<String>, Refusal>>()
    };
    let kinds = words(|ticket| word(&ticket.kind))?;
    let steps = words(|ticket| word(&ticket.step))?;
    macro_rules! column {
        ($ticket:ident, $beside:ident => $value:expr) => {
            &new.iter().map(|($ticket, $beside)| $value).collect::<Vec<_>>()[..]
        };
        ($ticket:ident => $value:expr) => {
            column!($ticket, _beside => $value)
        };
    }
    let keys = Keys::of(new.iter().map(|(ticket, beside)| (ticket, beside)));
    let changes = Changes::of(new.iter().map(|(ticket, beside)| (ticket, beside)));
    let entries = Entries::of(
        new.iter()
            .map(|(ticket, beside)| (ticket.id, &beside.chained)),
    );
    let told = Told::of(new.iter().map(|(ticket, beside)| (ticket, beside)));
    // A process of a ticket that was left out has none to refer to: the statement fails as a whole.
    let inserted = sqlx::query!(
        "with ticket as (
            insert into tickets (tenant_id, ticket_id, number, kind, title, description,
                serial_number, product, party_id, region, site, fault, impact, urgency, priority,
                state, step, pause_reason, queue, assignee, external_key, round, attention,
                resolution, sla_policy, moments, facts, decision, findings, next_due, reported_at,
                created_at, updated_at, version, last_sequence, last_hash, partner)
            select $1, g.ticket_id, g.number, g.kind, g.title, g.description, g.serial_number,
                g.product, g.party_id, g.region, g.site, g.fault, g.impact, g.urgency, g.priority,
                g.state, g.step, null, g.queue, '', g.external_key, 1, '', '', g.sla_policy,
                g.moments, g.facts, null, '{}', g.next_due, g.reported_at, g.created_at,
                g.created_at, 1, g.last_sequence, g.last_hash, g.partner
            from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::text[], $9::uuid[], $10::text[], $11::jsonb[], $12::jsonb[], $13::smallint[],
                $14::smallint[], $15::smallint[], $16::text[], $17::text[], $18::text[],
                $19::text[], $20::text[], $21::jsonb[], $22::jsonb[], $23::timestamptz[],
                $24::timestamptz[], $25::timestamptz[], $26::bigint[], $27::bytea[], $28::text[])
                as g (ticket_id, number, kind, title, description, serial_number, product,
                party_id, region, site, fault, impact, urgency, priority, state, step, queue,
                external_key, sla_policy, moments, facts, next_due, reported_at, created_at,
                last_sequence, last_hash, partner)
            where g.party_id is null or not exists (
                select from erasures e where e.tenant_id = $1
                    and e.subject = 'parties/' || g.party_id)
        ), process as (
            insert into processes (tenant_id, ticket_id, due_at, leased_until, fence, attempts,
                traceparent)
            select $1, p.ticket_id, p.due_at, '-infinity', 0, 0, p.traceparent
            from unnest($2::uuid[], $25::timestamptz[], $29::text[])
                as p (ticket_id, due_at, traceparent)
        ), told as (
            insert into outbox (event_id, tenant_id, kind, aggregate, version, partition,
                occurred_at, recorded_at, traceparent, principal, payload)
            select o.event_id, $1, o.kind, o.aggregate, o.version, o.partition, o.occurred_at,
                o.recorded_at, o.traceparent, o.principal, o.payload
            from unnest($30::uuid[], $31::text[], $32::text[], $33::bigint[], $34::smallint[],
                $35::timestamptz[], $36::timestamptz[], $37::text[], $38::text[], $39::bytea[])
                as o (event_id, kind, aggregate, version, partition, occurred_at, recorded_at,
                traceparent, principal, payload)
        ), key as (
            insert into request_keys (tenant_id, principal, rpc, request_id, body_hash, answer,
                created_at)
            select $1, k.principal, k.rpc, k.request_id, k.body_hash, k.answer, k.created_at
            from unnest($40::text[], $41::text[], $42::text[], $43::bytea[], $44::bytea[],
                $45::timestamptz[])
                as k (principal, rpc, request_id, body_hash, answer, created_at)
        ), audited as (
            insert into audit_pending (id, tenant_id, recorded_at, principal, rpc, origin,
                request_id, resource, before, after)
            select a.id, $1, a.recorded_at, a.principal, a.rpc, a.origin, a.request_id,
                a.resource, null, a.after
            from unnest($46::uuid[], $47::timestamptz[], $48::text[], $49::text[], $50::text[],
                $51::text[], $52::text[], $53::bytea[])
                as a (id, recorded_at, principal, rpc, origin, request_id, resource, after)
        )
        insert into ticket_events (tenant_id, ticket_id, sequence, verb, actor, occurred_at,
            recorded_at, state, arguments, body, salt, text_hash, previous_hash, hash)
        select $1, e.ticket_id, e.sequence, e.verb, e.actor, e.occurred_at, e.recorded_at, e.state,
            e.arguments, e.body, e.salt, e.text_hash, e.previous_hash, e.hash
        from unnest($54::uuid[], $55::bigint[], $56::text[], $57::text[], $58::timestamptz[],
            $59::timestamptz[], $60::text[], $61::jsonb[], $62::text[], $63::bytea[],
            $64::bytea[], $65::bytea[], $66::bytea[])
            as e (ticket_id, sequence, verb, actor, occurred_at, recorded_at, state, arguments,
            body, salt, text_hash, previous_hash, hash)",
        tenant,
        column!(t => t.id) as _,
        column!(t => t.number.as_str()) as _,
        &kinds[..] as _,
        column!(t => t.title.as_str()) as _,
        column!(t => t.description.as_str()) as _,
        column!(t => t.serial_number.as_str()) as _,
        column!(t => t.product.as_str()) as _,
        column!(t => t.party) as _,
        column!(t => t.region.as_str()) as _,
        column!(t => t.site.as_ref().map(Json)) as _,
        column!(t => Json(&t.fault)) as _,
        column!(t => t.impact) as _,
        column!(t => t.urgency) as _,
        column!(t => t.priority()) as _,
        column!(t => t.state.name()) as _,
        &steps[..] as _,
        column!(t => t.queue.as_str()) as _,
        column!(t => t.external_key.as_deref()) as _,
        column!(t => t.sla_policy.as_str()) as _,
        column!(t => Json(&t.moments)) as _,
        column!(t => Json(&t.facts)) as _,
        column!(_t, b => b.next_due.map(ToSqlx::to_sqlx)) as _,
        column!(t => t.reported_at.to_sqlx()) as _,
        column!(t => t.created_at.to_sqlx()) as _,
        column!(_t, b => b.chained.head.sequence) as _,
        column!(_t, b => &b.chained.head.hash[..]) as _,
        column!(t => t.partner.as_deref()) as _,
        column!(_t, b => b.told.traceparent.as_str()) as _,
        &told.ids[..],
        &told.kinds[..] as _,
        &told.aggregates[..] as _,
        &told.versions[..],
        &told.partitions[..],
        &told.occurred[..] as _,
        &told.recorded[..] as _,
        &told.traceparents[..] as _,
        &told.principals[..] as _,
        &told.payloads[..] as _,
        &keys.principals[..] as _,
        &keys.rpcs[..] as _,
        &keys.ids[..] as _,
        &keys.hashes[..] as _,
        &keys.answers[..] as _,
        &keys.at[..] as _,
        &changes.ids[..],
        &changes.at[..] as _,
        &changes.principals[..] as _,
        &changes.rpcs[..] as _,
        &changes.origins[..] as _,
        &changes.requests[..] as _,
        &changes.resources[..] as _,
        &changes.afters[..] as _,
        &entries.tickets[..],
        &entries.sequences[..],
        &entries.verbs[..] as _,
        &entries.actors[..] as _,
        &entries.occurred[..] as _,
        &entries.recorded[..] as _,
        &entries.states[..] as _,
        &entries.arguments[..] as _,
        &entries.bodies[..] as _,
        &entries.salts[..] as _,
        &entries.text_hashes[..] as _,
        &entries.previous[..] as _,
        &entries.hashes[..] as _,
    );
    unless_there(inserted.execute(conn).await.map(|_| true))
}

/// Saves a changed ticket with its new entries, its process, what it tells, and the request's key,
/// if nobody was faster. False: somebody was, or the request key is there already, and nothing was
/// written.
pub async fn save(
    conn: &mut PgConnection,
    ticket: &Ticket,
    beside: &Beside,
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

/// What several tickets tell, column by column.
#[derive(Default)]
struct Told<'a> {
    ids: Vec<Uuid>,
    kinds: Vec<&'static str>,
    aggregates: Vec<&'a str>,
    versions: Vec<i64>,
    partitions: Vec<i16>,
    occurred: Vec<SqlTimestamp>,
    recorded: Vec<SqlTimestamp>,
    traceparents: Vec<&'a str>,
    principals: Vec<&'a str>,
    payloads: Vec<&'a [u8]>,
}

impl<'a> Told<'a> {
    fn of(all: impl Iterator<Item = (&'a Ticket, &'a Beside)>) -> Told<'a> {
        let mut told = Told::default();
        for (ticket, Beside { told: one, .. }) in all {
            let count = one.ids.len();
            let again = |text: &'a str| std::iter::repeat_n(text, count);
            let recorded_at = ticket.updated_at.to_sqlx();
            told.ids.extend(&one.ids);
            told.kinds.extend(&one.kinds);
            told.aggregates
                .extend(one.aggregates.iter().map(String::as_str));
            told.versions.extend(&one.versions);
            told.partitions.extend(&one.partitions);
            told.occurred.extend(&one.occurred);
            told.recorded
                .extend(std::iter::repeat_n(recorded_at, count));
            told.traceparents.extend(again(&one.traceparent));
            told.principals.extend(again(&one.principal));
            told.payloads.extend(one.payloads.iter().map(Vec::as_slice));
        }
        told
    }
}

/// The keys of requests, of those tickets that are written with one.
#[derive(Default)]
struct Keys<'a> {
    principals: Vec<&'a str>,
    rpcs: Vec<&'static str>,
    ids: Vec<&'a str>,
    hashes: Vec<&'a [u8]>,
    answers: Vec<&'a [u8]>,
    at: Vec<SqlTimestamp>,
}

impl<'a> Keys<'a> {
    fn of(all: impl Iterator<Item = (&'a Ticket, &'a Beside)>) -> Keys<'a> {
        let mut keys = Keys::default();
        for (ticket, beside) in all {
            let Some((key, answer)) = &beside.key else {
                continue;
            };
            keys.principals.push(&key.principal);
            keys.rpcs.push(key.rpc);
            keys.ids.push(&key.id);
            keys.hashes.push(&key.body_hash);
            keys.answers.push(answer);
            keys.at.push(ticket.updated_at.to_sqlx());
        }
        keys
    }
}

/// What goes to the audit, of those tickets that are written because somebody asked for it.
#[derive(Default)]
struct Changes<'a> {
    ids: Vec<Uuid>,
    at: Vec<SqlTimestamp>,
    principals: Vec<&'a str>,
    rpcs: Vec<&'a str>,
    origins: Vec<&'a str>,
    requests: Vec<&'a str>,
    resources: Vec<&'a str>,
    afters: Vec<Option<&'a [u8]>>,
}

impl<'a> Changes<'a> {
    fn of(all: impl Iterator<Item = (&'a Ticket, &'a Beside)>) -> Changes<'a> {
        let mut changes = Changes::default();
        for (ticket, beside) in all {
            let Some((id, change)) = &beside.change else {
                continue;
            };
            changes.ids.push(*id);
            changes.at.push(ticket.updated_at.to_sqlx());
            changes.principals.push(&change.principal);
            changes.rpcs.push(&change.rpc);
            changes.origins.push(&change.origin);
            changes.requests.push(&change.request_id);
            changes.resources.push(&change.resource);
            changes
                .afters
                .push(change.after.as_ref().map(|hash| &hash[..]));
        }
        changes
    }
}

/// False where a row of the same key is there already, or one that is needed is not.
fn unless_there(written: Result<bool, sqlx::Error>) -> Result<bool, Refusal> {
    match written {
        Err(sqlx::Error::Database(said))
            if said.is_unique_violation() || said.is_foreign_key_violation() =>
        {
            Ok(false)
        }
        written => Ok(written?),
    }
}
