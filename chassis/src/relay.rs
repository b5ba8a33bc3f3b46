//! The relay: numbers what the service told, durably, and publishes it to Redis Streams.
//!
//! Numbering comes before publication, so an event that is published again after any crash has
//! the same sequence, and consumers drop what they have passed. One relay per service holds the
//! lease; its writes are fenced. See `docs/decisions/0005-events.md`.

mod order;
mod rows;

use std::collections::BTreeMap;
use std::time::Duration;

use redis::RedisError;
use redis::streams::StreamRangeReply;
use sqlx::PgPool;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::rows::Fenced;
use crate::db::{self, Db};
use crate::lease::{self, Held};
use crate::outbox::PARTITIONS;
use crate::streams::{self, Link, Outgoing, Settings};

/// How often positions are kept and heads shown anew.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// Events sent again for one request, at most; the consumer asks on.
const RESENT_AT_ONCE: i64 = 1_000;

/// Resend requests served in one round, at most.
const REQUESTS_AT_ONCE: usize = 64;

/// Why a round of the relay did not complete.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("Redis: {0}")]
    Redis(#[from] RedisError),
    #[error("the lease is another's")]
    Lost,
}

/// Relays what the service tells until `stop`, whenever this process holds the lease `relay`.
pub async fn run(db: Db, settings: Settings, stop: CancellationToken) {
    let pool = db.worker_pool().clone();
    lease::hold(&pool, "relay", settings.lease_ttl(), &stop, |held| {
        let relay = Relay::new(db.clone(), settings.clone(), held);
        async move {
            match relay {
                Ok(relay) => relay.tenure().await,
                Err(error) => tracing::error!(%error, "events.redis_url"),
            }
        }
    })
    .await;
}

/// One holding of the lease.
struct Relay {
    db: Db,
    pool: PgPool,
    settings: Settings,
    held: Held,
    link: Link,
    epoch: Option<Uuid>,
    /// Whether this holding has seen that the streams are those of its epoch.
    checked: bool,
    /// Whether the last round failed: said once, not at each round.
    troubled: bool,
    /// Whether numbered events may wait that were not among those just numbered.
    behind: bool,
    /// Events of each feed published at once: halved after a failure, so that a load too heavy for
    /// one exchange gets through in parts.
    share: i64,
}

impl Relay {
    fn new(db: Db, settings: Settings, held: Held) -> Result<Self, RedisError> {
        let link = Link::new(&settings.redis_url)?;
        let share = i64::from(settings.batch).max(1);
        Ok(Self {
            pool: db.worker_pool().clone(),
            db,
            settings,
            held,
            link,
            epoch: None,
            checked: false,
            troubled: false,
            behind: true,
            share,
        })
    }

    async fn tenure(mut self) {
        let mut housekept = Instant::now() - HOUSEKEEPING;
        loop {
            let numbered = match self.number().await {
                Ok(numbered) => numbered,
                Err(Trouble::Lost) => return,
                Err(error) => {
                    // Its commit may have come through all the same.
                    self.behind = true;
                    self.complain(&error);
                    Vec::new()
                }
            };
            let mut busy = numbered.len() >= self.settings.batch.max(1) as usize;
            match self.publish(numbered, &mut housekept).await {
                Ok(()) => {
                    busy |= self.behind;
                    self.share = (self.share * 2).min(i64::from(self.settings.batch).max(1));
                    if std::mem::take(&mut self.troubled) {
                        tracing::info!("events flow again");
                    }
                }
                Err(Trouble::Lost) => return,
                Err(error) => {
                    self.complain(&error);
                    self.link.forget();
                    self.share = (self.share / 2).max(1);
                    busy = false;
                }
            }
            if !busy {
                let poll = Duration::from_millis(self.settings.poll_ms);
                // Either way round: being woken is a hint, looking is the truth.
                let _ = timeout(poll, self.db.told().notified()).await;
            }
        }
    }

