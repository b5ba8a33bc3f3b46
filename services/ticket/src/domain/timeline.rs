//! The timeline: what happened to a ticket, chained so that a change is seen.
//!
//! The chain covers a salted hash of free text, so the text can be erased and the chain still
//! verifies. Sentences are rendered when read and are not part of any hash.

use chassis::chain::Link;
pub use chassis::chain::{Hash, START};
use jiff::Timestamp;
use uuid::Uuid;

use super::moves::State;

/// Version of the hash format, part of every hash.
pub const FORMAT: &str = "fettle-timeline-1";

/// Something that happened.
#[derive(Clone, derive_more::Debug, PartialEq, Eq)]
pub struct Entry {
    /// Verb or process step in the past tense: "report", "pause", "parts_held".
    pub verb: &'static str,
    /// Principal or service that did it.
    pub actor: String,
    /// When, by the world's clock.
    pub occurred_at: Timestamp,
    /// Facts for the sentence, in a fixed order.
    #[debug("[personal]")]
    pub arguments: Vec<(String, String)>,
    /// What a person said with it; erasable.
    #[debug("[personal]")]
    pub text: Option<String>,
    /// State after it.
    pub state: State,
}

/// What of an entry goes into its hash.
#[derive(Clone, derive_more::Debug)]
pub struct Sealed<'a> {
    /// Tenant of the ticket.
    pub tenant: &'a str,
    /// The ticket.
    pub ticket: Uuid,
    /// Position, from 1.
    pub sequence: i64,
    /// As in [`Entry`].
    pub verb: &'a str,
    /// As in [`Entry`].
    pub actor: &'a str,
    /// As in [`Entry`].
    pub occurred_at: Timestamp,
    /// When it was stored.
    pub recorded_at: Timestamp,
    /// As in [`Entry`].
    #[debug("[personal]")]
    pub arguments: &'a [(String, String)],
    /// Name of the state after it.
    pub state: &'a str,
    /// Salted hash of the text; absent: there never was one.
    pub text_hash: Option<Hash>,
}

/// The hash of an entry that follows `previous`.
pub fn seal(previous: &Hash, entry: &Sealed<'_>) -> Hash {
    let mut link = Link::after(FORMAT, previous);
    link.field(entry.tenant.as_bytes())
        .field(entry.ticket.as_bytes())
        .field(&entry.sequence.to_be_bytes())
        .field(entry.verb.as_bytes())
        .field(entry.actor.as_bytes())
        .field(&entry.occurred_at.as_microsecond().to_be_bytes())
        .field(&entry.recorded_at.as_microsecond().to_be_bytes())
        .field(entry.state.as_bytes());
    for (name, value) in entry.arguments {
        link.field(name.as_bytes()).field(value.as_bytes());
    }
    if let Some(hash) = &entry.text_hash {
        link.field(hash);
    }
    link.seal()
}

/// The salted hash of a free text.
pub fn text_hash(salt: &[u8], text: &str) -> Hash {
    let mut link = Link::alone();
    link.field(salt).field(text.as_bytes());
    link.seal()
}

