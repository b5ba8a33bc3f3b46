//! What the actors know of each ticket, and who has taken which step.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::OwnedSemaphorePermit;

/// Problems kept in full; the others are counted.
const PROBLEMS_KEPT: usize = 20;

/// What the actors did, to be compared with what the services count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Tickets reported.
    pub(crate) reported: u64,
    /// Tickets withdrawn by their customers.
    pub(crate) cancelled: u64,
    /// Quotes approved.
    pub(crate) approved: u64,
    /// Quotes declined.
    pub(crate) declined: u64,
    /// Visits that ended with a fix.
    pub(crate) completed: u64,
    /// Visits that ended without one.
    pub(crate) incomplete: u64,
    /// Pieces built in.
    pub(crate) parts_used: u64,
    /// Surveys answered.
    pub(crate) answered: u64,
    /// Answers low enough to reopen.
    pub(crate) low: u64,
    /// Tickets whose parts were out of stock first.
    pub(crate) backordered: HashSet<String>,
    /// Devices registered after the report.
    pub(crate) registered_late: u64,
    /// Calls that came after the ticket had moved on: the customer confirmed when the policy had
    /// closed the ticket already, or cancelled when it was decided already.
    pub(crate) overtaken: u64,
    /// What an actor could not do.
    pub(crate) problems: Vec<String>,
    /// Problems not kept in full.
    pub(crate) more_problems: u64,
}

/// How a ticket stands with the actors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// Things go on.
    Open,
    /// A low answer was given in this round: another round must come.
    Reopens(i32),
    /// Nothing more comes.
    Ended,
}

struct Entry {
    plan: usize,
    last: Timestamp,
    stand: Stand,
    absent_since: Option<Instant>,
    // Released when the ticket ends.
    permit: Option<OwnedSemaphorePermit>,
}

#[derive(Default)]
struct Notes {
    tickets: HashMap<String, Entry>,
    taken: HashSet<String>,
    tally: Tally,
    moved: Option<Instant>,
}

/// Shared by all actors.
pub(super) struct Board {
    expected: usize,
    notes: Mutex<Notes>,
}

impl Board {
    pub(super) fn new(expected: usize) -> Board {
        Board {
            expected,
            notes: Mutex::default(),
        }
    }

    /// No section here panics, so a poisoned lock holds sound notes.
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A ticket was opened.
    pub(super) fn opened(
        &self,
        ticket: &str,
        plan: usize,
        at: Timestamp,
        permit: OwnedSemaphorePermit,
    ) {
        let mut notes = self.notes();
        notes.moved = Some(Instant::now());
        notes.tally.reported += 1;
        let entry = Entry {
            plan,
            last: at,
            stand: Stand::Open,
            absent_since: None,
            permit: Some(permit),
        };
        notes.tickets.insert(ticket.to_owned(), entry);
    }

    /// The plan of a ticket; `None` for one that the play did not open (yet).
    pub(super) fn plan_of(&self, ticket: &str) -> Option<usize> {
        self.notes().tickets.get(ticket).map(|entry| entry.plan)
    }

    /// True for the first one who takes a step.
    pub(super) fn take(&self, step: String) -> bool {
        let mut notes = self.notes();
        let first = notes.taken.insert(step);
        if first {
            notes.moved = Some(Instant::now());
        }
        first
    }

    /// A moment for the ticket's next event: `at`, but after all that happened before.
    pub(super) fn moment(&self, ticket: &str, at: Timestamp) -> Timestamp {
        let mut notes = self.notes();
        match notes.tickets.get_mut(ticket) {
            Some(entry) => {
                entry.last = at.max(entry.last + SignedDuration::from_secs(1));
                entry.last
            }
            None => at,
        }
    }

    /// A moment some minutes after all that happened before.
    pub(super) fn later(&self, ticket: &str, minutes: i64) -> Timestamp {
        let notes = self.notes();
        let last = notes
            .tickets
            .get(ticket)
            .map(|entry| entry.last)
            .unwrap_or_default();
        drop(notes);
        self.moment(ticket, last + SignedDuration::from_mins(minutes))
    }

    /// Counts something that was done.
    pub(super) fn count(&self, what: impl FnOnce(&mut Tally)) {
        what(&mut self.notes().tally);
    }

    /// Notes something that could not be done.
    pub(super) fn problem(&self, problem: String) {
        let tally = &mut self.notes().tally;
        match tally.problems.len() {
            0..PROBLEMS_KEPT => tally.problems.push(problem),
            _ => tally.more_problems += 1,
        }
    }

