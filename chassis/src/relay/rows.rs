//! What the relay reads and writes in its service's own tables.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgPool;
use uuid::Uuid;

use super::order::{Unnumbered, in_order};
use crate::db::begin;
use crate::lease::Held;
use crate::streams::Outgoing;

/// How a fenced write ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fenced<T> {
    Done(T),
    /// Another relay has the lease: nothing was written.
    Lost,
}

/// Gives up to about `limit` events the next places of their feeds, durably. Returns them, by feed
/// and sequence.
///
/// Taken are the first events by id and, of the same aggregates, every earlier version: nothing
/// is passed over because its number is lower and it committed later.
pub(super) async fn number(
    pool: &PgPool,
    held: &Held,
    limit: i64,
) -> Result<Fenced<Vec<Outgoing>>, sqlx::Error> {
    let waiting = sqlx::query_scalar!("select exists (select from outbox where sequence is null)");
    if waiting.fetch_one(pool).await? != Some(true) {
        return Ok(Fenced::Done(Vec::new()));
    }
    let mut tx = begin(pool, "begin").await?;
    if !held.check(&mut tx).await? {
        return Ok(Fenced::Lost);
    }
    let found = sqlx::query_as!(
        Unnumbered,
        "with head as materialized (
             select h.tenant_id, h.aggregate, max(h.version) as version
             from (
                 select tenant_id, aggregate, version from outbox
                 where sequence is null order by event_id limit $1
             ) h
             group by h.tenant_id, h.aggregate
         )
         select o.event_id, o.tenant_id, o.aggregate, o.version, o.partition
         from head
         join outbox o on o.tenant_id = head.tenant_id and o.aggregate = head.aggregate
             and o.version <= head.version
         where o.sequence is null",
        limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let found = in_order(found);
    let mut counts: BTreeMap<i16, i64> = BTreeMap::new();
    let mut places = Vec::with_capacity(found.len());
    for event in &found {
        let count = counts.entry(event.partition).or_default();
        *count += 1;
        places.push(*count);
    }
    let ids: Vec<Uuid> = found.iter().map(|e| e.event_id).collect();
    let partitions: Vec<i16> = found.iter().map(|e| e.partition).collect();
    let (feeds, added): (Vec<i16>, Vec<i64>) = counts.into_iter().unzip();
    let mut numbered = sqlx::query_as!(
        Outgoing,
        r#"with base as (
             update relay_partitions r set numbered = r.numbered + c.added
             from unnest($1::smallint[], $2::bigint[]) as c (partition, added)
             where r.partition = c.partition
             returning r.partition, r.numbered - c.added as numbered
         )
         update outbox o set sequence = base.numbered + u.place
         from unnest($3::uuid[], $4::smallint[], $5::bigint[]) as u (event_id, partition, place)
         join base on base.partition = u.partition
         where o.event_id = u.event_id and o.sequence is null
         returning o.partition, o.sequence as "sequence!", o.event_id, o.tenant_id, o.kind,
             o.aggregate, o.version, o.occurred_at, o.recorded_at, o.traceparent, o.principal, o.payload"#,
        &feeds,
        &added,
        &ids,
        &partitions,
        &places,
    )
    .fetch_all(&mut *tx)
    .await?;
    if numbered.len() != found.len() {
        return Err(sqlx::Error::Protocol(
            "the outbox changed under the relay's fence".to_owned(),
        ));
    }
    tx.commit().await?;
    numbered.sort_unstable_by_key(|event| (event.partition, event.sequence));
    Ok(Fenced::Done(numbered))
}

/// The next events to publish, at most `limit` of each feed, by feed and sequence.
pub(super) async fn unpublished(pool: &PgPool, limit: i64) -> Result<Vec<Outgoing>, sqlx::Error> {
    sqlx::query_as!(
        Outgoing,
        r#"select o.partition as "partition!", o.sequence as "sequence!",
             o.event_id as "event_id!", o.tenant_id as "tenant_id!", o.kind as "kind!",
             o.aggregate as "aggregate!", o.version as "version!",
             o.occurred_at as "occurred_at!", o.recorded_at as "recorded_at!",
             o.traceparent as "traceparent!", o.principal as "principal!",
             o.payload as "payload!"
         from relay_partitions r
         cross join lateral (
             select partition, sequence, event_id, tenant_id, kind, aggregate, version,
                 occurred_at, recorded_at, traceparent, principal, payload
             from outbox
             where partition = r.partition and sequence > r.published
             order by sequence limit $1
         ) o
         where r.published < r.numbered
         order by o.partition, o.sequence"#,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// The events `from..=to` of a feed, as far as they are kept and were published before.
pub(super) async fn kept(
    pool: &PgPool,
    partition: i16,
    from: i64,
    to: i64,
) -> Result<Vec<Outgoing>, sqlx::Error> {
    sqlx::query_as!(
        Outgoing,
        r#"select o.partition, o.sequence as "sequence!", o.event_id, o.tenant_id, o.kind,
             o.aggregate, o.version, o.occurred_at, o.recorded_at, o.traceparent, o.principal, o.payload
         from outbox o
         where o.partition = $1 and o.sequence between $2 and $3
         order by o.sequence"#,
        partition,
        from,
        to,
    )
    .fetch_all(pool)
    .await
}

/// Marks feeds as published up to the given sequences. Not synced to disk: what a crash forgets
/// is published again under the same sequences.
pub(super) async fn mark_published(
    pool: &PgPool,
    held: &Held,
    feeds: &BTreeMap<i16, i64>,
) -> Result<Fenced<()>, sqlx::Error> {
    let partitions: Vec<i16> = feeds.keys().copied().collect();
    let sequences: Vec<i64> = feeds.values().copied().collect();
    let (name, holder, fence) = held.row();
    let marked = sqlx::query!(
        "with lease as materialized (
             select fence from leases
             where name = $3 and holder = $4 and fence = $5 and until > clock_timestamp()
             for share
         )
         update relay_partitions r set published = greatest(r.published, u.sequence)
         from lease, unnest($1::smallint[], $2::bigint[]) as u (partition, sequence),
             (select set_config('synchronous_commit', 'off', true) as setting) s
         where r.partition = u.partition and s.setting = 'off'",
        &partitions,
        &sequences,
        name,
        holder,
        fence,
    )
    .execute(pool)
    .await?;
    Ok(match marked.rows_affected() {
        0 => Fenced::Lost,
        _ => Fenced::Done(()),
    })
}

/// The last published sequence of every feed.
pub(super) async fn heads(pool: &PgPool) -> Result<BTreeMap<i16, i64>, sqlx::Error> {
    let rows = sqlx::query!("select partition, published from relay_partitions")
        .fetch_all(pool)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.partition, row.published))
        .collect())
}

