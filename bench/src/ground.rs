//! What is measured on: a private PostgreSQL and Redis, durable as in earnest, and the services
//! over them in this process, reached through real connections.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chassis::Clock;
use chassis::config::Config;
use chassis::identity::{Development, Minter, development};
use chassis::local::{self, Local};
use chassis::service::{self, Blueprint, Running};
use chassis::telemetry::{self, Telemetry};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// The database of all services.
const DATABASE: &str = "fettle";

/// Every service that takes part; who calls stands before who is called.
pub(crate) const SUITE: [&Blueprint; 5] = [
    &ticket::BLUEPRINT,
    &dispatch::BLUEPRINT,
    &entitlement::BLUEPRINT,
    &inventory::BLUEPRINT,
    &feedback::BLUEPRINT,
];

/// Running servers with every schema made; stopped by [`stop`](Ground::stop).
pub(crate) struct Ground {
    local: Local,
    folder: TempDir,
    programs: PathBuf,
    postmaster: u32,
    admin: PgPool,
    telemetry: Option<Telemetry>,
    identity: Development,
}

impl Ground {
    /// Starts servers in a temporary folder and migrates `blueprints`.
    pub(crate) async fn start(blueprints: &[&Blueprint]) -> anyhow::Result<Ground> {
        let folder = tempfile::tempdir().context("making a temporary folder")?;
        let options = local::Options {
            dir: folder.path().join("servers"),
            fsync: true,
            name: "fettle-bench".to_owned(),
        };
        open(folder.path())?;
        let local = tokio::task::spawn_blocking(move || Local::start(&options)).await??;
        match Ground::prepare(&local, folder, blueprints).await {
            Ok(ground) => Ok(ground),
            Err(error) => {
                tokio::task::spawn_blocking(move || local.stop()).await??;
                Err(error)
            }
        }
    }

    async fn prepare(
        local: &Local,
        folder: TempDir,
        blueprints: &[&Blueprint],
    ) -> anyhow::Result<Ground> {
        let mut conn = PgConnection::connect(&local.admin_url()).await?;
        sqlx::query("create database fettle")
            .execute(&mut conn)
            .await?;
        conn.close().await?;
        let url = local.pg_url(DATABASE, "postgres");
        let admin = PgPoolOptions::new()
            .max_connections(2)
            .connect(&url)
            .await?;
        let programs = "select setting from pg_config where name = 'BINDIR'";
        let programs: String = sqlx::query_scalar(programs).fetch_one(&admin).await?;
        let mut ground = Ground {
            postmaster: postmaster(local.dir())?,
            local: local.clone(),
            identity: development(&folder.path().join("identity"))?,
            folder,
            programs: PathBuf::from(programs),
            admin,
            telemetry: None,
        };
        for blueprint in blueprints {
            let config = ground.config(blueprint, &BTreeMap::new())?;
            service::migrate(blueprint, &config)
                .await
                .context(blueprint.name)?;
            if ground.telemetry.is_none() {
                ground.telemetry = telemetry::init("bench", &config.telemetry).ok();
            }
        }
        Ok(ground)
    }

    /// The service's defaults, and where this ground's servers are.
    pub(crate) fn config(
        &self,
        blueprint: &Blueprint,
        peers: &BTreeMap<String, String>,
    ) -> anyhow::Result<Config> {
        let mut layers = Config::layers(blueprint.name, blueprint.defaults);
        for (key, value) in self.settings() {
            layers = layers.set(key, &value);
        }
        let mut config = layers
            .set("server.listen", "127.0.0.1:0")
            .set("server.admin_listen", "127.0.0.1:0")
            .read()?;
        config.peers.extend(peers.clone());
        Ok(config)
    }

