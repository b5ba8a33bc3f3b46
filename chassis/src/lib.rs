//! What every service stands on; there is no after-sales word in it.
//!
//! **Values.** Who asks is a [`caller`], what it may says [`authz`]; when and which id come from
//! a [`clock`]; a call that cannot be answered ends in a [`refusal`]. Resources have [`names`],
//! versions an [`etag`], lists a [`page`]; amounts are [`money`], places a [`position`].
//!
//! **Serving.** An [`identity`] is how callers are known. A [`service`] is started from its blueprint: [`config`] says how, [`telemetry`]
//! and [`metrics`] show it, the [`server`] puts the same layers around every handler, and the
//! [`client`] calls peers with what is left of the deadline.
//!
//! **Keeping.** [`db`] opens a transaction for a tenant, and what many ask at once goes
//! [together](gather); [`migrate`] makes its schema, [`keyed`]
//! writes take effect once, and who changed what goes to the [`audit`], a [`chain`]. What a service
//! tells goes to the [`outbox`] in the same commit; the
//! [`relay`], under a [`lease`], publishes it to [`streams`]; the [`inbox`] hears it once. What is
//! known of a person goes by [`erasure`].
//!
//! **Ground.** [`local`] runs a private PostgreSQL and Redis; [`testing`] gives each test its own.

/// Of every program that stands on this: calls of many short-lived objects, from many threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod audit;
pub mod authz;
pub mod caller;
pub mod chain;
pub mod client;
pub mod clock;
pub mod config;
pub mod db;
pub mod erasure;
pub mod etag;
pub mod gather;
pub mod identity;
pub mod inbox;
pub mod invariants;
pub mod keyed;
pub mod lease;
pub mod local;
pub mod maintenance;
pub mod metrics;
pub mod migrate;
pub mod money;
pub mod names;
pub mod outbox;
pub mod page;
pub mod position;
pub mod refusal;
pub mod relay;
pub mod server;
pub mod service;
pub mod streams;
pub mod telemetry;
pub mod testing;

pub use authz::Asking;
pub use caller::{Caller, TenantId};
pub use clock::{Clock, Ids};
pub use money::Money;
pub use position::Position;
pub use refusal::{Refusal, Violations};
