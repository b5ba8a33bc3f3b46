//! The inventory: where which parts are, and for whom they are set aside.
//!
//! A request comes in by [`grpc`], is read by [`wire`] and carried out by one of four chapters,
//! each within one transaction: [`receiving`] (pieces come), [`reserving`] (a repair asks for
//! them), [`closing`] (released, expired, or settled after the repair) and [`promotion`] (those
//! who wait are served). They decide by [`domain`], which is pure, and keep by [`store`], which
//! only speaks SQL. [`events`] tells other services and hears when a visit ends; [`workers`]
//! expires holds; [`invariants`] proves that the ledger and the balances agree.

use std::sync::Arc;
use std::time::Duration;

use chassis::service::{Blueprint, BuildError, Service, Setting};
use futures::FutureExt;
use jiff::SignedDuration;
use serde::Deserialize;
use sqlx::migrate::Migrator;

pub mod closing;
pub mod domain;
mod erasure;
pub mod error;
pub mod events;
pub mod grpc;
pub mod invariants;
pub mod promotion;
pub mod receiving;
pub mod reserving;
mod scope;
pub mod store;
pub mod wire;
pub mod workers;

/// The service's migrations.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// What `main` and `fettle up` start.
pub const BLUEPRINT: Blueprint = Blueprint {
    name: "inventory",
    defaults: include_str!("../config.default.toml"),
    migrations: &MIGRATIONS,
    build: |setting| build(setting).boxed(),
};

/// The service's own section; `config.default.toml` documents each key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is their documentation")]
pub struct Settings {
    pub hold_days: u16,
    pub expiry_poll_ms: u64,
    pub sweep_poll_ms: u64,
}

impl Settings {
    /// How long parts are held unless somebody extends it.
    pub fn hold_for(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.hold_days))
    }

    fn check(&self) -> Result<(), BuildError> {
        let polls = [self.expiry_poll_ms, self.sweep_poll_ms];
        if !(1..=365).contains(&self.hold_days) {
            return Err("inventory.hold_days is not within 1 to 365".into());
        }
        let longest = Duration::from_secs(600).as_millis();
        if !polls
            .iter()
            .all(|ms| (10..=longest).contains(&u128::from(*ms)))
        {
            return Err(
                "inventory.expiry_poll_ms or sweep_poll_ms is not within 10 to 600000".into(),
            );
        }
        Ok(())
    }
}

/// Makes the service of its setting.
pub async fn build(setting: Setting) -> Result<Service, BuildError> {
    let settings: Settings = setting.own()?;
    settings.check()?;
    let hold_for = settings.hold_for();
    let rpcs = grpc::Inventory::new(setting.db.clone(), setting.page_key.clone(), hold_for);
    let consumer = events::Settling { hold_for };
    Ok(rpcs
        .add_to(Service::new(BLUEPRINT.name))
        .worker(chassis::erasure::worker(
            setting.db.clone(),
            Arc::new(erasure::Places),
        ))
        .worker(workers::expiry(setting.db.clone(), settings.clone()))
        .worker(workers::sweep(setting.db, settings))
        .consumer(Arc::new(consumer)))
}
