//! The service's database: two pools (requests, background work), and the one way to open a
//! transaction for a tenant. What a transaction or statement can touch is walled off by row-level
//! security; see `docs/decisions/0016-walls.md`.
//!
//! A connection is checked for being writable after a failure or idleness, not before each use: a
//! primary that came back as a standby answers reads and refuses every write (SQLSTATE 25006).

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use sqlx::pool::MaybePoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{PgConnection, Postgres, SqlSafeStr, Transaction};
use tokio::sync::Notify;
use tracing::Instrument;

use crate::audit::{self, Change, Told};
use crate::caller::{Caller, TenantId};
use crate::chain::Hash;
use crate::clock::{Clock, Ids};
use crate::keyed::Answered;
use crate::migrate::{Passwords, Roles};
use crate::outbox::{self, Event};
use crate::refusal::Refusal;

mod pool;

use pool::{Lent, Pool};

/// A connection idle for longer than this is checked before use.
const IDLE_BEFORE_CHECK: Duration = Duration::from_secs(10);

/// After a connection failure anywhere in the process every connection is checked for this long.
const WARY_FOR: Duration = Duration::from_secs(30);

/// When the process last saw a connection fail, in milliseconds since 1970 of the system's clock.
static LAST_FAILURE: AtomicI64 = AtomicI64::new(i64::MIN / 2);

/// Section `database` of a service's configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the database is. A user or password here is replaced by the service's roles.
    pub url: String,
    /// Who migrates; empty: as `url` says, with the user and password written there.
    pub admin_url: String,
    /// Password of the runtime role; empty: none is sent.
    pub password: String,
    /// Password of the worker role; empty: none is sent.
    pub worker_password: String,
    /// Password of the auditor role, set at migration; empty: left as it is.
    pub auditor_password: String,
    /// Password of the owner role, set at migration; empty: left as it is.
    pub owner_password: String,
    /// Connections for requests and consumers, at most (1..=500).
    pub max_connections: u32,
    /// Connections kept open for requests (0..=max_connections).
    pub min_connections: u32,
    /// Connections for background work, at most (2..=100).
    pub worker_connections: u32,
    /// Milliseconds a request waits for a connection before it is refused as UNAVAILABLE.
    pub acquire_timeout_ms: u64,
    /// Milliseconds a statement waits for a lock before it is refused as ABORTED.
    pub lock_timeout_ms: u64,
    /// Milliseconds a statement may run; 0: no limit.
    pub statement_timeout_ms: u64,
    /// Milliseconds a transaction may stand still before the server ends it.
    pub idle_transaction_ms: u64,
    /// Prepared statements kept per connection.
    pub statement_cache: usize,
    /// Sends `search_path` and the timeouts when connecting, and lets a session keep its tenant.
    /// Off behind a pooler that refuses startup options and shares sessions: the roles carry
    /// their `search_path` themselves, and every statement is within a transaction.
    pub startup_options: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: "postgres://127.0.0.1:5432/fettle".to_owned(),
            admin_url: String::new(),
            password: String::new(),
            worker_password: String::new(),
            auditor_password: String::new(),
            owner_password: String::new(),
            max_connections: 24,
            min_connections: 6,
            worker_connections: 12,
            acquire_timeout_ms: 3_000,
            lock_timeout_ms: 5_000,
            statement_timeout_ms: 30_000,
            idle_transaction_ms: 15_000,
            statement_cache: 256,
            startup_options: true,
        }
    }
}

impl Settings {
    /// How the migrating administrator connects.
    pub fn admin(&self) -> Result<PgConnectOptions, sqlx::Error> {
        let url = if self.admin_url.is_empty() {
            &self.url
        } else {
            &self.admin_url
        };
        url.parse()
    }

    /// The roles' passwords as configured.
    pub fn passwords(&self) -> Passwords {
        let some = |text: &String| Some(text.clone()).filter(|t| !t.is_empty());
        Passwords {
            owner: some(&self.owner_password),
            runtime: some(&self.password),
            worker: some(&self.worker_password),
            auditor: some(&self.auditor_password),
        }
    }

