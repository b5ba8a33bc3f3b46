//! One feed's way in: in sequence, gaps asked for, effects once.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tonic::Code;
use tracing::Instrument;

use super::queue::Queue;
use super::rows::{self, Feed, Position};
use super::{Reading, lag};
use crate::db::Tx;
use crate::refusal::Refusal;
use crate::server::panic_text;
use crate::streams::{Content, Entry, Link};
use crate::{streams, telemetry};

/// Events taken from the queue at once, at most.
const BATCH: usize = 128;

/// Tries of an event whose handling fails for a reason of our own, before it is put aside.
const TRIES: u32 = 5;

/// First and longest pause between tries.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));

/// First and longest pause between requests for the same gap.
const ASKING: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// How long the producer's head may be ahead before the rest is asked for.
const HEAD_PATIENCE: Duration = Duration::from_secs(2);

/// Why a transaction of effects did not commit.
#[derive(Debug)]
enum Trouble {
    /// Another reader has the lease or has moved the position.
    Lost,
    /// The transaction itself failed, not the handling.
    Around(Refusal),
    /// The consumer refused an event.
    Refused(Refusal),
    /// The consumer panicked.
    Panicked(&'static str),
}

/// The lane of one feed.
pub(super) struct Lane {
    pub(super) reading: Arc<Reading>,
    pub(super) feed: Feed,
    pub(super) passed: i64,
    pub(super) entries: mpsc::Receiver<Entry>,
    pub(super) head: watch::Receiver<i64>,
    pub(super) link: Link,
}

/// When a gap was first seen and is to be asked for next.
struct Asking {
    from: i64,
    next: Instant,
    pause: Duration,
}

impl Lane {
    /// Takes in entries until the lease is another's or the reader ends.
    pub(super) async fn run(mut self) {
        let mut queue = Queue::after(self.passed);
        let mut asking: Option<Asking> = None;
        loop {
            let gap = queue.gap(*self.head.borrow_and_update());
            let ask_at = self.schedule(gap, &queue, &mut asking);
            tokio::select! {
                entry = self.entries.recv() => match entry {
                    Some(entry) => queue.offer(entry),
                    None => return,
                },
                () = sleep_until(ask_at), if asking.is_some() => {
                    if let (Some((from, to)), Some(asking)) = (gap, &mut asking) {
                        self.ask(from, to).await;
                        asking.next = Instant::now() + asking.pause;
                        asking.pause = (asking.pause * 2).min(ASKING.1);
                    }
                }
                changed = self.head.changed() => if changed.is_err() { return },
            }
            while let Ok(entry) = self.entries.try_recv() {
                queue.offer(entry);
            }
            loop {
                let ready = queue.take(BATCH);
                if ready.is_empty() {
                    break;
                }
                if self.take_in(ready).await.is_err() {
                    self.reading.lost.cancel();
                    return;
                }
            }
        }
    }

    /// Plans the next request for a gap; a new gap begins with a short pause, because what is
    /// missing may be the next thing to arrive.
    fn schedule(
        &self,
        gap: Option<(i64, i64)>,
        queue: &Queue,
        asking: &mut Option<Asking>,
    ) -> Instant {
        let now = Instant::now();
        match gap {
            None => *asking = None,
            Some((from, _)) if asking.as_ref().is_none_or(|a| a.from != from) => {
                let certain = queue.gap(queue.passed()).is_some();
                let first = if certain { ASKING.0 } else { HEAD_PATIENCE };
                *asking = Some(Asking {
                    from,
                    next: now + first,
                    pause: ASKING.0 * 2,
                });
            }
            Some(_) => {}
        }
        asking.as_ref().map_or(now, |asking| asking.next)
    }

    async fn ask(&mut self, from: i64, to: i64) {
        metrics::counter!("fettle_event_gaps_total", "consumer" => self.feed.consumer).increment(1);
        tracing::info!(feed = ?self.feed, from, to, "asks for missing events");
        let mut add = redis::cmd("XADD");
        add.arg(streams::resend(self.feed.producer))
            .arg("MAXLEN")
            .arg("~")
            .arg(1_000)
            .arg("*");
        add.arg("partition")
            .arg(self.feed.partition)
            .arg("from")
            .arg(from)
            .arg("to")
            .arg(to);
        let asked = match self.link.get().await {
            Ok(link) => add.query_async::<()>(link).await,
            Err(error) => Err(error),
        };
        if let Err(error) = asked {
            self.link.forget();
            tracing::warn!(%error, "cannot ask for missing events");
        }
    }

    /// Takes effect of all: one effect a transaction, so that no transaction locks what two
    /// aggregates own. Entries nobody hears go along with the next one. An error: lease lost.
    async fn take_in(&mut self, entries: Vec<Entry>) -> Result<(), ()> {
        let reading = self.reading.clone();
        let producer = self.feed.producer;
        let counts = |entry: &Entry| match &entry.content {
            Content::Event(event) => reading.hears(producer, &event.kind),
            Content::Gone | Content::Malformed { .. } => true,
        };
        for together in entries.split_inclusive(counts) {
            match self.effect(together).await {
                Ok(()) => continue,
                Err(Trouble::Lost) => return Err(()),
                Err(trouble) => {
                    tracing::debug!(feed = ?self.feed, ?trouble, "goes on one by one");
                }
            }
            for entry in together {
                self.take_in_one(entry).await?;
            }
        }
        Ok(())
    }

