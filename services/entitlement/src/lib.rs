//! What a fault is owed, and why: products, devices, the facts of their lives, contracts and
//! policies, and the decision over them.
//!
//! # The map
//!
//! - [`domain`] – pure: policies as data, terms, the decision, its findings and its digest
//! - `library` – policy files into memory, once, at start
//! - `grpc` – the RPCs in the contract's order; `wire` – messages to domain and back
//! - `store` – SQL, one function per sentence
//! - `events` – what is told (`asset.registered`, `coverage.changed`) and heard (repairs)
//! - `error` – situations a caller can act on
//!
//! A check is one query and one pure call: no cache stands between a fact and the decision.

pub mod domain;
mod error;
mod events;
mod grpc;
mod library;
mod scope;
mod store;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;

use chassis::service::{Blueprint, BuildError, Service, Setting};
use futures::FutureExt;
use futures::future::BoxFuture;
use proto::entitlement::v1::asset_service_server::AssetServiceServer;
use proto::entitlement::v1::contract_service_server::ContractServiceServer;
use proto::entitlement::v1::entitlement_service_server::EntitlementServiceServer;
use proto::entitlement::v1::policy_service_server::PolicyServiceServer;
use serde::Deserialize;

pub use events::Repairs;
pub use library::{LoadRefused, load};
pub use wire::explain;

/// The service's name, which is also its schema's and its section's.
pub const NAME: &str = "entitlement";

/// The service's own tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// What makes the service, for its own process and for `fettle up`.
pub const BLUEPRINT: Blueprint = Blueprint {
    name: NAME,
    defaults: include_str!("../config.default.toml"),
    migrations: &MIGRATIONS,
    build,
};

/// Section `entitlement` of the configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Folder of policy files; empty: the built-in ones.
    policies: PathBuf,
}

fn build(setting: Setting) -> BoxFuture<'static, Result<Service, BuildError>> {
    async move {
        let own: Settings = setting.own()?;
        let folder = Some(own.policies).filter(|path| !path.as_os_str().is_empty());
        let rules = Arc::new(load(folder.as_deref())?);
        let rpc = grpc::Rpc {
            db: setting.db,
            rules,
            page_key: setting.page_key,
        };
        Ok(Service::new(NAME)
            .rpc(AssetServiceServer::new(rpc.clone()))
            .rpc(ContractServiceServer::new(rpc.clone()))
            .rpc(EntitlementServiceServer::new(rpc.clone()))
            .rpc(PolicyServiceServer::new(rpc))
            .consumer(Arc::new(Repairs)))
    }
    .boxed()
}
