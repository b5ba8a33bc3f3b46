//! What feedback erases with a ticket: what the customer said, and the link to say it by.

use chassis::db::Tx;
use chassis::erasure::Eraser;
use chassis::{Refusal, names};

use crate::store;
use crate::wire::SURVEYS;

/// Erases surveys.
pub(crate) struct Surveys;

#[tonic::async_trait]
impl Eraser for Surveys {
    async fn erase(&self, tx: &mut Tx, subject: &str) -> Result<Vec<String>, Refusal> {
        let Some(ticket) = names::parse("tickets", subject) else {
            return Err(Refusal::internal("what is to be erased is no ticket"));
        };
        let (tenant, now) = (tx.tenant().clone(), tx.now());
        let erased = store::erase(tx, tenant.as_str(), ticket, now).await?;
        let erased = erased.into_iter();
        Ok(erased.map(|id| names::name(SURVEYS, id)).collect())
    }
}