    fn connect_options(
        &self,
        service: &str,
        role: &str,
        password: &str,
    ) -> Result<PgConnectOptions, sqlx::Error> {
        let mut options: PgConnectOptions = self.url.parse()?;
        options = options
            .username(role)
            .application_name(role)
            .statement_cache_capacity(self.statement_cache);
        if !password.is_empty() {
            options = options.password(password);
        }
        if self.startup_options {
            options = options.options([
                ("search_path", format!("{service},public,pg_temp")),
                ("lock_timeout", format!("{}ms", self.lock_timeout_ms)),
                (
                    "statement_timeout",
                    format!("{}ms", self.statement_timeout_ms),
                ),
                (
                    "idle_in_transaction_session_timeout",
                    format!("{}ms", self.idle_transaction_ms),
                ),
            ]);
        }
        Ok(options)
    }
}

/// The service's database, with the clock and ids that go into its rows. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    service: Arc<str>,
    pool: Pool,
    worker: PgPool,
    clock: Clock,
    ids: Ids,
    told: Arc<Notify>,
}

impl Db {
    /// Opens the pools of `service`. Connects lazily: a database that is down now is reported by
    /// readiness, not by a start that fails.
    pub fn connect(
        service: &str,
        settings: &Settings,
        clock: Clock,
        ids: Ids,
    ) -> Result<Self, sqlx::Error> {
        let roles = Roles::of(service);
        let runtime = settings.connect_options(service, &roles.runtime, &settings.password)?;
        let worker = settings.connect_options(service, &roles.worker, &settings.worker_password)?;
        let pool = Pool::new(runtime, settings)?;
        let worker = worker_options(settings)
            .max_connections(settings.worker_connections)
            .connect_lazy_with(worker);
        Ok(Self {
            service: service.into(),
            pool,
            worker,
            clock,
            ids,
            told: Arc::default(),
        })
    }

    /// Opens a transaction for a tenant; every tenant's row is read and written in one of these,
    /// in a [`Single`] or in a [`Read`].
    pub async fn begin(&self, tenant: &TenantId) -> Result<Tx, Refusal> {
        self.transaction(tenant, "begin").await
    }

    /// As [`begin`](Db::begin), for work that is done again when its commit is lost: the commit
    /// does not wait for the disk. A later commit that does, waits for this one as well.
    pub(crate) async fn begin_repeatable_work(&self, tenant: &TenantId) -> Result<Tx, Refusal> {
        const BEGIN: &str = "begin; set local synchronous_commit to off";
        self.transaction(tenant, BEGIN).await
    }

    async fn transaction(&self, tenant: &TenantId, begin: &str) -> Result<Tx, Refusal> {
        let lent = self
            .pool
            .begin(tenant, begin)
            .await
            .map_err(Refusal::from)?;
        Ok(Tx {
            lent,
            tenant: tenant.clone(),
            now: self.clock.now(),
            events: Vec::new(),
            told: false,
            change: Change::begun(),
            db: self.clone(),
        })
    }

    /// A connection for one statement that is a transaction by itself: a command whose whole
    /// change is one statement needs a single round trip.
    pub async fn single(&self, tenant: &TenantId) -> Result<Single, Refusal> {
        Ok(Single {
            lent: self.pool.single(tenant).await.map_err(Refusal::from)?,
            now: self.clock.now(),
            db: self.clone(),
        })
    }

    /// A connection for reading a tenant's rows outside any transaction.
    pub async fn read(&self, tenant: &TenantId) -> Result<Read, Refusal> {
        Ok(Read {
            lent: self.pool.single(tenant).await.map_err(Refusal::from)?,
            tenant: tenant.clone(),
        })
    }

    /// Whether the database answers to the role that serves requests.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        self.pool.ping().await
    }

    /// The pool background work runs on, across tenants (role `fettle_<service>_worker`).
    pub fn worker_pool(&self) -> &PgPool {
        &self.worker
    }

    /// The service's name, which is its schema's name and its events' source.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Where instants come from.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Where identifiers come from.
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// Rung after each commit that told something; the relay waits on it.
    pub(crate) fn told(&self) -> &Notify {
        &self.told
    }

    /// Closes both pools.
    pub async fn close(&self) {
        self.pool.close();
        self.worker.close().await;
    }
}

