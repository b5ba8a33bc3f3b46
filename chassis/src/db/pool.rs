//! Pooled connections that know whose rows they may touch.
//!
//! Row-level security reads the tenant from the setting `fettle.tenant`. A session keeps it from
//! one use to the next, so that it is sent only where the next use is another tenant's; a
//! transaction sets it for itself, in the round trip that begins it.

use std::time::Duration;

use deadpool::managed::{
    self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult, Timeouts,
};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};

use super::{IDLE_BEFORE_CHECK, Settings, is_wary, is_writable};
use crate::caller::TenantId;

/// How long a connection that was given up may take to come to rest before it is closed.
const MENDING: Duration = Duration::from_secs(10);

/// Connections of one role to one database.
#[derive(Clone)]
pub(super) struct Pool {
    inner: managed::Pool<Maker>,
    /// Sessions may keep a setting: no pooler stands between.
    sessions: bool,
}

/// Makes connections and looks at those that come back.
struct Maker(PgConnectOptions);

/// A connection with what its session is set to.
pub(super) struct Session {
    pg: PgConnection,
    /// Whose rows the session may touch; none: nobody's, or unknown.
    tenant: Option<TenantId>,
    /// A transaction is open, or may be.
    open: bool,
}

impl managed::Manager for Maker {
    type Type = Session;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Session, sqlx::Error> {
        Ok(Session {
            pg: self.0.connect().await?,
            tenant: None,
            open: false,
        })
    }

    async fn recycle(
        &self,
        session: &mut Session,
        metrics: &Metrics,
    ) -> RecycleResult<sqlx::Error> {
        let doubtful = is_wary() || metrics.last_used() > IDLE_BEFORE_CHECK;
        if doubtful && !is_writable(&mut session.pg).await {
            return Err(RecycleError::message("the server takes no writes here"));
        }
        Ok(())
    }
}

impl Pool {
    /// Connects at first need. Must be called within a Tokio runtime when `min_connections` is
    /// not 0.
    pub(super) fn new(options: PgConnectOptions, settings: &Settings) -> Result<Pool, sqlx::Error> {
        let patience = Some(Duration::from_millis(settings.acquire_timeout_ms));
        // A rollback where nothing was begun yet is worth no warning.
        let options = options.options([("client_min_messages", "error")]);
        let most = usize::try_from(settings.max_connections).unwrap_or(usize::MAX);
        let inner = managed::Pool::builder(Maker(options))
            .max_size(most)
            // The one used last is warm, and most likely set to the tenant that asks.
            .queue_mode(QueueMode::Lifo)
            .timeouts(Timeouts {
                wait: patience,
                create: patience,
                recycle: patience,
            })
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|error| sqlx::Error::Configuration(error.into()))?;
        let pool = Pool {
            inner,
            sessions: settings.startup_options,
        };
        let least = settings.min_connections.min(settings.max_connections);
        if least > 0 {
            let warm = pool.clone();
            tokio::spawn(async move {
                let each = (0..least).map(|_| warm.inner.get());
                // What cannot be opened now is opened when it is needed.
                drop(futures::future::join_all(each).await);
            });
        }
        Ok(pool)
    }

    async fn take(&self) -> Result<Lent, sqlx::Error> {
        let taken = self.inner.get().await;
        let object = taken.map_err(|error| match error {
            PoolError::Timeout(_) => sqlx::Error::PoolTimedOut,
            PoolError::Closed => sqlx::Error::PoolClosed,
            PoolError::Backend(error) => error,
            other => sqlx::Error::Configuration(other.to_string().into()),
        })?;
        Ok(Lent {
            object: Some(object),
            at_rest: false,
        })
    }

    /// A connection whose statements are transactions of their own.
    pub(super) async fn single(&self, tenant: &TenantId) -> Result<Lent, sqlx::Error> {
        if !self.sessions {
            return self.begin(tenant, "begin").await;
        }
        let mut lent = self.take().await?;
        lent.keep(tenant).await?;
        Ok(lent)
    }

    /// A connection within a transaction that `statement` begins.
    pub(super) async fn begin(
        &self,
        tenant: &TenantId,
        statement: &str,
    ) -> Result<Lent, sqlx::Error> {
        let mut lent = self.take().await?;
        let session = lent.session();
        let begin = match &session.tenant {
            Some(kept) if kept == tenant => statement.to_owned(),
            _ => format!("{statement}; {}", set_local(tenant)),
        };
        session.open = true;
        session.pg.execute(AssertSqlSafe(begin)).await?;
        Ok(lent)
    }

    /// Whether the database answers.
    pub(super) async fn ping(&self) -> Result<(), sqlx::Error> {
        let mut lent = self.take().await?;
        lent.session().pg.ping().await?;
        lent.rest();
        Ok(())
    }

    /// Closes what is idle now and what comes back later.
    pub(super) fn close(&self) {
        self.inner.close();
    }
}

