//! Who changed what, from where: a chain per tenant that nobody edits unseen.
//!
//! Every transaction that a call changes something in writes one row of it, in its own commit: the
//! [`Tx`](crate::db::Tx) does, so that no handler can forget it. The row has no number yet, so no
//! commit waits for another; one [`sealer`] per service numbers and chains what is there, and signs
//! where each chain stands. [`check`] finds what was edited, dropped, swapped or cut off. See
//! `docs/decisions/0017-audit.md`.
//!
//! A row names people by their principals and resources by their names, and covers their content by
//! a hash that leaves personal data out: erasing a person breaks no chain.

use jiff::Timestamp;
use proto::privacy::{Named, Personal};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::caller::Caller;
use crate::chain::{Hash, Link};
use crate::server::served;

mod check;
pub mod heads;
mod reading;
mod sealer;

pub use check::{CHAIN, HEAD, LAWS, WAITING, check};
pub use reading::{Wanted, list};
pub use sealer::run;

/// How links are made; part of every hash.
const FORMAT: &str = "fettle-audit-1";

/// What is told of a resource as it stood: every message of the contract is such a telling.
pub trait Told: prost::Message + Named + Personal + Clone {}
impl<M: prost::Message + Named + Personal + Clone> Told for M {}

/// The digest of a resource as it is told, without what is personal.
pub fn digest(told: &impl Told) -> Hash {
    let mut bare = told.clone();
    bare.redact();
    Sha256::digest(bare.encode_to_vec()).into()
}

/// A change that is being made on somebody's request, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Who asked: "users/7"; the bearer of a link: "links/…".
    pub principal: String,
    /// What for: "fettle.ticket.v1.TicketService/CancelTicket".
    pub rpc: String,
    /// Address that the request came from, as the service saw it.
    pub origin: String,
    /// The request's own key, or empty.
    pub request_id: String,
    /// Name of what was changed.
    pub resource: String,
    /// Digest of it before; none: it is new, or its content is not looked at.
    pub before: Option<Hash>,
    /// Digest of it afterwards.
    pub after: Option<Hash>,
}

impl Change {
    /// The change that the call being served makes; none outside of a call, and in one that reads.
    pub fn begun() -> Option<Change> {
        let served = served()?;
        (!served.reads).then(|| Change {
            principal: served.principal.clone(),
            rpc: served.rpc.clone(),
            origin: served.origin.clone(),
            request_id: String::new(),
            resource: String::new(),
            before: None,
            after: None,
        })
    }

    pub(crate) fn keyed(&mut self, caller: &Caller, request_id: &str) {
        caller.principal.clone_into(&mut self.principal);
        request_id.clone_into(&mut self.request_id);
    }

    /// Says what is changed, from which digest to which.
    pub fn of(&mut self, resource: String, before: Option<Hash>, after: Option<Hash>) {
        (self.resource, self.before, self.after) = (resource, before, after);
    }
}

/// What of an entry goes into its hash, besides its number and the entry before; fields as in
/// [`Change`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Row {
    pub tenant: String,
    pub id: Uuid,
    pub recorded_at: Timestamp,
    pub principal: String,
    pub rpc: String,
    pub origin: String,
    pub request_id: String,
    pub resource: String,
    pub before: Option<Vec<u8>>,
    pub after: Option<Vec<u8>>,
}

/// A row in its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Place in the tenant's chain, from 1.
    pub number: i64,
    /// What was changed.
    pub row: Row,
    /// SHA-256 over all of that and the entry before.
    pub hash: Vec<u8>,
}

impl Row {
    fn seal(&self, number: i64, previous: &Hash) -> Hash {
        let mut link = Link::after(FORMAT, previous);
        link.field(self.tenant.as_bytes())
            .field(&number.to_be_bytes())
            .field(self.id.as_bytes())
            .field(&self.recorded_at.as_microsecond().to_be_bytes())
            .field(self.principal.as_bytes())
            .field(self.rpc.as_bytes())
            .field(self.origin.as_bytes())
            .field(self.request_id.as_bytes())
            .field(self.resource.as_bytes())
            .field(self.before.as_deref().unwrap_or_default())
            .field(self.after.as_deref().unwrap_or_default());
        link.seal()
    }
}
