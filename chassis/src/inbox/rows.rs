//! Positions and dead letters in the consumer's own tables.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::Delivered;
use crate::caller::TenantId;
use crate::outbox::PARTITIONS;
use crate::streams::{Content, Entry};

/// One consumer's reading of one partition of one producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Feed {
    pub(super) consumer: &'static str,
    pub(super) producer: &'static str,
    pub(super) partition: i16,
}

/// How far a feed was taken in.
#[derive(Clone, Debug, Default)]
pub(super) struct Position {
    pub(super) sequence: i64,
    pub(super) stream_id: String,
    pub(super) epoch: String,
}

/// The positions of every feed the consumer hears; new ones begin at 0.
pub(super) async fn positions(
    pool: &PgPool,
    consumer: &'static str,
    producers: &[&'static str],
) -> Result<HashMap<Feed, Position>, sqlx::Error> {
    let names: Vec<String> = producers.iter().map(|p| (*p).to_owned()).collect();
    sqlx::query!(
        "insert into inbox_positions (consumer, producer, partition)
         select $1, u.producer, p.partition
         from unnest($2::text[]) as u (producer)
         cross join generate_series(0, $3::integer - 1) as p (partition)
         on conflict (consumer, producer, partition) do nothing",
        consumer,
        &names,
        i32::from(PARTITIONS),
    )
    .execute(pool)
    .await?;
    let rows = sqlx::query!(
        "select producer, partition, sequence, stream_id, epoch
         from inbox_positions where consumer = $1",
        consumer,
    )
    .fetch_all(pool)
    .await?;
    let mut positions = HashMap::new();
    for row in rows {
        if let Some(producer) = producers.iter().find(|p| **p == row.producer) {
            let feed = Feed {
                consumer,
                producer,
                partition: row.partition,
            };
            let (sequence, stream_id, epoch) = (row.sequence, row.stream_id, row.epoch);
            positions.insert(
                feed,
                Position {
                    sequence,
                    stream_id,
                    epoch,
                },
            );
        }
    }
    Ok(positions)
}

/// Moves a feed's position from exactly `from`; false when it is elsewhere by now.
pub(super) async fn advance(
    conn: &mut PgConnection,
    feed: Feed,
    from: i64,
    to: &Position,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update inbox_positions set sequence = $5, stream_id = $6, epoch = $7
         where consumer = $1 and producer = $2 and partition = $3 and sequence = $4",
        feed.consumer,
        feed.producer,
        feed.partition,
        from,
        to.sequence,
        to.stream_id,
        to.epoch,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts an entry with the dead letters.
pub(super) async fn bury(
    conn: &mut PgConnection,
    id: Uuid,
    feed: Feed,
    entry: &Entry,
    reason: &str,
    detail: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (event, payload) = match &entry.content {
        Content::Event(event) => (Some(event), event.payload.as_ref()),
        Content::Malformed { payload, .. } => (None, payload.as_slice()),
        Content::Gone => (None, &[][..]),
    };
    let detail: String = detail.replace('\0', "").chars().take(2_000).collect();
    sqlx::query!(
        "insert into dead_letters (id, consumer, producer, partition, sequence, event_id,
             tenant_id, kind, aggregate, version, occurred_at, recorded_at, traceparent, payload,
             reason, detail, failed_at, principal)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         on conflict (consumer, producer, partition, sequence) do nothing",
        id,
        feed.consumer,
        feed.producer,
        feed.partition,
        entry.sequence,
        event.map(|e| e.id),
        event.map_or("", |e| e.tenant.as_str()),
        event.map_or("", |e| e.kind.as_str()),
        event.map_or("", |e| e.aggregate.as_str()),
        event.map_or(0, |e| e.version),
        event.map(|e| e.occurred_at.to_sqlx()) as _,
        event.map(|e| e.recorded_at.to_sqlx()) as _,
        event.map_or("", |e| e.trace.as_str()),
        payload,
        reason,
        detail,
        now.to_sqlx() as _,
        event.map_or("", |e| e.principal.as_str()),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose event a dead letter is; empty: of nobody, as nobody can read it.
pub(super) async fn tenant_of_letter(
    worker: &PgPool,
    id: Uuid,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select tenant_id from dead_letters where id = $1", id)
        .fetch_optional(worker)
        .await
}

/// A dead letter that waits for its replay.
pub(super) struct Letter {
    pub(super) consumer: String,
    pub(super) event: Delivered,
}

/// Takes a dead letter for replay, locked until the transaction ends; `None` when there is no such
/// letter, it was replayed, or it never was an event that can be read.
pub(super) async fn exhume(
    conn: &mut PgConnection,
    id: Uuid,
    now: Timestamp,
) -> Result<Option<Letter>, sqlx::Error> {
    let row = sqlx::query!(
        "update dead_letters set replayed_at = $2
         where id = $1 and replayed_at is null and event_id is not null
         returning consumer, producer, event_id, tenant_id, kind, aggregate, version,
             occurred_at, recorded_at, traceparent, principal, payload",
        id,
        now.to_sqlx() as _,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| {
        Some(Letter {
            consumer: row.consumer,
            event: Delivered {
                id: row.event_id?,
                tenant: TenantId::parse(&row.tenant_id).ok()?,
                source: row.producer,
                kind: row.kind,
                aggregate: row.aggregate,
                version: row.version,
                occurred_at: row.occurred_at?.to_jiff(),
                recorded_at: row.recorded_at?.to_jiff(),
                payload: row.payload.into(),
                trace: row.traceparent,
                principal: row.principal,
            },
        })
    }))
}