    /// Phase one: places. Returns what has got its place.
    async fn number(&self) -> Result<Vec<Outgoing>, Trouble> {
        let limit = i64::from(self.settings.batch);
        match rows::number(&self.pool, &self.held, limit).await? {
            Fenced::Done(numbered) => {
                metrics::counter!("fettle_events_numbered_total").increment(numbered.len() as u64);
                Ok(numbered)
            }
            Fenced::Lost => Err(Trouble::Lost),
        }
    }

    /// Phase two: publication of what was just numbered or, when more may wait, of what is not
    /// marked as published.
    async fn publish(
        &mut self,
        numbered: Vec<Outgoing>,
        housekept: &mut Instant,
    ) -> Result<(), Trouble> {
        if !self.checked {
            self.epoch = rows::epoch(&self.pool).await?;
            let mut ask = redis::cmd("GET");
            ask.arg(streams::epoch(self.db.service()));
            let seen: Option<String> = ask.query_async(self.link.get().await?).await?;
            if !self.is_ours(seen) {
                self.begin_epoch().await?;
            }
            self.checked = true;
        }
        let whole = !self.behind && numbered.len() as i64 <= self.share;
        // Until these are marked, whatever goes wrong: look again.
        self.behind = true;
        let outgoing = match whole {
            true => numbered,
            false => rows::unpublished(&self.pool, self.share).await?,
        };
        let mut heads: BTreeMap<i16, i64> = BTreeMap::new();
        let mut pipe = redis::pipe();
        let service = self.db.service();
        pipe.get(streams::epoch(service));
        for event in &outgoing {
            pipe.add_command(event.xadd(service, self.settings.stream_length))
                .ignore();
            heads.insert(event.partition, event.sequence);
        }
        for (partition, head) in &heads {
            pipe.hset(streams::heads(service), *partition, *head)
                .ignore();
        }
        pipe.xrange_count(streams::resend(service), "-", "+", REQUESTS_AT_ONCE);
        let (seen, requests): (Option<String>, StreamRangeReply) =
            pipe.query_async(self.link.get().await?).await?;
        if !self.is_ours(seen) {
            return self.begin_epoch().await;
        }
        if !heads.is_empty() {
            metrics::counter!("fettle_events_published_total").increment(outgoing.len() as u64);
            if let Fenced::Lost = rows::mark_published(&self.pool, &self.held, &heads).await? {
                return Err(Trouble::Lost);
            }
        }
        // A full share of any feed may not have been all of it.
        self.behind = !whole && outgoing.len() as i64 >= self.share;
        self.serve(requests).await?;
        if housekept.elapsed() >= HOUSEKEEPING {
            self.keep_positions().await?;
            self.show_heads().await?;
            *housekept = Instant::now();
        }
        Ok(())
    }

    fn is_ours(&self, seen: Option<String>) -> bool {
        seen.is_some() && seen == self.epoch.map(|epoch| epoch.to_string())
    }

    /// The streams vanished, or are older than this service's memory: begin them anew.
    async fn begin_epoch(&mut self) -> Result<(), Trouble> {
        // Positions that survived in Redis are newer than those kept.
        self.keep_positions().await?;
        let epoch = self.db.ids().v7();
        if let Fenced::Lost = rows::begin_epoch(&self.pool, &self.held, epoch).await? {
            return Err(Trouble::Lost);
        }
        match self.epoch {
            Some(_) => tracing::warn!(%epoch, "event streams vanished and begin anew"),
            None => tracing::info!(%epoch, "event streams begin"),
        }
        metrics::counter!("fettle_event_epochs_total").increment(1);
        let key = streams::epoch(self.db.service());
        let mut set = redis::cmd("SET");
        set.arg(key).arg(epoch.to_string());
        let () = set.query_async(self.link.get().await?).await?;
        self.epoch = Some(epoch);
        self.show_heads().await
    }

