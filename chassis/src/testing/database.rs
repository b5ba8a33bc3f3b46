//! A database per test, cloned from a template that is migrated once.

use std::fmt::Display;
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{must, servers, watchdog};
use crate::local::Local;

/// Held while a template is built: migrations also create roles, which all databases share.
const BUILD_LOCK: i64 = 0x6665_7474_6c65;

/// Older templates belong to migrations that have changed since.
const TEMPLATES_KEPT: i64 = 32;

/// A migrated database that nobody connects to; copies of it are handed to tests.
#[derive(Debug, Clone)]
pub struct Template {
    local: &'static Local,
    name: String,
    /// PostgreSQL 15 and later copy through the log, which needs no checkpoint.
    strategy: &'static str,
}

/// A database of one test. It stays after the test, so that a failed one can be looked at; a later run drops it.
#[derive(Debug, Clone)]
pub struct Database {
    local: &'static Local,
    name: String,
}

impl Database {
    /// Connects as the superuser, who is above row-level security.
    pub fn url(&self) -> String {
        self.url_as("postgres")
    }

    /// Connects as a role; one that logs in must have been created with [`Local::password`].
    pub fn url_as(&self, role: &str) -> String {
        self.local.pg_url(&self.name, role)
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The template for `key`, built on first need by `build`, which gets the superuser's URL of an empty database.
///
/// `key` names everything that `build` puts in, such as a service and the hash of its migrations: the same key gives
/// the same template, also in later runs. Roles, and settings of a role within a database, are not part of a copy.
pub async fn template<E: Display>(
    key: &str,
    build: impl AsyncFnOnce(&str) -> Result<(), E>,
) -> Template {
    let local = servers().await;
    let digest = Sha256::digest(key.as_bytes());
    let name = format!("template_{}", data_encoding::HEXLOWER.encode(&digest[..8]));
    let mut admin = must("connect", PgConnection::connect(&local.admin_url()).await);
    if !must("look for a template", is_built(&mut admin, &name).await) {
        let lock = sqlx::query("select pg_advisory_lock($1)").bind(BUILD_LOCK);
        must("lock", lock.execute(&mut admin).await);
        if !must("look for a template", is_built(&mut admin, &name).await) {
            must("create a template", recreate(&mut admin, &name, "").await);
            must(
                "build a template",
                build(&local.pg_url(&name, "postgres")).await,
            );
            must("finish a template", finish(&mut admin, &name).await);
        }
    }
    let version = sqlx::query_scalar("select current_setting('server_version_num')::int");
    let version: i32 = must("ask for the version", version.fetch_one(&mut admin).await);
    // Closing also gives the lock back.
    let _ = admin.close().await;
    Template {
        local,
        name,
        strategy: if version >= 150_000 {
            "strategy wal_log"
        } else {
            ""
        },
    }
}

impl Template {
    /// A new database for one test, equal to the template.
    pub async fn clone_database(&self) -> Database {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", std::process::id());
        let options = format!("template \"{}\" {}", self.name, self.strategy);
        let url = self.local.admin_url();
        let mut admin = must("connect", PgConnection::connect(&url).await);
        must(
            "clone a database",
            recreate(&mut admin, &name, &options).await,
        );
        let _ = admin.close().await;
        Database {
            local: self.local,
            name,
        }
    }
}

/// A template is whole once it is marked as one; a build that was interrupted leaves an unmarked database.
async fn is_built(admin: &mut PgConnection, name: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "select exists (select from pg_database where datname = $1 and datistemplate)",
    )
    .bind(name)
    .fetch_one(admin)
    .await
}

/// Creates a database; one of that name is left over from an earlier process of the same number, or half built.
async fn recreate(admin: &mut PgConnection, name: &str, options: &str) -> sqlx::Result<()> {
    drop_database(admin, name).await?;
    let create = format!("create database \"{name}\" {options}");
    admin.execute(AssertSqlSafe(create)).await?;
    Ok(())
}

async fn drop_database(admin: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    let statement = format!("drop database if exists \"{name}\" with (force)");
    admin.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}

/// Marks a template as whole and drops the oldest ones.
async fn finish(admin: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    let close = format!("alter database \"{name}\" with is_template true allow_connections false");
    admin.execute(AssertSqlSafe(close)).await?;
    let old: Vec<String> = sqlx::query_scalar(
        "select datname from pg_database where datname like 'template\\_%' and datistemplate
         order by oid desc offset $1",
    )
    .bind(TEMPLATES_KEPT)
    .fetch_all(&mut *admin)
    .await?;
    for name in old {
        let open = format!("alter database \"{name}\" with is_template false");
        admin.execute(AssertSqlSafe(open)).await?;
        // One that is being copied right now stays until the next time.
        let _ = drop_database(admin, &name).await;
    }
    Ok(())
}

/// Drops the databases of test processes that have ended, beside the tests of this one.
pub(super) fn drop_leftovers(local: &Local) {
    let url = local.admin_url();
    let clean = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        if let Ok(runtime) = runtime {
            // Best effort: what is not dropped now is found again by the next process.
            let _ = runtime.block_on(sweep(&url));
        }
    };
    drop(std::thread::spawn(clean));
}

async fn sweep(url: &str) -> sqlx::Result<()> {
    let mut admin = PgConnection::connect(url).await?;
    let names: Vec<String> =
        sqlx::query_scalar("select datname from pg_database where datname like 'test\\_%'")
            .fetch_all(&mut admin)
            .await?;
    for name in names {
        let owner = name.split('_').nth(1).and_then(|pid| pid.parse().ok());
        if !owner.is_some_and(watchdog::is_user) {
            drop_database(&mut admin, &name).await?;
        }
    }
    admin.close().await
}
