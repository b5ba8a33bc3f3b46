//! What one feed has delivered and its consumer has not taken in yet.

use std::collections::BTreeMap;

use crate::streams::Entry;

/// Entries waiting for an earlier one, at most; later ones are asked for again.
const WAITING: usize = 1_024;

/// Longest range asked for at once.
const ASKED: i64 = 1_000;

/// A feed's entries in sequence, duplicates dropped, gaps seen.
#[derive(Debug, Default)]
pub(super) struct Queue {
    passed: i64,
    waiting: BTreeMap<i64, Entry>,
}

impl Queue {
    /// Goes on after sequence `passed`.
    pub(super) fn after(passed: i64) -> Self {
        Self {
            passed,
            waiting: BTreeMap::new(),
        }
    }

    /// The last sequence handed out.
    pub(super) fn passed(&self) -> i64 {
        self.passed
    }

    /// Takes an entry, unless it was passed, is waiting already, or too many wait before it.
    pub(super) fn offer(&mut self, entry: Entry) {
        if entry.last <= self.passed {
            return;
        }
        if self.waiting.len() >= WAITING {
            match self.waiting.last_key_value() {
                Some((last, _)) if *last > entry.sequence => {
                    self.waiting.pop_last();
                }
                _ => return,
            }
        }
        // A range that is gone may begin before what was passed: it counts from the next one on.
        let place = entry.sequence.max(self.passed + 1);
        self.waiting.entry(place).or_insert(entry);
    }

    /// The next entries without a gap, at most `limit`.
    pub(super) fn take(&mut self, limit: usize) -> Vec<Entry> {
        let mut taken = Vec::new();
        while taken.len() < limit {
            let Some(first) = self.waiting.first_entry() else {
                break;
            };
            if *first.key() > self.passed + 1 {
                break;
            }
            let entry = first.remove();
            if entry.last > self.passed {
                self.passed = entry.last;
                taken.push(entry);
            }
        }
        taken
    }

    /// The sequences that are missing before the first waiting entry or, when nothing waits, up to
    /// the producer's `head`.
    pub(super) fn gap(&self, head: i64) -> Option<(i64, i64)> {
        let next = self.passed + 1;
        let to = self
            .waiting
            .first_key_value()
            .map_or(head, |(first, _)| first - 1);
        (next <= to).then(|| (next, to.min(next + ASKED - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::Content;

    fn entry(sequence: i64) -> Entry {
        gone(sequence, sequence)
    }

    fn gone(sequence: i64, last: i64) -> Entry {
        Entry {
            sequence,
            last,
            stream_id: String::new(),
            content: Content::Gone,
        }
    }

    fn sequences(entries: &[Entry]) -> Vec<i64> {
        entries.iter().map(|e| e.sequence).collect()
    }

    #[test]
    fn reordered_and_duplicated_entries_come_out_once_and_in_sequence() {
        let mut queue = Queue::after(2);
        for sequence in [4, 3, 4, 1, 5, 3] {
            queue.offer(entry(sequence));
        }

        assert_eq!(sequences(&queue.take(2)), [3, 4]);
        assert_eq!(sequences(&queue.take(2)), [5]);
        assert_eq!(queue.gap(5), None);
    }

    #[test]
    fn nothing_is_handed_out_past_a_gap() {
        let mut queue = Queue::after(0);
        queue.offer(entry(1));
        queue.offer(entry(4));

        assert_eq!(sequences(&queue.take(10)), [1]);
        assert_eq!(queue.gap(4), Some((2, 3)));
        queue.offer(gone(2, 3));
        assert_eq!(sequences(&queue.take(10)), [2, 4]);
    }

    #[test]
    fn a_lost_last_entry_is_missed_by_the_producers_head() {
        let queue = Queue::after(7);

        assert_eq!(queue.gap(7), None);
        assert_eq!(queue.gap(9), Some((8, 9)));
    }

    #[test]
    fn a_full_queue_keeps_the_entries_that_come_first() {
        let mut queue = Queue::after(0);
        for sequence in 2..=1_100 {
            queue.offer(entry(sequence));
        }
        queue.offer(entry(1));

        let taken = sequences(&queue.take(usize::MAX));
        assert_eq!(taken, (1..=1_024).collect::<Vec<_>>());
        assert_eq!(queue.gap(1_100), Some((1_025, 1_100)));
    }
}
