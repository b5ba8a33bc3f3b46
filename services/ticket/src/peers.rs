//! What the process asks of other services: requests made of a ticket, nothing else.
//!
//! A request is a pure function of the ticket and the round. Its bytes are kept before the first
//! try, so that a retry sends the very same.

use chassis::clock::step_id;
use chassis::{TenantId, names, refusal::to_pb};
use jiff::{SignedDuration, Timestamp};
use proto::dispatch::v1 as dispatch;
use proto::entitlement::v1 as entitlement;
use proto::inventory::v1 as inventory;
use proto::kinds::v1 as kinds;
use uuid::Uuid;

use crate::domain::process::{BOOK_VISIT, HOLD_PARTS, Hold, Visit};
use crate::domain::ticket::{Kind, Site, Ticket};
use crate::wire;

/// Days ahead in which a visit is searched.
const SEARCHED: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Resource names of what peers hold for a ticket; empty: nothing was asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// "reservations/{uuid}" of this round.
    pub reservation: String,
    /// "workOrders/{uuid}" of this round.
    pub work_order: String,
}

/// The names of this round, as far as they were asked for.
pub fn names_of(ticket: &Ticket) -> Names {
    let mut names = Names::default();
    if !matches!(ticket.facts.hold, Hold::NotAsked | Hold::Asked) {
        names.reservation = reservation(ticket, ticket.round);
    }
    if !matches!(ticket.facts.visit, Visit::NotAsked | Visit::Asked) {
        names.work_order = work_order(ticket, ticket.round);
    }
    names
}

/// Name of the reservation of a round, made or not.
pub fn reservation(ticket: &Ticket, round: i32) -> String {
    names::name("reservations", made(ticket, HOLD_PARTS, round))
}

/// Name of the work order of a round, made or not.
pub fn work_order(ticket: &Ticket, round: i32) -> String {
    names::name("workOrders", made(ticket, BOOK_VISIT, round))
}

/// The identifier of what a step makes.
pub fn made(ticket: &Ticket, step: &str, round: i32) -> Uuid {
    // The tenant was parsed when the ticket was reported.
    let tenant = TenantId::parse(&ticket.tenant);
    tenant.map_or(Uuid::nil(), |t| {
        step_id(&t, ticket.id, step, u32::try_from(round).unwrap_or(0))
    })
}

fn request_id(step: &str, of: &str) -> String {
    let id = of.rsplit('/').next().unwrap_or(of);
    format!("{step}-{id}")
}

/// "What is this fault owed?"
pub fn coverage_question(ticket: &Ticket) -> entitlement::CheckEntitlementRequest {
    let place = ticket.site.as_ref().map(|site| entitlement::Place {
        region: site.jurisdiction().to_owned(),
        city: site.city.clone(),
    });
    entitlement::CheckEntitlementRequest {
        serial_number: ticket.serial_number.clone(),
        product: ticket.product.clone(),
        fault: Some(entitlement::Fault {
            component: ticket.fault.component.clone(),
            symptom: ticket.fault.symptom.clone(),
            cause: ticket.fault.cause.clone(),
        }),
        on: ticket.reported_on().to_string(),
        site: place,
        mode: String::new(),
    }
}

/// "Which parts repair it?"
pub fn parts_question(ticket: &Ticket) -> inventory::FindPartsForAssetRequest {
    let product = ticket
        .facts
        .coverage
        .as_ref()
        .map(|coverage| coverage.product.clone());
    inventory::FindPartsForAssetRequest {
        product: product.unwrap_or_else(|| ticket.product.clone()),
        component: ticket.fault.component.clone(),
    }
}

/// "Hold these parts."
pub fn hold_parts(ticket: &Ticket, at: Timestamp) -> inventory::ReservePartsRequest {
    let name = reservation(ticket, ticket.round);
    let parts = ticket.facts.parts.iter().flatten();
    inventory::ReservePartsRequest {
        request_id: request_id("hold", &name),
        name,
        ticket: wire::name(ticket),
        step: HOLD_PARTS.to_owned(),
        round: ticket.round,
        lines: parts
            .map(|line| inventory::reserve_parts_request::Line {
                part: line.part.clone(),
                quantity: line.quantity,
            })
            .collect(),
        near: ticket.site.as_ref().map(position),
        needed_by: None,
        priority: ticket.priority().into(),
        region: ticket.region.clone(),
        occur_time: Some(to_pb(at)),
    }
}

fn position(site: &Site) -> kinds::LatLng {
    kinds::LatLng {
        latitude: site.latitude,
        longitude: site.longitude,
    }
}

/// "Give the parts of that round back."
pub fn release_parts(
    ticket: &Ticket,
    round: i32,
    at: Timestamp,
) -> inventory::ReleaseReservationRequest {
    let name = reservation(ticket, round);
    inventory::ReleaseReservationRequest {
        request_id: request_id("release", &name),
        name,
        occur_time: Some(to_pb(at)),
    }
}

/// "Book a visit."
pub fn book_visit(ticket: &Ticket, at: Timestamp) -> dispatch::CreateWorkOrderRequest {
    let name = work_order(ticket, ticket.round);
    let coverage = ticket.facts.coverage.as_ref();
    let on_site = coverage.is_none_or(|coverage| coverage.on_site());
    let mode = if on_site {
        dispatch::WorkMode::OnSite
    } else {
        dispatch::WorkMode::Bench
    };
    let kind = match ticket.kind {
        Kind::Installation => "INSTALLATION",
        Kind::Preventive => "MAINTENANCE",
        _ => "REPAIR",
    };
    let parts = ticket.facts.parts.iter().flatten();
    let held = ticket.facts.hold == Hold::Held;
    dispatch::CreateWorkOrderRequest {
        request_id: request_id("book", &name),
        name,
        ticket: wire::name(ticket),
        step: BOOK_VISIT.to_owned(),
        round: ticket.round,
        mode: mode.into(),
        r#type: kind.to_owned(),
        required_skills: skill(ticket).into_iter().collect(),
        parts: parts.map(|line| line.part.clone()).collect(),
        site: ticket.site.as_ref().map(wire::site),
        duration: None,
        window: Some(kinds::TimeWindow {
            start: Some(to_pb(at)),
            end: Some(to_pb(at + SEARCHED)),
        }),
        region: ticket.region.clone(),
        reservation: if held {
            reservation(ticket, ticket.round)
        } else {
            String::new()
        },
        asset: coverage.map_or(String::new(), |c| names::name("assets", c.asset)),
        component: ticket.fault.component.clone(),
        party: ticket
            .party
            .map_or(String::new(), |party| names::name("parties", party)),
        occur_time: Some(to_pb(at)),
    }
}

/// Repairing a device takes the skill of its category: "NOTEBOOK_REPAIR".
fn skill(ticket: &Ticket) -> Option<dispatch::work_order::SkillNeed> {
    let category = ticket
        .facts
        .coverage
        .as_ref()
        .map(|c| c.category.as_str())?;
    let skill = format!("{category}_REPAIR");
    (!category.is_empty()).then_some(dispatch::work_order::SkillNeed { skill, level: 1 })
}

/// "Cancel the visit of that round."
pub fn cancel_visit(
    ticket: &Ticket,
    round: i32,
    at: Timestamp,
) -> dispatch::CancelWorkOrderRequest {
    let name = work_order(ticket, round);
    dispatch::CancelWorkOrderRequest {
        request_id: request_id("cancel", &name),
        name,
        etag: String::new(),
        occur_time: Some(to_pb(at)),
        reason: "the ticket wants no visit any more".to_owned(),
    }
}
