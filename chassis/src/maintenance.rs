//! Upkeep of a service's tables: days ahead of time, old days and old keys dropped.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgPool;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::db::Db;
use crate::streams::Settings;
use crate::{keyed, lease};

/// Days of partitions kept ahead: upkeep may fail for a week before the default partition fills.
const DAYS_AHEAD: i32 = 7;

/// Request keys deleted in one transaction, and transactions in one round.
const KEYS: (i64, usize) = (5_000, 200);

/// Pause between rounds.
const INTERVAL: Duration = Duration::from_secs(3_600);

/// Pause after a round that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// Keeps the tables until `stop`, in one process at a time (lease `maintenance`).
pub async fn run(db: Db, settings: Settings, stop: CancellationToken) {
    let pool = db.worker_pool().clone();
    lease::hold(
        &pool,
        "maintenance",
        settings.lease_ttl(),
        &stop,
        |_held| async {
            loop {
                let pause = match round(db.worker_pool(), db.clock().now(), &settings).await {
                    Ok(()) => INTERVAL,
                    Err(error) => {
                        tracing::warn!(%error, "upkeep failed; tries again");
                        AFTER_FAILURE
                    }
                };
                sleep(pause).await;
            }
        },
    )
    .await;
}

/// One round of upkeep, safe to repeat and to run twice at once.
pub async fn round(pool: &PgPool, now: Timestamp, settings: &Settings) -> Result<(), sqlx::Error> {
    make_partitions(pool, now).await?;
    drop_told(pool, now, settings).await?;
    for _ in 0..KEYS.1 {
        if keyed::forget_old(pool, now, KEYS.0).await? < KEYS.0 as u64 {
            break;
        }
    }
    Ok(())
}

/// Makes the coming days' partitions of the outbox.
async fn make_partitions(pool: &PgPool, now: Timestamp) -> Result<(), sqlx::Error> {
    let made = sqlx::query_scalar!(
        r#"select ensure_partitions('outbox', ($1::timestamptz at time zone 'UTC')::date, $2) as "made!""#,
        now.to_sqlx() as _,
        DAYS_AHEAD,
    )
    .fetch_one(pool)
    .await?;
    if made > 0 {
        tracing::info!(made, "made partitions");
    }
    Ok(())
}

/// Drops days of the outbox that are past their retention and that every registered consumer has
/// passed; nothing while no consumer is registered and something was told.
async fn drop_told(pool: &PgPool, now: Timestamp, settings: &Settings) -> Result<(), sqlx::Error> {
    let days = |days: i64| SignedDuration::from_hours(24 * days.max(1));
    let horizon = now - days(settings.retention_days);
    let silent = now - days(settings.forget_consumer_days);
    // The oldest event past its retention that somebody still needs.
    let needed = sqlx::query_scalar!(
        r#"with safe as (
             select r.partition, coalesce(min(c.sequence), 0) as sequence
             from relay_partitions r
             left join consumer_positions c on c.partition = r.partition and c.reported_at > $2
             group by r.partition
         )
         select uuid7_time(o.event_id) as "told_at!"
         from outbox o join safe s on s.partition = o.partition
         where (o.sequence is null or o.sequence > s.sequence) and o.event_id < uuid7_floor($1)
         order by o.event_id limit 1"#,
        horizon.to_sqlx() as _,
        silent.to_sqlx() as _,
    )
    .fetch_optional(pool)
    .await?;
    let horizon = needed.map_or(horizon, |at| at.to_jiff().min(horizon));
    let dropped = sqlx::query_scalar!(
        r#"select drop_partitions_before('outbox', $1) as "dropped!""#,
        horizon.to_sqlx() as _,
    )
    .fetch_one(pool)
    .await?;
    if dropped > 0 {
        tracing::info!(dropped, "dropped days of the outbox");
    }
    Ok(())
}
