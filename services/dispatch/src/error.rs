//! What a caller of dispatch can act on.

use chassis::{Refusal, names};
use proto::dispatch::v1::ErrorReason;
use tonic::Code;
use uuid::Uuid;

use crate::domain::finding::{Finding, codes};
use crate::domain::moves::{Verb, allowed};
use crate::domain::work_order::WorkOrder;
use crate::wire::work_order::COLLECTION;

const DOMAIN: &str = "dispatch.fettle";

/// The state does not allow the verb.
pub(crate) fn illegal_move(order: &WorkOrder, verb: Verb) -> Refusal {
    let (state, verb) = (order.state.name(), verb.name());
    let message = format!("a work order that is {state} has no {verb}");
    Refusal::new(
        Code::FailedPrecondition,
        DOMAIN,
        ErrorReason::IllegalMove,
        message,
    )
    .with("state", state)
    .with("verb", verb)
    .with("allowed_verbs", allowed(order.state, order.mode).join(","))
}

/// The technician cannot do it then.
pub(crate) fn not_feasible(findings: &[Finding]) -> Refusal {
    let said: Vec<String> = findings.iter().map(Finding::message).collect();
    let reason = ErrorReason::NotFeasible;
    Refusal::new(Code::FailedPrecondition, DOMAIN, reason, said.join(" "))
        .with("findings", codes(findings))
}

/// Somebody was faster.
pub(crate) fn slot_taken() -> Refusal {
    let message = "somebody else booked the time first; find slots again";
    Refusal::new(Code::Aborted, DOMAIN, ErrorReason::SlotTaken, message)
}

/// Cancelled before it was made.
pub(crate) fn withdrawn(id: Uuid) -> Refusal {
    let name = names::name(COLLECTION, id);
    let message = format!("{name} was cancelled before it was made");
    let reason = ErrorReason::WorkOrderWithdrawn;
    Refusal::new(Code::FailedPrecondition, DOMAIN, reason, message).with("name", name)
}

/// The technician code is taken.
pub(crate) fn technician_exists(id: Uuid) -> Refusal {
    let name = names::name("technicians", id);
    let message = format!("the code belongs to {name}");
    let reason = ErrorReason::TechnicianExists;
    Refusal::new(Code::AlreadyExists, DOMAIN, reason, message).with("name", name)
}
