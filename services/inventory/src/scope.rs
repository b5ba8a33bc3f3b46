//! To whom what belongs, for what a caller may do to it.

use chassis::authz::Scope;

/// Of a stock location, of what lies there and of a reservation: the region; "": none.
pub(crate) fn in_region(region: &str) -> Scope {
    Scope {
        region: Some(region.to_owned()).filter(|region| !region.is_empty()),
        ..Scope::default()
    }
}