/// The entry as a sentence for people; `text` is what was said, while it is there.
pub fn sentence(verb: &str, arguments: &[(String, String)], text: Option<&str>) -> String {
    let said = |what: &str| text.map_or(what.to_owned(), |text| format!("{what}: {text}"));
    let of = |name: &str| {
        let found = arguments.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    match verb {
        "report" => said("Reported"),
        "respond" => "A person answered the customer".to_owned(),
        "start" => "Work began".to_owned(),
        "pause" => format!("Waiting: {}", waiting(of("reason"))),
        "resume" => "Work goes on".to_owned(),
        "resolve" => said("Resolved"),
        "close" => match of("by") {
            "policy" => "Closed, as nobody objected".to_owned(),
            _ => "Closed: the customer confirmed".to_owned(),
        },
        "reopen" => said("Opened again"),
        "cancel" => said("Withdrawn"),
        "reject" => said("Refused"),
        "assign" => format!("{} took the ticket", of("assignee")),
        "note" => "A note was added".to_owned(),
        "erase" => "The customer was erased, with what they said and where they live".to_owned(),
        "update" => format!("Changed: {}", of("fields")),
        "coverage_decided" => match of("layer") {
            "" => format!("Coverage decided: {}", plain(of("outcome"))),
            layer => format!(
                "Coverage decided: {} by {} ({})",
                plain(of("outcome")),
                plain(layer),
                of("until")
            ),
        },
        "serial_unknown" => format!(
            "Serial number {} is not registered yet",
            of("serial_number")
        ),
        "promises_changed" => format!("Promised times now follow {}", of("policy")),
        "quote_issued" => format!("Quote over {} {} issued", of("amount"), of("currency")),
        "quote_approved" => format!("The customer agreed to {} {}", of("amount"), of("currency")),
        "quote_declined" => "The customer declined the quote".to_owned(),
        "quote_expired" => "The quote lapsed without an answer".to_owned(),
        "parts_chosen" => match of("parts") {
            "" => "No part is needed as far as known".to_owned(),
            parts => format!("Parts needed: {parts}"),
        },
        "parts_held" => format!("Parts held at {}", of("locations")),
        "parts_backordered" => "Parts are on order".to_owned(),
        "parts_released" => "Parts given back".to_owned(),
        "parts_expired" => "The hold on the parts ran out; asking again".to_owned(),
        "visit_booked" => format!("Visit booked from {}", of("start")),
        "visit_open" => "No technician is free yet".to_owned(),
        "visit_cancelled" => "Visit cancelled".to_owned(),
        "departed" => "The technician is on the way".to_owned(),
        "arrived" => "The technician arrived".to_owned(),
        "repair_started" => "The repair began".to_owned(),
        "repaired" => format!("Repaired; {} has the report", of("work_order")),
        "visit_incomplete" => format!(
            "The visit ended without a fix; {} has the report",
            of("work_order")
        ),
        "score_low" => format!("The customer was not satisfied (score {})", of("score")),
        "attention" => format!("A person must look: {}", of("reason")),
        other => other.replace('_', " "),
    }
}

fn waiting(reason: &str) -> &str {
    match reason {
        "WAITING_CUSTOMER" => "for the customer",
        "WAITING_PART" => "for a part",
        "WAITING_SITE_ACCESS" => "for access to the site",
        "WAITING_REGISTRATION" => "for the device to be registered",
        "HELD_BY_US" => "held by us",
        other => other,
    }
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed<'a>(arguments: &'a [(String, String)], text_hash: Option<Hash>) -> Sealed<'a> {
        Sealed {
            tenant: "acme",
            ticket: Uuid::nil(),
            sequence: 1,
            verb: "note",
            actor: "agents/1",
            occurred_at: Timestamp::UNIX_EPOCH,
            recorded_at: Timestamp::UNIX_EPOCH,
            arguments,
            state: "ACKNOWLEDGED",
            text_hash,
        }
    }

    #[test]
    fn every_part_of_an_entry_is_in_its_hash() {
        let arguments = [("a".to_owned(), "b".to_owned())];
        let base = sealed(&arguments, Some([7; 32]));
        let changes: [Sealed<'_>; 8] = [
            Sealed {
                tenant: "acm",
                ..base.clone()
            },
            Sealed {
                sequence: 2,
                ..base.clone()
            },
            Sealed {
                verb: "notes",
                ..base.clone()
            },
            Sealed {
                actor: "agents/2",
                ..base.clone()
            },
            Sealed {
                recorded_at: Timestamp::from_microsecond(1).unwrap(),
                ..base.clone()
            },
            Sealed {
                state: "CLOSED",
                ..base.clone()
            },
            Sealed {
                arguments: &[],
                ..base.clone()
            },
            Sealed {
                text_hash: None,
                ..base.clone()
            },
        ];
        let hash = seal(&START, &base);
        for changed in changes {
            assert_ne!(seal(&START, &changed), hash, "{changed:?}");
        }
        assert_ne!(seal(&hash, &base), hash);
    }

    #[test]
    fn neighbouring_fields_cannot_run_into_each_other() {
        let one = [("ab".to_owned(), "c".to_owned())];
        let other = [("a".to_owned(), "bc".to_owned())];
        assert_ne!(
            seal(&START, &sealed(&one, None)),
            seal(&START, &sealed(&other, None))
        );
    }

    #[test]
    fn an_erased_text_leaves_its_hash_and_the_chain_whole() {
        let hash = text_hash(b"salt", "my phone number");
        let kept = seal(&START, &sealed(&[], Some(hash)));
        assert_eq!(seal(&START, &sealed(&[], Some(hash))), kept);
        assert_ne!(text_hash(b"pepper", "my phone number"), hash);
    }
}
