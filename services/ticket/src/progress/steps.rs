//! Each step: what is asked of whom, and what the answer does to the ticket.

use chassis::client::{As, Peer};
use chassis::clock::step_id;
use chassis::db::Tx;
use chassis::service::{BuildError, Peers as Configured};
use chassis::{Caller, Refusal, TenantId, names};
use jiff::civil::Date;
use prost::Message;
use proto::dispatch::v1 as dispatch;
use proto::dispatch::v1::work_order_service_client::WorkOrderServiceClient;
use proto::entitlement::v1 as entitlement;
use proto::entitlement::v1::entitlement_decision::Outcome as PbOutcome;
use proto::entitlement::v1::entitlement_service_client::EntitlementServiceClient;
use proto::inventory::v1 as inventory;
use proto::inventory::v1::part_service_client::PartServiceClient;
use proto::inventory::v1::reservation_service_client::ReservationServiceClient;
use proto::kinds::v1::Finding;
use proto::kinds::v1::finding::{Argument, Verdict};
use proto::ticket::v1::FindingCode;
use rust_decimal::Decimal;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::desk::Desk;
use crate::domain::answers;
use crate::domain::coverage::{Coverage, Outcome, Price};
use crate::domain::process::{PartLine, Step};
use crate::domain::quote::{Line, Quote, QuoteState, STANDS};
use crate::domain::ticket::{Deed, Ticket};
use crate::{events, peers, store};

/// The services that the process asks.
#[derive(Clone)]
pub struct Peers {
    entitlement: Peer,
    inventory: Peer,
    dispatch: Peer,
}

/// What a step came to.
pub(super) enum Done {
    /// Coverage is decided.
    Decided(Box<entitlement::EntitlementDecision>),
    /// The serial number is not registered.
    Unregistered,
    /// These parts repair it.
    Parts(Vec<PartLine>),
    /// A reservation as it stands.
    Reserved(Box<inventory::Reservation>),
    /// A work order as it stands.
    Booked(Box<dispatch::WorkOrder>),
    /// The parts of that round are not held any more.
    Released(i32),
    /// The visit of that round is not booked any more.
    VisitCancelled(i32),
    /// The visit of that round was done already; its own event settles what it used.
    VisitEnded(i32),
    /// A step of our own.
    Own(Step),
}

/// Why a step did not come to anything.
pub(super) enum Failed {
    /// The peer did not answer, or not now: try again.
    Unreachable(String),
    /// The peer refused: trying again would not help.
    Refused(String),
}

impl Failed {
    /// In words, for the timeline.
    pub(super) fn why(&self) -> &str {
        match self {
            Failed::Unreachable(why) | Failed::Refused(why) => why,
        }
    }
}

impl From<Status> for Failed {
    fn from(status: Status) -> Failed {
        let reason = status.get_details_error_info().map(|info| info.reason);
        let reason = reason.unwrap_or_else(|| format!("{:?}", status.code()));
        match status.code() {
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented => Failed::Refused(format!("{reason}: {}", status.message())),
            _ => Failed::Unreachable(reason),
        }
    }
}

fn reason_of(status: &Status) -> String {
    status
        .get_details_error_info()
        .map_or_else(String::new, |info| info.reason)
}

impl Peers {
    /// The peers as configured.
    pub fn new(configured: &Configured) -> Result<Peers, BuildError> {
        Ok(Peers {
            entitlement: configured.get("entitlement")?,
            inventory: configured.get("inventory")?,
            dispatch: configured.get("dispatch")?,
        })
    }

