//! Histories of tickets, checked without any service.

use chassis::identity::Keyring;
use proto::ticket::v1::TicketHistory;
use ticket::wire::read_history;

/// What a check found.
pub(crate) struct Checked {
    /// Everything that is wrong; empty: the history is whole.
    pub(crate) findings: Vec<String>,
    /// Entries whose text was erased or taken out, which leaves a history whole.
    pub(crate) texts_left_out: usize,
}

/// Checks a history against the keys that are believed.
pub(crate) fn check_history(history: &TicketHistory, ring: &Keyring) -> Checked {
    let (found, texts_left_out) = match read_history(history) {
        Ok(history) => (history.check(ring), history.texts_left_out()),
        Err(unreadable) => (unreadable, 0),
    };
    Checked {
        findings: found.iter().map(ToString::to_string).collect(),
        texts_left_out,
    }
}
