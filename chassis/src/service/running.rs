//! A running service, and how it ends without failing a call.
//!
//! On shutdown: not ready → `pre_stop_ms` of grace → no new connections, GOAWAY, running calls
//! finish within `drain_timeout_ms` → workers stop within the same again → the pools close.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::{Service, StartError, add_reflection};
use crate::config::Config;
use crate::db::Db;
use crate::identity::{SigningKey, Verifier};
use crate::server::admin::{self, Readiness};
use crate::server::{self, ServeError};
use crate::{audit, inbox, maintenance, relay};

/// A service that serves.
#[derive(Debug)]
pub struct Running {
    /// Where it listens for gRPC.
    pub grpc: SocketAddr,
    /// Where it listens for `/metrics`, `/livez` and `/readyz`.
    pub admin: SocketAddr,
    life: JoinHandle<Result<(), StopError>>,
}

impl Running {
    /// Waits until the service has drained. It begins to when its shutdown token is cancelled,
    /// or by itself when a listener fails.
    pub async fn finished(self) -> Result<(), StopError> {
        self.life.await?
    }
}

/// Why a service ended otherwise than it should.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The gRPC listener failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Its task died.
    #[error("the service's task died: {0}")]
    Died(#[from] tokio::task::JoinError),
}

/// Everything that ends together.
struct Life {
    name: &'static str,
    config: Arc<Config>,
    db: Db,
    readiness: Readiness,
    health: HealthReporter,
    rpc_services: Vec<&'static str>,
    calls: JoinHandle<Result<(), ServeError>>,
    workers: JoinSet<()>,
    shutdown: CancellationToken,
    stop_calls: CancellationToken,
    stop_workers: CancellationToken,
    stop_admin: CancellationToken,
}

pub(super) async fn run(
    service: Service,
    db: Db,
    config: Arc<Config>,
    (verifier, signer): (Verifier, Option<SigningKey>),
    [grpc, admin]: [TcpListener; 2],
    shutdown: CancellationToken,
) -> Result<Running, StartError> {
    let name = service.name;
    let (grpc_address, admin_address) = (grpc.local_addr()?, admin.local_addr()?);
    let (stop_calls, stop_admin) = (CancellationToken::new(), CancellationToken::new());
    let stop_workers = CancellationToken::new();
    let workers = begin_work(&service, &db, &config, signer, &stop_workers);

    let rpc_services = service.rpc_services;
    let (health, health_server) = tonic_health::server::health_reporter();
    for name in &rpc_services {
        health
            .set_service_status(*name, ServingStatus::Serving)
            .await;
    }
    let mut routes = service.routes;
    routes.add_service(health_server);
    add_reflection(&mut routes, &rpc_services)?;
    let routes = routes.routes();
    let readiness = Readiness::new(db.clone());
    tokio::spawn(admin::serve(admin, readiness.clone(), stop_admin.clone()));
    let stop = stop_calls.clone();
    let settings = config.server.clone();
    let serve = async move { server::serve(name, &settings, verifier, routes, grpc, stop).await };
    let life = Life {
        name,
        config,
        db,
        readiness,
        health,
        rpc_services,
        calls: tokio::spawn(serve),
        workers,
        shutdown,
        stop_calls,
        stop_workers,
        stop_admin,
    };
    tracing::info!(service = name, grpc = %grpc_address, admin = %admin_address, "serving");
    Ok(Running {
        grpc: grpc_address,
        admin: admin_address,
        life: tokio::spawn(life.live()),
    })
}

fn begin_work(
    service: &Service,
    db: &Db,
    config: &Config,
    signer: Option<SigningKey>,
    stop: &CancellationToken,
) -> JoinSet<()> {
    let mut work = JoinSet::new();
    for worker in &service.workers {
        work.spawn(worker.clone().keep_running(service.name, stop.clone()));
    }
    let events = &config.events;
    work.spawn(relay::run(db.clone(), events.clone(), stop.clone()));
    work.spawn(maintenance::run(db.clone(), events.clone(), stop.clone()));
    work.spawn(audit::run(db.clone(), events.clone(), signer, stop.clone()));
    for consumer in &service.consumers {
        let consumer = Arc::clone(consumer);
        work.spawn(inbox::run(
            db.clone(),
            events.clone(),
            consumer,
            stop.clone(),
        ));
    }
    work
}

impl Life {
    async fn live(mut self) -> Result<(), StopError> {
        let failed = tokio::select! {
            () = self.shutdown.cancelled() => None,
            ended = &mut self.calls => Some(ended),
        };
        let name = self.name;
        tracing::info!(service = name, "draining");
        self.readiness.drain();
        self.health
            .set_service_status("", ServingStatus::NotServing)
            .await;
        for service in &self.rpc_services {
            self.health
                .set_service_status(*service, ServingStatus::NotServing)
                .await;
        }
        let patience = Duration::from_millis(self.config.server.drain_timeout_ms);
        let ended = match failed {
            Some(ended) => ended,
            None => self.drain_calls(patience).await,
        };
        self.stop_workers.cancel();
        let finished = async { while self.workers.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, finished).await.is_err() {
            tracing::warn!(service = name, "workers did not stop in time and are cut");
            self.workers.shutdown().await;
        }
        // Open transactions are rolled back by the server when their connections go.
        let _ = tokio::time::timeout(patience, self.db.close()).await;
        self.stop_admin.cancel();
        tracing::info!(service = name, "stopped");
        Ok(ended??)
    }

    async fn drain_calls(&mut self, patience: Duration) -> CallsEnded {
        tokio::time::sleep(Duration::from_millis(self.config.server.pre_stop_ms)).await;
        self.stop_calls.cancel();
        match tokio::time::timeout(patience, &mut self.calls).await {
            Ok(ended) => ended,
            Err(_) => {
                tracing::warn!(
                    service = self.name,
                    "calls did not finish in time and are cut"
                );
                self.calls.abort();
                Ok(Ok(()))
            }
        }
    }
}

type CallsEnded = Result<Result<(), ServeError>, tokio::task::JoinError>;
