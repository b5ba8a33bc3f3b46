//! The suite: all services in one process over a private PostgreSQL and Redis, and the laws their
//! databases keep.
//!
//! The only file that knows the service crates.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use chassis::config::Config;
use chassis::local::{self, Local};
use chassis::service::{self, Blueprint, Running};
use chassis::telemetry::{self, Telemetry};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;

use crate::client::{Endpoints, SERVICES};
use crate::terminal::Voice;

/// The database of the private suite.
const DATABASE: &str = "fettle";
/// The admin listener's distance from the gRPC port.
const ADMIN: u16 = 100;

type Check = for<'c> fn(&'c mut PgConnection) -> BoxFuture<'c, anyhow::Result<Vec<Found>>>;

/// A broken law as a service tells it.
struct Found {
    law: &'static str,
    words: String,
}

/// One service of the suite: how it is made, and what must hold of its tables.
struct Part {
    blueprint: &'static Blueprint,
    check: Check,
}

/// Wires one service crate; a function cannot be generic over a crate.
macro_rules! part {
    ($service:ident) => {
        Part {
            blueprint: &$service::BLUEPRINT,
            check: |conn| {
                async move {
                    let breaches = $service::invariants::check(conn).await;
                    let breaches = breaches.map_err(|error| anyhow::anyhow!("{error:?}"))?;
                    let found = breaches.into_iter().map(|breach| Found {
                        law: breach.law.into(),
                        words: format!("{}: {}", breach.subject, breach.detail),
                    });
                    Ok(found.collect())
                }
                .boxed()
            },
        }
    };
}

/// Wires a service crate that tells no laws of its own.
macro_rules! part_without_laws {
    ($service:ident) => {
        Part {
            blueprint: &$service::BLUEPRINT,
            check: |_| std::future::ready(Ok(Vec::new())).boxed(),
        }
    };
}

/// Every service, in the order of [`SERVICES`].
static PARTS: [Part; SERVICES.len()] = [
    part!(ticket),
    part_without_laws!(entitlement),
    part!(inventory),
    part!(dispatch),
    part!(feedback),
    part_without_laws!(channel),
];

/// How to start a suite.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Folder of PostgreSQL and Redis.
    pub(crate) dir: PathBuf,
    /// Port of the first service; the others follow. `None`: free ports.
    pub(crate) port_base: Option<u16>,
    /// Begins with an empty database, whatever the folder held.
    pub(crate) fresh: bool,
}

impl Options {
    /// A suite for one command only, at free ports.
    pub(crate) fn private(dir: &Path) -> Options {
        Options { dir: dir.to_path_buf(), port_base: None, fresh: false }
    }
}

/// A law and what breaks it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Law {
    /// The service that keeps it.
    pub(crate) service: &'static str,
    /// The law; "every law" when none of the service's is broken.
    pub(crate) law: String,
    /// What breaks it; empty: it holds.
    pub(crate) breaches: Vec<String>,
}

/// A running suite.
pub(crate) struct Suite {
    endpoints: Endpoints,
    local: Local,
    services: Vec<Running>,
    shutdown: CancellationToken,
    telemetry: Option<Telemetry>,
}

impl Suite {
    /// Starts databases and services, migrated and ready. What was started is stopped again when a
    /// later part fails.
    pub(crate) async fn start(options: &Options, voice: Voice) -> anyhow::Result<Suite> {
        let servers = local::Options {
            dir: options.dir.clone(),
            fsync: true,
            name: "fettle".to_owned(),
        };
        let local = blocking(move || Local::start(&servers)).await?;
        if let Some(notice) = local.notice() {
            voice.note(notice);
        }
        let mut suite = Suite {
            endpoints: Endpoints::on("127.0.0.1", SERVICES[0].1),
            local,
            services: Vec::new(),
            shutdown: CancellationToken::new(),
            telemetry: None,
        };
        match suite.begin(options, voice).await {
            Ok(()) => Ok(suite),
            Err(error) => {
                suite.stop().await.context("stopping after a failed start")?;
                Err(error)
            }
        }
    }