/// For statements without parameters; a tenant's name has no quotes.
fn set_local(tenant: &TenantId) -> String {
    format!("set local fettle.tenant = '{tenant}'")
}

/// A connection while somebody uses it.
///
/// One that is not said to be [at rest](Lent::rest) may be in the middle of anything: its user
/// gave up. It is brought to rest by a task of its own before anybody else gets it.
pub(super) struct Lent {
    object: Option<Object<Maker>>,
    at_rest: bool,
}

impl Lent {
    #[expect(
        clippy::expect_used,
        reason = "the connection is taken out by drop alone"
    )]
    fn session(&mut self) -> &mut Session {
        self.object.as_mut().expect("lent until dropped")
    }

    #[expect(
        clippy::expect_used,
        reason = "the connection is taken out by drop alone"
    )]
    pub(super) fn pg(&self) -> &PgConnection {
        &self.object.as_ref().expect("lent until dropped").pg
    }

    pub(super) fn pg_mut(&mut self) -> &mut PgConnection {
        &mut self.session().pg
    }

    /// Sets the session to a tenant.
    async fn keep(&mut self, tenant: &TenantId) -> Result<(), sqlx::Error> {
        let session = self.session();
        if session.tenant.as_ref() == Some(tenant) {
            return Ok(());
        }
        // Given up in the middle it is either.
        session.tenant = None;
        let set = format!("set fettle.tenant = '{tenant}'");
        session.pg.execute(AssertSqlSafe(set)).await?;
        session.tenant = Some(tenant.clone());
        Ok(())
    }

    /// Goes on for another tenant within the transaction.
    pub(super) async fn enter(&mut self, tenant: &TenantId) -> Result<(), sqlx::Error> {
        let set = AssertSqlSafe(set_local(tenant));
        self.session().pg.execute(set).await?;
        Ok(())
    }

    /// Commits what is open; nothing happens where nothing is.
    pub(super) async fn commit(&mut self) -> Result<(), sqlx::Error> {
        let session = self.session();
        if session.open {
            session.pg.execute("commit").await?;
            session.open = false;
        }
        Ok(())
    }

    /// Gives the connection back at once: no statement runs on it any more.
    pub(super) fn rest(mut self) {
        self.at_rest = !self.session().open;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else {
            return;
        };
        if self.at_rest {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(mend(object))),
            Err(_) => drop(Object::take(object)),
        }
    }
}

/// Waits for what runs on the connection, and rolls back what is open; else closes it.
async fn mend(mut object: Object<Maker>) {
    let session: &mut Session = &mut object;
    let mended = async {
        if session.open {
            session.pg.execute("rollback").await?;
            session.open = false;
            return Ok(());
        }
        session.pg.ping().await
    };
    match tokio::time::timeout(MENDING, mended).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            super::note(&error);
            drop(Object::take(object));
        }
        Err(_) => drop(Object::take(object)),
    }
}
