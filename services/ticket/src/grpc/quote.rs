//! QuoteService, RPC by RPC in the order of the contract.

use chassis::keyed::{Keyed, KeyedTx, keyed};
use chassis::page::Page;
use chassis::{Asking, Caller, Refusal, Violations, etag, names};
use jiff::{SignedDuration, Timestamp};
use prost::Message;
use proto::ticket::v1 as pb;
use proto::ticket::v1::quote_service_server::QuoteService;
use tonic::{Request, Response};
use uuid::Uuid;

use super::Answer;
use super::read::{after, cut};
use crate::desk::{Desk, scope};
use crate::domain::answers;
use crate::domain::moves::{Verb, allowed};
use crate::domain::quote::{Quote, QuoteState};
use crate::domain::ticket::{Deed, Ticket};
use crate::error::{illegal_move, quote_open};
use crate::store;
use crate::wire;

#[tonic::async_trait]
impl QuoteService for Desk {
    async fn create_quote(&self, request: Request<pb::CreateQuoteRequest>) -> Answer<pb::Quote> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let new = wire::read_quote(&request, self.db.clock().now())?;
        let keyed = keyed(
            &self.db,
            &caller,
            "CreateQuote",
            &request.request_id,
            &request,
        );
        let mut tx = match keyed.await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let mut ticket = self.lock(&caller, &mut tx, new.ticket).await?;
        if !ticket.state.is_open() {
            return Err(ended(&ticket).into());
        }
        if let Some(open) = store::quote::open(&mut tx, &ticket.tenant, ticket.id).await? {
            return Err(quote_open(&wire::quote_name(ticket.id, open.id)).into());
        }
        let quote = Quote {
            id: self.db.ids().v7(),
            ticket: ticket.id,
            state: QuoteState::Open,
            lines: new.lines,
            total: new.total,
            expires_at: new.expires_at,
            issued_at: new.at,
            created_at: tx.now(),
            decided_at: None,
            decided_by: None,
            decline_reason: None,
            version: 1,
        };
        store::quote::insert(&mut tx, &ticket.tenant, &quote).await?;
        ticket.facts.quote_id = Some(quote.id);
        let deed = Deed {
            actor: &caller.principal,
            at: new.at,
            note: None,
        };
        let issued = answers::quote_issued(&mut ticket, &quote.total, quote.expires_at, &deed);
        let _ = issued.map_err(Refusal::from)?;
        self.answer(tx, ticket, quote).await
    }

    async fn get_quote(&self, request: Request<pb::GetQuoteRequest>) -> Answer<pb::Quote> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let (ticket, id) = parse(&request.name)?;
        let mut read = self.db.read(&caller.tenant).await?;
        let of = store::ticket::get(&mut read, caller.tenant.as_str(), ticket).await?;
        let of = of.ok_or_else(|| Refusal::not_found(&request.name))?;
        caller.reaches(&scope(&of), || request.name.clone())?;
        let found = store::quote::get(&mut read, caller.tenant.as_str(), ticket, id).await?;
        read.done();
        let quote = found.ok_or_else(|| Refusal::not_found(&request.name))?;
        Ok(Response::new(wire::write_quote(&quote)))
    }

    async fn list_quotes(
        &self,
        request: Request<pb::ListQuotesRequest>,
    ) -> Answer<pb::ListQuotesResponse> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let ticket = names::parse(wire::TICKETS, &request.parent);
        let ticket = ticket.ok_or_else(|| Refusal::not_found(&request.parent))?;
        let (size, token) = (request.page_size, &request.page_token);
        let selects = request.parent.as_bytes();
        let page = Page::parse(
            size,
            token,
            &caller.tenant,
            "ListQuotes",
            selects,
            &self.page_key,
        )?;
        let before = after(&page)?;
        let (mut read, tenant) = (self.db.read(&caller.tenant).await?, caller.tenant.as_str());
        let of = store::ticket::get(&mut read, tenant, ticket).await?;
        let of = of.ok_or_else(|| Refusal::not_found(&request.parent))?;
        caller.reaches(&scope(&of), || request.parent.clone())?;
        let listed = store::quote::list(&mut read, tenant, ticket, before, page.size + 1).await?;
        read.done();
        let (quotes, more) = cut(listed, page.size);
        let last = quotes
            .last()
            .filter(|_| more)
            .map(|quote| vec![quote.id.to_string()]);
        Ok(Response::new(pb::ListQuotesResponse {
            quotes: quotes.iter().map(wire::write_quote).collect(),
            next_page_token: last.map_or(String::new(), |cursor| page.next(cursor)),
        }))
    }

    async fn approve_quote(&self, request: Request<pb::ApproveQuoteRequest>) -> Answer<pb::Quote> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let word = Word {
            rpc: "ApproveQuote",
            name: &request.name,
            etag: &request.etag,
            request_id: &request.request_id,
            occur_time: request.occur_time.as_ref(),
            agreed: true,
            reason: None,
            wrong: Violations::new(),
        };
        self.decide(&caller, &request, word).await
    }

    async fn decline_quote(&self, request: Request<pb::DeclineQuoteRequest>) -> Answer<pb::Quote> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let mut wrong = Violations::new();
        let reason = wrong.optional_text("reason", &request.reason, 500);
        let word = Word {
            rpc: "DeclineQuote",
            name: &request.name,
            etag: &request.etag,
            request_id: &request.request_id,
            occur_time: request.occur_time.as_ref(),
            agreed: false,
            reason,
            wrong,
        };
        self.decide(&caller, &request, word).await
    }
}