    async fn begin(&mut self, options: &Options, voice: Voice) -> anyhow::Result<()> {
        make_database(&self.local, options.fresh).await?;
        let mut ports = Vec::new();
        for (index, (service, _)) in SERVICES.iter().enumerate() {
            let wanted = options.port_base.map(|base| base.saturating_add(index as u16));
            let port = free_port(wanted, &ports)?;
            if let Some(wanted) = wanted.filter(|wanted| *wanted != port) {
                voice.note(format!("port {wanted} is taken; {service} listens at {port}"));
            }
            ports.push(port);
            self.endpoints.0.insert((*service).to_owned(), format!("http://127.0.0.1:{port}"));
        }
        for (part, port) in PARTS.iter().zip(ports) {
            let name = part.blueprint.name;
            let config = self.config(part.blueprint, port).context(name)?;
            if self.telemetry.is_none() {
                // A second suite in the same process writes where the first one did.
                self.telemetry = telemetry::init("suite", &config.telemetry).ok();
            }
            service::migrate(part.blueprint, &config).await.context(name)?;
            let running = service::start(part.blueprint, config, self.shutdown.clone()).await;
            self.services.push(running.context(name)?);
        }
        Ok(())
    }

    /// The service's defaults, the environment over them, and what this suite is over both.
    fn config(&self, blueprint: &Blueprint, port: u16) -> anyhow::Result<Config> {
        let password = self.local.password();
        let admin_port = port.checked_add(ADMIN).filter(|port| is_free(*port)).unwrap_or(0);
        let mut layers = Config::layers(blueprint.name, blueprint.defaults)
            // A fresh Redis has no streams yet, which is no news here.
            .set("telemetry.level", "warn,chassis::relay=error")
            .environment()
            .set("server.listen", &format!("127.0.0.1:{port}"))
            .set("server.admin_listen", &format!("127.0.0.1:{admin_port}"))
            .set("database.url", &self.local.pg_url(DATABASE, "postgres"))
            .set("database.admin_url", &self.local.pg_url(DATABASE, "postgres"))
            .set("database.password", password)
            .set("database.worker_password", password)
            .set("database.owner_password", password)
            .set("events.redis_url", &self.local.redis_url());
        if blueprint.name == "channel" {
            let key = std::path::absolute(self.local.dir().join("channel/master.key"))?;
            layers = layers.set("channel.master_key_file", &key.to_string_lossy());
        }
        let mut config = layers.read()?;
        config.peers.extend(self.endpoints.0.clone());
        Ok(config)
    }

