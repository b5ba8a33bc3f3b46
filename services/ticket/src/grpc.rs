//! TicketService, RPC by RPC in the order of the contract: parse, load, decide, save, reply.

mod history;
mod quote;
mod read;

use chassis::keyed::{Key, Keyed, keyed};
use chassis::{Asking, Caller, Refusal, Violations, erasure};
use jiff::Timestamp;
use prost::Message;
use proto::ticket::v1 as pb;
use proto::ticket::v1::ticket_service_server::TicketService;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::desk::{Desk, scope};
use crate::domain::process::Facts;
use crate::domain::ticket::{Deed, Head, RepairStep, Ticket, What};
use crate::domain::timeline::START;
use crate::domain::{moves::State, moves::Verb, process};
use crate::error::{check_etag, customer_erased, external_key_taken, illegal_move};
use crate::store;
use crate::store::ticket::Wake;
use crate::wire::{self, NewTicket, Occurrence};

/// Fields of a ticket that its customer does not update.
const STAFFS: [&str; 3] = ["impact", "urgency", "queue"];

type Answer<T> = Result<Response<T>, Status>;

/// What every verb on a ticket has in its request.
struct Call<'a, Q> {
    rpc: &'static str,
    caller: &'a Asking,
    request: &'a Q,
    name: &'a str,
    etag: &'a str,
    request_id: &'a str,
    occur_time: Option<&'a prost_types::Timestamp>,
    note: Option<String>,
    wrong: Violations,
}

