//! Names, entries and connections of the event streams in Redis.
//!
//! Redis holds nothing here that cannot be lost: every entry is a row of a producer's outbox.
//!
//! | key | what |
//! |---|---|
//! | `fettle:<service>:<partition>` | stream of one feed, in sequence order, duplicates possible |
//! | `fettle:<service>:epoch` | life of these streams; another value or none: they vanished |
//! | `fettle:<service>:heads` | hash partition → last sequence published |
//! | `fettle:<service>:passed` | hash `<consumer>/<partition>` → last sequence taken in |
//! | `fettle:<service>:resend` | stream of requests `partition, from, to` |

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, Value};
use serde::Deserialize;
use uuid::Uuid;

use crate::caller::TenantId;
use crate::inbox::Delivered;

/// Section `events` of a service's configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where Redis is.
    pub redis_url: String,
    /// Milliseconds a relay's or consumer's lease lasts without renewal (500..=60000).
    pub lease_ttl_ms: u64,
    /// Milliseconds after which the relay looks for events it was not woken for (10..=5000).
    pub poll_ms: u64,
    /// Milliseconds between a consumer's reports of its positions (50..=10000).
    pub report_ms: u64,
    /// Events numbered or published at once (1..=1000).
    pub batch: u32,
    /// Entries a stream keeps, about; a consumer further behind asks for the rest.
    pub stream_length: u32,
    /// Transactions one consumer may have open at once (1..=8).
    pub lanes: usize,
    /// Days an event stays in the outbox after every consumer has passed it (1..=365).
    pub retention_days: i64,
    /// Days after which a consumer that reports nothing no longer keeps events from being dropped.
    pub forget_consumer_days: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            redis_url: "redis://127.0.0.1:6379".to_owned(),
            lease_ttl_ms: 5_000,
            poll_ms: 200,
            report_ms: 1_000,
            batch: 256,
            stream_length: 100_000,
            lanes: 8,
            retention_days: 7,
            forget_consumer_days: 30,
        }
    }
}

impl Settings {
    /// How long a lease lasts.
    pub fn lease_ttl(&self) -> Duration {
        Duration::from_millis(self.lease_ttl_ms)
    }
}

/// Longest wait for a connection or an answer that is not a blocking read.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn feed(service: &str, partition: i16) -> String {
    format!("fettle:{service}:{partition}")
}

pub(crate) fn epoch(service: &str) -> String {
    format!("fettle:{service}:epoch")
}

pub(crate) fn heads(service: &str) -> String {
    format!("fettle:{service}:heads")
}

pub(crate) fn passed(service: &str) -> String {
    format!("fettle:{service}:passed")
}

pub(crate) fn resend(service: &str) -> String {
    format!("fettle:{service}:resend")
}

/// A connection that is made on need and forgotten after a failure.
pub(crate) struct Link {
    client: Client,
    response_timeout: Option<Duration>,
    open: Option<MultiplexedConnection>,
}

impl Link {
    /// For commands that answer at once.
    pub(crate) fn new(url: &str) -> Result<Self, RedisError> {
        Ok(Self {
            client: Client::open(url)?,
            response_timeout: Some(PATIENCE),
            open: None,
        })
    }

    /// For blocking reads: the caller bounds the wait.
    pub(crate) fn blocking(url: &str) -> Result<Self, RedisError> {
        Ok(Self {
            client: Client::open(url)?,
            response_timeout: None,
            open: None,
        })
    }

    /// The connection; use it for one exchange and call [`forget`](Self::forget) when that fails.
    pub(crate) async fn get(&mut self) -> Result<&mut MultiplexedConnection, RedisError> {
        let open = match self.open.take() {
            Some(open) => open,
            None => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(PATIENCE))
                    .set_response_timeout(self.response_timeout);
                self.client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await?
            }
        };
        Ok(self.open.insert(open))
    }

    /// Drops the connection; the next [`get`](Self::get) makes another.
    pub(crate) fn forget(&mut self) {
        self.open = None;
    }
}

/// An outbox row on its way out.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) partition: i16,
    pub(crate) sequence: i64,
    pub(crate) event_id: Uuid,
    pub(crate) tenant_id: String,
    pub(crate) kind: String,
    pub(crate) aggregate: String,
    pub(crate) version: i64,
    pub(crate) occurred_at: Timestamp,
    pub(crate) recorded_at: Timestamp,
    pub(crate) traceparent: String,
    pub(crate) principal: String,
    pub(crate) payload: Vec<u8>,
}

