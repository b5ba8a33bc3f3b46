//! Legal moves: one table, state × verb.

use serde::{Deserialize, Serialize};

/// Where a ticket stands; names follow TMF621.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Received; work has not begun.
    Acknowledged,
    /// Being worked on.
    InProgress,
    /// Waits for somebody or something.
    Pending,
    /// Stopped by us.
    Held,
    /// Fixed or answered.
    Resolved,
    /// Confirmed, or closed by policy.
    Closed,
    /// Withdrawn.
    Cancelled,
    /// Refused.
    Rejected,
}

impl State {
    /// Every state, in the order of the contract.
    pub const ALL: [State; 8] = [
        State::Acknowledged,
        State::InProgress,
        State::Pending,
        State::Held,
        State::Resolved,
        State::Closed,
        State::Cancelled,
        State::Rejected,
    ];

    /// Name as the contract and the tables write it.
    pub fn name(self) -> &'static str {
        match self {
            State::Acknowledged => "ACKNOWLEDGED",
            State::InProgress => "IN_PROGRESS",
            State::Pending => "PENDING",
            State::Held => "HELD",
            State::Resolved => "RESOLVED",
            State::Closed => "CLOSED",
            State::Cancelled => "CANCELLED",
            State::Rejected => "REJECTED",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Still to be worked on: not resolved, closed, withdrawn or refused.
    pub fn is_open(self) -> bool {
        matches!(
            self,
            State::Acknowledged | State::InProgress | State::Pending | State::Held
        )
    }

    /// Nothing follows but, from CLOSED, a reopening.
    pub fn is_final(self) -> bool {
        matches!(self, State::Closed | State::Cancelled | State::Rejected)
    }
}

/// What may be done to a ticket's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// A person answers the customer.
    Respond,
    /// Work begins.
    Start,
    /// Work waits.
    Pause,
    /// Work goes on.
    Resume,
    /// Fixed or answered.
    Resolve,
    /// The customer confirms, or the policy closes.
    Close,
    /// The matter is back.
    Reopen,
    /// Withdrawn.
    Cancel,
    /// Refused.
    Reject,
}

impl Verb {
    /// Every verb, in the order of the table.
    pub const ALL: [Verb; 9] = [
        Verb::Respond,
        Verb::Start,
        Verb::Pause,
        Verb::Resume,
        Verb::Resolve,
        Verb::Close,
        Verb::Reopen,
        Verb::Cancel,
        Verb::Reject,
    ];

    /// Name as in the RPC and on the timeline.
    pub fn name(self) -> &'static str {
        match self {
            Verb::Respond => "respond",
            Verb::Start => "start",
            Verb::Pause => "pause",
            Verb::Resume => "resume",
            Verb::Resolve => "resolve",
            Verb::Close => "close",
            Verb::Reopen => "reopen",
            Verb::Cancel => "cancel",
            Verb::Reject => "reject",
        }
    }
}

/// Where a move leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Refused with `ILLEGAL_MOVE`.
    No,
    /// The state stays; the fact is recorded.
    Stays,
    /// PENDING, or HELD when the reason is ours to hold.
    Waits,
    /// That state.
    State(State),
}

/// One row a state, one column a verb, in the order of [`State::ALL`] and [`Verb::ALL`].
const MOVES: [[To; 9]; 8] = {
    use State::{Cancelled, Closed, InProgress, Rejected, Resolved};
    use To::{No, State as S, Stays, Waits};
    [
        // respond, start, pause, resume, resolve, close, reopen, cancel, reject
        [
            Stays,
            S(InProgress),
            Waits,
            No,
            S(Resolved),
            No,
            No,
            S(Cancelled),
            S(Rejected),
        ],
        [
            Stays,
            No,
            Waits,
            No,
            S(Resolved),
            No,
            No,
            S(Cancelled),
            S(Rejected),
        ],
        [
            Stays,
            No,
            Waits,
            S(InProgress),
            S(Resolved),
            No,
            No,
            S(Cancelled),
            S(Rejected),
        ],
        [
            Stays,
            No,
            Waits,
            S(InProgress),
            S(Resolved),
            No,
            No,
            S(Cancelled),
            S(Rejected),
        ],
        [No, No, No, No, No, S(Closed), S(InProgress), No, No],
        [No, No, No, No, No, No, S(InProgress), No, No],
        [No, No, No, No, No, No, No, No, No],
        [No, No, No, No, No, No, No, No, No],
    ]
};

/// Where `verb` leads from `state`.
pub fn lead(state: State, verb: Verb) -> To {
    MOVES[state as usize][verb as usize]
}

/// The verbs a state allows, in the order of the table.
pub fn allowed(state: State) -> impl Iterator<Item = Verb> {
    Verb::ALL
        .into_iter()
        .filter(move |verb| lead(state, *verb) != To::No)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_one_that_was_decided() {
        let written = State::ALL.map(|state| {
            let row = allowed(state).map(Verb::name).collect::<Vec<_>>().join(" ");
            format!("{}: {row}", state.name())
        });
        assert_eq!(
            written,
            [
                "ACKNOWLEDGED: respond start pause resolve cancel reject",
                "IN_PROGRESS: respond pause resolve cancel reject",
                "PENDING: respond pause resume resolve cancel reject",
                "HELD: respond pause resume resolve cancel reject",
                "RESOLVED: close reopen",
                "CLOSED: reopen",
                "CANCELLED: ",
                "REJECTED: ",
            ]
        );
    }

    #[test]
    fn every_name_reads_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.name()), Some(state));
            assert_eq!(State::ALL[state as usize], state);
        }
        for verb in Verb::ALL {
            assert_eq!(Verb::ALL[verb as usize], verb);
        }
    }
}