impl Desk {
    /// Does a verb: first in one statement on the ticket as it is read, which is nearly always
    /// enough. Where that does not succeed (the request came before, somebody was faster, the
    /// verb is refused, a quote lapses), the ticket is locked behind the request's key, and that
    /// decides.
    async fn verb<Q: Message>(
        &self,
        call: Call<'_, Q>,
        act: impl Fn(&mut Ticket, &Deed<'_>) -> Result<(), Refusal> + Send + Sync,
    ) -> Answer<pb::Ticket> {
        let now = self.db.clock().now();
        let (caller, rpc) = (call.caller, call.rpc);
        let key = Key::of(caller, rpc, call.request_id, call.request)?;
        let when = Occurrence::read(call.wrong, call.name, call.occur_time, now)?;
        let deed = Deed {
            actor: &caller.principal,
            at: when.at,
            note: call.note,
        };
        let act = |ticket: &mut Ticket| {
            check_etag(ticket, call.etag, call.name)?;
            not_before_report(ticket, when.at)?;
            ticket.attention.clear();
            act(ticket, &deed)?;
            ticket.facts.cause_at = Some(when.at);
            Ok::<_, Refusal>(())
        };
        let tried = self.try_at_once(caller, when.ticket, key.as_ref(), &act);
        if let Some(answer) = tried.await? {
            return Ok(Response::new(answer));
        }
        let keyed = keyed(&self.db, caller, rpc, call.request_id, call.request);
        let mut tx = match keyed.await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let mut ticket = self.lock(caller, &mut tx, when.ticket).await?;
        let before = ticket.head.hash;
        act(&mut ticket)?;
        self.save_and_wake(&mut tx, &mut ticket).await?;
        let answer = wire::write_ticket(&ticket, &self.clocks(&ticket, now));
        self.changed(&mut tx, &ticket, Some(before));
        tx.finish_as(answer.encode_to_vec()).await?;
        self.woken.notify_one();
        Ok(Response::new(answer))
    }

    /// One reading and one writing statement; none: nothing was written.
    async fn try_at_once(
        &self,
        caller: &Asking,
        id: Uuid,
        key: Option<&Key>,
        act: impl Fn(&mut Ticket) -> Result<(), Refusal>,
    ) -> Result<Option<pb::Ticket>, Refusal> {
        let tenant = &caller.tenant;
        let Some(mut ticket) = self.read(tenant, id).await? else {
            return Ok(None);
        };
        caller.reaches(&scope(&ticket), || wire::name(&ticket))?;
        let before = ticket.head.hash;
        let erased = ticket.erased_at.is_some();
        if erased || act(&mut ticket).is_err() || !Desk::is_alone(&ticket) {
            return Ok(None);
        }
        let now = self.db.clock().now();
        let mut beside = self.seal(&mut ticket, now)?;
        let answer = wire::write_ticket(&ticket, &self.clocks(&ticket, now));
        beside.key = key.map(|key| (key.clone(), answer.encode_to_vec()));
        beside.change = self.change(&ticket, Some(before), key);
        let wake = Wake::at(now);
        let saved = self.save_single(tenant, &ticket, &beside, &wake).await?;
        Ok(saved.then(|| {
            self.woken.notify_one();
            answer
        }))
    }

    /// Inserts a reported ticket in one statement; none: its key or external key is there already,
    /// or its customer was erased.
    async fn report_at_once(
        &self,
        caller: &Caller,
        mut ticket: Ticket,
        key: Option<&Key>,
    ) -> Result<Option<pb::Ticket>, Refusal> {
        let now = ticket.created_at;
        let mut beside = self.seal(&mut ticket, now)?;
        let answer = wire::write_ticket(&ticket, &self.clocks(&ticket, now));
        beside.key = key.map(|key| (key.clone(), answer.encode_to_vec()));
        beside.change = self.change(&ticket, None, key);
        let reported = self.report(&caller.tenant, (ticket, beside)).await?;
        Ok(reported.then(|| {
            self.woken.notify_one();
            answer
        }))
    }
}

/// A text of the request's own, checked into `wrong`.
fn text(field: &str, value: &str, least: usize, most: usize) -> (String, Violations) {
    let mut wrong = Violations::new();
    let text = wrong.text(field, value, least..=most);
    (text, wrong)
}

fn note(value: &str) -> (Option<String>, Violations) {
    let (text, wrong) = text("note", value, 0, 2_000);
    (Some(text).filter(|text| !text.is_empty()), wrong)
}

/// Writes the [`Call`] of a request.
macro_rules! verb {
    ($rpc:literal, $caller:expr, $request:expr, $note:expr, $wrong:expr) => {
        Call {
            rpc: $rpc,
            caller: $caller,
            request: $request,
            name: &$request.name,
            etag: &$request.etag,
            request_id: &$request.request_id,
            occur_time: $request.occur_time.as_ref(),
            note: $note,
            wrong: $wrong,
        }
    };
}

#[tonic::async_trait]
impl TicketService for Desk {
    async fn create_ticket(&self, request: Request<pb::CreateTicketRequest>) -> Answer<pb::Ticket> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let now = self.db.clock().now();
        let new = wire::read_ticket(&request, &caller, now)?;
        let key = Key::of(&caller, "CreateTicket", &request.request_id, &request)?;
        let external_key = new.external_key.clone();
        caller.may(&new.scope(&caller))?;
        let number = self.next_number(&caller.tenant).await?;
        let ticket = self.reported(&caller, new, number, now);
        let tried = self.report_at_once(&caller, ticket.clone(), key.as_ref());
        if let Some(answer) = tried.await? {
            return Ok(Response::new(answer));
        }
        let (id, asked) = (&request.request_id, &request);
        let keyed = keyed(&self.db, &caller, "CreateTicket", id, asked);
        let mut tx = match keyed.await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        if let Some(key) = &external_key {
            let other = store::ticket::with_external_key(&mut tx, caller.tenant.as_str(), key);
            if let Some(id) = other.await? {
                let name = chassis::names::name(wire::TICKETS, id);
                return Err(external_key_taken(&name).into());
            }
        }
        let mut ticket = ticket;
        if let Some(party) = ticket.party.map(|id| chassis::names::name("parties", id))
            && erasure::is_recorded(&mut tx, &caller.tenant, &party).await?
        {
            return Err(customer_erased(&party).into());
        }
        let beside = self.seal(&mut ticket, now)?;
        let reported = [(ticket, beside)];
        if !store::ticket::insert(&mut tx, caller.tenant.as_str(), &reported).await? {
            return Err(Refusal::contention().into());
        }
        tx.has_told();
        let [(ticket, _)] = reported;
        let answer = wire::write_ticket(&ticket, &self.clocks(&ticket, now));
        self.changed(&mut tx, &ticket, None);
        tx.finish_as(answer.encode_to_vec()).await?;
        self.woken.notify_one();
        Ok(Response::new(answer))
    }

    async fn get_ticket(&self, request: Request<pb::GetTicketRequest>) -> Answer<pb::Ticket> {
        self.get(request).await
    }

