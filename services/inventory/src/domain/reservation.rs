//! A reservation: its states, the verbs they allow, and its lines.

use jiff::Timestamp;
use uuid::Uuid;

use super::finding::Finding;
use super::stock::{Place, Wanted};

/// Where a reservation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All lines are held.
    Held,
    /// Nothing is held; waits for stock.
    Backordered,
    /// Settled after the repair.
    Committed,
    /// Given back.
    Released,
    /// Given back because nobody extended it.
    Expired,
}

/// What can be done with a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Move the expiry.
    Extend,
    /// Settle what was used.
    Commit,
    /// Give everything back.
    Release,
    /// Give everything back because time is up.
    Expire,
    /// Serve it from stock that arrived.
    Promote,
}

/// The legal moves; every pair that is not here is refused.
const MOVES: [(State, Verb, State); 10] = [
    (State::Held, Verb::Extend, State::Held),
    (State::Held, Verb::Commit, State::Committed),
    (State::Held, Verb::Release, State::Released),
    (State::Held, Verb::Expire, State::Expired),
    (State::Backordered, Verb::Promote, State::Held),
    (State::Backordered, Verb::Release, State::Released),
    (State::Released, Verb::Release, State::Released),
    (State::Expired, Verb::Release, State::Expired),
    // A visit that ended without the parts it waited for: nothing is wanted any more.
    (State::Backordered, Verb::Commit, State::Committed),
    (State::Expired, Verb::Expire, State::Expired),
];

impl State {
    /// All states.
    pub const ALL: [State; 5] = [
        State::Held,
        State::Backordered,
        State::Committed,
        State::Released,
        State::Expired,
    ];

    /// The name as contract and store write it.
    pub fn name(self) -> &'static str {
        match self {
            State::Held => "HELD",
            State::Backordered => "BACKORDERED",
            State::Committed => "COMMITTED",
            State::Released => "RELEASED",
            State::Expired => "EXPIRED",
        }
    }

    /// The state of that name.
    pub fn named(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The state after the verb; none: the move is refused.
    pub fn after(self, verb: Verb) -> Option<State> {
        MOVES
            .iter()
            .find(|(from, by, _)| (*from, *by) == (self, verb))
            .map(|(_, _, to)| *to)
    }
}

/// One part at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Number within the reservation, from 0.
    pub position: i16,
    /// Part number.
    pub part: String,
    /// Pieces, at least 1.
    pub quantity: i64,
    /// Location code; none while it waits.
    pub location: Option<String>,
    /// Serial numbers held, for serialised parts.
    pub serials: Vec<String>,
    /// Pieces used, once committed.
    pub used: i64,
}

/// Parts held, or waited for, by one step of one ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct Reservation {
    /// Chosen by the caller, or computed from ticket, step and round.
    pub id: Uuid,
    /// Where it stands.
    pub state: State,
    /// Whose; none for a tombstone.
    pub ticket: Option<Uuid>,
    /// Process step that asked.
    pub step: String,
    /// Round of the ticket, from 1.
    pub round: i32,
    /// 1 critical to 4 low.
    pub priority: i16,
    /// Where the parts are needed.
    pub place: Place,
    /// Latest instant at which they are needed.
    pub needed_by: Option<Timestamp>,
    /// When it lapses, in system time.
    pub expire_at: Option<Timestamp>,
    /// What is held or waited for.
    pub lines: Vec<Line>,
    /// Why.
    pub findings: Vec<Finding>,
    /// When it was asked for in the world.
    pub occurred_at: Timestamp,
    /// When it was made, in system time.
    pub created_at: Timestamp,
    /// Ascending with each change.
    pub version: i64,
}

impl Reservation {
    /// `reservations/{uuid}`.
    pub fn name(&self) -> String {
        chassis::names::name("reservations", self.id)
    }

    /// `tickets/{uuid}`; empty for a tombstone.
    pub fn ticket_name(&self) -> String {
        self.ticket
            .map_or(String::new(), |id| chassis::names::name("tickets", id))
    }

    /// What it wants, as lines without places.
    pub fn wanted(&self) -> Vec<Wanted> {
        let want = |line: &Line| Wanted {
            part: line.part.clone(),
            quantity: line.quantity,
        };
        self.lines.iter().map(want).collect()
    }

    /// Adds findings that are not there yet.
    pub fn note(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
    }
}

/// One line per part wanted, waiting without a place.
pub fn waiting_lines(wanted: &[Wanted]) -> Vec<Line> {
    let line = |(position, want): (i16, &Wanted)| Line {
        position,
        part: want.part.clone(),
        quantity: want.quantity,
        location: None,
        serials: Vec::new(),
        used: 0,
    };
    (0..).zip(wanted).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_allows_its_verbs_and_no_others() {
        use State::{Backordered, Committed, Expired, Held, Released};
        let verbs = [
            Verb::Extend,
            Verb::Commit,
            Verb::Release,
            Verb::Expire,
            Verb::Promote,
        ];
        for (state, expected) in [
            (
                Held,
                [
                    Some(Held),
                    Some(Committed),
                    Some(Released),
                    Some(Expired),
                    None,
                ],
            ),
            (
                Backordered,
                [None, Some(Committed), Some(Released), None, Some(Held)],
            ),
            (Committed, [None; 5]),
            (Released, [None, None, Some(Released), None, None]),
            (Expired, [None, None, Some(Expired), Some(Expired), None]),
        ] {
            assert_eq!(verbs.map(|verb| state.after(verb)), expected, "{state:?}");
        }
    }

    #[test]
    fn a_state_has_one_name() {
        for state in State::ALL {
            assert_eq!(State::named(state.name()), Some(state));
        }
        assert_eq!(State::named("held"), None);
    }
}
