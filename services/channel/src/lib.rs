//! Channel: people's contact data, and later what is said to them and by them.
//!
//! Everywhere else a person is a reference, `parties/{uuid}`. Here name, mail address, phone number
//! and language are kept, sealed under a key per person ([`vault`]), so that deleting the key
//! erases the person: from the tables, from stored answers, and from every backup. Exact look-up by
//! mail address or phone number goes over blind indexes.
//!
//! - [`domain`]: how contacts are spelled; pure.
//! - [`vault`], [`master_key`]: what is sealed, and by which key.
//! - `grpc`, `wire`, `error`: the contract's side; `events`: what is told.
//! - `store`: SQL; [`invariants`]: what must agree with other services.

use chassis::service::{Blueprint, BuildError, Service, Setting};
use futures::FutureExt;
use futures::future::BoxFuture;
use proto::channel::v1::party_service_server::PartyServiceServer;

pub mod domain;
mod error;
mod events;
mod grpc;
pub mod invariants;
pub mod master_key;
mod scope;
mod store;
pub mod vault;
mod wire;

/// The service's tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// What makes the service.
pub const BLUEPRINT: Blueprint = Blueprint {
    name: "channel",
    defaults: include_str!("../config.default.toml"),
    migrations: &MIGRATIONS,
    build,
};

fn build(setting: Setting) -> BoxFuture<'static, Result<Service, BuildError>> {
    async move {
        let settings: master_key::Settings = setting.own()?;
        let channel = grpc::Channel {
            db: setting.db,
            page_key: setting.page_key,
            vault: vault::Vault::new(master_key::load(&settings)?)?,
        };
        Ok(Service::new(BLUEPRINT.name).rpc(PartyServiceServer::new(channel)))
    }
    .boxed()
}
