//! Whom to ask: every closed ticket, in the way the policy has for its kind.
//!
//! That a closure is asked about once is not decided here: the survey's key is the ticket and its
//! round.

use std::collections::BTreeMap;

use proto::ticket::v1::ticket;

use super::score::Kind;

/// How the question is asked, by the ticket's kind. A kind that is not listed is not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskPolicy(pub BTreeMap<i32, Kind>);

/// Whether a closure is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// One question of this kind.
    Yes(Kind),
    /// No question.
    No(NotAsked),
}

/// Why there is no question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAsked {
    /// The ticket is not closed: cancelled and rejected ones were not served.
    NotClosed,
    /// The policy asks nothing after tickets of this kind.
    Policy,
}

/// Decides whether to ask about a ticket of this kind in this state.
pub fn should_survey(kind: ticket::Kind, state: ticket::State, policy: &AskPolicy) -> Ask {
    if state != ticket::State::Closed {
        return Ask::No(NotAsked::NotClosed);
    }
    match policy.0.get(&(kind as i32)) {
        Some(kind) => Ask::Yes(*kind),
        None => Ask::No(NotAsked::Policy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> AskPolicy {
        AskPolicy(BTreeMap::from([
            (ticket::Kind::HardwareFault as i32, Kind::Csat),
            (ticket::Kind::Inquiry as i32, Kind::Ces),
        ]))
    }

    #[test]
    fn every_kind_of_closed_ticket_is_asked_as_its_policy_says() {
        let ask = |kind| should_survey(kind, ticket::State::Closed, &policy());
        assert_eq!(ask(ticket::Kind::HardwareFault), Ask::Yes(Kind::Csat));
        assert_eq!(ask(ticket::Kind::Inquiry), Ask::Yes(Kind::Ces));
        assert_eq!(ask(ticket::Kind::Complaint), Ask::No(NotAsked::Policy));
    }

    #[test]
    fn a_ticket_in_any_other_state_is_not_asked_about() {
        let all = (0..32).filter_map(|n| ticket::State::try_from(n).ok());
        for state in all.filter(|state| *state != ticket::State::Closed) {
            let ask = should_survey(ticket::Kind::HardwareFault, state, &policy());
            assert_eq!(ask, Ask::No(NotAsked::NotClosed), "{state:?}");
        }
    }
}
