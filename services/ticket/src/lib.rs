//! The ticket service: what was reported, what is promised, where it stands.
//!
//! - [`domain`]: decisions: legal moves, clocks, the process's next step, what answers change
//! - [`wire`]: between the contract and the domain
//! - [`grpc`]: the RPCs
//! - [`desk`]: what RPCs, worker and consumer share: store, policies, the one way to save
//! - [`progress`]: the worker that moves tickets on
//! - [`peers`]: what is asked of other services
//! - [`events`]: what is heard from other services
//! - [`erasure`]: what is erased with a person
//! - [`store`]: the tables, in SQL
//! - [`policies`], [`config`], [`error`]: policy files, settings, reasons of refusal
//! - [`invariants`]: what must hold in the tables at any time

pub mod config;
pub mod desk;
pub mod domain;
pub mod erasure;
pub mod error;
pub mod events;
pub mod grpc;
pub mod invariants;
pub mod peers;
pub mod policies;
pub mod progress;
pub mod store;
pub mod wire;

use std::sync::Arc;

use chassis::service::{Blueprint, BuildError, Service, Setting, Worker};
use futures::FutureExt;
use proto::ticket::v1::quote_service_server::QuoteServiceServer;
use proto::ticket::v1::ticket_service_server::TicketServiceServer;

use crate::config::Settings;
use crate::desk::Desk;
use crate::events::Ear;
use crate::progress::Progress;

/// The service's tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// How the service is made.
pub const BLUEPRINT: Blueprint = Blueprint {
    name: "ticket",
    defaults: include_str!("../config.default.toml"),
    migrations: &MIGRATIONS,
    build: |setting| build(setting).boxed(),
};

/// The service over a store and its peers.
async fn build(setting: Setting) -> Result<Service, BuildError> {
    let settings: Settings = setting.own()?;
    settings.check()?;
    let policies = policies::load(&settings.policies_dir)?;
    let peers = progress::Peers::new(&setting.peers)?;
    let (page_key, signer) = (setting.page_key, setting.signer);
    let desk = Desk::new(setting.db, policies, settings, page_key, signer);
    let progress = Progress::new(desk.clone(), peers);
    let worker = Worker::new("progress", move |shutdown| progress.clone().run(shutdown));
    Ok(Service::new(BLUEPRINT.name)
        .rpc(TicketServiceServer::new(desk.clone()))
        .rpc(QuoteServiceServer::new(desk.clone()))
        .worker(worker)
        .worker(chassis::erasure::worker(
            desk.db.clone(),
            Arc::new(desk.clone()),
        ))
        .consumer(Arc::new(Ear(desk))))
}
