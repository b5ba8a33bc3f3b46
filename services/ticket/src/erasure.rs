//! What the ticket service erases of a person: every ticket of theirs, ending it first where it is
//! open, with the words of its timeline and quotes.

use chassis::db::Tx;
use chassis::erasure::Eraser;
use chassis::{Refusal, names};
use uuid::Uuid;

use crate::desk::Desk;
use crate::domain::ticket::Deed;
use crate::progress::ACTOR;
use crate::store;
use crate::store::ticket::{Asked, Wake};
use crate::wire;

/// Tickets erased in one transaction.
const BATCH: i64 = 20;

#[tonic::async_trait]
impl Eraser for Desk {
    async fn erase(&self, tx: &mut Tx, subject: &str) -> Result<Vec<String>, Refusal> {
        let Some(party) = names::parse("parties", subject) else {
            return Err(Refusal::internal("what is to be erased is no party"));
        };
        let tenant = tx.tenant().clone();
        let mut erased = Vec::new();
        for ticket in store::erasure::of_party(tx, tenant.as_str(), party, BATCH).await? {
            self.erase_ticket(tx, ticket, &mut erased).await?;
        }
        Ok(erased)
    }
}

impl Desk {
    async fn erase_ticket(
        &self,
        tx: &mut Tx,
        id: Uuid,
        erased: &mut Vec<String>,
    ) -> Result<(), Refusal> {
        let (tenant, now) = (tx.tenant().clone(), tx.now());
        let Some(mut ticket) = store::ticket::lock(tx, tenant.as_str(), id).await? else {
            return Ok(());
        };
        let deed = Deed {
            actor: ACTOR,
            at: now.max(ticket.reported_at),
            note: None,
        };
        ticket.erase(&deed)?;
        ticket.facts.cause_at = Some(deed.at);
        store::erasure::ticket(tx, &ticket).await?;
        // What was asked of peers held the customer's place; what they gave is taken back by name.
        let wake = Wake {
            asked: Asked::Nothing,
            ..Wake::at(now)
        };
        if !self.save(tx, &mut ticket, &wake).await? {
            return Err(Refusal::contention());
        }
        store::erasure::words(tx, &ticket).await?;
        let quotes = store::erasure::quotes(tx, &ticket).await?;
        erased.push(wire::name(&ticket));
        let quotes = quotes.into_iter();
        erased.extend(quotes.map(|quote| wire::quote_name(ticket.id, quote)));
        self.woken.notify_one();
        Ok(())
    }
}
