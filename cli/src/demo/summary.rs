//! The last word of a replay: numbers, shares against what a run must reach, laws.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::shares::{Counts, Kept};
use crate::suite::Law;
use crate::terminal::{BAD, GOOD, HEADING, Voice, emit, styled};
use crate::verify;
use crate::world::{Generated, World};

/// Fewer tickets than this say nothing about shares.
const ENOUGH_FOR_SHARES: u64 = 100;

/// One thing a run must reach.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Share {
    what: &'static str,
    reached: f64,
    needed: f64,
    holds: bool,
}

/// One object, the last line of `--json`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    tickets: u64,
    closed: u64,
    surveyed: u64,
    work_orders: u64,
    parts_used: u64,
    refused: u64,
    backordered: u64,
    invariants_clean: bool,
    seconds: f64,
    tickets_per_second: f64,
    cancelled: u64,
    rejected: u64,
    quotes: u64,
    approved: u64,
    declined: u64,
    reopened: u64,
    incomplete_visits: u64,
    registered_late: u64,
    answered: u64,
    overtaken: u64,
    clocks: BTreeMap<String, Kept>,
    event_lag_p99_millis: Option<u64>,
    real_data: bool,
    generated: Generated,
    shares: Vec<Share>,
    not_final: u64,
    differences: Vec<String>,
    problems: Vec<String>,
}

impl Summary {
    /// Sums up.
    pub(super) fn of(
        world: &World,
        counts: Counts,
        laws: &[Law],
        took: Duration,
        lag: Option<u64>,
    ) -> Summary {
        let seconds = took.as_secs_f64();
        let shares = shares(&counts);
        let mut problems = counts.tally.problems.clone();
        if counts.tally.more_problems > 0 {
            problems.push(format!("and {} more", counts.tally.more_problems));
        }
        Summary {
            tickets: counts.tickets,
            closed: counts.closed,
            surveyed: counts.surveyed,
            work_orders: counts.work_orders,
            parts_used: counts.parts_used,
            refused: counts.refused,
            backordered: counts.backordered,
            invariants_clean: verify::clean(laws),
            seconds: (seconds * 1_000.0).round() / 1_000.0,
            tickets_per_second: (counts.tickets as f64 / seconds * 10.0).round() / 10.0,
            cancelled: counts.cancelled,
            rejected: counts.rejected,
            quotes: counts.tally.approved + counts.tally.declined,
            approved: counts.tally.approved,
            declined: counts.tally.declined,
            reopened: counts.reopened,
            incomplete_visits: counts.incomplete,
            registered_late: counts.tally.registered_late,
            answered: counts.answered,
            overtaken: counts.tally.overtaken,
            clocks: counts.clocks,
            event_lag_p99_millis: lag,
            real_data: world.real,
            generated: world.generated,
            shares,
            not_final: counts.not_final,
            differences: counts.differences,
            problems,
        }
    }

    /// Whether the run counts.
    pub(super) fn holds(&self) -> bool {
        self.invariants_clean
            && self.not_final == 0
            && self.differences.is_empty()
            && self.problems.is_empty()
            && (self.tickets < ENOUGH_FOR_SHARES || self.shares.iter().all(|share| share.holds))
    }

    /// Tells people, or programs.
    pub(super) fn tell(&self, laws: &[Law], voice: Voice) {
        if voice.json {
            if let Ok(document) = serde_json::to_value(self) {
                emit(&document);
            }
            return;
        }
        self.tell_numbers(voice);
        voice.tell(styled(HEADING, "Shares a run must reach"));
        for share in &self.shares {
            let verdict = if share.holds {
                styled(GOOD, "ok")
            } else {
                styled(BAD, "too few")
            };
            let (reached, needed) = (share.reached * 100.0, share.needed * 100.0);
            voice.tell(format!(
                "  {reached:5.1} %  {} (at least {needed:.0} %)  {verdict}",
                share.what
            ));
        }
        voice.tell(styled(HEADING, "Laws"));
        verify::tell(laws, voice);
        for wrong in self.differences.iter().chain(&self.problems) {
            voice.tell(styled(BAD, wrong));
        }
        match self.holds() {
            true => voice.tell(styled(
                GOOD,
                "Every ticket came to its end, and every law holds.",
            )),
            false => voice.tell(styled(BAD, "The run does not count.")),
        }
    }

