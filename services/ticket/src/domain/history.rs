//! A history that its holder checks: the whole timeline, and the last hash signed.
//!
//! Whoever has the public keys needs nobody's word: every entry's hash follows from its content
//! and the entry before, and the signature says that this was the last one at that time. A history
//! says nothing of what came later, and a text that is left out with its salt is an erased one.

use chassis::chain;
use chassis::identity::{Issuer, Keyring, SigningKey, Unsigned};
use jiff::Timestamp;
use uuid::Uuid;

use super::ticket::Head;
use super::timeline::{FORMAT, Hash, START, Sealed, seal, text_hash};

/// What the signature begins with, so that nothing else the key signs is taken for a head.
const LABEL: &str = "fettle-ticket-head-1";

/// Whose keys sign histories: the ticket service, and the development issuer on one machine.
const SIGNER: &str = "services/ticket";

/// Most entries of a history.
pub const MOST_ENTRIES: i64 = 10_000;

/// Largest history that is handed out, in bytes of its words and some for the rest.
pub const MOST_BYTES: usize = 32 << 20;

/// A ticket's whole timeline with its signed head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Tenant of the ticket.
    pub tenant: String,
    /// The ticket.
    pub ticket: Uuid,
    /// Its service-order number.
    pub number: String,
    /// How hashes are made: [`FORMAT`].
    pub format: String,
    /// Every entry up to the head, oldest first.
    pub entries: Vec<Entry>,
    /// Where the chain stood.
    pub head: Head,
    /// When it was handed out; whole microseconds.
    pub exported_at: Timestamp,
    /// `kid` of the key that signed.
    pub key: String,
    /// Ed25519 over the [statement](History::statement).
    pub signature: Vec<u8>,
}

/// An entry with all that its hash covers; fields as in [`Sealed`].
#[derive(Clone, derive_more::Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Entry {
    pub sequence: i64,
    pub verb: String,
    pub actor: String,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
    #[debug("[personal]")]
    pub arguments: Vec<(String, String)>,
    pub state: String,
    /// Absent: there never was one, or it is erased.
    #[debug("[personal]")]
    pub text: Option<String>,
    /// Absent with the text, so that nobody guesses an erased one from its hash.
    #[debug("[personal]")]
    pub salt: Option<Vec<u8>>,
    pub text_hash: Option<Hash>,
    pub previous: Hash,
    pub hash: Hash,
}

/// Why a history is not whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A field has no value that it could have.
    #[error("{0} cannot be read")]
    Unreadable(String),
    /// Hashes are made otherwise than is known here.
    #[error("the format {0:?} is not known here")]
    Format(String),
    /// There is nothing in it.
    #[error("there is no entry")]
    Empty,
    /// The entry does not have the hash of its content.
    #[error("entry {0} was changed after it was written")]
    Edited(i64),
    /// The text does not have the hash that was sealed.
    #[error("the text of entry {0} was changed after it was written")]
    Text(i64),
    /// Entries between others are not there.
    #[error("{}", missing(*.first, *.last))]
    #[allow(missing_docs)]
    Missing { first: i64, last: i64 },
    /// The entry stands behind a later one, or twice.
    #[error("entry {0} stands out of its order")]
    Misplaced(i64),
    /// The entry is sound and follows another one than stands before it.
    #[error("entry {0} does not follow the entry before it")]
    Apart(i64),
    /// Neither content nor place of the entry is of this ticket.
    #[error("entry {0} is of another ticket")]
    Foreign(i64),
    /// No entry is of the ticket that the history names.
    #[error("the entries are of another ticket or tenant than tickets/{0}")]
    OtherTicket(Uuid),
    /// The last entry is not the head.
    #[error("it ends at entry {last}, and its head is entry {head}")]
    #[allow(missing_docs)]
    Truncated { last: i64, head: i64 },
    /// The last entry has another hash than the head.
    #[error("its head is not entry {0} as it stands there")]
    Head(i64),
    /// The key set has no such key.
    #[error("it is signed by the key {0:?}, which the key set does not have")]
    UnknownKey(String),
    /// The key did not sign this head of this ticket.
    #[error("the signature is not of this ticket, head and time")]
    Signature,
    /// The key is of somebody who hands out no histories.
    #[error("it is signed by {0}, which hands out no histories")]
    Signer(Issuer),
}

fn missing(first: i64, last: i64) -> String {
    match first == last {
        true => format!("entry {first} is missing"),
        false => format!("entries {first} to {last} are missing"),
    }
}

impl History {
    /// The same, signed.
    #[must_use]
    pub fn signed(self, key: &SigningKey) -> History {
        History {
            signature: key.sign(&self.statement()),
            key: key.kid().to_owned(),
            ..self
        }
    }

    /// What is signed: each field behind its length, so that none runs into its neighbour.
    fn statement(&self) -> Vec<u8> {
        chain::statement(&[
            LABEL.as_bytes(),
            self.tenant.as_bytes(),
            self.ticket.as_bytes(),
            self.number.as_bytes(),
            &self.head.sequence.to_be_bytes(),
            &self.head.hash,
            &self.exported_at.as_microsecond().to_be_bytes(),
        ])
    }

