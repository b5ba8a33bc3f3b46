//! Two services in a database of their own: `ticket` tells, `feedback` hears and writes down what it heard.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chassis::db::{self, Db, Tx};
use chassis::inbox::{self, Consumer, Delivered};
use chassis::migrate::{MIGRATIONS, Passwords, migrate};
use chassis::outbox::Event;
use chassis::testing::{self, Database, Redis, eventually};
use chassis::{Clock, Ids, Refusal, TenantId, relay, streams};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{PgPool, SqlSafeStr};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Long enough for a busy machine; nothing waits this long when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the consumer of these tests writes down.
const EFFECTS: &str = "create table effects (
    place bigint generated always as identity primary key,
    event_id uuid not null,
    tenant_id text not null,
    aggregate text not null,
    version bigint not null
);";

pub(crate) struct House {
    pub(crate) database: Database,
    pub(crate) redis: Redis,
    pub(crate) ticket: Db,
    pub(crate) feedback: Db,
    pub(crate) admin: PgPool,
    pub(crate) events: streams::Settings,
}

pub(crate) fn own_migrations() -> Migrator {
    let effects = Migration::new(
        101,
        "effects".into(),
        MigrationType::Simple,
        EFFECTS.into_sql_str(),
        false,
    );
    Migrator::with_migrations(vec![effects])
}

pub(crate) async fn passwords() -> Passwords {
    Passwords::same(testing::servers().await.password())
}

/// A migrated database with the schemas of both services.
pub(crate) async fn database() -> Database {
    let sums: Vec<String> = MIGRATIONS
        .iter()
        .chain(own_migrations().iter())
        .map(|m| format!("{:?}", m.checksum))
        .collect();
    let key = format!("keeping {}", sums.join(" "));
    let template = testing::template(&key, async |url: &str| {
        let admin = url.parse().map_err(|e: sqlx::Error| e.to_string())?;
        for service in ["ticket", "feedback"] {
            migrate(&admin, service, &own_migrations(), &passwords().await)
                .await
                .map_err(|e| e.to_string())?;
        }
        Ok::<(), String>(())
    })
    .await;
    template.clone_database().await
}

pub(crate) async fn open(database: &Database, service: &str) -> Db {
    let password = testing::servers().await.password().to_owned();
    let settings = db::Settings {
        url: database.url(),
        password: password.clone(),
        worker_password: password,
        max_connections: 8,
        ..db::Settings::default()
    };
    let clock = Clock::system();
    Db::connect(service, &settings, clock.clone(), Ids::random(clock)).unwrap()
}

pub(crate) async fn house() -> House {
    let database = database().await;
    let redis = testing::redis().await;
    let events = streams::Settings {
        redis_url: redis.url(),
        lease_ttl_ms: 1_500,
        poll_ms: 50,
        report_ms: 100,
        ..streams::Settings::default()
    };
    House {
        ticket: open(&database, "ticket").await,
        feedback: open(&database, "feedback").await,
        admin: PgPool::connect(&database.url()).await.unwrap(),
        database,
        redis,
        events,
    }
}

/// Background work that ends with [`Running::stop`].
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start<F: Future<Output = ()> + Send + 'static>(
        work: impl FnOnce(CancellationToken) -> F,
    ) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(work(stop.clone()));
        Running { stop, task }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

pub(crate) fn tenant() -> TenantId {
    TenantId::parse("acme").unwrap()
}

pub(crate) fn told(aggregate: &str, version: i64) -> Event {
    Event::new(
        "ticket.closed",
        aggregate,
        version,
        Clock::system().now(),
        &"said".to_owned(),
    )
}

impl House {
    pub(crate) fn relay(&self) -> Running {
        let (db, events) = (self.ticket.clone(), self.events.clone());
        Running::start(|stop| relay::run(db, events, stop))
    }

    pub(crate) fn consumer(&self, consumer: &Arc<Listener>) -> Running {
        let (db, events, consumer) = (self.feedback.clone(), self.events.clone(), consumer.clone());
        Running::start(|stop| inbox::run(db, events, consumer, stop))
    }

