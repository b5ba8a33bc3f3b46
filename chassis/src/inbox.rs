//! Hearing what other services tell: at least once in, exactly once in effect, in order.
//!
//! A consumer's position in each feed moves in the transaction of the effect; what is before it
//! was taken in, what is after it was not. See `docs/decisions/0005-events.md`.

mod lag;
mod lane;
mod queue;
mod reader;
mod rows;

use std::collections::HashMap;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

pub use self::lag::{clear_lag_samples, lag_samples};
use self::lane::Lane;
use self::reader::{Report, Source};
use self::rows::Feed;
use crate::caller::{NotATenant, TenantId};
use crate::db::{Db, Tx};
use crate::lease;
use crate::refusal::Refusal;
use crate::streams::{Link, Settings};
use crate::telemetry;

/// An event as it reaches a consumer.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Unique for ever.
    pub id: Uuid,
    /// Whose fact it is.
    pub tenant: TenantId,
    /// The service that told it.
    pub source: String,
    /// Such as `work_order.completed`.
    pub kind: String,
    /// Resource name of what it is about.
    pub aggregate: String,
    /// Version of the aggregate after the change; ascending per aggregate.
    pub version: i64,
    /// When it happened in the world.
    pub occurred_at: Timestamp,
    /// When the producer committed it.
    pub recorded_at: Timestamp,
    /// Encoded protobuf message of the kind.
    pub payload: Bytes,
    /// W3C `traceparent` of the change, or empty.
    pub trace: String,
    /// Who asked for the change (CloudEvents `authid`); empty: nobody, its service went on by itself.
    pub principal: String,
}

/// One who hears: a service has at most a few, usually one.
#[tonic::async_trait]
pub trait Consumer: Send + Sync + 'static {
    /// Unique among all consumers of all services, the same for ever: `ticket`, `feedback`, …
    fn name(&self) -> &'static str;

    /// Producing services and the kinds heard from each; other kinds are passed over.
    fn hears(&self) -> &'static [(&'static str, &'static [&'static str])];

    /// Takes effect in the given transaction, which also advances the consumer's position: once
    /// per event. A refusal with code INTERNAL, UNAVAILABLE, ABORTED or DEADLINE_EXCEEDED is
    /// tried again; any other puts the event with the dead letters, and the next ones go on.
    async fn handle(&self, tx: &mut Tx, event: &Delivered) -> Result<(), Refusal>;
}

/// Entries read from one stream at once.
const READ: usize = 128;

/// Entries waiting between the reader and a lane; the reader passes over a lane without room.
const ROOM: usize = 2 * READ;

/// How long a read waits for entries.
const WAIT: Duration = Duration::from_millis(1_000);

/// One holding of a consumer's lease: what its lanes share.
struct Reading {
    db: Db,
    consumer: Arc<dyn Consumer>,
    /// Transactions are opened for nobody and then enter each event's tenant.
    nobody: TenantId,
    places: Semaphore,
    /// Cancelled when a lane finds that the lease is another's.
    lost: CancellationToken,
    passed: HashMap<Feed, AtomicI64>,
    epochs: Mutex<HashMap<&'static str, String>>,
}

impl Reading {
    fn hears(&self, producer: &str, kind: &str) -> bool {
        let heard = self.consumer.hears();
        heard
            .iter()
            .any(|(from, kinds)| *from == producer && kinds.contains(&kind))
    }

    fn epoch(&self, producer: &str) -> String {
        let epochs = self.epochs.lock().unwrap_or_else(PoisonError::into_inner);
        epochs.get(producer).cloned().unwrap_or_default()
    }
}

/// Lets `consumer` hear its producers until `stop`, whenever this process holds its lease.
///
/// One lease covers all feeds of a consumer; its lanes run side by side, one per producer and
/// partition, on at most `settings.lanes` transactions at once.
pub async fn run(db: Db, settings: Settings, consumer: Arc<dyn Consumer>, stop: CancellationToken) {
    let lease = format!("consumer/{}", consumer.name());
    let pool = db.worker_pool().clone();
    lease::hold(&pool, &lease, settings.lease_ttl(), &stop, |_| {
        let (db, settings, consumer) = (db.clone(), settings.clone(), consumer.clone());
        async move {
            if let Err(error) = tenure(db, settings, consumer).await {
                tracing::warn!(%error, "cannot hear events now");
            }
        }
    })
    .await;
}

/// Why a consumer cannot begin.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    #[error("no tenant's name: {0}")]
    Tenant(#[from] NotATenant),
}

async fn tenure(db: Db, settings: Settings, consumer: Arc<dyn Consumer>) -> Result<(), Trouble> {
    let producers: Vec<&'static str> = consumer.hears().iter().map(|(name, _)| *name).collect();
    let positions = rows::positions(db.worker_pool(), consumer.name(), &producers).await?;
    let reading = Arc::new(Reading {
        db,
        consumer,
        nobody: TenantId::parse("nobody")?,
        places: Semaphore::new(settings.lanes.clamp(1, 8)),
        lost: CancellationToken::new(),
        passed: positions
            .iter()
            .map(|(feed, p)| (*feed, AtomicI64::new(p.sequence)))
            .collect(),
        epochs: Mutex::default(),
    });
    // Dropping the set, with this future, ends every lane and the reader.
    let mut tasks = JoinSet::new();
    let mut sources = Vec::new();
    let mut heads = HashMap::new();
    for (feed, position) in positions {
        let (sender, entries) = mpsc::channel(ROOM);
        let (head_sender, head) = watch::channel(0);
        let link = Link::new(&settings.redis_url)?;
        let (reading, passed) = (reading.clone(), position.sequence);
        tasks.spawn(
            Lane {
                reading,
                feed,
                passed,
                entries,
                head,
                link,
            }
            .run(),
        );
        sources.push(Source::new(feed, position, sender));
        heads.insert(feed, head_sender);
    }
    let report = Report::new(&settings, &reading, producers, heads)?;
    let (restart, restarts) = watch::channel(HashMap::new());
    tasks.spawn(report.run(restart));
    tasks.spawn(reader::run(
        Link::blocking(&settings.redis_url)?,
        sources,
        restarts,
    ));
    tokio::select! {
        () = reading.lost.cancelled() => {}
        // None of them ends by itself; one that did has panicked.
        _ = tasks.join_next() => {}
    }
    Ok(())
}

/// Handles a dead letter again, with the consumer of `consumers` it was for; its event takes
/// effect and the letter is marked, or neither. Refuses `NOT_FOUND` when no such letter waits.
pub async fn replay(db: &Db, consumers: &[Arc<dyn Consumer>], id: Uuid) -> Result<(), Refusal> {
    let missing = || Refusal::not_found(&format!("deadLetters/{id}"));
    let tenant = rows::tenant_of_letter(db.worker_pool(), id).await;
    let tenant = tenant.map_err(Refusal::from)?.ok_or_else(missing)?;
    let tenant = TenantId::parse(&tenant).map_err(|_| missing())?;
    let mut tx = db.begin(&tenant).await?;
    let now = tx.now();
    let letter = rows::exhume(&mut tx, id, now)
        .await
        .map_err(Refusal::from)?
        .ok_or_else(missing)?;
    let consumer = consumers
        .iter()
        .find(|c| c.name() == letter.consumer)
        .ok_or_else(missing)?;
    let span = telemetry::span_from(&letter.event.trace, "replay");
    consumer
        .handle(&mut tx, &letter.event)
        .instrument(span)
        .await?;
    tx.commit().await
}
