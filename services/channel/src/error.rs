//! Situations a caller can act on.

use chassis::{Refusal, names};
use proto::channel::v1::ErrorReason;
use tonic::Code;
use uuid::Uuid;

use crate::vault::VaultError;
use crate::wire::PARTIES;

/// `PARTY_ERASED`: the key is gone, and with it the person.
pub(crate) fn erased(party: Uuid) -> Refusal {
    let name = names::name(PARTIES, party);
    let message = format!("{name} was erased");
    let reason = ErrorReason::PartyErased;
    Refusal::new(Code::FailedPrecondition, "channel.fettle", reason, message).with("name", name)
}

/// A party whose data does not open: a fault of ours. The log names the party, the caller gets a
/// trace id.
pub(crate) fn closed(party: Uuid, why: VaultError) -> Refusal {
    Refusal::internal(format!("{}: {why}", names::name(PARTIES, party)))
}
