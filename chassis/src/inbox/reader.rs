//! Reading the streams of all feeds of a consumer on one connection, and telling producers how far
//! their events were taken in.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use redis::RedisError;
use redis::streams::StreamReadReply;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::rows::{Feed, Position};
use super::{READ, Reading, WAIT};
use crate::streams::{self, Entry, Link, PATIENCE, Settings};

/// Pause after a read that failed.
const PAUSE: Duration = Duration::from_millis(200);

/// Lives of the producers' streams, as last seen.
pub(super) type Epochs = HashMap<&'static str, String>;

/// A stream and the lane its entries go to.
pub(super) struct Source {
    feed: Feed,
    key: String,
    cursor: String,
    epoch: String,
    lane: mpsc::Sender<Entry>,
}

impl Source {
    pub(super) fn new(feed: Feed, position: Position, lane: mpsc::Sender<Entry>) -> Self {
        let key = streams::feed(feed.producer, feed.partition);
        Self {
            feed,
            key,
            cursor: position.stream_id,
            epoch: position.epoch,
            lane,
        }
    }

    /// Begins anew when the streams did: old places in them mean nothing then.
    fn follow(&mut self, epochs: &Epochs) {
        if let Some(epoch) = epochs.get(self.feed.producer)
            && *epoch != self.epoch
        {
            self.epoch.clone_from(epoch);
            "0-0".clone_into(&mut self.cursor);
        }
    }
}

/// Reads for ever; a failure is a pause.
pub(super) async fn run(
    mut link: Link,
    mut sources: Vec<Source>,
    mut epochs: watch::Receiver<Epochs>,
) {
    // Where to begin is not known before the epochs are.
    while epochs.borrow_and_update().is_empty() {
        if epochs.changed().await.is_err() {
            return;
        }
    }
    // Said when it begins, not at each try.
    let mut troubled = false;
    loop {
        {
            let epochs = epochs.borrow_and_update();
            sources.iter_mut().for_each(|source| source.follow(&epochs));
        }
        let open: Vec<usize> = (0..sources.len())
            .filter(|i| sources[*i].lane.capacity() >= READ)
            .collect();
        if open.is_empty() {
            sleep(Duration::from_millis(10)).await;
            continue;
        }
        // A lane that had no room is asked for again soon.
        let wait = if open.len() < sources.len() {
            WAIT / 50
        } else {
            WAIT
        };
        let read = tokio::select! {
            read = timeout(wait + PATIENCE, read(&mut link, &sources, &open, wait)) => read,
            _ = epochs.changed() => {
                // The connection may still owe the answer of the read that is given up.
                link.forget();
                continue;
            }
        };
        match read {
            Ok(Ok(reply)) => {
                troubled = false;
                deliver(&mut sources, reply).await;
            }
            Ok(Err(error)) => {
                link.forget();
                if !std::mem::replace(&mut troubled, true) {
                    tracing::warn!(%error, "cannot read events; tries again");
                }
                sleep(PAUSE).await;
            }
            Err(_) => {
                link.forget();
                if !std::mem::replace(&mut troubled, true) {
                    tracing::warn!("Redis does not answer; connects anew");
                }
            }
        }
    }
}

async fn read(
    link: &mut Link,
    sources: &[Source],
    open: &[usize],
    wait: Duration,
) -> Result<Option<StreamReadReply>, RedisError> {
    let mut cmd = redis::cmd("XREAD");
    let millis = u64::try_from(wait.as_millis()).unwrap_or(1).max(1);
    cmd.arg("COUNT")
        .arg(READ)
        .arg("BLOCK")
        .arg(millis)
        .arg("STREAMS");
    open.iter().for_each(|i| {
        cmd.arg(&sources[*i].key);
    });
    open.iter().for_each(|i| {
        cmd.arg(&sources[*i].cursor);
    });
    cmd.query_async(link.get().await?).await
}

async fn deliver(sources: &mut [Source], reply: Option<StreamReadReply>) {
    for stream in reply.map(|reply| reply.keys).unwrap_or_default() {
        let Some(source) = sources.iter_mut().find(|source| source.key == stream.key) else {
            continue;
        };
        for id in stream.ids {
            source.cursor.clone_from(&id.id);
            match streams::read_entry(source.feed.producer, id.id, &id.map) {
                // Cannot wait: there was room for all that was read.
                Some(entry) => drop(source.lane.send(entry).await),
                None => {
                    metrics::counter!("fettle_event_strays_total").increment(1);
                    tracing::warn!(feed = ?source.feed, "an entry without a place is dropped");
                }
            }
        }
    }
}

/// Reports positions to producers and learns their epochs and heads, once per interval.
pub(super) struct Report {
    reading: Arc<Reading>,
    producers: Vec<&'static str>,
    heads: HashMap<Feed, watch::Sender<i64>>,
    link: Link,
    interval: Duration,
}

impl Report {
    pub(super) fn new(
        settings: &Settings,
        reading: &Arc<Reading>,
        producers: Vec<&'static str>,
        heads: HashMap<Feed, watch::Sender<i64>>,
    ) -> Result<Self, RedisError> {
        Ok(Self {
            reading: reading.clone(),
            producers,
            heads,
            link: Link::new(&settings.redis_url)?,
            interval: Duration::from_millis(settings.report_ms),
        })
    }

    pub(super) async fn run(mut self, restart: watch::Sender<Epochs>) {
        let mut troubled = false;
        loop {
            let mut failure = None;
            let mut epochs = restart.borrow().clone();
            for producer in self.producers.clone() {
                match self.exchange(producer).await {
                    Ok(Some(epoch)) => drop(epochs.insert(producer, epoch)),
                    Ok(None) => {}
                    Err(error) => {
                        self.link.forget();
                        failure = Some(error);
                    }
                }
            }
            if let Some(error) = &failure
                && !troubled
            {
                tracing::warn!(%error, "cannot report positions; tries again");
            }
            troubled = failure.is_some();
            let known = &self.reading.epochs;
            known
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone_from(&epochs);
            restart.send_if_modified(|before| {
                let changed = *before != epochs;
                *before = epochs;
                changed
            });
            // Until the first producer is known this is all that is waited for.
            let known = !restart.borrow().is_empty();
            sleep(if known {
                self.interval
            } else {
                self.interval.min(WAIT / 10)
            })
            .await;
        }
    }

    /// Reports to one producer; returns the life of its streams.
    async fn exchange(&mut self, producer: &'static str) -> Result<Option<String>, RedisError> {
        let consumer = self.reading.consumer.name();
        let passed = self
            .reading
            .passed
            .iter()
            .filter(|(feed, _)| feed.producer == producer);
        let fields: Vec<(String, i64)> = passed
            .map(|(feed, at)| {
                (
                    format!("{consumer}/{}", feed.partition),
                    at.load(Ordering::Relaxed),
                )
            })
            .collect();
        let mut pipe = redis::pipe();
        pipe.hset_multiple(streams::passed(producer), &fields)
            .ignore();
        pipe.get(streams::epoch(producer));
        pipe.hgetall(streams::heads(producer));
        let (epoch, heads): (Option<String>, HashMap<i16, i64>) =
            pipe.query_async(self.link.get().await?).await?;
        for (feed, sender) in self
            .heads
            .iter()
            .filter(|(feed, _)| feed.producer == producer)
        {
            let head = heads.get(&feed.partition).copied().unwrap_or(0);
            sender.send_if_modified(|before| std::mem::replace(before, head) != head);
        }
        Ok(epoch)
    }
}