/// The life of the streams as this service knows it; `None` before the first publication.
pub(super) async fn epoch(pool: &PgPool) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("select epoch from relay_epoch")
        .fetch_one(pool)
        .await
}

/// Begins a new life of the streams: what not every registered consumer has passed is published
/// again; with no consumer known, everything kept.
pub(super) async fn begin_epoch(
    pool: &PgPool,
    held: &Held,
    epoch: Uuid,
) -> Result<Fenced<()>, sqlx::Error> {
    let mut tx = begin(pool, "begin").await?;
    if !held.check(&mut tx).await? {
        return Ok(Fenced::Lost);
    }
    sqlx::query!("update relay_epoch set epoch = $1", epoch)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "update relay_partitions r set published = least(r.published, coalesce((
             select min(c.sequence) from consumer_positions c where c.partition = r.partition
         ), 0))",
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Fenced::Done(()))
}

/// Keeps what consumers have reported: (consumer, partition, sequence).
pub(super) async fn keep_positions(
    pool: &PgPool,
    reported: &[(String, i16, i64)],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let consumers: Vec<String> = reported.iter().map(|(c, ..)| c.clone()).collect();
    let partitions: Vec<i16> = reported.iter().map(|(_, p, _)| *p).collect();
    let sequences: Vec<i64> = reported.iter().map(|(.., s)| *s).collect();
    sqlx::query!(
        "insert into consumer_positions as c (consumer, partition, sequence, reported_at)
         select u.consumer, u.partition, u.sequence, $4
         from unnest($1::text[], $2::smallint[], $3::bigint[]) as u (consumer, partition, sequence)
         on conflict (consumer, partition) do update
             set sequence = excluded.sequence, reported_at = excluded.reported_at",
        &consumers,
        &partitions,
        &sequences,
        now.to_sqlx() as _,
    )
    .execute(pool)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::lease::acquire;
    use crate::migrate::migrate;
    use crate::testing::{eventually, template};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_relay_whose_lease_was_taken_over_numbers_nothing() {
        let own = sqlx::migrate::Migrator::with_migrations(Vec::new());
        let migrated = template("relay rows 1", async |url: &str| {
            let admin = url.parse().map_err(|e: sqlx::Error| e.to_string())?;
            migrate(&admin, "ticket", &own, &Default::default())
                .await
                .map_err(|e| e.to_string())
        })
        .await;
        let url = migrated.clone_database().await.url();
        let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
        let pool = PgPool::connect_lazy_with(options.options([("search_path", "ticket,public")]));
        sqlx::query(
            "insert into outbox (event_id, tenant_id, kind, aggregate, version, partition,
                 occurred_at, recorded_at, payload)
             select uuid7_floor(now()), 'acme', 'k', 'tickets/1', 1, 3, now(), now(), ''",
        )
        .execute(&pool)
        .await
        .unwrap();

        let short = Duration::from_millis(1);
        let late = acquire(&pool, "relay", Uuid::from_u128(1), short)
            .await
            .unwrap()
            .unwrap();
        let next = eventually(Duration::from_secs(10), "the lease ends", async || {
            let ttl = Duration::from_secs(60);
            acquire(&pool, "relay", Uuid::from_u128(2), ttl)
                .await
                .unwrap()
        })
        .await;

        assert!(matches!(
            number(&pool, &late, 10).await.unwrap(),
            Fenced::Lost
        ));
        let feeds = BTreeMap::from([(3, 1)]);
        assert_eq!(
            mark_published(&pool, &late, &feeds).await.unwrap(),
            Fenced::Lost
        );
        assert_eq!(
            begin_epoch(&pool, &late, Uuid::nil()).await.unwrap(),
            Fenced::Lost
        );
        assert!(unpublished(&pool, 10).await.unwrap().is_empty());

        let Fenced::Done(numbered) = number(&pool, &next, 10).await.unwrap() else {
            panic!("the holder of the lease was refused");
        };
        for outgoing in [numbered, unpublished(&pool, 10).await.unwrap()] {
            assert_eq!(
                (outgoing.len(), outgoing[0].partition, outgoing[0].sequence),
                (1, 3, 1)
            );
        }
    }
}
