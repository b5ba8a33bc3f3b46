//! The legal moves of a work order, as one table.

use super::work_order::{Mode, State};

/// What can be done with a work order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A dispatcher gives it to a technician.
    Assign,
    /// A customer takes a slot.
    Book,
    /// The technician sets out.
    Depart,
    /// The technician is there.
    Arrive,
    /// Work begins.
    Start,
    /// Work ends, with or without a fix.
    Complete,
    /// Not wanted any more.
    Cancel,
}

impl Verb {
    /// All, in the order of a visit.
    pub const ALL: [Verb; 7] = [
        Verb::Assign,
        Verb::Book,
        Verb::Depart,
        Verb::Arrive,
        Verb::Start,
        Verb::Complete,
        Verb::Cancel,
    ];

    /// The verb in messages and metadata.
    pub fn name(self) -> &'static str {
        match self {
            Verb::Assign => "assign",
            Verb::Book => "book",
            Verb::Depart => "depart",
            Verb::Arrive => "arrive",
            Verb::Start => "start",
            Verb::Complete => "complete",
            Verb::Cancel => "cancel",
        }
    }
}

/// For whom a move is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    /// Wherever the work is done.
    Anywhere,
    /// The technician travels to it.
    Away,
    /// The technician stays where they are.
    Workshop,
}

struct Move {
    from: State,
    verb: Verb,
    to: State,
    place: Where,
}

const fn allow(from: State, verb: Verb, to: State, place: Where) -> Move {
    Move {
        from,
        verb,
        to,
        place,
    }
}

/// Everything that is not here is refused. A technician without a connection may arrive without
/// having departed, and end a visit that was never started (nobody at home). The state after
/// `complete` is the outcome told; the table names the good one. Cancelling twice changes nothing.
const MOVES: [Move; 17] = {
    use State::{Cancelled, Completed, EnRoute, InProgress, Offered, OnSite, Open, Scheduled};
    use Where::{Anywhere, Away, Workshop};
    [
        allow(Open, Verb::Assign, Scheduled, Anywhere),
        allow(Open, Verb::Book, Scheduled, Anywhere),
        allow(Open, Verb::Cancel, Cancelled, Anywhere),
        allow(Offered, Verb::Cancel, Cancelled, Anywhere),
        allow(Scheduled, Verb::Assign, Scheduled, Anywhere),
        allow(Scheduled, Verb::Book, Scheduled, Anywhere),
        allow(Scheduled, Verb::Depart, EnRoute, Away),
        allow(Scheduled, Verb::Arrive, OnSite, Away),
        allow(Scheduled, Verb::Start, InProgress, Workshop),
        allow(Scheduled, Verb::Cancel, Cancelled, Anywhere),
        allow(EnRoute, Verb::Arrive, OnSite, Away),
        allow(EnRoute, Verb::Cancel, Cancelled, Anywhere),
        allow(OnSite, Verb::Start, InProgress, Anywhere),
        allow(OnSite, Verb::Complete, Completed, Anywhere),
        allow(OnSite, Verb::Cancel, Cancelled, Anywhere),
        allow(InProgress, Verb::Complete, Completed, Anywhere),
        allow(InProgress, Verb::Cancel, Cancelled, Anywhere),
    ]
};

/// Where the verb leads; none: refused.
pub fn after(from: State, verb: Verb, mode: Mode) -> Option<State> {
    if (from, verb) == (State::Cancelled, Verb::Cancel) {
        return Some(State::Cancelled);
    }
    let place = if mode.travels() {
        Where::Away
    } else {
        Where::Workshop
    };
    let legal = |m: &&Move| {
        m.from == from && m.verb == verb && (m.place == Where::Anywhere || m.place == place)
    };
    MOVES.iter().find(legal).map(|m| m.to)
}

/// The verbs that change something now.
pub fn allowed(from: State, mode: Mode) -> Vec<&'static str> {
    let changes = |verb: &Verb| from != State::Cancelled && after(from, *verb, mode).is_some();
    Verb::ALL
        .into_iter()
        .filter(changes)
        .map(Verb::name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_of_every_state_is_as_the_table_says() {
        // Columns: assign book depart arrive start complete cancel; s/d/a/i/C/X the state after.
        let visit = [
            (State::Open, "ss----X"),
            (State::Offered, "------X"),
            (State::Scheduled, "ssda--X"),
            (State::EnRoute, "---a--X"),
            (State::OnSite, "----iCX"),
            (State::InProgress, "-----CX"),
            (State::Completed, "-------"),
            (State::Incomplete, "-------"),
            (State::Cancelled, "------X"),
        ];
        for (from, row) in visit {
            for (verb, letter) in Verb::ALL.into_iter().zip(row.chars()) {
                let to = match letter {
                    's' => Some(State::Scheduled),
                    'd' => Some(State::EnRoute),
                    'a' => Some(State::OnSite),
                    'i' => Some(State::InProgress),
                    'C' => Some(State::Completed),
                    'X' => Some(State::Cancelled),
                    _ => None,
                };
                assert_eq!(after(from, verb, Mode::OnSite), to, "{from:?} {verb:?}");
            }
        }
    }

    #[test]
    fn work_in_a_workshop_starts_without_a_journey() {
        for mode in [Mode::Bench, Mode::Remote] {
            assert_eq!(
                allowed(State::Scheduled, mode),
                ["assign", "book", "start", "cancel"]
            );
        }
        assert_eq!(
            allowed(State::Scheduled, Mode::PickUp),
            ["assign", "book", "depart", "arrive", "cancel"]
        );
    }
}