    async fn list_tickets(
        &self,
        request: Request<pb::ListTicketsRequest>,
    ) -> Answer<pb::ListTicketsResponse> {
        self.list(request).await
    }

    async fn update_ticket(&self, request: Request<pb::UpdateTicketRequest>) -> Answer<pb::Ticket> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let (_, changes) = wire::read_update(&request, self.db.clock().now())?;
        // A customer says what is wrong; how grave it is and who takes it up, the desk says.
        let staffs = changes.keys().copied().filter(|f| STAFFS.contains(f));
        let staffs: Vec<&str> = staffs.collect();
        if caller.customer.is_some() && !staffs.is_empty() {
            return Err(caller.not_permitted_fields(&staffs).into());
        }
        let ticket = request.ticket.clone().unwrap_or_default();
        let call = Call {
            rpc: "UpdateTicket",
            caller: &caller,
            request: &request,
            name: &ticket.name,
            etag: &ticket.etag,
            request_id: &request.request_id,
            occur_time: request.occur_time.as_ref(),
            note: None,
            wrong: Violations::new(),
        };
        let update = move |ticket: &mut Ticket, deed: &Deed<'_>| {
            ticket.update(&changes, deed);
            Ok(())
        };
        self.verb(call, update).await
    }

    async fn respond_to_ticket(
        &self,
        request: Request<pb::RespondToTicketRequest>,
    ) -> Answer<pb::Ticket> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let (note, wrong) = note(&request.note);
        let call = verb!("RespondToTicket", &caller, &request, note, wrong);
        self.verb(call, |ticket, deed| Ok(ticket.respond(deed)?))
            .await
    }

    async fn start_ticket(&self, request: Request<pb::StartTicketRequest>) -> Answer<pb::Ticket> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let (note, wrong) = note(&request.note);
        let call = verb!("StartTicket", &caller, &request, note, wrong);
        self.verb(call, |ticket, deed| Ok(ticket.start(deed)?))
            .await
    }

    async fn pause_ticket(&self, request: Request<pb::PauseTicketRequest>) -> Answer<pb::Ticket> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let mut wrong = Violations::new();
        let reason = wire::pause_reason(&mut wrong, request.reason());
        let call = verb!("PauseTicket", &caller, &request, None, wrong);
        self.verb(call, move |ticket, deed| Ok(ticket.pause(reason, deed)?))
            .await
    }

    async fn resume_ticket(&self, request: Request<pb::ResumeTicketRequest>) -> Answer<pb::Ticket> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let (note, wrong) = note(&request.note);
        let call = verb!("ResumeTicket", &caller, &request, note, wrong);
        self.verb(call, |ticket, deed| Ok(ticket.resume(deed)?))
            .await
    }

    async fn resolve_ticket(
        &self,
        request: Request<pb::ResolveTicketRequest>,
    ) -> Answer<pb::Ticket> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let (resolution, wrong) = text("resolution", &request.resolution, 1, 2_000);
        let call = verb!("ResolveTicket", &caller, &request, None, wrong);
        self.verb(call, move |ticket, deed| {
            Ok(ticket.resolve(&resolution, deed)?)
        })
        .await
    }

    async fn close_ticket(&self, request: Request<pb::CloseTicketRequest>) -> Answer<pb::Ticket> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let (note, wrong) = note(&request.note);
        let call = verb!("CloseTicket", &caller, &request, note, wrong);
        self.verb(call, |ticket, deed| Ok(ticket.close(false, deed)?))
            .await
    }

    async fn reopen_ticket(&self, request: Request<pb::ReopenTicketRequest>) -> Answer<pb::Ticket> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let (reason, wrong) = text("reason", &request.reason, 1, 500);
        let days = self.settings.reopen_days;
        let call = verb!("ReopenTicket", &caller, &request, None, wrong);
        self.verb(call, move |ticket, deed| {
            Ok(ticket.reopen(&reason, days, deed)?)
        })
        .await
    }

    async fn cancel_ticket(&self, request: Request<pb::CancelTicketRequest>) -> Answer<pb::Ticket> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let (reason, wrong) = text("reason", &request.reason, 1, 500);
        let call = verb!("CancelTicket", &caller, &request, None, wrong);
        self.verb(call, move |ticket, deed| Ok(ticket.cancel(&reason, deed)?))
            .await
    }

    async fn reject_ticket(&self, request: Request<pb::RejectTicketRequest>) -> Answer<pb::Ticket> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let (reason, wrong) = text("reason", &request.reason, 1, 500);
        let call = verb!("RejectTicket", &caller, &request, None, wrong);
        self.verb(call, move |ticket, deed| Ok(ticket.reject(&reason, deed)?))
            .await
    }

    async fn assign_ticket(&self, request: Request<pb::AssignTicketRequest>) -> Answer<pb::Ticket> {
        let (caller, request) = (Caller::of(&request)?, request.into_inner());
        let (assignee, wrong) = text("assignee", &request.assignee, 1, 128);
        let call = verb!("AssignTicket", &caller, &request, None, wrong);
        self.verb(call, move |ticket, deed| assign(ticket, &assignee, deed))
            .await
    }

    async fn add_ticket_note(
        &self,
        request: Request<pb::AddTicketNoteRequest>,
    ) -> Answer<pb::TicketEvent> {
        self.add_note(request).await
    }

    async fn list_ticket_events(
        &self,
        request: Request<pb::ListTicketEventsRequest>,
    ) -> Answer<pb::ListTicketEventsResponse> {
        self.events(request).await
    }

    async fn export_ticket_history(
        &self,
        request: Request<pb::ExportTicketHistoryRequest>,
    ) -> Answer<pb::TicketHistory> {
        self.export(request).await
    }

    async fn explain_clocks(
        &self,
        request: Request<pb::ExplainClocksRequest>,
    ) -> Answer<pb::ExplainClocksResponse> {
        self.explain(request).await
    }
}

