//! What every service stands on.

pub mod caller;
pub mod clock;
pub mod db;
pub mod etag;
pub mod inbox;
pub mod keyed;
pub mod lease;
pub mod local;
pub mod maintenance;
pub mod migrate;
pub mod money;
pub mod names;
pub mod outbox;
pub mod page;
pub mod position;
pub mod refusal;
pub mod relay;
pub mod streams;
pub mod telemetry;
pub mod testing;

pub mod client;
pub mod config;
pub mod metrics;
pub mod server;

pub mod service;
pub use caller::{Caller, TenantId};
pub use clock::{Clock, Ids};
pub use money::Money;
pub use position::Position;
pub use refusal::{Refusal, Violations};