    /// What differs from the defaults for every service.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let password = self.local.password().to_owned();
        let mut settings = vec![
            ("telemetry.level", "error".to_owned()),
            // A machine that others use may be slow for a while: that shows in the waits and is no
            // reason to refuse.
            ("database.acquire_timeout_ms", "60000".to_owned()),
            ("server.default_deadline_ms", "60000".to_owned()),
            ("database.url", self.database_url("postgres")),
            ("database.admin_url", self.database_url("postgres")),
            ("database.password", password.clone()),
            ("database.worker_password", password.clone()),
            ("database.owner_password", password),
            ("events.redis_url", self.local.redis_url()),
        ];
        settings.extend(self.identity.settings());
        settings
    }

    /// Makes tokens that every service here believes.
    pub(crate) fn minter(&self) -> anyhow::Result<Minter> {
        Ok(self.identity.minter(Clock::system())?)
    }

    /// Serves these services, each knowing where the others are.
    pub(crate) async fn serve(&self, blueprints: &[&Blueprint]) -> anyhow::Result<Suite> {
        let shutdown = CancellationToken::new();
        let mut suite = Suite {
            addresses: BTreeMap::new(),
            running: Vec::new(),
            shutdown,
            minter: self.minter()?,
        };
        for blueprint in blueprints.iter().rev() {
            let name = blueprint.name;
            let mut peers = suite.addresses.clone();
            for other in SUITE {
                // Nobody listens there: a peer that is not part of this run.
                peers
                    .entry(other.name.to_owned())
                    .or_insert("http://127.0.0.1:1".to_owned());
            }
            let config = self.config(blueprint, &peers)?;
            let running = service::start(blueprint, config, suite.shutdown.clone()).await;
            let running = running.context(name)?;
            suite
                .addresses
                .insert(name.to_owned(), format!("http://{}", running.grpc));
            suite.running.push(running);
        }
        Ok(suite)
    }

    /// Connects to the database as its superuser.
    pub(crate) fn admin(&self) -> &PgPool {
        &self.admin
    }

    /// A connection of the superuser to a service's schema, where laws are checked.
    pub(crate) async fn in_schema(&self, service: &str) -> anyhow::Result<PgConnection> {
        let mut conn = PgConnection::connect(&self.database_url("postgres")).await?;
        sqlx::query("select set_config('search_path', $1, false)")
            .bind(format!("{service}, public, pg_temp"))
            .execute(&mut conn)
            .await?;
        Ok(conn)
    }

    /// Where the database answers for a user.
    pub(crate) fn database_url(&self, user: &str) -> String {
        self.local.pg_url(DATABASE, user)
    }

    /// The folder of PostgreSQL's programs.
    pub(crate) fn programs(&self) -> &Path {
        &self.programs
    }

    /// For files of the run.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// PostgreSQL's first process.
    pub(crate) fn postmaster(&self) -> u32 {
        self.postmaster
    }

    /// Stops the servers; the folder goes with them.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.admin.close().await;
        let local = self.local;
        tokio::task::spawn_blocking(move || local.stop()).await??;
        if let Some(telemetry) = self.telemetry {
            tokio::task::spawn_blocking(move || telemetry.shutdown()).await?;
        }
        Ok(())
    }
}

/// Lets the account that the servers run as pass through the temporary folder.
fn open(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let passable = std::fs::Permissions::from_mode(0o711);
    std::fs::set_permissions(folder, passable).context("opening the temporary folder")
}

fn postmaster(dir: &Path) -> anyhow::Result<u32> {
    let path = dir.join("pg/data/postmaster.pid");
    let text = std::fs::read_to_string(&path).context("reading PostgreSQL's process file")?;
    let first = text.lines().next().unwrap_or_default();
    first
        .trim()
        .parse()
        .context("PostgreSQL's process file names no process")
}

/// Running services.
pub(crate) struct Suite {
    addresses: BTreeMap<String, String>,
    running: Vec<Running>,
    shutdown: CancellationToken,
    minter: Minter,
}

impl Suite {
    /// That many connections to a service.
    pub(crate) async fn connect(
        &self,
        service: &str,
        connections: usize,
    ) -> anyhow::Result<Vec<Channel>> {
        let address = self
            .addresses
            .get(service)
            .context("the service is not part of this run")?;
        connect(address, connections).await
    }

    /// Makes tokens that the services believe.
    pub(crate) fn minter(&self) -> &Minter {
        &self.minter
    }

    /// Lets the services drain.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        for running in self.running {
            running.finished().await?;
        }
        Ok(())
    }
}

/// That many connections to an address.
pub(crate) async fn connect(address: &str, connections: usize) -> anyhow::Result<Vec<Channel>> {
    let mut channels = Vec::new();
    for _ in 0..connections.max(1) {
        let endpoint = Channel::from_shared(address.to_owned())?.tcp_nodelay(true);
        channels.push(
            endpoint
                .connect()
                .await
                .with_context(|| format!("reaching {address}"))?,
        );
    }
    Ok(channels)
}
