//! Between the contract and the domain; the only module that sees both.
//!
//! Reading a request collects every violation before it refuses.

mod history;
mod quote;
mod requests;

use chassis::{etag, names, refusal::to_pb};
use jiff::Timestamp;
use prost::Message;
use proto::entitlement::v1::EntitlementDecision;
use proto::kinds::v1::{self as kinds, Finding, TimeWindow};
use proto::ticket::v1 as pb;

use crate::domain::clocks::{Clock, Interval};
use crate::domain::moves::{self, State, Verb};
use crate::domain::policy::Milestone;
use crate::domain::ticket::{Fault, Kind, PauseReason, RepairStep, Site, Ticket};
use crate::domain::timeline::sentence;
use crate::store::timeline::Stored;

pub use history::{read_history, write_history};
pub use quote::{NewQuote, parse_quote_name, quote_name, read_quote, write_quote};
pub use requests::{NewTicket, Occurrence, pause_reason, read_filter, read_ticket, read_update};

/// "tickets/{uuid}".
pub const TICKETS: &str = "tickets";

/// The ticket's resource name.
pub fn name(ticket: &Ticket) -> String {
    names::name(TICKETS, ticket.id)
}

/// "HARDWARE_FAULT" and so on as the contract's number.
pub fn kind(kind: Kind) -> pb::ticket::Kind {
    use pb::ticket::Kind as Pb;
    match kind {
        Kind::HardwareFault => Pb::HardwareFault,
        Kind::SoftwareSupport => Pb::SoftwareSupport,
        Kind::Inquiry => Pb::Inquiry,
        Kind::Complaint => Pb::Complaint,
        Kind::ReturnExchange => Pb::ReturnExchange,
        Kind::Installation => Pb::Installation,
        Kind::Preventive => Pb::Preventive,
        Kind::Proactive => Pb::Proactive,
        Kind::DataService => Pb::DataService,
        Kind::Retirement => Pb::Retirement,
        Kind::Recall => Pb::Recall,
    }
}

fn read_kind(kind: pb::ticket::Kind) -> Option<Kind> {
    use pb::ticket::Kind as Pb;
    Some(match kind {
        Pb::Unspecified => return None,
        Pb::HardwareFault => Kind::HardwareFault,
        Pb::SoftwareSupport => Kind::SoftwareSupport,
        Pb::Inquiry => Kind::Inquiry,
        Pb::Complaint => Kind::Complaint,
        Pb::ReturnExchange => Kind::ReturnExchange,
        Pb::Installation => Kind::Installation,
        Pb::Preventive => Kind::Preventive,
        Pb::Proactive => Kind::Proactive,
        Pb::DataService => Kind::DataService,
        Pb::Retirement => Kind::Retirement,
        Pb::Recall => Kind::Recall,
    })
}

/// The state as the contract's number.
pub fn state(state: State) -> pb::ticket::State {
    use pb::ticket::State as Pb;
    match state {
        State::Acknowledged => Pb::Acknowledged,
        State::InProgress => Pb::InProgress,
        State::Pending => Pb::Pending,
        State::Held => Pb::Held,
        State::Resolved => Pb::Resolved,
        State::Closed => Pb::Closed,
        State::Cancelled => Pb::Cancelled,
        State::Rejected => Pb::Rejected,
    }
}

fn step(step: RepairStep) -> pb::ticket::Step {
    use pb::ticket::Step as Pb;
    match step {
        RepairStep::None => Pb::Unspecified,
        RepairStep::Coverage => Pb::Coverage,
        RepairStep::Quote => Pb::Quote,
        RepairStep::Parts => Pb::Parts,
        RepairStep::Visit => Pb::Visit,
        RepairStep::Repair => Pb::Repair,
        RepairStep::Delivery => Pb::Delivery,
    }
}

fn waiting(reason: PauseReason) -> pb::ticket::PauseReason {
    use pb::ticket::PauseReason as Pb;
    match reason {
        PauseReason::WaitingCustomer => Pb::WaitingCustomer,
        PauseReason::WaitingPart => Pb::WaitingPart,
        PauseReason::WaitingSiteAccess => Pb::WaitingSiteAccess,
        PauseReason::HeldByUs => Pb::HeldByUs,
        PauseReason::WaitingRegistration => Pb::WaitingRegistration,
    }
}

fn milestone(milestone: Milestone) -> pb::clock::Milestone {
    use pb::clock::Milestone as Pb;
    match milestone {
        Milestone::FirstResponse => Pb::FirstResponse,
        Milestone::CallBack => Pb::CallBack,
        Milestone::Quote => Pb::Quote,
        Milestone::OnSite => Pb::OnSite,
        Milestone::Resolution => Pb::Resolution,
        Milestone::ComplaintOpinion => Pb::ComplaintOpinion,
        Milestone::Survey => Pb::Survey,
    }
}

