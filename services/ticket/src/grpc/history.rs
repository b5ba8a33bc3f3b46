//! A ticket's history, handed out to be kept and checked.

use chassis::{Asking, Caller, Refusal};
use jiff::Timestamp;
use proto::ticket::v1 as pb;
use tonic::{Request, Response};

use super::Answer;
use crate::desk::Desk;
use crate::domain::history::{Entry, History, MOST_BYTES, MOST_ENTRIES};
use crate::domain::ticket::Ticket;
use crate::domain::timeline::FORMAT;
use crate::error::{history_too_long, history_unsigned};
use crate::store;
use crate::wire;

/// Entries read at a time.
const PAGE: i64 = 1_000;

impl Desk {
    pub(super) async fn export(
        &self,
        request: Request<pb::ExportTicketHistoryRequest>,
    ) -> Answer<pb::TicketHistory> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let ticket = self.find(&caller, &request.name).await?;
        let signer = self.signer.as_ref().ok_or_else(history_unsigned)?;
        let entries = self.entries(&caller, &ticket).await?;
        let now = self.db.clock().now();
        let history = History {
            tenant: ticket.tenant,
            ticket: ticket.id,
            number: ticket.number,
            format: FORMAT.to_owned(),
            entries,
            head: ticket.head,
            exported_at: Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now),
            key: String::new(),
            signature: Vec::new(),
        };
        Ok(Response::new(wire::write_history(&history.signed(signer))))
    }

    /// Every entry up to the ticket's head, oldest first.
    async fn entries(&self, caller: &Asking, ticket: &Ticket) -> Result<Vec<Entry>, Refusal> {
        let head = ticket.head.sequence;
        if head > MOST_ENTRIES {
            return Err(history_too_long(head));
        }
        let mut read = self.db.read(&caller.tenant).await?;
        let (mut entries, mut after, mut size) = (Vec::new(), 0, 0);
        while after < head {
            let tenant = &ticket.tenant;
            let page = store::timeline::list(&mut read, tenant, ticket.id, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            // What came after the ticket was read is not of this history.
            for stored in page.into_iter().filter(|stored| stored.sequence <= head) {
                let entry = stored.kept()?;
                size += entry.size();
                entries.push(entry);
            }
            if size > MOST_BYTES {
                return Err(history_too_long(head));
            }
        }
        read.done();
        Ok(entries)
    }
}