    /// Tells versions `from..=to` of each aggregate, each in a commit of its own.
    pub(crate) async fn tell(
        &self,
        aggregates: &[String],
        versions: std::ops::RangeInclusive<i64>,
    ) {
        for version in versions {
            for aggregate in aggregates {
                let mut tx = self.ticket.begin(&tenant()).await.unwrap();
                tx.tell(told(aggregate, version));
                tx.commit().await.unwrap();
            }
        }
    }

    /// Everything heard, in the order of effect.
    pub(crate) async fn heard(&self) -> Vec<(String, i64)> {
        sqlx::query_as("select aggregate, version from feedback.effects order by place")
            .fetch_all(&self.admin)
            .await
            .unwrap()
    }

    pub(crate) async fn heard_count(&self, count: i64) {
        eventually(
            PATIENCE,
            &format!("{count} events took effect"),
            async || {
                let sql = "select count(*) from feedback.effects";
                let heard: i64 = sqlx::query_scalar(sql)
                    .fetch_one(&self.admin)
                    .await
                    .unwrap();
                (heard >= count).then_some(())
            },
        )
        .await;
    }

    pub(crate) async fn published_all(&self) {
        eventually(PATIENCE, "all told events are published", async || {
            let sql = "select (select count(*) from ticket.outbox where sequence is null)
                + (select sum(numbered - published)::bigint from ticket.relay_partitions)";
            let waiting: i64 = sqlx::query_scalar(sql)
                .fetch_one(&self.admin)
                .await
                .unwrap();
            (waiting == 0).then_some(())
        })
        .await;
    }

    pub(crate) async fn link(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.redis.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// Each aggregate's versions were heard once and in order.
    pub(crate) async fn assert_heard_once_in_order(&self, aggregates: &[String], versions: i64) {
        let heard = self.heard().await;
        for aggregate in aggregates {
            let seen: Vec<i64> = heard
                .iter()
                .filter(|(a, _)| a == aggregate)
                .map(|(_, v)| *v)
                .collect();
            assert_eq!(seen, (1..=versions).collect::<Vec<_>>(), "{aggregate}");
        }
        assert_eq!(heard.len() as i64, aggregates.len() as i64 * versions);
    }
}

pub(crate) fn tickets(count: usize) -> Vec<String> {
    (0..count)
        .map(|i| format!("tickets/{}", Uuid::from_u128(i as u128 + 1)))
        .collect()
}

/// How the consumer takes an event.
pub(crate) type Mood = dyn Fn(&Delivered, usize) -> Result<(), Refusal> + Send + Sync;

/// Writes down what it hears, unless its mood refuses.
pub(crate) struct Listener {
    mood: Box<Mood>,
    calls: AtomicUsize,
}

impl Listener {
    pub(crate) fn new(
        mood: impl Fn(&Delivered, usize) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            mood: Box::new(mood),
            calls: AtomicUsize::new(0),
        })
    }

    pub(crate) fn willing() -> Arc<Self> {
        Self::new(|_, _| Ok(()))
    }
}

#[tonic::async_trait]
impl Consumer for Listener {
    fn name(&self) -> &'static str {
        "feedback"
    }

    fn hears(&self) -> &'static [(&'static str, &'static [&'static str])] {
        &[("ticket", &["ticket.closed"])]
    }

    async fn handle(&self, tx: &mut Tx, event: &Delivered) -> Result<(), Refusal> {
        sqlx::query(
            "insert into effects (event_id, tenant_id, aggregate, version) values ($1, $2, $3, $4)",
        )
        .bind(event.id)
        .bind(tx.tenant().as_str().to_owned())
        .bind(&event.aggregate)
        .bind(event.version)
        .execute(&mut **tx)
        .await?;
        (self.mood)(event, self.calls.fetch_add(1, Ordering::Relaxed))
    }
}