    fn tell_numbers(&self, voice: Voice) {
        voice.tell(styled(
            HEADING,
            format!(
                "{} tickets in {:.1} s, {:.1} per second",
                self.tickets, self.seconds, self.tickets_per_second
            ),
        ));
        let lag = self
            .event_lag_p99_millis
            .map(|millis| format!("; events took effect within {millis} ms (99 %)"));
        for line in [
            format!(
                "{} closed, {} cancelled, {} rejected, {} not at an end",
                self.closed, self.cancelled, self.rejected, self.not_final
            ),
            format!(
                "{} visits, {} without a fix, {} pieces built in",
                self.work_orders, self.incomplete_visits, self.parts_used
            ),
            format!(
                "{} waited for a part; {} quotes: {} approved, {} declined",
                self.backordered, self.quotes, self.approved, self.declined
            ),
            format!(
                "{} surveyed, {} answered, {} reopened by a low answer{}",
                self.surveyed,
                self.answered,
                self.reopened,
                lag.unwrap_or_default()
            ),
        ] {
            voice.tell(format!("  {line}"));
        }
        for (milestone, kept) in &self.clocks {
            voice.tell(format!(
                "  {milestone}: {} kept, {} late",
                kept.kept, kept.breached
            ));
        }
        let made = &self.generated;
        voice.tell(format!(
            "  generated: {} texts, {} arrivals, {} sites, {} components, {} serials, {} pieces of stock, {} technicians",
            made.fault_texts, made.arrivals, made.sites, made.components, made.serials, made.stock_pieces, made.technicians
        ));
    }
}

fn shares(counts: &Counts) -> Vec<Share> {
    let quotes = counts.tally.approved + counts.tally.declined;
    let share = |what, count: u64, needed: f64| {
        let reached = count as f64 / (counts.tickets.max(1)) as f64;
        Share {
            what,
            reached,
            needed,
            holds: reached >= needed,
        }
    };
    vec![
        share("had a visit with parts", counts.with_parts, 0.60),
        share("had a quote", quotes, 0.10),
        share("waited for a part", counts.backordered, 0.05),
        share(
            "were cancelled by the customer",
            counts.tally.cancelled,
            0.03,
        ),
        share("came to an end", counts.tickets - counts.not_final, 1.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::replay::Tally;
    use crate::world::Recipe;

    fn summary(change: impl FnOnce(&mut Counts)) -> Summary {
        let recipe = Recipe {
            tickets: 1,
            data: None,
            seed: 1,
            begin: None,
        };
        let world = World::plan(&recipe).unwrap();
        let tally = Tally {
            approved: 90,
            declined: 20,
            cancelled: 30,
            ..Default::default()
        };
        let mut counts = Counts {
            tickets: 1_000,
            with_parts: 600,
            backordered: 50,
            tally,
            ..Default::default()
        };
        change(&mut counts);
        let law = Law {
            service: "ticket",
            law: "chains verify".to_owned(),
            breaches: vec![],
        };
        Summary::of(&world, counts, &[law], Duration::from_secs(10), Some(40))
    }

    #[test]
    fn a_run_counts_when_shares_sums_and_laws_hold() {
        assert!(summary(|_| {}).holds());
        assert!(!summary(|counts| counts.with_parts = 599).holds());
        assert!(!summary(|counts| counts.tally.cancelled = 29).holds());
        assert!(!summary(|counts| counts.not_final = 1).holds());
        assert!(!summary(|counts| counts.differences.push("1 and 2".to_owned())).holds());
    }

    #[test]
    fn the_object_has_the_names_that_tests_rely_on() {
        let object = serde_json::to_value(summary(|_| {})).unwrap();
        for name in [
            "tickets",
            "closed",
            "surveyed",
            "workOrders",
            "partsUsed",
            "refused",
            "backordered",
            "invariantsClean",
            "seconds",
            "cancelled",
            "rejected",
            "quotes",
            "reopened",
            "incompleteVisits",
            "ticketsPerSecond",
            "clocks",
            "eventLagP99Millis",
            "generated",
        ] {
            assert!(object.get(name).is_some(), "{name}");
        }
    }
}
