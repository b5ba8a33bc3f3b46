//! Laws of the process, with peers that remember what they hold by round.
//!
//! The worker of this model asks `next_step`, notes a step that makes something before it is
//! asked, and loses an answer when told to: then the peer did it and the ticket does not know.

#![allow(clippy::unwrap_used)]

#[path = "process_laws/any_history.rs"]
mod any_history;
mod common;
#[path = "process_laws/one_history.rs"]
mod one_history;
#[path = "process_laws/peers.rs"]
mod peers;

use std::collections::BTreeSet;

use common::{after, reported};
use jiff::{SignedDuration, Timestamp};
use peers::{Parts, Peers, Work};
use ticket::domain::answers::{self, PartsNews, Taken, VisitNews};
use ticket::domain::coverage::{Coverage, Outcome, Price};
use ticket::domain::moves::State;
use ticket::domain::process::{Next, PartLine, QuoteFact, Step, next_step};
use ticket::domain::ticket::{Deed, Kind, Ticket};
use uuid::Uuid;

/// What the world answers when it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) outcome: Outcome,
    pub(crate) registered: bool,
    pub(crate) needs_parts: bool,
    /// Whether stock is there, by round; the last one goes on.
    pub(crate) stock: Vec<bool>,
    /// Whether a technician is free, by round; the last one goes on.
    pub(crate) free: Vec<bool>,
}

impl Plan {
    /// A repair under warranty, everything at hand.
    pub(crate) fn repair() -> Plan {
        Plan {
            kind: Kind::HardwareFault,
            outcome: Outcome::FreeOfCharge,
            registered: true,
            needs_parts: true,
            stock: vec![true],
            free: vec![true],
        }
    }
}

/// A ticket and its peers.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) ticket: Ticket,
    pub(crate) peers: Peers,
    pub(crate) plan: Plan,
    /// Minutes since the report.
    pub(crate) minutes: i64,
    /// Steps done, by name.
    pub(crate) done: BTreeSet<&'static str>,
}

/// More steps in a row than any ticket needs: two for every round, and those of the current one.
pub(crate) const MOST_STEPS: usize = 40;

