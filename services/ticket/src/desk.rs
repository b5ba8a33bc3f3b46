//! The service desk: what RPCs, the progress worker and the event consumer share: the store, the
//! policies, and the one way to save a ticket.

mod together;

use std::sync::Arc;

use chassis::audit::Change;
use chassis::authz::Scope;
use chassis::chain::Hash;
use chassis::db::{Db, Tx};
use chassis::gather::Gather;
use chassis::identity::SigningKey;
use chassis::keyed::Key;
use chassis::names;
use chassis::outbox::{Columns, Event};
use chassis::page::PageKey;
use chassis::refusal::to_pb;
use chassis::{Asking, Refusal, TenantId};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proto::ticket::v1::TicketEventPayload;
use tokio::sync::{Mutex, Notify};
use uuid::Uuid;

use crate::config::Settings;
use crate::domain::clocks::{self, Clock, Counting};
use crate::domain::moves::State;
use crate::domain::number;
use crate::domain::policy::Policies;
use crate::domain::process::auto_close_at;
use crate::domain::ticket::{Site, Ticket, What};
use crate::error::ticket_erased;
use crate::store;
use crate::store::ticket::{Beside, Reported, Wake};
use crate::store::timeline::Chained;
use crate::wire;

/// Numbers that one call of the store hands out.
const BLOCK: i64 = 100;

/// Shared by everything the service runs. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    pub(crate) db: Db,
    pub(crate) policies: Arc<Policies>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) page_key: PageKey,
    /// Signs the histories that are handed out.
    pub(crate) signer: Option<SigningKey>,
    /// Rung when a ticket has something to do.
    pub(crate) woken: Arc<Notify>,
    /// The next number and the first that is not ours.
    numbers: Arc<Mutex<(i64, i64)>>,
    reading: Gather<Uuid, Option<Ticket>>,
    reporting: Gather<Reported, bool>,
}

impl Desk {
    /// A desk over a store.
    pub fn new(
        db: Db,
        policies: Policies,
        settings: Settings,
        page_key: PageKey,
        signer: Option<SigningKey>,
    ) -> Desk {
        Desk {
            reading: together::reading(db.clone()),
            reporting: together::reporting(db.clone()),
            db,
            policies: Arc::new(policies),
            settings: Arc::new(settings),
            page_key,
            signer,
            woken: Arc::default(),
            numbers: Arc::default(),
        }
    }

    /// The next service-order number. One that is not used leaves a gap and no harm.
    pub(crate) async fn next_number(&self, tenant: &TenantId) -> Result<String, Refusal> {
        let mut numbers = self.numbers.lock().await;
        if numbers.0 >= numbers.1 {
            let mut single = self.db.single(tenant).await?;
            let first = store::ticket::next_numbers(&mut single).await?;
            single.done(false).await?;
            *numbers = (first, first + BLOCK);
        }
        let next = numbers.0;
        numbers.0 += 1;
        Ok(number::number(&self.settings.cell, next))
    }

    /// The ticket of that id.
    pub(crate) async fn read(
        &self,
        tenant: &TenantId,
        id: Uuid,
    ) -> Result<Option<Ticket>, Refusal> {
        self.reading.ask(tenant, id).await
    }

    /// Inserts a new ticket together with those that are reported at the same time. False: something
    /// stands in the way of it or of one of the others, and nothing was written.
    pub(crate) async fn report(
        &self,
        tenant: &TenantId,
        reported: Reported,
    ) -> Result<bool, Refusal> {
        self.reporting.ask(tenant, reported).await
    }

    /// The ticket's clocks as they stand at `now`.
    pub(crate) fn clocks(&self, ticket: &Ticket, now: Timestamp) -> Vec<Clock> {
        self.counting(ticket, |counting| {
            clocks::read(counting, &ticket.moments, now)
        })
    }

