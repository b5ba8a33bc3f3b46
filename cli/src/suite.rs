//! The suite: all services in one process over a private PostgreSQL and Redis, and the laws their
//! databases keep.
//!
//! This file and those below it are the only ones that know the service crates.

mod histories;
mod laws;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use chassis::config::Config;
use chassis::identity::Development;
use chassis::invariants::Breach;
use chassis::local::{self, Local};
use chassis::service::{self, Blueprint, Running};
use chassis::telemetry::{self, Telemetry};
use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;

use crate::client::{Credentials, Endpoints, SERVICES, issuer_of};
use crate::terminal::Voice;

pub(crate) use histories::check_history;
pub(crate) use laws::{Against, Law, audited, laws};

/// The database of the private suite.
const DATABASE: &str = "fettle";
/// The admin listener's distance from the gRPC port.
const ADMIN: u16 = 100;

type Check = for<'c> fn(&'c mut PgConnection) -> BoxFuture<'c, Result<Vec<Breach>, sqlx::Error>>;

/// One service of the suite: how it is made, and what must hold of its own tables.
struct Part {
    blueprint: &'static Blueprint,
    laws: &'static [&'static str],
    check: Check,
}

/// Wires one service crate; a function cannot be generic over a crate.
macro_rules! part {
    ($service:ident) => {
        Part {
            blueprint: &$service::BLUEPRINT,
            laws: &$service::invariants::LAWS,
            check: |conn| $service::invariants::check(conn).boxed(),
        }
    };
}

/// Wires a service crate whose tables keep no law beyond those that every service has.
macro_rules! part_without_laws {
    ($service:ident) => {
        Part {
            blueprint: &$service::BLUEPRINT,
            laws: &[],
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
        Options {
            dir: dir.to_path_buf(),
            port_base: None,
            fresh: false,
        }
    }
}

/// A running suite.
pub(crate) struct Suite {
    endpoints: Endpoints,
    dir: PathBuf,
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
            dir: options.dir.clone(),
            local,
            services: Vec::new(),
            shutdown: CancellationToken::new(),
            telemetry: None,
        };
        match suite.begin(options, voice).await {
            Ok(()) => Ok(suite),
            Err(error) => {
                suite
                    .stop()
                    .await
                    .context("stopping after a failed start")?;
                Err(error)
            }
        }
    }

    async fn begin(&mut self, options: &Options, voice: Voice) -> anyhow::Result<()> {
        make_database(&self.local, options.fresh).await?;
        let issuer = issuer_of(&options.dir)?;
        let mut ports = Vec::new();
        for (index, (service, _)) in SERVICES.iter().enumerate() {
            let wanted = options
                .port_base
                .map(|base| base.saturating_add(index as u16));
            let port = free_port(wanted, &ports)?;
            if let Some(wanted) = wanted.filter(|wanted| *wanted != port) {
                voice.note(format!(
                    "port {wanted} is taken; {service} listens at {port}"
                ));
            }
            ports.push(port);
            self.endpoints
                .0
                .insert((*service).to_owned(), format!("http://127.0.0.1:{port}"));
        }
        for (part, port) in PARTS.iter().zip(ports) {
            let name = part.blueprint.name;
            let config = self.config(part.blueprint, port, &issuer).context(name)?;
            if self.telemetry.is_none() {
                // A second suite in the same process writes where the first one did.
                self.telemetry = telemetry::init("suite", &config.telemetry).ok();
            }
            service::migrate(part.blueprint, &config)
                .await
                .context(name)?;
            let running = service::start(part.blueprint, config, self.shutdown.clone()).await;
            self.services.push(running.context(name)?);
        }
        Ok(())
    }

    /// The service's defaults, the environment over them, and what this suite is over both.
    fn config(
        &self,
        blueprint: &Blueprint,
        port: u16,
        issuer: &Development,
    ) -> anyhow::Result<Config> {
        let password = self.local.password();
        let admin_port = port
            .checked_add(ADMIN)
            .filter(|port| is_free(*port))
            .unwrap_or(0);
        let mut layers = Config::layers(blueprint.name, blueprint.defaults)
            // A fresh Redis has no streams yet, which is no news here.
            .set("telemetry.level", "warn,chassis::relay=error")
            // One machine runs all six with their database: fewer sessions each.
            .set("database.max_connections", "12")
            .set("database.min_connections", "2")
            .set("database.worker_connections", "5")
            .environment()
            .set("server.listen", &format!("127.0.0.1:{port}"))
            .set("server.admin_listen", &format!("127.0.0.1:{admin_port}"))
            .set("database.url", &self.local.pg_url(DATABASE, "postgres"))
            .set(
                "database.admin_url",
                &self.local.pg_url(DATABASE, "postgres"),
            )
            .set("database.password", password)
            .set("database.worker_password", password)
            .set("database.auditor_password", password)
            .set("database.owner_password", password)
            .set("events.redis_url", &self.local.redis_url());
        for (key, value) in issuer.settings() {
            layers = layers.set(key, &value);
        }
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

    /// What the services believe.
    pub(crate) fn credentials(&self) -> anyhow::Result<Credentials> {
        Credentials::of_folder(&self.dir)
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
        sqlx::query("drop database if exists fettle with (force)")
            .execute(&mut conn)
            .await?;
    }
    let made: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(DATABASE)
            .fetch_one(&mut conn)
            .await?;
    if !made {
        sqlx::query("create database fettle")
            .execute(&mut conn)
            .await?;
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

/// How long events took from commit to effect, 99th percentile, in milliseconds, since the last
/// call; `None`: nothing was measured.
pub(crate) fn event_lag_p99_millis() -> Option<u64> {
    let mut samples = chassis::inbox::lag_samples();
    chassis::inbox::clear_lag_samples();
    samples.sort_unstable();
    let sample: &Duration =
        samples.get((samples.len() * 99 / 100).min(samples.len().checked_sub(1)?))?;
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
    fn a_taken_port_is_replaced() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let taken = listener.local_addr().unwrap().port();

        let port = free_port(Some(taken), &[]).unwrap();

        assert_ne!(port, taken);
    }
}
