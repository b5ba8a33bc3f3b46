//! To whom what belongs, for what a caller may do to it.

use chassis::authz::Scope;
use chassis::names;
use uuid::Uuid;

use crate::store::asset::AssetRow;
use crate::store::contract::ContractRow;

/// Of a device: its region and its owner.
pub(crate) fn asset(asset: &AssetRow) -> Scope {
    of(&asset.region, asset.owner)
}

/// Of a contract: its region and its holder.
pub(crate) fn contract(contract: &ContractRow) -> Scope {
    of(&contract.region, contract.holder)
}

/// Of what is in a region and a customer's.
pub(crate) fn of(region: &str, customer: Option<Uuid>) -> Scope {
    Scope {
        region: Some(region.to_owned()).filter(|region| !region.is_empty()),
        customer: customer.map(|id| names::name("parties", id)),
        ..Scope::default()
    }
}