/// Opens a transaction on a pooled connection; `statement` begins it.
///
/// sqlx forgets a transaction whose opening is given up between sending and answer: the connection
/// goes back to the pool inside of it, and what the next user writes there in a statement of its
/// own is acknowledged and never committed. So the opening is a task of its own, which ends whether
/// or not anybody still waits for it; dropped then, the transaction is rolled back as it should be.
pub async fn begin(
    pool: &PgPool,
    statement: &'static str,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let connection = pool.acquire().await?;
    let opening = async move {
        let statement = Some(statement.into_sql_str());
        Transaction::begin(MaybePoolConnection::PoolConnection(connection), statement).await
    };
    let opened = tokio::spawn(opening.in_current_span()).await;
    opened.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

/// A transaction for one tenant; use `&mut *tx` as the connection. Dropped without
/// [`commit`](Tx::commit) it leaves no trace.
pub struct Tx {
    lent: Lent,
    tenant: TenantId,
    now: Timestamp,
    events: Vec<Event>,
    told: bool,
    /// What goes to the audit at commit; none in work that nobody asked for.
    change: Option<Change>,
    db: Db,
}

impl Tx {
    /// The instant this transaction counts as happening at (microseconds); the same at each call.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Whose rows this transaction reads and writes.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Where identifiers come from.
    pub fn ids(&self) -> &Ids {
        &self.db.ids
    }

    /// Says by whom and by which key the change is asked for.
    pub(crate) fn asked_by(&mut self, caller: &Caller, request_id: &str) {
        if let Some(change) = &mut self.change {
            change.keyed(caller, request_id);
        }
    }

    /// Says for the audit how a resource stood before this transaction changes it.
    pub fn was(&mut self, told: &impl Told) {
        if let Some(change) = &mut self.change {
            told.resource_name().clone_into(&mut change.resource);
            change.before = Some(audit::digest(told));
        }
    }

    /// Says for the audit how the resource stands now. A keyed write says it of its answer.
    pub fn became(&mut self, told: &impl Told) {
        if let Some(change) = &mut self.change {
            if !told.resource_name().is_empty() {
                told.resource_name().clone_into(&mut change.resource);
            }
            change.after = Some(audit::digest(told));
        }
    }

    /// As [`was`](Tx::was) and [`became`](Tx::became), for a resource that has digests of its own.
    pub fn changed(&mut self, resource: String, before: Option<Hash>, after: Option<Hash>) {
        if let Some(change) = &mut self.change {
            change.of(resource, before, after);
        }
    }

    /// Says that what this transaction does follows by itself from a change that is in the audit.
    pub fn follows(&mut self) {
        self.change = None;
    }

    /// Tells an event at commit; a transaction that does not commit has told nothing.
    pub fn tell(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Goes on for another tenant: a consumer's batch holds events of several.
    pub(crate) async fn enter(&mut self, tenant: &TenantId) -> Result<(), Refusal> {
        if self.tenant == *tenant {
            return Ok(());
        }
        // What was told for the one before is behind its wall.
        self.write_told(None).await?;
        self.lent.enter(tenant).await.map_err(Refusal::from)?;
        self.tenant = tenant.clone();
        Ok(())
    }

    /// Writes what was told and commits both or neither; then wakes the relay.
    pub async fn commit(self) -> Result<(), Refusal> {
        self.commit_with(None).await
    }

    /// As [`commit`](Tx::commit), with the answer of the request that is done by it.
    pub(crate) async fn commit_with(mut self, answered: Option<Answered>) -> Result<(), Refusal> {
        self.write_told(answered).await?;
        self.lent.commit().await.map_err(Refusal::from)?;
        self.lent.rest();
        if self.told {
            self.db.told.notify_one();
        }
        Ok(())
    }

    async fn write_told(&mut self, answered: Option<Answered>) -> Result<(), Refusal> {
        let events = std::mem::take(&mut self.events);
        let (db, answered) = (&self.db, answered.as_ref());
        let conn = self.lent.pg_mut();
        self.told |= !events.is_empty();
        let change = self.change.take().map(|change| (db.ids.v7(), change));
        let written = if !events.is_empty() || change.is_some() {
            let columns = outbox::Columns::of(&self.tenant, &db.ids, events);
            let beside = outbox::Beside { answered, change };
            outbox::insert(conn, &self.tenant, db.clock.now(), &columns, &beside).await
        } else if let Some(answered) = answered {
            answered.store(conn).await
        } else {
            Ok(())
        };
        written.map_err(Refusal::from)
    }

    /// Says that a statement of this transaction has written events itself
    /// ([`outbox::Columns`]): the commit wakes the relay.
    pub fn has_told(&mut self) {
        self.told = true;
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.lent.pg()
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.lent.pg_mut()
    }
}

/// A connection for one writing statement; use `&mut *single` as the connection.
pub struct Single {
    lent: Lent,
    now: Timestamp,
    db: Db,
}

impl Single {
    /// The instant the statement counts as happening at (microseconds); the same at each call.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Where identifiers come from.
    pub fn ids(&self) -> &Ids {
        &self.db.ids
    }

    /// Says that the statement is done, and gives the connection back; where the statement has
    /// written events ([`outbox::Columns`]), `told` wakes the relay. What is not done has no
    /// effect behind a pooler, and may have one elsewhere.
    pub async fn done(mut self, told: bool) -> Result<(), Refusal> {
        self.lent.commit().await.map_err(Refusal::from)?;
        self.lent.rest();
        if told {
            self.db.told.notify_one();
        }
        Ok(())
    }
}

impl Deref for Single {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.lent.pg()
    }
}

impl DerefMut for Single {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.lent.pg_mut()
    }
}