impl Outgoing {
    /// The command that adds it to its stream: CloudEvents attributes and the payload.
    pub(crate) fn xadd(&self, service: &str, stream_length: u32) -> redis::Cmd {
        let mut cmd = redis::cmd("XADD");
        cmd.arg(feed(service, self.partition))
            .arg("MAXLEN")
            .arg("~")
            .arg(stream_length)
            .arg("*");
        cmd.arg("seq").arg(self.sequence);
        cmd.arg("specversion").arg("1.0");
        cmd.arg("id").arg(self.event_id.to_string());
        cmd.arg("source").arg(service);
        cmd.arg("type").arg(&self.kind);
        cmd.arg("subject").arg(&self.aggregate);
        cmd.arg("time").arg(self.occurred_at.to_string());
        cmd.arg("recorded").arg(self.recorded_at.to_string());
        cmd.arg("dataschema")
            .arg(format!("fettle:{service}/v1/{}", self.kind));
        cmd.arg("tenant").arg(&self.tenant_id);
        cmd.arg("version").arg(self.version);
        cmd.arg("traceparent").arg(&self.traceparent);
        if !self.principal.is_empty() {
            cmd.arg("authid").arg(&self.principal);
        }
        cmd.arg("data").arg(&self.payload);
        cmd
    }
}

/// The command that tells consumers that `from..=to` of a feed are no longer kept.
pub(crate) fn xadd_gone(service: &str, partition: i16, from: i64, to: i64) -> redis::Cmd {
    let mut cmd = redis::cmd("XADD");
    cmd.arg(feed(service, partition))
        .arg("*")
        .arg("seq")
        .arg(from)
        .arg("gone")
        .arg(to);
    cmd
}

/// What a stream entry says.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// An event.
    Event(Delivered),
    /// The sequences up to this one are no longer kept by the producer.
    Gone,
    /// The entry has a place but cannot be read: why, and what it carried.
    Malformed { why: String, payload: Vec<u8> },
}

/// A stream entry with its place in the feed: sequences `sequence..=last`.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) sequence: i64,
    pub(crate) last: i64,
    pub(crate) stream_id: String,
    pub(crate) content: Content,
}

/// Reads an entry; `None` when it does not even have a place.
pub(crate) fn read_entry(
    source: &str,
    stream_id: String,
    fields: &HashMap<String, Value>,
) -> Option<Entry> {
    let sequence: i64 = text(fields, "seq")?.parse().ok().filter(|seq| *seq > 0)?;
    if let Some(gone) = text(fields, "gone") {
        let last: i64 = gone.parse().ok().filter(|last| *last >= sequence)?;
        return Some(Entry {
            sequence,
            last,
            stream_id,
            content: Content::Gone,
        });
    }
    let content = match read_event(source, fields) {
        Ok(event) => Content::Event(event),
        Err(why) => Content::Malformed {
            why: format!("{why} is missing or malformed"),
            payload: bytes(fields, "data")
                .map(<[u8]>::to_vec)
                .unwrap_or_default(),
        },
    };
    Some(Entry {
        sequence,
        last: sequence,
        stream_id,
        content,
    })
}

/// Reads the envelope; an error names the field.
fn read_event(source: &str, fields: &HashMap<String, Value>) -> Result<Delivered, &'static str> {
    fn field<T: std::str::FromStr>(
        fields: &HashMap<String, Value>,
        name: &'static str,
    ) -> Result<T, &'static str> {
        text(fields, name)
            .and_then(|text| text.parse().ok())
            .ok_or(name)
    }
    Ok(Delivered {
        id: field(fields, "id")?,
        tenant: field::<TenantId>(fields, "tenant")?,
        source: source.to_owned(),
        kind: field(fields, "type")?,
        aggregate: field(fields, "subject")?,
        version: field(fields, "version")?,
        occurred_at: field(fields, "time")?,
        recorded_at: field(fields, "recorded")?,
        payload: Bytes::copy_from_slice(bytes(fields, "data").ok_or("data")?),
        trace: field(fields, "traceparent")?,
        principal: text(fields, "authid").unwrap_or_default().to_owned(),
    })
}

fn bytes<'a>(fields: &'a HashMap<String, Value>, name: &str) -> Option<&'a [u8]> {
    match fields.get(name)? {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}

fn text<'a>(fields: &'a HashMap<String, Value>, name: &str) -> Option<&'a str> {
    std::str::from_utf8(bytes(fields, name)?).ok()
}
