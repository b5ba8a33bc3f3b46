//! Hearing what other services tell.

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use crate::caller::TenantId;
use crate::db::Tx;
use crate::refusal::Refusal;

/// An event as it reaches a consumer.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Unique for ever.
    pub id: Uuid,
    /// Whose fact it is.
    pub tenant: TenantId,
    /// The service that told it.
    pub source: String,
    /// Such as `work_order.completed`.
    pub kind: String,
    /// Resource name of what it is about.
    pub aggregate: String,
    /// Version of the aggregate after the change; ascending per aggregate.
    pub version: i64,
    /// When it happened in the world.
    pub occurred_at: Timestamp,
    /// When the producer committed it.
    pub recorded_at: Timestamp,
    /// Encoded protobuf message of the kind.
    pub payload: Bytes,
    /// W3C `traceparent` of the change, or empty.
    pub trace: String,
}

/// One who hears: a service has at most a few, usually one.
#[tonic::async_trait]
pub trait Consumer: Send + Sync + 'static {
    /// Unique among all consumers of all services, the same for ever: `ticket`, `feedback`, …
    fn name(&self) -> &'static str;

    /// Producing services and the kinds heard from each; other kinds are passed over.
    fn hears(&self) -> &'static [(&'static str, &'static [&'static str])];

    /// Takes effect in the given transaction, which also advances the consumer's position: once
    /// per event. A refusal with code INTERNAL, UNAVAILABLE, ABORTED or DEADLINE_EXCEEDED is
    /// tried again; any other puts the event with the dead letters, and the next ones go on.
    async fn handle(&self, tx: &mut Tx, event: &Delivered) -> Result<(), Refusal>;
}
