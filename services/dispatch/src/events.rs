//! What dispatch tells: each change of a work order, with the work order as it stands after it, and nothing of people.

use chassis::db::Tx;
use chassis::names;
use chassis::outbox::Event;
use chassis::refusal::to_pb;
use jiff::Timestamp;
use proto::dispatch::v1 as pb;

use crate::domain::work_order::WorkOrder;
use crate::wire::work_order::{COLLECTION, work_order};

/// Nobody is free.
pub const OPENED: &str = "work_order.opened";
/// A technician's time is booked.
pub const SCHEDULED: &str = "work_order.scheduled";
/// The technician set out.
pub const DEPARTED: &str = "work_order.departed";
/// The technician is there.
pub const ARRIVED: &str = "work_order.arrived";
/// Work began.
pub const STARTED: &str = "work_order.started";
/// Done.
pub const COMPLETED: &str = "work_order.completed";
/// Ended without a fix.
pub const INCOMPLETE: &str = "work_order.incomplete";
/// Not wanted any more.
pub const CANCELLED: &str = "work_order.cancelled";

/// Tells, with the commit, that `kind` happened to the work order at `at` (business time).
pub(crate) fn tell(tx: &mut Tx, kind: &'static str, order: &WorkOrder, at: Timestamp) {
    let payload = pb::WorkOrderEventPayload {
        work_order: Some(facts(work_order(order))),
        time: Some(to_pb(at)),
    };
    let name = names::name(COLLECTION, order.id);
    tx.tell(Event::new(kind, name, order.version, at, &payload));
}

/// The work order without what is known of people.
fn facts(order: pb::WorkOrder) -> pb::WorkOrderFacts {
    pb::WorkOrderFacts {
        name: order.name,
        ticket: order.ticket,
        step: order.step,
        round: order.round,
        mode: order.mode,
        r#type: order.r#type,
        required_skills: order.required_skills,
        parts: order.parts,
        technician: order.technician,
        window: order.window,
        state: order.state,
        duration: order.duration,
        findings: order.findings,
        travel_seconds: order.travel_seconds,
        parts_used: order.parts_used,
        etag: order.etag,
        create_time: order.create_time,
        depart_time: order.depart_time,
        arrive_time: order.arrive_time,
        complete_time: order.complete_time,
        region: order.region,
        reservation: order.reservation,
        asset: order.asset,
        component: order.component,
        party: order.party,
        time_zone: order.site.map(|site| site.time_zone).unwrap_or_default(),
    }
}
