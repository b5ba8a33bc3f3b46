//! A service from its blueprint: configured, checked, built, served, drained.
//!
//! `main` serves one service per process; [`start`] serves any number in one. Both take the
//! same path: settings → keys → store (reachable and migrated) → build → relay, consumers and workers →
//! listeners.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::Request;
use proto::DESCRIPTORS;
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::{Routes, RoutesBuilder};

use crate::authz::{Authority, Unsound};
use crate::client::{self, Peer, PeerRefused};
use crate::clock::{Clock, Ids};
use crate::config::{Config, ConfigRefused};
use crate::db::Db;
use crate::identity::{Minter, SigningKey};
use crate::inbox::Consumer;
use crate::migrate::{self, MigrationError};
use crate::page::PageKey;
use crate::server::ServeError;

mod process;
mod running;
mod schema;
mod worker;

pub use process::main;
pub use running::{Running, StopError};
pub use worker::{Shutdown, Worker};

/// What a service's `build` may fail with.
pub type BuildError = Box<dyn std::error::Error + Send + Sync>;

/// What makes a service: its ten-line `main` and `fettle up` both start from it.
#[derive(Clone, Copy)]
pub struct Blueprint {
    /// The service's name, its schema's name and its section's name.
    pub name: &'static str,
    /// Its `config.default.toml`.
    pub defaults: &'static str,
    /// Its migrations, numbered from 101.
    pub migrations: &'static Migrator,
    /// Makes routes, workers and consumers of what it is given.
    pub build: fn(Setting) -> BoxFuture<'static, Result<Service, BuildError>>,
}

/// What a service is built from.
pub struct Setting {
    /// Its store, with clock and ids.
    pub db: Db,
    /// The services it calls.
    pub peers: Peers,
    /// Its own section of the configuration.
    pub config: figment::Figment,
    /// Seals its page tokens.
    pub page_key: PageKey,
    /// Signs what the service hands out for others to keep; none without `identity.signing_key`.
    pub signer: Option<SigningKey>,
}

impl Setting {
    /// The service's own section as a type.
    pub fn own<T: serde::de::DeserializeOwned>(&self) -> Result<T, BuildError> {
        Ok(self.config.extract()?)
    }
}

/// The services that a service may call, by name.
#[derive(Clone)]
pub struct Peers {
    config: Arc<Config>,
    minter: Option<Minter>,
}

impl Peers {
    /// A configured peer, called with tokens of this service's own making or those it carries on;
    /// clones of one `Peer` share connections, so ask once per name.
    pub fn get(&self, name: &str) -> Result<Peer, PeerRefused> {
        let addresses = self.config.peers.get(name);
        let unnamed = || PeerRefused::Address(format!("peers.{name}"));
        let peer = client::channel(addresses.ok_or_else(unnamed)?, &self.config.client)?;
        Ok(match &self.minter {
            Some(minter) => peer.with_minter(minter.clone()),
            None => peer,
        })
    }
}

/// What a service consists of.
pub struct Service {
    name: &'static str,
    routes: RoutesBuilder,
    rpc_services: Vec<&'static str>,
    workers: Vec<Worker>,
    consumers: Vec<Arc<dyn Consumer>>,
}

impl Service {
    /// A service that does nothing yet.
    pub fn new(name: &'static str) -> Service {
        Service {
            name,
            routes: Routes::builder(),
            rpc_services: Vec::new(),
            workers: Vec::new(),
            consumers: Vec::new(),
        }
    }

    /// Adds a generated server: `TicketServiceServer::new(…)`.
    #[must_use]
    pub fn rpc<S>(mut self, server: S) -> Service
    where
        S: tower::Service<Request<Body>, Error = Infallible>,
        S: NamedService + Clone + Send + Sync + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        self.routes.add_service(server);
        self.rpc_services.push(S::NAME);
        self
    }

    /// Adds a background worker.
    #[must_use]
    pub fn worker(mut self, worker: Worker) -> Service {
        self.workers.push(worker);
        self
    }

    /// Adds a consumer of events.
    #[must_use]
    pub fn consumer(mut self, consumer: Arc<dyn Consumer>) -> Service {
        self.consumers.push(consumer);
        self
    }
}

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is refused.
    #[error(transparent)]
    Config(#[from] ConfigRefused),
    /// Logs and traces cannot be set up.
    #[error(transparent)]
    Telemetry(#[from] crate::telemetry::TelemetryError),
    /// The policies of who may do what cannot be used.
    #[error(transparent)]
    Policies(#[from] Unsound),
    /// The store cannot be used.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration failed.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// Migrations are missing from the schema.
    #[error("the schema {schema} lacks {missing} migrations; run the service with --migrate")]
    NotMigrated {
        /// The schema.
        schema: &'static str,
        /// How many.
        missing: usize,
    },
    /// The service itself could not be built.
    #[error("{name} cannot be built: {error}")]
    Build {
        /// The service.
        name: &'static str,
        /// Its reason.
        error: BuildError,
    },
    /// A listener's address is taken or not ours.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        error: std::io::Error,
    },
    /// A PEM file cannot be read.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The contract's descriptors cannot be served.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The process's runtime or signals cannot be set up.
    #[error("the system: {0}")]
    System(#[from] std::io::Error),
}

/// Brings the service's schema up to date.
pub async fn migrate(blueprint: &Blueprint, config: &Config) -> Result<(), StartError> {
    let database = &config.database;
    let admin = database.admin()?;
    migrate::migrate(
        &admin,
        blueprint.name,
        blueprint.migrations,
        &database.passwords(),
    )
    .await?;
    Ok(())
}

/// Starts a service in this process; it runs until `shutdown`, then drains.
///
/// Telemetry is the process's affair ([`crate::telemetry::init`]), and so are signals.
pub async fn start(
    blueprint: &Blueprint,
    config: Config,
    shutdown: CancellationToken,
) -> Result<Running, StartError> {
    let name = blueprint.name;
    // Installed before anything counts.
    let _ = crate::metrics::recorder();
    let clock = Clock::system();
    let identity = config.identity.open(name, clock.clone())?;
    Authority::compiled()?;
    let db = Db::connect(name, &config.database, clock.clone(), Ids::random(clock))?;
    schema::check(&db, blueprint).await?;

    let config = Arc::new(config);
    let signer = identity.minter.as_ref().map(|minter| minter.key().clone());
    let setting = Setting {
        db: db.clone(),
        signer: signer.clone(),
        peers: Peers {
            config: Arc::clone(&config),
            minter: identity.minter,
        },
        config: config.own(),
        page_key: config.page_key.clone(),
    };
    let built = (blueprint.build)(setting).await;
    let service = built.map_err(|error| StartError::Build { name, error })?;

    let grpc = listen(config.server.listen).await?;
    let admin = listen(config.server.admin_listen).await?;
    let listeners = [grpc, admin];
    let known = (identity.verifier, signer);
    running::run(service, db, config, known, listeners, shutdown).await
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| StartError::Listen { address, error })
}

/// Reflection over the services that are served, and no others.
fn add_reflection(
    routes: &mut RoutesBuilder,
    names: &[&'static str],
) -> Result<(), tonic_reflection::server::Error> {
    let mut builder = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
    for name in names {
        builder = builder.with_service_name(*name);
    }
    routes.add_service(builder.build_v1()?);
    Ok(())
}