    /// Runs `question` where and how the ticket's time counts.
    pub(crate) fn counting<R>(
        &self,
        ticket: &Ticket,
        question: impl FnOnce(Counting<'_>) -> R,
    ) -> R {
        let policy = self.policies.policy(&ticket.sla_policy);
        let place = ticket.site.as_ref().map_or("", Site::jurisdiction);
        let zone = ticket.site.as_ref().map_or(TimeZone::UTC, Site::zone);
        let calendar = self.policies.calendar(policy, place);
        question(Counting {
            calendar,
            zone: &zone,
            policy,
        })
    }

    /// When a resolved ticket closes by itself.
    fn auto_close(&self, ticket: &Ticket) -> Option<Timestamp> {
        if ticket.state != State::Resolved {
            return None;
        }
        let resolved = ticket
            .moments
            .iter()
            .rfind(|moment| moment.what == What::Resolved)?;
        Some(self.counting(ticket, |counting| {
            let after = counting.policy.auto_close_after;
            auto_close_at(counting.calendar, counting.zone, resolved.at, after)
        }))
    }

    /// Makes the ticket what it will be when it is saved at `now`; returns what goes with it.
    pub(crate) fn seal(&self, ticket: &mut Ticket, now: Timestamp) -> Result<Beside, Refusal> {
        let read_version = ticket.version;
        let chained = Chained::seal(ticket, now, self.db.ids());
        let last = ticket.fresh.last();
        let at = last.map_or(now, |entry| entry.occurred_at);
        ticket.fresh.clear();
        ticket.head = chained.head;
        ticket.version += 1;
        ticket.updated_at = now;
        ticket.facts.auto_close_at = self.auto_close(ticket);
        let told = std::mem::take(&mut ticket.told);
        let told = told.into_iter().map(|kind| event(kind, ticket, at));
        let tenant = TenantId::parse(&ticket.tenant).map_err(Refusal::internal)?;
        Ok(Beside {
            read_version,
            told: Columns::of(&tenant, self.db.ids(), told.collect()),
            next_due: clocks::next_due(&self.clocks(ticket, now)),
            chained,
            key: None,
            change: None,
        })
    }

    /// Whether one statement can save the ticket: nothing lapses with it.
    pub(crate) fn is_alone(ticket: &Ticket) -> bool {
        !ticket.state.is_final() || ticket.facts.quote_id.is_none()
    }

    /// Saves a changed ticket, its timeline, its process, and what it tells.
    /// False: somebody was faster, and nothing was written.
    pub(crate) async fn save(
        &self,
        tx: &mut Tx,
        ticket: &mut Ticket,
        wake: &Wake,
    ) -> Result<bool, Refusal> {
        let beside = self.seal(ticket, tx.now())?;
        if !store::ticket::save(tx, ticket, &beside, wake).await? {
            return Ok(false);
        }
        if !Desk::is_alone(ticket) {
            let last = beside.chained.last_occurred();
            let at = last.unwrap_or(tx.now());
            store::quote::lapse(tx, &ticket.tenant, ticket.id, at).await?;
        }
        if !beside.told.is_empty() {
            tx.has_told();
        }
        Ok(true)
    }

    /// As [`save`](Desk::save), in one round trip; for a ticket that [is alone](Desk::is_alone).
    pub(crate) async fn save_single(
        &self,
        tenant: &TenantId,
        ticket: &Ticket,
        beside: &Beside,
        wake: &Wake,
    ) -> Result<bool, Refusal> {
        let mut single = self.db.single(tenant).await?;
        let saved = store::ticket::save(&mut single, ticket, beside, wake).await?;
        single.done(saved && !beside.told.is_empty()).await?;
        Ok(saved)
    }

    /// As [`save`](Desk::save) for an RPC or event: the process looks again at once.
    pub(crate) async fn save_and_wake(
        &self,
        tx: &mut Tx,
        ticket: &mut Ticket,
    ) -> Result<(), Refusal> {
        let wake = Wake::at(tx.now());
        if self.save(tx, ticket, &wake).await? {
            Ok(())
        } else {
            Err(Refusal::contention())
        }
    }

    /// Says for the audit what became of a saved ticket. Its digest is the hash of its last entry,
    /// which covers all that ever happened to it.
    pub(crate) fn changed(&self, tx: &mut Tx, ticket: &Ticket, before: Option<Hash>) {
        tx.changed(wire::name(ticket), before, Some(ticket.head.hash));
    }

    /// As [`changed`](Desk::changed), for a ticket that is saved in one statement.
    pub(crate) fn change(
        &self,
        ticket: &Ticket,
        before: Option<Hash>,
        key: Option<&Key>,
    ) -> Option<(Uuid, Change)> {
        let mut change = Change::begun()?;
        if let Some(key) = key {
            key.id.clone_into(&mut change.request_id);
        }
        change.of(wire::name(ticket), before, Some(ticket.head.hash));
        Some((self.db.ids().v7(), change))
    }

    /// The ticket, locked until the transaction ends, where the caller may do to it what it asks and
    /// its customer was not erased.
    pub(crate) async fn lock(
        &self,
        caller: &Asking,
        tx: &mut Tx,
        id: Uuid,
    ) -> Result<Ticket, Refusal> {
        let found = store::ticket::lock(tx, caller.tenant.as_str(), id).await?;
        let ticket = found.ok_or_else(|| Refusal::not_found(&names::name(wire::TICKETS, id)))?;
        caller.reaches(&scope(&ticket), || names::name(wire::TICKETS, id))?;
        match ticket.erased_at {
            Some(at) => Err(ticket_erased(&wire::name(&ticket), at)),
            None => Ok(ticket),
        }
    }
}

/// To whom the ticket belongs.
pub(crate) fn scope(ticket: &Ticket) -> Scope {
    let technician = ticket.facts.technician;
    Scope {
        region: Some(ticket.region.clone()),
        customer: ticket.party.map(|id| names::name("parties", id)),
        partner: ticket.partner.clone(),
        technician: technician.map(|id| names::name("technicians", id)),
    }
}

/// An event of the ticket as it stands.
pub(crate) fn event(kind: &'static str, ticket: &Ticket, at: Timestamp) -> Event {
    let facts = &ticket.facts;
    let named = |collection: &str, id: Option<Uuid>| {
        id.map_or(String::new(), |id| names::name(collection, id))
    };
    let reason = ticket.pause.map_or("", |reason| reason.name());
    let payload = TicketEventPayload {
        ticket: wire::name(ticket),
        number: ticket.number.clone(),
        kind: wire::kind(ticket.kind).into(),
        state: wire::state(ticket.state).into(),
        round: ticket.round,
        region: ticket.region.clone(),
        party: named("parties", ticket.party),
        asset: named(
            "assets",
            facts.coverage.as_ref().map(|coverage| coverage.asset),
        ),
        product: ticket.product.clone(),
        technician: named("technicians", facts.technician),
        assignee: ticket.assignee.clone(),
        outcome: facts
            .coverage
            .as_ref()
            .map_or("", |c| c.outcome.name())
            .to_owned(),
        quote: facts
            .quote_id
            .map_or(String::new(), |id| wire::quote_name(ticket.id, id)),
        time: Some(to_pb(at)),
        report_time: Some(to_pb(ticket.reported_at)),
        reason: reason.to_owned(),
    };
    Event::new(kind, wire::name(ticket), ticket.version, at, &payload)
}
