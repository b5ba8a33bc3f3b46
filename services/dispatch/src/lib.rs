//! Dispatch: who comes, when, from where.
//!
//! A request passes through [`grpc`](mod@grpc) (parse, load, decide, save, reply), is read and
//! written by `wire`, decided by [`domain`], kept by `store`. `booking` wins a technician's time
//! against others who want it; `retry` searches again for work orders that nobody could take;
//! [`events`] is what the others hear. [`invariants`] is the alarm behind the wall: it reads the
//! rows and names each law that they break.
//!
//! How a technician is never booked twice: `docs/decisions/0010-booking.md`.

mod booking;
pub mod domain;
mod erasure;
mod error;
pub mod events;
mod grpc;
pub mod invariants;
mod retry;
mod scope;
pub mod settings;
mod store;
mod wire;

use std::sync::Arc;

use chassis::db::Db;
use chassis::page::PageKey;
use chassis::service::{Blueprint, BuildError, Service, Setting};
use futures::FutureExt;
use proto::dispatch::v1::appointment_service_server::AppointmentServiceServer;
use proto::dispatch::v1::technician_service_server::TechnicianServiceServer;
use proto::dispatch::v1::work_order_service_server::WorkOrderServiceServer;
use tokio::sync::Notify;

use crate::domain::plan::Rules;
use crate::settings::Settings;

/// The service's own migrations.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// What `main` and `fettle up` start from.
pub const BLUEPRINT: Blueprint = Blueprint {
    name: "dispatch",
    defaults: include_str!("../config.default.toml"),
    migrations: &MIGRATIONS,
    build: |setting| async { build(setting) }.boxed(),
};

/// The service: its store, its rules and its settings.
pub(crate) struct Dispatch {
    db: Db,
    settings: Settings,
    rules: Rules,
    page_key: PageKey,
    /// Rung when open work orders became due at once.
    hurried: Notify,
}

fn build(setting: Setting) -> Result<Service, BuildError> {
    let settings: Settings = setting.own()?;
    settings.check()?;
    let dispatch = Arc::new(Dispatch {
        db: setting.db,
        rules: settings.rules(),
        settings,
        page_key: setting.page_key,
        hurried: Notify::new(),
    });
    Ok(Service::new("dispatch")
        .rpc(TechnicianServiceServer::from_arc(Arc::clone(&dispatch)))
        .rpc(WorkOrderServiceServer::from_arc(Arc::clone(&dispatch)))
        .rpc(AppointmentServiceServer::from_arc(Arc::clone(&dispatch)))
        .worker(chassis::erasure::worker(
            dispatch.db.clone(),
            dispatch.clone(),
        ))
        .worker(retry::worker(dispatch))
        .consumer(Arc::new(erasure::Ear)))
}