    /// Lets consumers see the ends of the feeds, so that a lost last entry is missed too.
    async fn show_heads(&mut self) -> Result<(), Trouble> {
        let heads: Vec<(i16, i64)> = rows::heads(&self.pool).await?.into_iter().collect();
        let mut set = redis::pipe();
        set.hset_multiple(streams::heads(self.db.service()), &heads)
            .ignore();
        let () = set.query_async(self.link.get().await?).await?;
        Ok(())
    }

    async fn keep_positions(&mut self) -> Result<(), Trouble> {
        let mut ask = redis::cmd("HGETALL");
        ask.arg(streams::passed(self.db.service()));
        let reported: Vec<(String, i64)> = ask.query_async(self.link.get().await?).await?;
        let reported: Vec<(String, i16, i64)> = reported
            .into_iter()
            .filter_map(|(field, sequence)| {
                let (consumer, partition) = field.rsplit_once('/')?;
                let partition = partition
                    .parse()
                    .ok()
                    .filter(|p| (0..PARTITIONS).contains(p))?;
                Some((consumer.to_owned(), partition, sequence.max(0)))
            })
            .collect();
        if !reported.is_empty() {
            rows::keep_positions(&self.pool, &reported, self.db.clock().now()).await?;
        }
        Ok(())
    }

    /// Sends again what consumers missed.
    async fn serve(&mut self, requests: StreamRangeReply) -> Result<(), Trouble> {
        if requests.ids.is_empty() {
            return Ok(());
        }
        // Ranges that several consumers, or one of them repeatedly, asked for go out once.
        let mut ranges: BTreeMap<(i16, i64), i64> = BTreeMap::new();
        for request in &requests.ids {
            let (partition, from, to): (Option<i16>, Option<i64>, Option<i64>) = (
                request.get("partition"),
                request.get("from"),
                request.get("to"),
            );
            if let (Some(partition), Some(from), Some(to)) = (partition, from, to)
                && (0..PARTITIONS).contains(&partition)
                && from >= 1
            {
                let end = ranges.entry((partition, from)).or_default();
                *end = (*end).max(to).min(from.saturating_add(RESENT_AT_ONCE - 1));
            }
        }
        let heads = rows::heads(&self.pool).await?;
        for ((partition, from), to) in ranges {
            let to = to.min(heads.get(&partition).copied().unwrap_or(0));
            if from <= to {
                self.resend(partition, from, to).await?;
            }
        }
        let mut done = redis::cmd("XDEL");
        done.arg(streams::resend(self.db.service()));
        for request in &requests.ids {
            done.arg(&request.id);
        }
        let () = done.query_async(self.link.get().await?).await?;
        Ok(())
    }

    async fn resend(&mut self, partition: i16, from: i64, to: i64) -> Result<(), Trouble> {
        let kept = rows::kept(&self.pool, partition, from, to).await?;
        let service = self.db.service();
        let mut pipe = redis::pipe();
        let first = kept.first().map_or(to + 1, |event| event.sequence);
        if first > from {
            tracing::error!(
                partition,
                from,
                to = first - 1,
                "asked for events no longer kept"
            );
            pipe.add_command(streams::xadd_gone(service, partition, from, first - 1))
                .ignore();
        }
        for event in &kept {
            pipe.add_command(event.xadd(service, self.settings.stream_length))
                .ignore();
        }
        metrics::counter!("fettle_events_resent_total").increment(kept.len() as u64);
        let () = pipe.query_async(self.link.get().await?).await?;
        Ok(())
    }

    fn complain(&mut self, error: &Trouble) {
        if let Trouble::Database(error) = error {
            db::note(error);
        }
        metrics::counter!("fettle_relay_troubles_total").increment(1);
        if !std::mem::replace(&mut self.troubled, true) {
            tracing::warn!(%error, "events wait in the outbox");
        }
    }
}
