//! What the service tells: `party.erased`, for whoever keeps something of the person.

use chassis::names;
use chassis::outbox::Event;
use chassis::refusal::to_pb;
use jiff::Timestamp;
use proto::channel::v1::PartyErasedPayload;
use uuid::Uuid;

use crate::wire::PARTIES;

/// `party.erased`; `version` is the party's after it.
pub(crate) fn erased(party: Uuid, version: i64, at: Timestamp) -> Event {
    let name = names::name(PARTIES, party);
    let payload = PartyErasedPayload {
        party: name.clone(),
        time: Some(to_pb(at)),
    };
    Event::new("party.erased", name, version, at, &payload)
}