impl World {
    pub(crate) fn new(plan: Plan) -> World {
        let ticket = reported(plan.kind);
        World {
            ticket,
            peers: Peers::default(),
            plan,
            minutes: 0,
            done: BTreeSet::new(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        after(self.minutes).at
    }

    fn deed(&self) -> Deed<'static> {
        after(self.minutes)
    }

    /// The step that is due now.
    pub(crate) fn due(&self) -> Option<Step> {
        match next_step(&self.ticket, self.now()) {
            Next::Do(step) => Some(step),
            Next::Wait(_) => None,
        }
    }

    /// Does a step; a lost answer leaves the ticket with what it noted before asking.
    pub(crate) fn step(&mut self, step: Step, lost: bool) {
        self.done.insert(step.name());
        if step.has_effect_in_peer() {
            answers::asked(&mut self.ticket, step);
        }
        let (deed, round) = (self.deed(), self.ticket.round);
        match step {
            Step::HoldParts => {
                let stock = told(&self.plan.stock, round);
                let news = self.peers.reserve(round, stock);
                if !lost {
                    self.tell_parts(round, news);
                }
            }
            Step::BookVisit => {
                let news = self.peers.book(round, told(&self.plan.free, round));
                if !lost {
                    self.tell_visit(round, news);
                }
            }
            Step::ReleaseParts(round) => {
                self.peers.release(round);
                if !lost {
                    assert_eq!(
                        answers::parts_released(&mut self.ticket, round, &deed),
                        Taken::Changed
                    );
                }
            }
            Step::CancelVisit(round) => {
                let cancelled = self.peers.cancel(round);
                let taken = match (lost, cancelled) {
                    (true, _) => return,
                    (_, true) => answers::visit_cancelled(&mut self.ticket, round, &deed),
                    (_, false) => answers::visit_ends_itself(&mut self.ticket, round),
                };
                assert_eq!(taken, Taken::Changed);
            }
            _ if lost => {}
            Step::DecideCoverage => self.decide(),
            Step::IssueQuote => {
                let until = self.now() + SignedDuration::from_hours(14 * 24);
                taken(answers::quote_issued(
                    &mut self.ticket,
                    &price(),
                    until,
                    &deed,
                ));
            }
            Step::ExpireQuote => taken(answers::quote_expired(&mut self.ticket, &deed)),
            Step::Reject => self.ticket.reject("neither owed nor sold", &deed).unwrap(),
            Step::ChooseParts => {
                let line = PartLine {
                    part: "parts/LCD-1".to_owned(),
                    quantity: 1,
                };
                let parts = if self.plan.needs_parts {
                    vec![line]
                } else {
                    Vec::new()
                };
                taken(answers::parts_chosen(&mut self.ticket, parts, &deed));
            }
            Step::AutoClose => self.ticket.close(true, &deed).unwrap(),
        }
    }

    fn decide(&mut self) {
        let deed = self.deed();
        if !self.plan.registered {
            taken(answers::serial_unknown(
                &mut self.ticket,
                b"not registered".to_vec(),
                &deed,
            ));
            return;
        }
        let coverage = Coverage {
            outcome: self.plan.outcome,
            asset: Uuid::from_u128(1),
            product: "NB-1".to_owned(),
            category: "NOTEBOOK".to_owned(),
            modes: vec!["ON_SITE".to_owned()],
            sla_policy: String::new(),
            price: Some(price()),
            layer: "VENDOR".to_owned(),
            covered_until: None,
        };
        taken(answers::coverage_decided(
            &mut self.ticket,
            coverage,
            Vec::new(),
            None,
            &deed,
        ));
    }

    pub(crate) fn tell_parts(&mut self, round: i32, news: PartsNews) {
        let deed = self.deed();
        let _taken = answers::reservation_told(&mut self.ticket, round, news, &deed).unwrap();
        self.note_resolution();
    }

    pub(crate) fn tell_visit(&mut self, round: i32, news: VisitNews) {
        let deed = self.deed();
        let _taken = answers::visit_told(&mut self.ticket, round, news, &deed).unwrap();
        self.note_resolution();
    }

    /// A resolved ticket closes an hour later.
    pub(crate) fn note_resolution(&mut self) {
        if self.ticket.state == State::Resolved && self.ticket.facts.auto_close_at.is_none() {
            self.ticket.facts.auto_close_at = Some(self.now() + SignedDuration::from_hours(1));
        }
    }

    /// Tells everything the peers have said and the ticket has not heard.
    pub(crate) fn hear(&mut self) {
        while self.hear_one() {}
    }

    /// Tells one thing; none is left: false.
    pub(crate) fn hear_one(&mut self) -> bool {
        if let Some((round, news)) = self.peers.parts_said.pop_front() {
            self.tell_parts(round, news);
            return true;
        }
        if let Some((round, news)) = self.peers.visits_said.pop_front() {
            self.tell_visit(round, news);
            return true;
        }
        false
    }

    /// Works until nothing is due and nothing unheard.
    pub(crate) fn settle(&mut self) {
        for _ in 0..MOST_STEPS {
            self.hear();
            match self.due() {
                Some(step) => self.step(step, false),
                None => return,
            }
        }
        panic!(
            "more than {MOST_STEPS} steps in a row: {:?}",
            self.ticket.facts
        );
    }

    /// The technician of the current visit goes, comes and ends with this.
    pub(crate) fn visit(&mut self, fixed: bool) {
        let round = self.ticket.round;
        for work in [Work::EnRoute, Work::OnSite, Work::InProgress] {
            self.minutes += 30;
            self.peers.work_goes_on(round, work);
            self.hear();
        }
        self.peers.work_ends(round, fixed);
        self.hear();
    }

    pub(crate) fn quote_answered(&mut self, agreed: bool) {
        let deed = self.deed();
        if !matches!(self.ticket.facts.quote, Some(QuoteFact::Open(_))) {
            return;
        }
        let _taken = match agreed {
            true => answers::quote_approved(&mut self.ticket, &price(), &deed),
            false => answers::quote_declined(&mut self.ticket, "too dear", &deed),
        }
        .unwrap();
    }

    pub(crate) fn register(&mut self) {
        self.plan.registered = true;
        let deed = self.deed();
        let _taken = answers::registered(&mut self.ticket, &deed).unwrap();
    }

    pub(crate) fn cancel(&mut self) {
        let deed = self.deed();
        let _refused_when_not_open = self.ticket.cancel("not wanted any more", &deed);
    }

    pub(crate) fn resolve(&mut self) {
        let deed = self.deed();
        let _refused_when_not_open = self.ticket.resolve("by telephone", &deed);
        self.note_resolution();
    }

    pub(crate) fn reopen(&mut self) {
        let deed = self.deed();
        let _refused_when_open = self.ticket.reopen("it is back", 30, &deed);
    }

    pub(crate) fn score(&mut self) {
        let (deed, round) = (self.deed(), self.ticket.round);
        let findings = vec![b"score 1".to_vec()];
        let _taken = answers::score_low(&mut self.ticket, round, 1, findings, 30, &deed).unwrap();
    }

    /// What is held in any round: of parts, of visits.
    pub(crate) fn held(&self) -> (Vec<i32>, Vec<i32>) {
        let parts = self
            .peers
            .parts
            .iter()
            .filter(|(_, parts)| **parts != Parts::Ended);
        let visits = self
            .peers
            .visits
            .iter()
            .filter(|(_, work)| **work != Work::Ended);
        (
            parts.map(|(round, _)| *round).collect(),
            visits.map(|(round, _)| *round).collect(),
        )
    }

    /// What of a ticket decides over its future.
    pub(crate) fn end(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let ticket = &self.ticket;
        (
            ticket.state,
            ticket.step,
            ticket.pause,
            ticket.round,
            ticket.facts.clone(),
            self.held(),
        )
    }
}

fn taken(answer: answers::Answered) {
    assert_eq!(answer, Ok(Taken::Changed));
}

fn told(plan: &[bool], round: i32) -> bool {
    let place = usize::try_from(round - 1).unwrap().min(plan.len() - 1);
    plan[place]
}

fn price() -> Price {
    Price {
        amount: rust_decimal::Decimal::new(12_900, 2),
        currency: "CNY".to_owned(),
    }
}
