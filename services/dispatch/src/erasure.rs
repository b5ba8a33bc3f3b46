//! What dispatch erases with a ticket: words, street and exact place of its work orders. It hears
//! of it from the ticket service.

use chassis::db::Tx;
use chassis::erasure::{self, Eraser};
use chassis::inbox::{Consumer, Delivered};
use chassis::{Refusal, names};

use crate::Dispatch;
use crate::store::work_orders;
use crate::wire::work_order::COLLECTION;

/// Hears which tickets are erased.
pub(crate) struct Ear;

#[tonic::async_trait]
impl Consumer for Ear {
    fn name(&self) -> &'static str {
        "dispatch"
    }

    fn hears(&self) -> &'static [(&'static str, &'static [&'static str])] {
        &[("ticket", &["ticket.erased"])]
    }

    async fn handle(&self, tx: &mut Tx, event: &Delivered) -> Result<(), Refusal> {
        erasure::record(tx, &event.aggregate).await
    }
}

#[tonic::async_trait]
impl Eraser for Dispatch {
    async fn erase(&self, tx: &mut Tx, subject: &str) -> Result<Vec<String>, Refusal> {
        let Some(ticket) = names::parse("tickets", subject) else {
            return Err(Refusal::internal("what is to be erased is no ticket"));
        };
        let (tenant, now) = (tx.tenant().clone(), tx.now());
        let erased = work_orders::erase(tx, &tenant, ticket, now).await?;
        let erased = erased.into_iter();
        Ok(erased.map(|id| names::name(COLLECTION, id)).collect())
    }
}