/// Nothing happens to a matter before it is reported.
fn not_before_report(ticket: &Ticket, at: Timestamp) -> Result<(), Refusal> {
    let mut wrong = Violations::new();
    if at < ticket.reported_at {
        wrong.add(
            "occur_time",
            format!("is before the report of {}", ticket.reported_at),
        );
    }
    wrong.check()
}

/// Gives the ticket its owner; a ticket in a final state has none to get.
fn assign(ticket: &mut Ticket, assignee: &str, deed: &Deed<'_>) -> Result<(), Refusal> {
    if ticket.state.is_final() {
        let verbs: Vec<&str> = crate::domain::moves::allowed(ticket.state)
            .map(Verb::name)
            .collect();
        return Err(illegal_move(ticket.state.name(), "assign", &verbs));
    }
    ticket.log("assign", deed, &[("assignee", assignee.to_owned())]);
    assignee.clone_into(&mut ticket.assignee);
    Ok(())
}

impl Desk {
    /// The ticket that a report makes.
    fn reported(&self, caller: &Caller, new: NewTicket, number: String, now: Timestamp) -> Ticket {
        let intake = self.policies.intake(new.kind);
        let course = process::course(new.kind);
        let mut ticket = Ticket {
            tenant: caller.tenant.as_str().to_owned(),
            id: self.db.ids().v7(),
            number,
            kind: new.kind,
            title: new.title,
            description: new.description,
            serial_number: new.serial_number,
            product: new.product,
            party: new.party,
            partner: caller.partner.clone(),
            region: new.region,
            site: new.site,
            fault: new.fault,
            impact: new.impact,
            urgency: new.urgency,
            state: State::Acknowledged,
            step: if course.coverage {
                RepairStep::Coverage
            } else {
                RepairStep::None
            },
            pause: None,
            queue: new.queue.unwrap_or(intake.queue),
            assignee: String::new(),
            external_key: new.external_key,
            round: 1,
            attention: String::new(),
            resolution: String::new(),
            sla_policy: self.policies.policy(&intake.sla_policy).reference(),
            moments: Vec::new(),
            facts: Facts {
                cause_at: Some(new.at),
                ..Facts::default()
            },
            decision: None,
            findings: Vec::new(),
            reported_at: new.at,
            created_at: now,
            updated_at: now,
            version: 0,
            head: Head {
                sequence: 0,
                hash: START,
            },
            fresh: Vec::new(),
            told: vec!["ticket.reported"],
            erased_at: None,
        };
        ticket.moment(new.at, What::Reported);
        let deed = Deed {
            actor: &caller.principal,
            at: new.at,
            note: None,
        };
        let title = ticket.title.clone();
        ticket.log_words("report", &deed, &title);
        ticket
    }
}