    /// Does a step. `asked` are the bytes kept for it, where it has an effect in a peer.
    pub(super) async fn perform(
        &self,
        step: Step,
        ticket: &Ticket,
        tenant: &TenantId,
        asked: Option<&[u8]>,
    ) -> Result<Done, Failed> {
        let us = As(Caller::service(tenant.clone(), "ticket"));
        let at = ticket.facts.cause_at.unwrap_or(ticket.reported_at);
        match step {
            Step::DecideCoverage => self.coverage(ticket, &us).await,
            Step::ChooseParts => {
                let mut parts = PartServiceClient::new(self.inventory.clone());
                let question = us.request(peers::parts_question(ticket));
                let found = parts
                    .find_parts_for_asset(question)
                    .await?
                    .into_inner()
                    .parts;
                let best = found.into_iter().next();
                let line = best.map(|part| PartLine {
                    part: part.name,
                    quantity: 1,
                });
                Ok(Done::Parts(line.into_iter().collect()))
            }
            Step::HoldParts => {
                let mut reservations = ReservationServiceClient::new(self.inventory.clone());
                let request = us.request(kept(asked)?);
                let held = reservations.reserve_parts(request).await?.into_inner();
                Ok(Done::Reserved(Box::new(held)))
            }
            Step::BookVisit => {
                let mut orders = WorkOrderServiceClient::new(self.dispatch.clone());
                let booked = orders
                    .create_work_order(us.request(kept(asked)?))
                    .await?
                    .into_inner();
                Ok(Done::Booked(Box::new(booked)))
            }
            Step::ReleaseParts(round) => {
                let mut reservations = ReservationServiceClient::new(self.inventory.clone());
                let request = us.request(peers::release_parts(ticket, round, at));
                over(reservations.release_reservation(request).await)?;
                Ok(Done::Released(round))
            }
            Step::CancelVisit(round) => {
                let mut orders = WorkOrderServiceClient::new(self.dispatch.clone());
                let request = us.request(peers::cancel_visit(ticket, round, at));
                match over(orders.cancel_work_order(request).await)? {
                    Over::Now => Ok(Done::VisitCancelled(round)),
                    Over::Before => Ok(Done::VisitEnded(round)),
                }
            }
            Step::IssueQuote | Step::ExpireQuote | Step::Reject | Step::AutoClose => {
                Ok(Done::Own(step))
            }
        }
    }

    async fn coverage(&self, ticket: &Ticket, us: &As) -> Result<Done, Failed> {
        let mut entitlement = EntitlementServiceClient::new(self.entitlement.clone());
        let question = us.request(peers::coverage_question(ticket));
        match entitlement.check_entitlement(question).await {
            Ok(decision) => Ok(Done::Decided(Box::new(decision.into_inner()))),
            Err(status) if reason_of(&status) == "ASSET_UNKNOWN" => Ok(Done::Unregistered),
            Err(status) => Err(status.into()),
        }
    }
}

/// The request as it was kept before the first try.
fn kept<Q: Message + Default>(asked: Option<&[u8]>) -> Result<Q, Failed> {
    let bytes = asked.ok_or_else(|| Failed::Refused("the request was not kept".to_owned()))?;
    Q::decode(bytes).map_err(|e| Failed::Refused(format!("the kept request cannot be read: {e}")))
}

/// Since when there is nothing to give back.
enum Over {
    /// It was given back.
    Now,
    /// It was settled or done already.
    Before,
}

/// Giving back what is settled or done already is done as well.
fn over<T>(answer: Result<T, Status>) -> Result<Over, Failed> {
    match answer {
        Ok(_) => Ok(Over::Now),
        Err(status) if reason_of(&status) == "ILLEGAL_MOVE" => Ok(Over::Before),
        Err(status) => Err(status.into()),
    }
}

impl Done {
    /// Applies the outcome to the ticket; returns a quote to be stored with it.
    pub(super) fn apply(
        self,
        desk: &Desk,
        ticket: &mut Ticket,
        deed: &Deed<'_>,
    ) -> Result<Option<Quote>, Refusal> {
        let _ = match self {
            Done::Decided(decision) => {
                let coverage = read_decision(&decision)?;
                let policy = desk
                    .policies
                    .find(&coverage.sla_policy)
                    .map(|p| p.reference());
                answers::coverage_decided(ticket, coverage, decision.encode_to_vec(), policy, deed)?
            }
            Done::Unregistered => {
                let finding = unregistered(&ticket.serial_number).encode_to_vec();
                answers::serial_unknown(ticket, finding, deed)?
            }
            Done::Parts(parts) => answers::parts_chosen(ticket, parts, deed)?,
            Done::Reserved(reservation) => match events::parts_news(&reservation) {
                Some(news) => answers::reservation_told(ticket, reservation.round, news, deed)?,
                None => return Ok(None),
            },
            Done::Booked(order) => {
                let order = events::facts(*order);
                match events::visit_news(&order) {
                    Some(news) => answers::visit_told(ticket, order.round, news, deed)?,
                    None => return Ok(None),
                }
            }
            Done::Released(round) => answers::parts_released(ticket, round, deed),
            Done::VisitCancelled(round) => answers::visit_cancelled(ticket, round, deed),
            Done::VisitEnded(round) => answers::visit_ends_itself(ticket, round),
            Done::Own(step) => return own(step, desk, ticket, deed),
        };
        Ok(None)
    }
}