    /// A low answer was given: the ticket reopens.
    pub(super) fn reopens(&self, ticket: &str, round: i32) {
        if let Some(entry) = self.notes().tickets.get_mut(ticket) {
            entry.stand = Stand::Reopens(round);
        }
    }

    /// Whether an answer of the ticket was low before.
    pub(super) fn was_low(&self, ticket: &str) -> bool {
        let notes = self.notes();
        notes
            .tickets
            .get(ticket)
            .is_some_and(|entry| matches!(entry.stand, Stand::Reopens(_)))
    }

    /// Nothing more comes of the ticket. True for the first time.
    pub(super) fn ended(&self, ticket: &str) -> bool {
        let mut notes = self.notes();
        notes.moved = Some(Instant::now());
        let Some(entry) = notes.tickets.get_mut(ticket) else {
            return false;
        };
        let first = entry.stand != Stand::Ended;
        entry.stand = Stand::Ended;
        entry.permit = None;
        first
    }

    /// Compares with the tickets that are open now: a ticket thought ended that is open goes on,
    /// and those that have been missing for a while are handed out to be asked for.
    pub(super) fn compare(&self, open: &HashSet<String>, before: Instant) -> Vec<String> {
        let mut notes = self.notes();
        let mut missing = Vec::new();
        for (name, entry) in &mut notes.tickets {
            match (open.contains(name), entry.stand) {
                (true, Stand::Ended) => entry.stand = Stand::Open,
                (true, _) => entry.absent_since = None,
                (false, Stand::Ended) => {}
                (false, _) => {
                    let since = *entry.absent_since.get_or_insert(before);
                    if since.elapsed() > Duration::from_millis(1_500) {
                        entry.absent_since = None;
                        missing.push(name.clone());
                    }
                }
            }
        }
        missing
    }

    /// Tickets reported and tickets ended.
    pub(super) fn standing(&self) -> (usize, usize) {
        let notes = self.notes();
        let ended = notes
            .tickets
            .values()
            .filter(|entry| entry.stand == Stand::Ended)
            .count();
        (notes.tickets.len(), ended)
    }

    /// Whether every ticket was reported and has ended.
    pub(super) fn all_ended(&self) -> bool {
        self.standing() == (self.expected, self.expected)
    }

    /// How long nothing has moved.
    pub(super) fn still_for(&self) -> Duration {
        self.notes()
            .moved
            .map(|at| at.elapsed())
            .unwrap_or_default()
    }

    /// Steps taken, by the word they begin with; tells what a stuck play was doing.
    pub(super) fn steps(&self) -> BTreeMap<String, u64> {
        let mut steps = BTreeMap::new();
        for step in &self.notes().taken {
            let word = step.split(':').next().unwrap_or_default();
            *steps.entry(word.to_owned()).or_default() += 1;
        }
        steps
    }

    /// What the actors did.
    pub(super) fn tally(&self) -> Tally {
        self.notes().tally.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::sync::Semaphore;

    fn board_with(ticket: &str) -> (Board, Arc<Semaphore>) {
        let board = Board::new(1);
        let open = Arc::new(Semaphore::new(1));
        let permit = open.clone().try_acquire_owned().unwrap();
        board.opened(ticket, 0, Timestamp::UNIX_EPOCH, permit);
        (board, open)
    }

    #[test]
    fn a_step_is_taken_once() {
        let board = Board::new(0);
        assert!(board.take("visit:workOrders/1".to_owned()));
        assert!(!board.take("visit:workOrders/1".to_owned()));
    }

    #[test]
    fn what_happens_to_a_ticket_happens_in_order() {
        let (board, _) = board_with("tickets/1");
        let hour = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);

        assert_eq!(board.moment("tickets/1", hour), hour);
        assert!(board.moment("tickets/1", Timestamp::UNIX_EPOCH) > hour);
    }

    #[test]
    fn a_ticket_that_ends_makes_room_for_the_next() {
        let (board, open) = board_with("tickets/1");
        assert_eq!(open.available_permits(), 0);

        assert!(board.ended("tickets/1"));

        assert_eq!(open.available_permits(), 1);
        assert!(board.all_ended());
        assert!(!board.ended("tickets/1"));
    }

    #[test]
    fn a_ticket_thought_ended_that_is_open_goes_on() {
        let (board, _) = board_with("tickets/1");
        board.ended("tickets/1");

        let open = HashSet::from(["tickets/1".to_owned()]);
        assert!(board.compare(&open, Instant::now()).is_empty());

        assert!(!board.all_ended());
    }
}
