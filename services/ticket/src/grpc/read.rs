//! Reading tickets, their timelines and clocks; and notes.

use chassis::keyed::{Keyed, keyed};
use chassis::page::Page;
use chassis::refusal::to_pb;
use chassis::{Asking, Caller, Refusal, Violations, names};
use prost::Message;
use proto::ticket::v1 as pb;
use tonic::Request;
use tonic::Response;
use uuid::Uuid;

use super::Answer;
use crate::desk::{Desk, scope};
use crate::domain::clocks;
use crate::domain::number::is_number;
use crate::domain::ticket::{Deed, Ticket};
use crate::domain::timeline::sentence;
use crate::store;
use crate::wire::{self, Occurrence};

/// Most intervals of one clock that are told, the latest ones: some fifteen working years, so
/// that an answer over a clock open for a century stays within what clients read.
const MOST_INTERVALS: usize = 10_000;

impl Desk {
    pub(super) async fn get(&self, request: Request<pb::GetTicketRequest>) -> Answer<pb::Ticket> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let ticket = self.find(&caller, &request.name).await?;
        let clocks = self.clocks(&ticket, self.db.clock().now());
        Ok(Response::new(wire::write_ticket(&ticket, &clocks)))
    }

    /// The ticket of that name, by identifier or service-order number.
    pub(super) async fn find(&self, caller: &Asking, name: &str) -> Result<Ticket, Refusal> {
        let tenant = &caller.tenant;
        let number = name.strip_prefix("tickets/").filter(|rest| is_number(rest));
        let found = match (names::parse(wire::TICKETS, name), number) {
            (Some(id), _) => self.read(tenant, id).await?,
            (None, Some(number)) => {
                let mut read = self.db.read(tenant).await?;
                let found = store::ticket::get_by_number(&mut read, tenant.as_str(), number);
                let found = found.await?;
                read.done();
                found
            }
            (None, None) => {
                let mut v = Violations::new();
                v.add(
                    "name",
                    "is tickets/{uuid} or tickets/{number}: tickets/C1-000042-7",
                );
                return Err(Refusal::invalid(v));
            }
        };
        let ticket = found.ok_or_else(|| Refusal::not_found(name))?;
        caller.reaches(&scope(&ticket), || name.to_owned())?;
        Ok(ticket)
    }

    pub(super) async fn list(
        &self,
        request: Request<pb::ListTicketsRequest>,
    ) -> Answer<pb::ListTicketsResponse> {
        let (caller, mut request) = (Caller::of(&request)?, request.into_inner());
        let filter = wire::read_filter(&request, caller.sight()?)?;
        let (size, token) = (request.page_size, std::mem::take(&mut request.page_token));
        request.page_size = 0;
        let selects = request.encode_to_vec();
        let page = Page::parse(
            size,
            &token,
            &caller.tenant,
            "ListTickets",
            &selects,
            &self.page_key,
        )?;
        let before = after(&page)?;
        let mut read = self.db.read(&caller.tenant).await?;
        let tenant = caller.tenant.as_str();
        let listed = store::ticket::list(&mut read, tenant, &filter, before, page.size + 1);
        let (tickets, more) = cut(listed.await?, page.size);
        read.done();
        let now = self.db.clock().now();
        let last = tickets
            .last()
            .filter(|_| more)
            .map(|ticket| vec![ticket.id.to_string()]);
        let write = |ticket: &Ticket| wire::write_ticket(ticket, &self.clocks(ticket, now));
        Ok(Response::new(pb::ListTicketsResponse {
            tickets: tickets.iter().map(write).collect(),
            next_page_token: last.map_or(String::new(), |cursor| page.next(cursor)),
        }))
    }

    pub(super) async fn events(
        &self,
        request: Request<pb::ListTicketEventsRequest>,
    ) -> Answer<pb::ListTicketEventsResponse> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let ticket = names::parse(wire::TICKETS, &request.name);
        let ticket = ticket.ok_or_else(|| Refusal::not_found(&request.name))?;
        let (size, token) = (request.page_size, &request.page_token);
        let selects = request.name.as_bytes();
        let page = Page::parse(
            size,
            token,
            &caller.tenant,
            "ListTicketEvents",
            selects,
            &self.page_key,
        )?;
        let after = page
            .after
            .as_ref()
            .and_then(|cursor| cursor.first()?.parse().ok());
        let mut read = self.db.read(&caller.tenant).await?;
        let tenant = caller.tenant.as_str();
        let after = after.unwrap_or(0);
        let of = store::ticket::get(&mut read, tenant, ticket).await?;
        let of = of.ok_or_else(|| Refusal::not_found(&request.name))?;
        caller.reaches(&scope(&of), || request.name.clone())?;
        let listed = store::timeline::list(&mut read, tenant, ticket, after, page.size + 1).await?;
        read.done();
        let (events, more) = cut(listed, page.size);
        let last = events
            .last()
            .filter(|_| more)
            .map(|event| vec![event.sequence.to_string()]);
        Ok(Response::new(pb::ListTicketEventsResponse {
            events: events.iter().map(wire::write_event).collect(),
            next_page_token: last.map_or(String::new(), |cursor| page.next(cursor)),
        }))
    }

    pub(super) async fn explain(
        &self,
        request: Request<pb::ExplainClocksRequest>,
    ) -> Answer<pb::ExplainClocksResponse> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let ticket = self.find(&caller, &request.name).await?;
        let now = self.db.clock().now();
        let clocks = self.counting(&ticket, |counting| {
            let clocks = clocks::read(counting, &ticket.moments, now);
            let explained = clocks.iter().map(|clock| {
                let mut intervals = clocks::explain(counting, clock, &ticket.moments, now);
                let oldest = intervals.len().saturating_sub(MOST_INTERVALS);
                wire::write_clock(clock, intervals.split_off(oldest))
            });
            explained.collect()
        });
        Ok(Response::new(pb::ExplainClocksResponse {
            clocks,
            sla_policy: ticket.sla_policy,
            as_of: Some(to_pb(now)),
        }))
    }

    pub(super) async fn add_note(
        &self,
        request: Request<pb::AddTicketNoteRequest>,
    ) -> Answer<pb::TicketEvent> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let now = self.db.clock().now();
        let mut wrong = Violations::new();
        let text = wrong.text("text", &request.text, 1..=8_000);
        let when = Occurrence::read(wrong, &request.name, request.occur_time.as_ref(), now)?;
        let keyed = keyed(
            &self.db,
            &caller,
            "AddTicketNote",
            &request.request_id,
            &request,
        );
        let mut tx = match keyed.await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let mut ticket = self.lock(&caller, &mut tx, when.ticket).await?;
        let deed = Deed {
            actor: &caller.principal,
            at: when.at,
            note: Some(text.clone()),
        };
        let before = ticket.head.hash;
        ticket.log("note", &deed, &[]);
        self.save_and_wake(&mut tx, &mut ticket).await?;
        let answer = pb::TicketEvent {
            sequence: ticket.head.sequence,
            time: Some(to_pb(when.at)),
            record_time: Some(to_pb(ticket.updated_at)),
            verb: "note".to_owned(),
            actor: caller.principal.clone(),
            summary: sentence("note", &[], None),
            state: wire::state(ticket.state).into(),
            text,
            hash: wire::hex(&ticket.head.hash),
        };
        self.changed(&mut tx, &ticket, Some(before));
        tx.finish_as(answer.encode_to_vec()).await?;
        Ok(Response::new(answer))
    }
}

/// The identifier a page begins after.
pub(super) fn after(page: &Page) -> Result<Option<Uuid>, Refusal> {
    let Some(cursor) = &page.after else {
        return Ok(None);
    };
    let id = cursor.first().and_then(|value| value.parse().ok());
    id.map(Some)
        .ok_or_else(|| Refusal::internal("a page cursor holds no identifier"))
}

/// The page's rows, and whether more follow: one more than `size` was read.
pub(super) fn cut<T>(mut rows: Vec<T>, size: i64) -> (Vec<T>, bool) {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    (rows, more)
}