    /// Everything that is wrong with it; nothing: it is whole.
    pub fn check(&self, ring: &Keyring) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.format != FORMAT {
            findings.push(Finding::Format(self.format.clone()));
        }
        let signature = self.check_signature(ring);
        let chain = self.check_chain();
        let edited = |finding: &Finding| matches!(finding, Finding::Edited(_));
        let all_edited = chain.iter().filter(|finding| edited(finding)).count();
        let is_edited_throughout = all_edited > 0 && all_edited == self.entries.len();
        if is_edited_throughout && signature == Some(Finding::Signature) {
            findings.push(Finding::OtherTicket(self.ticket));
            findings.extend(chain.into_iter().filter(|finding| !edited(finding)));
        } else {
            findings.extend(chain);
        }
        findings.extend(self.check_head());
        findings.extend(signature);
        findings
    }

    /// How many entries had a text that is not in it.
    pub fn texts_left_out(&self) -> usize {
        let left_out = |entry: &&Entry| entry.text_hash.is_some() && entry.text.is_none();
        self.entries.iter().filter(left_out).count()
    }

    fn check_signature(&self, ring: &Keyring) -> Option<Finding> {
        match ring.verify(&self.key, &self.statement(), &self.signature) {
            Ok(Issuer::Development) => None,
            Ok(issuer) if issuer.to_string() == SIGNER => None,
            Ok(issuer) => Some(Finding::Signer(issuer.clone())),
            Err(Unsigned::UnknownKey) => Some(Finding::UnknownKey(self.key.clone())),
            Err(Unsigned::Signature) => Some(Finding::Signature),
        }
    }

    /// Order, gaps, and each entry behind the one before it.
    fn check_chain(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut highest = 0;
        for entry in &self.entries {
            match entry.sequence <= highest {
                true => findings.push(Finding::Misplaced(entry.sequence)),
                false => highest = entry.sequence,
            }
        }
        let mut sorted: Vec<&Entry> = self.entries.iter().collect();
        sorted.sort_by_key(|entry| entry.sequence);
        let mut before = Before::first();
        for entry in sorted {
            let expected = before.sequence.saturating_add(1);
            if entry.sequence > expected {
                let (first, last) = (expected, entry.sequence - 1);
                findings.push(Finding::Missing { first, last });
            }
            let is_next = entry.sequence == expected;
            let fault = self.fault(entry, is_next.then_some(&before));
            before = Before {
                sequence: entry.sequence,
                hash: entry.hash,
                is_sound: fault.is_none(),
                is_foreign: matches!(fault, Some(Finding::Foreign(_))),
            };
            findings.extend(fault);
            findings.extend(entry.wrong_text());
        }
        findings
    }

    /// What is wrong with an entry, and with its place behind `before` where that is there.
    fn fault(&self, entry: &Entry, before: Option<&Before>) -> Option<Finding> {
        let at = entry.sequence;
        let is_itself = self.seal(entry, &entry.previous) == entry.hash;
        let Some(before) = before else {
            return (!is_itself).then_some(Finding::Edited(at));
        };
        let follows = entry.previous == before.hash;
        if is_itself {
            // Where the entry before is at fault, the fault is told already.
            return (!follows && before.is_sound).then_some(Finding::Apart(at));
        }
        let of_elsewhere =
            !follows && before.is_sound && self.seal(entry, &before.hash) != entry.hash;
        Some(match of_elsewhere || before.is_foreign {
            true => Finding::Foreign(at),
            false => Finding::Edited(at),
        })
    }

    fn seal(&self, entry: &Entry, previous: &Hash) -> Hash {
        let sealed = Sealed {
            tenant: &self.tenant,
            ticket: self.ticket,
            sequence: entry.sequence,
            verb: &entry.verb,
            actor: &entry.actor,
            occurred_at: entry.occurred_at,
            recorded_at: entry.recorded_at,
            arguments: &entry.arguments,
            state: &entry.state,
            text_hash: entry.text_hash,
        };
        seal(previous, &sealed)
    }

    fn check_head(&self) -> Option<Finding> {
        let last = self.entries.iter().max_by_key(|entry| entry.sequence);
        let Some(last) = last else {
            return Some(Finding::Empty);
        };
        let (last, hash, head) = (last.sequence, last.hash, self.head);
        if last != head.sequence {
            let head = head.sequence;
            return Some(Finding::Truncated { last, head });
        }
        (hash != head.hash).then_some(Finding::Head(last))
    }
}

/// The entry before the one that is looked at.
struct Before {
    sequence: i64,
    hash: Hash,
    is_sound: bool,
    is_foreign: bool,
}

impl Before {
    /// What the first entry follows.
    fn first() -> Before {
        Before {
            sequence: 0,
            hash: START,
            is_sound: true,
            is_foreign: false,
        }
    }
}

impl Entry {
    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        let pairs = self.arguments.iter();
        let words: usize = pairs.map(|(name, value)| name.len() + value.len()).sum();
        words + self.text.as_ref().map_or(0, String::len) + 256
    }

    fn wrong_text(&self) -> Option<Finding> {
        let is_right = match (&self.text, &self.salt, &self.text_hash) {
            (None, None, _) => true,
            (Some(text), Some(salt), Some(hash)) => text_hash(salt, text) == *hash,
            _ => false,
        };
        (!is_right).then_some(Finding::Text(self.sequence))
    }
}

#[cfg(test)]
#[path = "history/tests.rs"]
mod tests;