    async fn take_in_one(&mut self, entry: &Entry) -> Result<(), ()> {
        let one = std::slice::from_ref(entry);
        let mut pause = PAUSES.0;
        let mut tries = 0;
        loop {
            let (reason, detail) = match self.effect(one).await {
                Ok(()) => return Ok(()),
                Err(Trouble::Lost) => return Err(()),
                Err(Trouble::Around(refusal)) => {
                    tracing::warn!(feed = ?self.feed, reason = refusal.reason(), "tries again");
                    (None, String::new())
                }
                Err(Trouble::Panicked(said)) => (Some("PANIC".to_owned()), said.to_owned()),
                Err(Trouble::Refused(refusal)) => {
                    let reason = match refusal.code() {
                        Code::Unavailable | Code::Aborted | Code::DeadlineExceeded => None,
                        Code::Internal if tries + 1 < TRIES => None,
                        _ => Some(refusal.reason().to_owned()),
                    };
                    (reason, refusal.message().to_owned())
                }
            };
            if let Some(reason) = reason {
                match self.put_aside(entry, &reason, &detail).await {
                    Ok(()) => return Ok(()),
                    Err(Trouble::Lost) => return Err(()),
                    Err(_) => {}
                }
            }
            tries += 1;
            sleep(pause.mul_f64(rand::random_range(0.5..=1.0))).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// One transaction: position and effects.
    async fn effect(&mut self, entries: &[Entry]) -> Result<(), Trouble> {
        let reading = self.reading.clone();
        let _place = reading.places.acquire().await.map_err(|_| Trouble::Lost)?;
        let mut tx = self.begin(entries).await?;
        for entry in entries {
            match &entry.content {
                Content::Event(event) if self.reading.hears(self.feed.producer, &event.kind) => {
                    tx.enter(&event.tenant).await.map_err(Trouble::Around)?;
                    self.handle(&mut tx, entry).await?;
                }
                Content::Event(_) => {}
                Content::Gone => {
                    tracing::error!(feed = ?self.feed, from = entry.sequence, to = entry.last,
                        "events are no longer kept by their producer and were not taken in");
                }
                Content::Malformed { why, .. } => {
                    self.bury(&mut tx, entry, "MALFORMED", why).await?;
                }
            }
        }
        tx.commit().await.map_err(Trouble::Around)?;
        self.passed(entries);
        Ok(())
    }

    async fn handle(&self, tx: &mut Tx, entry: &Entry) -> Result<(), Trouble> {
        let Content::Event(event) = &entry.content else {
            return Ok(());
        };
        let name = format!("{} hears {}", self.feed.consumer, event.kind);
        let span = telemetry::span_from(&event.trace, &name);
        let handled = self.reading.consumer.handle(tx, event).instrument(span);
        match AssertUnwindSafe(handled).catch_unwind().await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(refusal)) => Err(Trouble::Refused(refusal)),
            Err(panic) => Err(Trouble::Panicked(panic_text(panic.as_ref()))),
        }
    }

    /// Puts an event with the dead letters, so that the next ones go on.
    async fn put_aside(&mut self, entry: &Entry, why: &str, detail: &str) -> Result<(), Trouble> {
        let mut tx = self.begin(std::slice::from_ref(entry)).await?;
        self.bury(&mut tx, entry, why, detail).await?;
        tx.commit().await.map_err(Trouble::Around)?;
        self.passed = entry.last;
        self.show_passed();
        Ok(())
    }

    async fn bury(
        &self,
        tx: &mut Tx,
        entry: &Entry,
        reason: &str,
        detail: &str,
    ) -> Result<(), Trouble> {
        let consumer = self.feed.consumer;
        metrics::counter!("fettle_dead_letters_total", "consumer" => consumer).increment(1);
        tracing::error!(feed = ?self.feed, sequence = entry.sequence, reason, "dead letter");
        if let Content::Event(event) = &entry.content {
            tx.enter(&event.tenant).await.map_err(Trouble::Around)?;
        }
        let (id, now) = (tx.ids().v7(), tx.now());
        rows::bury(tx, id, self.feed, entry, reason, detail, now)
            .await
            .map_err(|error| Trouble::Around(Refusal::from(error)))
    }

    /// Opens a transaction that has moved the position past `entries`. The position moves from
    /// exactly the previous value or not at all, so of two readers one has the effect; the lease
    /// only spares them the race.
    async fn begin(&self, entries: &[Entry]) -> Result<Tx, Trouble> {
        let around = |error| Trouble::Around(Refusal::from(error));
        let Some(last) = entries.last() else {
            return Err(Trouble::Lost);
        };
        let heard = entries.iter().find_map(|entry| match &entry.content {
            Content::Event(event) => Some(&event.tenant),
            _ => None,
        });
        let tenant = heard.unwrap_or(&self.reading.nobody);
        let begun = self.reading.db.begin_repeatable_work(tenant).await;
        let mut tx = begun.map_err(Trouble::Around)?;
        let to = Position {
            sequence: last.last,
            stream_id: last.stream_id.clone(),
            epoch: self.reading.epoch(self.feed.producer),
        };
        if !rows::advance(&mut tx, self.feed, self.passed, &to)
            .await
            .map_err(around)?
        {
            return Err(Trouble::Lost);
        }
        Ok(tx)
    }

    fn passed(&mut self, entries: &[Entry]) {
        let now = self.reading.db.clock().now();
        for entry in entries {
            self.passed = entry.last;
            if let Content::Event(event) = &entry.content
                && self.reading.hears(self.feed.producer, &event.kind)
            {
                let lag = now.duration_since(event.recorded_at);
                let lag = Duration::try_from(lag).unwrap_or_default();
                lag::record(self.feed.consumer, &event.kind, lag);
            }
        }
        self.show_passed();
    }

    fn show_passed(&self) {
        if let Some(shown) = self.reading.passed.get(&self.feed) {
            shown.store(self.passed, Ordering::Relaxed);
        }
    }
}
