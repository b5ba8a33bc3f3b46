//! Everything that leaves a service beside its answers.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex};

use chassis::testing::eventually;
use prost::Message;
use proto::dispatch::v1::{WorkOrderEventPayload, WorkOrderFacts};
use serde_json::Value;
use sqlx::Row;
use stories::world::{PATIENCE, SERVICES, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tracing_subscriber::fmt::MakeWriter;
use uuid::Uuid;

use crate::canary::{Canary, LEAK, POISON};

/// A log in memory.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// What was written so far.
    pub(crate) fn taken(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Log;

    fn make_writer(&'w self) -> Log {
        self.clone()
    }
}

/// What was read at one place.
pub(crate) struct Surface {
    place: String,
    bytes: Vec<u8>,
}

impl Surface {
    pub(crate) fn new(place: impl Into<String>, bytes: Vec<u8>) -> Surface {
        let place = place.into();
        Surface { place, bytes }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Each kind of line that shows a canary, once: place, canary and line.
    pub(crate) fn shows(&self, canaries: &[Canary]) -> Vec<String> {
        let mut kinds = BTreeSet::new();
        let mut found = Vec::new();
        for line in self.bytes.split(|byte| *byte == b'\n') {
            let shown = String::from_utf8_lossy(line);
            let line = shown.to_ascii_lowercase();
            for canary in canaries.iter().filter(|canary| canary.is_in(&line)) {
                let kind = kind_of(&shown);
                if kinds.insert((kind, canary.text.clone())) {
                    let shown: String = shown.chars().take(600).collect();
                    found.push(format!("{}: {} in {shown}", self.place, canary.text));
                }
            }
        }
        found
    }
}

/// Target and text of a line of the log; other lines are of one kind.
fn kind_of(line: &str) -> String {
    let read: Value = serde_json::from_str(line).unwrap_or_default();
    format!("{} {}", read["target"], read["filename"])
}

/// `/metrics` of every service.
pub(crate) async fn metrics(world: &mut World) -> Vec<Surface> {
    let mut seen = Vec::new();
    for service in SERVICES {
        let address = world.suite().admin_address(service.name);
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = "GET /metrics HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        seen.push(Surface::new(format!("metrics of {}", service.name), answer));
    }
    seen
}

/// The outbox of every service, as rows and in the streams.
pub(crate) async fn events(world: &mut World) -> Vec<Surface> {
    let mut seen = Vec::new();
    for service in SERVICES {
        let pool = world.suite().pool_of(service.name);
        let rows = sqlx::query("select o::text as row, payload from outbox as o").fetch_all(&pool);
        let mut bytes = Vec::new();
        for row in rows.await.unwrap() {
            bytes.extend_from_slice(row.get::<String, _>("row").as_bytes());
            bytes.push(b'\n');
            bytes.extend_from_slice(&row.get::<Vec<u8>, _>("payload"));
            bytes.push(b'\n');
        }
        seen.push(Surface::new(format!("outbox of {}", service.name), bytes));
    }
    let client = redis::Client::open(world.suite().redis.url()).unwrap();
    let mut link = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg("*")
        .query_async(&mut link)
        .await
        .unwrap();
    for key in keys {
        let mut bytes = Vec::new();
        let kind: String = redis::cmd("TYPE")
            .arg(&key)
            .query_async(&mut link)
            .await
            .unwrap();
        if kind == "stream" {
            let mut range = redis::cmd("XRANGE");
            range.arg(&key).arg("-").arg("+");
            flatten(range.query_async(&mut link).await.unwrap(), &mut bytes);
        } else {
            let mut dump = redis::cmd("DUMP");
            bytes = dump.arg(&key).query_async(&mut link).await.unwrap();
        }
        seen.push(Surface::new(format!("Redis {key}"), bytes));
    }
    seen
}

fn flatten(value: redis::Value, bytes: &mut Vec<u8>) {
    match value {
        redis::Value::BulkString(text) => {
            bytes.extend(text);
            bytes.push(b'\n');
        }
        redis::Value::Array(values) => values.into_iter().for_each(|v| flatten(v, bytes)),
        redis::Value::Map(pairs) => {
            for (name, value) in pairs {
                flatten(name, bytes);
                flatten(value, bytes);
            }
        }
        _ => {}
    }
}

/// Dispatch tells of the end of two visits what nobody can digest: one text is no message at all, the
/// other names nothing that is there.
#[expect(clippy::disallowed_methods, reason = "nobody made this event")]
pub(crate) async fn poison(world: &mut World) {
    let unnamed = WorkOrderEventPayload {
        work_order: Some(WorkOrderFacts {
            name: format!("{POISON} order"),
            reservation: format!("{POISON} reservation"),
            ..Default::default()
        }),
        time: None,
    };
    let pool = world.suite().pool_of("dispatch");
    for payload in [POISON.as_bytes().to_vec(), unnamed.encode_to_vec()] {
        let insert = "insert into outbox (event_id, tenant_id, kind, aggregate, version, partition,
                 occurred_at, recorded_at, payload)
             values ($1, 'acme', 'work_order.completed', $2, 1, 0, now(), now(), $3)";
        let (event, order) = (Uuid::now_v7(), Uuid::now_v7());
        let insert = sqlx::query(insert)
            .bind(event)
            .bind(format!("workOrders/{order}"));
        insert.bind(payload).execute(&pool).await.unwrap();
    }
}

/// What consumers say of the poison they were given. The poison itself is in the payload, kept for
/// a replay; that it is in nothing else is looked at here.
pub(crate) async fn dead_letters(world: &mut World) -> Vec<u8> {
    let mut said = Vec::new();
    for service in ["ticket", "inventory", "entitlement"] {
        let pool = world.suite().pool_of(service);
        let sql = "select to_jsonb(d) - 'payload' as letter from dead_letters as d";
        let letters = eventually(PATIENCE, "the poison is buried", async || {
            let letters = sqlx::query_scalar::<_, Value>(sql)
                .fetch_all(&pool)
                .await
                .unwrap();
            (!letters.is_empty()).then_some(letters)
        });
        for letter in letters.await {
            let letter = letter.to_string();
            let poison = Canary::new(POISON);
            assert!(!poison.is_in(&letter.to_ascii_lowercase()), "{letter}");
            said.extend(letter.into_bytes());
            said.push(b'\n');
        }
    }
    said
}

/// What was shown on purpose is found in the log and in spans; the poison is found where payloads are,
/// and nowhere else.
pub(crate) fn show_leaks(seen: &[Surface]) {
    let found = |text: &str| {
        let canary = [Canary::new(text)];
        let showing = seen.iter().filter(|one| !one.shows(&canary).is_empty());
        showing.map(|one| one.place.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(found(LEAK), ["the log", "spans"]);
    let poisoned = found(POISON);
    assert!(poisoned.contains(&"outbox of dispatch"), "{poisoned:?}");
    assert!(poisoned.iter().any(|place| place.starts_with("Redis")));
    let payloads = |place: &&str| place.starts_with("Redis") || *place == "outbox of dispatch";
    assert!(poisoned.iter().all(payloads), "{poisoned:?}");
}

/// Nothing is found where nothing was looked at: every surface has what it always has, and the log
/// has lines of everybody who writes such, at the level that says most.
pub(crate) fn were_searched(seen: &[Surface], writers: &[&str]) {
    let has = |place: &str, text: &str| {
        let of_place = seen.iter().filter(|one| one.place.starts_with(place));
        let (what, text) = (text, text.as_bytes());
        let mut parts = of_place.map(|one| one.bytes.windows(text.len()).any(|part| part == text));
        assert!(parts.any(|found| found), "{what:?} is not in {place}");
    };
    has("spans", "TicketService/CreateTicket");
    has("spans", "rpc.grpc.status_code");
    has("refusals", "INVALID_FIELDS");
    has("refusals", "PAGE_TOKEN_INVALID");
    has("metrics", "fettle_rpc_seconds");
    has("outbox of ticket", "ticket.reported");
    has("Redis", "ticket.closed");
    has("dead letters", "EVENT_UNREADABLE");

    let log = seen.iter().find(|one| one.place == "the log").unwrap();
    let mut targets = BTreeSet::new();
    for line in log.bytes.split(|byte| *byte == b'\n') {
        let line: Value = serde_json::from_slice(line).unwrap_or_default();
        let said = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let target = said("target");
        let writer = target.split("::").next().unwrap_or_default();
        targets.insert(format!("{} {writer}", said("level")));
    }
    for writer in writers {
        assert!(
            targets.contains(*writer),
            "no line by {writer}: {targets:?}"
        );
    }
}