/// The customer's word on an offer.
struct Word<'a> {
    rpc: &'static str,
    name: &'a str,
    etag: &'a str,
    request_id: &'a str,
    occur_time: Option<&'a prost_types::Timestamp>,
    agreed: bool,
    reason: Option<String>,
    wrong: Violations,
}

fn parse(name: &str) -> Result<(Uuid, Uuid), Refusal> {
    wire::parse_quote_name(name).ok_or_else(|| Refusal::not_found(name))
}

impl Desk {
    async fn decide<Q: Message>(
        &self,
        caller: &Asking,
        request: &Q,
        mut word: Word<'_>,
    ) -> Answer<pb::Quote> {
        let now = self.db.clock().now();
        let at = word
            .wrong
            .occur_time(word.occur_time, now, SignedDuration::from_mins(5));
        word.wrong.check()?;
        let (ticket, id) = parse(word.name)?;
        let keyed = keyed(&self.db, caller, word.rpc, word.request_id, request);
        let mut tx = match keyed.await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let mut ticket = self.lock(caller, &mut tx, ticket).await?;
        let found = store::quote::get(&mut tx, &ticket.tenant, ticket.id, id).await?;
        let mut quote = found.ok_or_else(|| Refusal::not_found(word.name))?;
        if !ticket.state.is_open() && quote.state == QuoteState::Open {
            return Err(ended(&ticket).into());
        }
        if !word.etag.is_empty() && !etag::matches(word.etag, quote.version) {
            return Err(Refusal::stale_etag(word.name).into());
        }
        tx.was(&wire::write_quote(&quote));
        let decided = quote.decide(word.agreed, &caller.principal, at, word.reason.clone(), now);
        decided.map_err(Refusal::from)?;
        store::quote::save(&mut tx, &ticket.tenant, &quote).await?;
        quote.version += 1;
        taken(&mut ticket, &quote, caller, at)?;
        self.answer(tx, ticket, quote).await
    }

    async fn answer(&self, mut tx: KeyedTx, mut ticket: Ticket, quote: Quote) -> Answer<pb::Quote> {
        self.save_and_wake(&mut tx, &mut ticket).await?;
        let answer = tx.finish(wire::write_quote(&quote)).await?;
        self.woken.notify_one();
        Ok(Response::new(answer))
    }
}

/// A ticket that is resolved or over has no offers to make or decide.
fn ended(ticket: &Ticket) -> Refusal {
    let verbs: Vec<&str> = allowed(ticket.state).map(Verb::name).collect();
    illegal_move(ticket.state.name(), "quote", &verbs)
}

/// What the customer's word does to the ticket.
fn taken(
    ticket: &mut Ticket,
    quote: &Quote,
    caller: &Caller,
    at: Timestamp,
) -> Result<(), Refusal> {
    let deed = Deed {
        actor: &caller.principal,
        at,
        note: None,
    };
    let _ = match quote.state {
        QuoteState::Approved => answers::quote_approved(ticket, &quote.total, &deed)?,
        _ => {
            let reason = quote.decline_reason.as_deref().unwrap_or("");
            answers::quote_declined(ticket, reason, &deed)?
        }
    };
    Ok(())
}