    /// Where the services answer.
    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Stops the services, then Redis and PostgreSQL.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        let drained = futures::future::join_all(self.services.into_iter().map(Running::finished));
        let failed = drained.await.into_iter().find_map(Result::err);
        let local = self.local;
        blocking(move || local.stop()).await?;
        if let Some(telemetry) = self.telemetry {
            tokio::task::spawn_blocking(move || telemetry.shutdown()).await?;
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, local::Error> + Send + 'static,
) -> anyhow::Result<T> {
    Ok(tokio::task::spawn_blocking(work).await??)
}

async fn make_database(local: &Local, fresh: bool) -> anyhow::Result<()> {
    let mut conn = PgConnection::connect(&local.admin_url()).await?;
    if fresh {
        sqlx::query("drop database if exists fettle with (force)").execute(&mut conn).await?;
    }
    let made: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(DATABASE)
        .fetch_one(&mut conn)
        .await?;
    if !made {
        sqlx::query("create database fettle").execute(&mut conn).await?;
    }
    Ok(conn.close().await?)
}

/// The wanted port when nobody listens there, else any other that is free.
fn free_port(wanted: Option<u16>, taken: &[u16]) -> anyhow::Result<u16> {
    if let Some(port) = wanted.filter(|port| is_free(*port)) {
        return Ok(port);
    }
    for _ in 0..20 {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        if !taken.contains(&port) {
            return Ok(port);
        }
    }
    bail!("no port of 127.0.0.1 is free")
}

fn is_free(port: u16) -> bool {
    std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// Checks every law of every service: in the databases that the environment names, else in those
/// of the private suite in `dir`.
pub(crate) async fn laws(dir: &Path) -> anyhow::Result<Vec<Law>> {
    let dir = dir.to_path_buf();
    let local = match databases_configured() {
        true => None,
        false => {
            let found = blocking(move || Local::attach(&dir)).await?;
            Some(found.context("no database runs here")?)
        }
    };
    let mut laws = Vec::new();
    for part in &PARTS {
        let name = part.blueprint.name;
        let mut conn = connect(part.blueprint, local.as_ref()).await.context(name)?;
        let found = (part.check)(&mut conn).await.context(name)?;
        conn.close().await?;
        laws.extend(by_law(name, found));
    }
    Ok(laws)
}

/// Connects as whoever may read all of the service's schema.
async fn connect(blueprint: &Blueprint, local: Option<&Local>) -> anyhow::Result<PgConnection> {
    let name = blueprint.name;
    let url = match local {
        Some(local) => local.pg_url(DATABASE, &format!("fettle_{name}_worker")),
        None => {
            let config = Config::layers(name, blueprint.defaults).environment().read()?;
            let database = config.database;
            let admin = Some(database.admin_url).filter(|url| !url.is_empty());
            admin.unwrap_or(database.url)
        }
    };
    let mut conn = PgConnection::connect(&url).await?;
    sqlx::query("select set_config('search_path', $1, false)")
        .bind(format!("{name}, public, pg_temp"))
        .execute(&mut conn)
        .await?;
    Ok(conn)
}

fn by_law(service: &'static str, found: Vec<Found>) -> Vec<Law> {
    let mut laws: Vec<Law> = Vec::new();
    for one in found {
        match laws.iter_mut().find(|law| law.law == one.law) {
            Some(law) => law.breaches.push(one.words),
            None => {
                laws.push(Law { service, law: one.law.to_owned(), breaches: vec![one.words] });
            }
        }
    }
    if laws.is_empty() {
        laws.push(Law { service, law: "every law".to_owned(), breaches: Vec::new() });
    }
    laws
}

/// How long events took from commit to effect, 99th percentile, in milliseconds, since the last
/// call; `None`: nothing was measured.
pub(crate) fn event_lag_p99_millis() -> Option<u64> {
    let mut samples = chassis::inbox::lag_samples();
    chassis::inbox::clear_lag_samples();
    samples.sort_unstable();
    let sample: &Duration = samples.get((samples.len() * 99 / 100).min(samples.len().checked_sub(1)?))?;
    u64::try_from(sample.as_millis()).ok()
}

/// Whether the environment names the services' databases, as it does in a deployment.
pub(crate) fn databases_configured() -> bool {
    std::env::vars_os().any(|(name, _)| {
        let name = name.to_string_lossy();
        name.starts_with("FETTLE_") && name.ends_with("__DATABASE__URL")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaches_are_told_law_by_law() {
        let found = |law: &'static str, words: &str| Found { law, words: words.to_owned() };

        let laws = by_law("inventory", vec![found("a", "1"), found("b", "2"), found("a", "3")]);

        let told: Vec<_> = laws.iter().map(|law| (law.law.as_str(), law.breaches.len())).collect();
        assert_eq!(told, [("a", 2), ("b", 1)]);
        assert!(by_law("inventory", Vec::new())[0].breaches.is_empty());
    }

    #[test]
    fn a_taken_port_is_replaced() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let taken = listener.local_addr().unwrap().port();

        let port = free_port(Some(taken), &[]).unwrap();

        assert_ne!(port, taken);
    }
}
