//! What the inventory erases with a ticket: where its parts were needed. The ledger stays: it names
//! the ticket and nobody.

use chassis::db::Tx;
use chassis::erasure::Eraser;
use chassis::{Refusal, names};

use crate::store::reservations;

/// Erases the places of reservations.
pub(crate) struct Places;

#[tonic::async_trait]
impl Eraser for Places {
    async fn erase(&self, tx: &mut Tx, subject: &str) -> Result<Vec<String>, Refusal> {
        let Some(ticket) = names::parse("tickets", subject) else {
            return Err(Refusal::internal("what is to be erased is no ticket"));
        };
        let tenant = tx.tenant().clone();
        let erased = reservations::forget_places(tx, &tenant, ticket).await?;
        let erased = erased.into_iter();
        Ok(erased.map(|id| names::name("reservations", id)).collect())
    }
}
