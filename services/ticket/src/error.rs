//! Situations a caller can act on, as the contract names them.

use chassis::{Refusal, etag};
use jiff::Timestamp;
use proto::ticket::v1::ErrorReason;
use tonic::Code;

use crate::domain::moves::{Verb, allowed};
use crate::domain::quote::{QuoteRefusal, QuoteState};
use crate::domain::ticket::{IllegalMove, Ticket, VerbRefused};

/// The ErrorInfo domain of this package's reasons.
const DOMAIN: &str = "ticket.fettle";

fn refusal(code: Code, reason: ErrorReason, message: impl Into<String>) -> Refusal {
    Refusal::new(code, DOMAIN, reason.as_str_name(), message)
}

impl From<VerbRefused> for Refusal {
    fn from(refused: VerbRefused) -> Refusal {
        match refused {
            VerbRefused::IllegalMove(IllegalMove { state, verb }) => {
                let verbs: Vec<&str> = allowed(state).map(Verb::name).collect();
                illegal_move(state.name(), verb.name(), &verbs)
            }
            VerbRefused::TooLate { closed_at, days } => {
                let message = format!("a ticket may be reopened within {days} days of its closing");
                refusal(
                    Code::FailedPrecondition,
                    ErrorReason::ReopenTooLate,
                    message,
                )
                .with("closed_at", closed_at)
                .with("days", days)
            }
        }
    }
}

/// The state does not allow the verb.
pub fn illegal_move(state: &str, verb: &str, verbs: &[&str]) -> Refusal {
    let verbs = verbs.join(",");
    let message = format!("a ticket in {state} does not allow \"{verb}\"; it allows: {verbs}");
    refusal(Code::FailedPrecondition, ErrorReason::IllegalMove, message)
        .with("state", state)
        .with("verb", verb)
        .with("allowed_verbs", verbs)
}

/// Another ticket has the external key.
pub fn external_key_taken(name: &str) -> Refusal {
    let message = format!("{name} has this external key");
    refusal(Code::AlreadyExists, ErrorReason::ExternalKeyTaken, message).with("name", name)
}

/// The ticket's customer was erased.
pub fn ticket_erased(name: &str, at: Timestamp) -> Refusal {
    let message = format!("the customer of {name} was erased; nothing is done for it any more");
    refusal(Code::FailedPrecondition, ErrorReason::TicketErased, message)
        .with("name", name)
        .with("erase_time", at)
}

/// Nothing is reported for a customer who was erased.
pub fn customer_erased(party: &str) -> Refusal {
    let message = format!("{party} was erased; nothing is reported for them any more");
    refusal(
        Code::FailedPrecondition,
        ErrorReason::CustomerErased,
        message,
    )
    .with("party", party)
}

/// There is no key to sign a history with.
pub fn history_unsigned() -> Refusal {
    let message = "this service has no signing key, so nobody could check its histories";
    refusal(
        Code::FailedPrecondition,
        ErrorReason::HistoryUnsigned,
        message,
    )
}

/// A history past its limits.
pub fn history_too_long(entries: i64) -> Refusal {
    let message =
        format!("a history of {entries} entries is too long; read it with ListTicketEvents");
    refusal(
        Code::FailedPrecondition,
        ErrorReason::HistoryTooLong,
        message,
    )
    .with("entries", entries)
}

/// The ticket has an open quote.
pub fn quote_open(name: &str) -> Refusal {
    let message = format!("{name} waits for the customer; decide it first");
    refusal(Code::FailedPrecondition, ErrorReason::QuoteOpen, message).with("quote", name)
}

impl From<QuoteRefusal> for Refusal {
    fn from(refused: QuoteRefusal) -> Refusal {
        match refused {
            QuoteRefusal::Decided(QuoteState::Expired) | QuoteRefusal::Lapsed(_) => {
                let lapsed = refusal(
                    Code::FailedPrecondition,
                    ErrorReason::QuoteExpired,
                    "the offer has lapsed; ask for a new one",
                );
                match refused {
                    QuoteRefusal::Lapsed(at) => lapsed.with("expire_time", at),
                    QuoteRefusal::Decided(_) => lapsed,
                }
            }
            QuoteRefusal::Decided(state) => {
                let message = format!("the quote is {} already", state.name());
                refusal(Code::FailedPrecondition, ErrorReason::QuoteDecided, message)
                    .with("state", state.name())
            }
        }
    }
}

/// Refuses an etag that is not the ticket's; empty means whatever it is now.
pub fn check_etag(ticket: &Ticket, tag: &str, name: &str) -> Result<(), Refusal> {
    if tag.is_empty() || etag::matches(tag, ticket.version) {
        return Ok(());
    }
    Err(Refusal::stale_etag(name))
}
