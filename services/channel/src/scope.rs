//! To whom what belongs, for what a caller may do to it.

use chassis::authz::Scope;
use chassis::names;
use uuid::Uuid;

use crate::wire::PARTIES;

/// Of a party: its region, and the customer it is.
pub(crate) fn party(id: Uuid, region: &str) -> Scope {
    Scope {
        region: Some(region.to_owned()).filter(|region| !region.is_empty()),
        customer: Some(names::name(PARTIES, id)),
        ..Scope::default()
    }
}
