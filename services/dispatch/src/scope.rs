//! To whom what belongs, for what a caller may do to it.

use chassis::authz::Scope;
use chassis::names;

use crate::domain::technician::Technician;
use crate::domain::work_order::WorkOrder;

/// Of a work order: its region, its customer, and who is booked with his organisation.
pub(crate) fn work_order(order: &WorkOrder) -> Scope {
    let technician = order.booked.as_ref().map(|booked| booked.technician);
    Scope {
        region: Some(order.region.clone()),
        customer: order.party.map(|id| names::name("parties", id)),
        partner: order.partner.clone(),
        technician: technician.map(|id| names::name("technicians", id)),
    }
}

/// Of a technician: region, organisation, and himself.
pub(crate) fn technician(technician: &Technician) -> Scope {
    Scope {
        region: Some(technician.region.clone()),
        partner: technician.partner.clone(),
        technician: Some(names::name("technicians", technician.id)),
        ..Scope::default()
    }
}
