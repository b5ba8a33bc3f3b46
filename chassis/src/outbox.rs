//! What a service tells: events written in the commit of the change they tell of.
//!
//! The relay numbers and publishes them afterwards; see `docs/decisions/0005-events.md`.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::audit::Change;
use crate::caller::TenantId;
use crate::clock::Ids;
use crate::keyed::Answered;
use crate::server::served;
use crate::telemetry;

/// Feeds per service; an aggregate's events are all in one. Changing it would reorder aggregates,
/// and the tables refuse other numbers.
pub const PARTITIONS: i16 = 8;

/// A fact about one aggregate. Carries references to people, never their contact data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Field's term and past participle, such as `work_order.completed`.
    pub kind: &'static str,
    /// Resource name of what it is about, such as `workOrders/0190…`.
    pub aggregate: String,
    /// Version the aggregate had after the change; ascending, the order of delivery.
    pub version: i64,
    /// When it happened in the world (microseconds); the commit adds when it was recorded.
    pub occurred_at: Timestamp,
    /// Encoded protobuf message of the kind.
    pub payload: Vec<u8>,
}

impl Event {
    /// An event with the encoding of `message` as its payload.
    pub fn new(
        kind: &'static str,
        aggregate: impl Into<String>,
        version: i64,
        occurred_at: Timestamp,
        message: &impl prost::Message,
    ) -> Self {
        let payload = message.encode_to_vec();
        Self {
            kind,
            aggregate: aggregate.into(),
            version,
            occurred_at,
            payload,
        }
    }
}

/// The feed an aggregate's events go to: 0 to [`PARTITIONS`] − 1, the same for ever.
pub fn partition_of(tenant: &TenantId, aggregate: &str) -> i16 {
    let mut hash = Sha256::new();
    hash.update(tenant.as_str().as_bytes());
    hash.update([0]);
    hash.update(aggregate.as_bytes());
    i16::from(hash.finalize()[0]) % PARTITIONS
}

/// Events of one tenant column by column, for a statement that writes them together with the
/// change they tell of.
#[derive(Debug)]
pub struct Columns {
    /// Ascending in the order of telling.
    pub ids: Vec<Uuid>,
    /// As [`Event::kind`].
    pub kinds: Vec<&'static str>,
    /// As [`Event::aggregate`].
    pub aggregates: Vec<String>,
    /// As [`Event::version`].
    pub versions: Vec<i64>,
    /// As [`partition_of`].
    pub partitions: Vec<i16>,
    /// As [`Event::occurred_at`].
    pub occurred: Vec<jiff_sqlx::Timestamp>,
    /// As [`Event::payload`].
    pub payloads: Vec<Vec<u8>>,
    /// Trace of the change.
    pub traceparent: String,
    /// Who asked for the change; empty: nobody, the service goes on by itself.
    pub principal: String,
}

impl Columns {
    /// The events in the order they are told.
    pub fn of(tenant: &TenantId, ids: &Ids, events: Vec<Event>) -> Self {
        let mut columns = Self {
            ids: events.iter().map(|_| ids.v7()).collect(),
            kinds: events.iter().map(|e| e.kind).collect(),
            versions: events.iter().map(|e| e.version).collect(),
            partitions: Vec::with_capacity(events.len()),
            occurred: events.iter().map(|e| e.occurred_at.to_sqlx()).collect(),
            aggregates: Vec::with_capacity(events.len()),
            payloads: Vec::with_capacity(events.len()),
            traceparent: telemetry::current_traceparent(),
            principal: served().map_or(String::new(), |served| served.principal.clone()),
        };
        // Ids of one commit ascend in the order of telling; the relay breaks ties of version by id.
        columns.ids.sort_unstable();
        for event in events {
            let partition = partition_of(tenant, &event.aggregate);
            columns.partitions.push(partition);
            columns.aggregates.push(event.aggregate);
            columns.payloads.push(event.payload);
        }
        columns
    }

    /// Nothing is told.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// A literal, so that a longer statement can end with it.
macro_rules! insert_statement {
    () => {
        "insert into outbox (event_id, tenant_id, kind, aggregate, version, partition,
             occurred_at, recorded_at, traceparent, principal, payload)
         select u.event_id, $2, u.kind, u.aggregate, u.version, u.partition,
             u.occurred_at, $8, $9, $11, u.payload
         from unnest($1::uuid[], $3::text[], $4::text[], $5::bigint[],
             $6::smallint[], $7::timestamptz[], $10::bytea[])
             as u (event_id, kind, aggregate, version, partition, occurred_at, payload)"
    };
}

/// What goes with the events into the same statement.
pub(crate) struct Beside<'a> {
    /// Answer of the keyed request that is done.
    pub(crate) answered: Option<&'a Answered>,
    /// The change for the audit, with its id.
    pub(crate) change: Option<(Uuid, Change)>,
}

/// Writes the events, of which there may be none, and what goes with them in one round trip.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    tenant: &TenantId,
    recorded_at: Timestamp,
    told: &Columns,
    beside: &Beside<'_>,
) -> Result<(), sqlx::Error> {
    macro_rules! audited {
        () => {
            "audited as (
                 insert into audit_pending (id, tenant_id, recorded_at, principal, rpc, origin,
                     request_id, resource, before, after)
                 values ($12, $2, $8, $13, $14, $15, $16, $17, $18, $19)
             ) "
        };
    }
    let statement = match (&beside.change, beside.answered) {
        (None, _) => insert_statement!(),
        (Some(_), None) => concat!("with ", audited!(), insert_statement!()),
        (Some(_), Some(_)) => concat!(
            "with answered as (
                 update request_keys set answer = $24
                 where tenant_id = $20 and principal = $21 and rpc = $22 and request_id = $23
             ), ",
            audited!(),
            insert_statement!()
        ),
    };
    let mut query = sqlx::query(statement)
        .bind(&told.ids)
        .bind(tenant.as_str())
        .bind(&told.kinds)
        .bind(&told.aggregates)
        .bind(&told.versions)
        .bind(&told.partitions)
        .bind(&told.occurred)
        .bind(recorded_at.to_sqlx())
        .bind(&told.traceparent)
        .bind(&told.payloads)
        .bind(&told.principal);
    if let Some((id, change)) = &beside.change {
        query = query
            .bind(id)
            .bind(&change.principal)
            .bind(&change.rpc)
            .bind(&change.origin)
            .bind(&change.request_id)
            .bind(&change.resource)
            .bind(change.before.as_ref().map(|hash| &hash[..]))
            .bind(change.after.as_ref().map(|hash| &hash[..]));
        if let Some(answered) = beside.answered {
            query = answered.bind(query);
        }
    }
    query.execute(conn).await?;
    Ok(())
}