/// A connection for reading one tenant's rows; use `&mut *read` as the connection.
pub struct Read {
    lent: Lent,
    tenant: TenantId,
}

impl Read {
    /// Whose rows are read.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Gives the connection back at once. One that is dropped instead is looked at first: its
    /// user may have given up in the middle of a statement.
    pub fn done(self) {
        self.lent.rest();
    }
}

impl Deref for Read {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.lent.pg()
    }
}

impl DerefMut for Read {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.lent.pg_mut()
    }
}

/// Remembers a connection failure, so that pooled connections are checked before their next use.
pub(crate) fn note(error: &sqlx::Error) {
    if breaks_connection(error) {
        LAST_FAILURE.store(system_millis(), Ordering::Relaxed);
    }
}

/// Whether the error speaks of the connection or its server, and not of the statement.
fn breaks_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(e) => e.code().is_some_and(|code| {
            code == "25006" || code.starts_with("57P0") || code.starts_with("08")
        }),
        _ => false,
    }
}

fn worker_options(settings: &Settings) -> PgPoolOptions {
    PgPoolOptions::new()
        .acquire_timeout(Duration::from_millis(settings.acquire_timeout_ms))
        .test_before_acquire(false)
        .before_acquire(|conn, meta| {
            Box::pin(async move {
                if is_wary() || meta.idle_for > IDLE_BEFORE_CHECK {
                    return Ok(is_writable(conn).await);
                }
                Ok(true)
            })
        })
}

/// Whether connections are to be checked before use.
fn is_wary() -> bool {
    let since = system_millis().saturating_sub(LAST_FAILURE.load(Ordering::Relaxed));
    u128::try_from(since).is_ok_and(|ms| ms < WARY_FOR.as_millis())
}

/// Whether the server still takes writes on this connection; false closes it.
async fn is_writable(conn: &mut PgConnection) -> bool {
    sqlx::query_scalar::<_, String>("show transaction_read_only")
        .fetch_one(conn)
        .await
        .is_ok_and(|read_only| read_only == "off")
}

fn system_millis() -> i64 {
    Clock::system().now().as_millisecond()
}
