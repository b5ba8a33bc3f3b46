//! What dispatch tells: each change of a work order, with the work order as it stands after it.

use chassis::db::Tx;
use chassis::names;
use chassis::outbox::Event;
use chassis::refusal::to_pb;
use jiff::Timestamp;
use proto::dispatch::v1::WorkOrderEventPayload;

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

/// Tells, with the commit, that `kind` happened to the work order at `at` (business time). Street
/// and signature stay here: events carry no contact data.
pub(crate) fn tell(tx: &mut Tx, kind: &'static str, order: &WorkOrder, at: Timestamp) {
    let mut told = work_order(order);
    told.signature.clear();
    if let Some(address) = told.site.as_mut().and_then(|site| site.address.as_mut()) {
        address.address_lines.clear();
        address.postal_code.clear();
    }
    let payload = WorkOrderEventPayload {
        work_order: Some(told),
        time: Some(to_pb(at)),
    };
    let name = names::name(COLLECTION, order.id);
    tx.tell(Event::new(kind, name, order.version, at, &payload));
}