/// The steps that ask nobody.
fn own(
    step: Step,
    desk: &Desk,
    ticket: &mut Ticket,
    deed: &Deed<'_>,
) -> Result<Option<Quote>, Refusal> {
    match step {
        Step::IssueQuote => return issue(desk, ticket, deed).map(Some),
        Step::ExpireQuote => {
            let _ = answers::quote_expired(ticket, deed)?;
        }
        Step::Reject => {
            let reason = "nothing is owed for this fault and no repair is offered";
            ticket.reject(reason, deed)?;
        }
        _ => {
            let at = ticket.facts.auto_close_at.unwrap_or(deed.at);
            ticket.close(true, &Deed { at, ..deed.clone() })?;
        }
    }
    Ok(None)
}

/// The offer of a repair that is not owed, at the price that the decision estimated.
fn issue(desk: &Desk, ticket: &mut Ticket, deed: &Deed<'_>) -> Result<Quote, Refusal> {
    let coverage = ticket.facts.coverage.as_ref();
    let price = coverage.and_then(|coverage| coverage.price.clone());
    let price = price.ok_or_else(|| Refusal::internal("a chargeable decision has no price"))?;
    let now = desk.db.clock().now();
    let tenant = TenantId::parse(&ticket.tenant).map_err(Refusal::internal)?;
    let round = u32::try_from(ticket.round).unwrap_or(1);
    let description = match ticket.fault.component.as_str() {
        "" => "Repair".to_owned(),
        component => format!("Repair: {}", component.to_lowercase().replace('_', " ")),
    };
    let quote = Quote {
        id: step_id(&tenant, ticket.id, Step::IssueQuote.name(), round),
        ticket: ticket.id,
        state: QuoteState::Open,
        lines: vec![Line {
            description,
            quantity: 1,
            unit_price: price.clone(),
        }],
        total: price,
        expires_at: now + STANDS,
        issued_at: deed.at,
        created_at: now,
        decided_at: None,
        decided_by: None,
        decline_reason: None,
        version: 1,
    };
    ticket.facts.quote_id = Some(quote.id);
    let _ = answers::quote_issued(ticket, &quote.total, quote.expires_at, deed)?;
    Ok(quote)
}

/// Stores the process's quote; false: it is stored already, or an agent's is open.
pub(super) async fn store_quote(
    tx: &mut Tx,
    ticket: &Ticket,
    quote: &Quote,
) -> Result<bool, Refusal> {
    store::quote::insert(tx, &ticket.tenant, quote).await
}

fn unregistered(serial_number: &str) -> Finding {
    Finding {
        code: FindingCode::SerialUnknown.as_str_name().to_owned(),
        verdict: Verdict::Noted.into(),
        arguments: vec![Argument {
            name: "serial_number".to_owned(),
            value: serial_number.to_owned(),
        }],
        message: format!("No device is registered with serial number {serial_number} yet"),
        ..Finding::default()
    }
}

/// As much of the decision as the process acts on.
fn read_decision(decision: &entitlement::EntitlementDecision) -> Result<Coverage, Refusal> {
    let outcome = match decision.outcome() {
        PbOutcome::FreeOfCharge => Outcome::FreeOfCharge,
        PbOutcome::Discounted => Outcome::Discounted,
        PbOutcome::Chargeable => Outcome::Chargeable,
        PbOutcome::Refused => Outcome::Refused,
        PbOutcome::Unspecified => return Err(Refusal::internal("a decision without outcome")),
    };
    let price = decision.price.as_ref().map(|money| Price {
        amount: Decimal::from(money.units) + Decimal::new(i64::from(money.nanos), 9),
        currency: money.currency_code.clone(),
    });
    let asset = names::parse("assets", &decision.asset);
    Ok(Coverage {
        outcome,
        asset: asset.ok_or_else(|| Refusal::internal("a decision without asset"))?,
        product: decision.product.clone(),
        category: decision.category.clone(),
        modes: decision.modes.clone(),
        sla_policy: decision.sla_policy.clone(),
        price,
        layer: decision.winning_layer.clone(),
        covered_until: decision.covered_until.parse::<Date>().ok(),
    })
}