/// The site as peers and customers read it.
pub fn site(site: &Site) -> kinds::Site {
    kinds::Site {
        address: Some(kinds::PostalAddress {
            region_code: site.country.clone(),
            administrative_area: site.area.clone(),
            locality: site.city.clone(),
            address_lines: site.lines.clone(),
            postal_code: site.postal_code.clone(),
        }),
        latitude: site.latitude,
        longitude: site.longitude,
        time_zone: site.time_zone.clone(),
    }
}

fn fault(fault: &Fault) -> pb::FaultReport {
    pb::FaultReport {
        component: fault.component.clone(),
        symptom: fault.symptom.clone(),
        cause: fault.cause.clone(),
    }
}

/// The findings as peers wrote them; one that cannot be read is left out.
fn findings(stored: &[Vec<u8>]) -> Vec<Finding> {
    stored
        .iter()
        .filter_map(|bytes| Finding::decode(bytes.as_slice()).ok())
        .collect()
}

/// A clock as customers read it.
pub fn write_clock(clock: &Clock, intervals: Vec<Interval>) -> pb::Clock {
    pb::Clock {
        milestone: milestone(clock.milestone).into(),
        start_time: Some(to_pb(clock.start)),
        due_time: Some(to_pb(clock.due)),
        stop_time: clock.stop.map(to_pb),
        breached: clock.breached,
        counted_seconds: clock.counted.as_secs(),
        promised_seconds: clock.promised.as_secs(),
        intervals: intervals.into_iter().map(interval).collect(),
    }
}

fn interval(interval: Interval) -> pb::clock::Interval {
    pb::clock::Interval {
        start: Some(to_pb(interval.start)),
        end: Some(to_pb(interval.end)),
        counted: interval.counted,
        why: interval.why,
    }
}

/// A ticket as customers read it.
pub fn write_ticket(ticket: &Ticket, clocks: &[Clock]) -> pb::Ticket {
    let facts = &ticket.facts;
    let decision = ticket.decision.as_deref();
    let mut due_first: Vec<&Clock> = clocks.iter().collect();
    due_first.sort_by_key(|clock| (clock.stop.is_some(), clock.due));
    let peers = crate::peers::names_of(ticket);
    pb::Ticket {
        name: name(ticket),
        number: ticket.number.clone(),
        kind: kind(ticket.kind).into(),
        title: ticket.title.clone(),
        description: ticket.description.clone(),
        serial_number: ticket.serial_number.clone(),
        product: ticket.product.clone(),
        asset: facts
            .coverage
            .as_ref()
            .map_or(String::new(), |c| names::name("assets", c.asset)),
        party: ticket
            .party
            .map_or(String::new(), |party| names::name("parties", party)),
        region: ticket.region.clone(),
        site: ticket.site.as_ref().map(site),
        impact: ticket.impact.into(),
        urgency: ticket.urgency.into(),
        priority: ticket.priority().into(),
        state: state(ticket.state).into(),
        step: step(ticket.step).into(),
        pause_reason: ticket.pause.map_or(0, |reason| waiting(reason).into()),
        queue: ticket.queue.clone(),
        assignee: ticket.assignee.clone(),
        entitlement: decision.and_then(|bytes| EntitlementDecision::decode(bytes).ok()),
        reservation: peers.reservation,
        work_order: peers.work_order,
        appointment: facts.window.map(|(start, end)| window(start, end)),
        external_key: ticket.external_key.clone().unwrap_or_default(),
        fault: Some(fault(&ticket.fault)),
        round: ticket.round,
        attention: ticket.attention.clone(),
        findings: findings(&ticket.findings),
        clocks: due_first
            .into_iter()
            .map(|clock| write_clock(clock, Vec::new()))
            .collect(),
        report_time: Some(to_pb(ticket.reported_at)),
        create_time: Some(to_pb(ticket.created_at)),
        update_time: Some(to_pb(ticket.updated_at)),
        etag: etag::etag(ticket.version),
        allowed_verbs: match ticket.erased_at {
            Some(_) => Vec::new(),
            None => moves::allowed(ticket.state)
                .map(Verb::name)
                .map(String::from)
                .collect(),
        },
        resolution: ticket.resolution.clone(),
        erase_time: ticket.erased_at.map(to_pb),
    }
}

fn window(start: Timestamp, end: Timestamp) -> TimeWindow {
    TimeWindow {
        start: Some(to_pb(start)),
        end: Some(to_pb(end)),
    }
}

/// An entry of the timeline as customers read it.
pub fn write_event(stored: &Stored) -> pb::TicketEvent {
    pb::TicketEvent {
        sequence: stored.sequence,
        time: Some(to_pb(stored.occurred_at)),
        record_time: Some(to_pb(stored.recorded_at)),
        verb: stored.verb.clone(),
        actor: stored.actor.clone(),
        summary: sentence(&stored.verb, &stored.arguments, stored.body.as_deref()),
        state: State::parse(&stored.state).map_or(0, |known| state(known).into()),
        text: stored.body.clone().unwrap_or_default(),
        hash: hex(&stored.hash),
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
