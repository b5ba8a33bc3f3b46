//! What answers and events do to a ticket: facts, state, moments and the timeline.
//!
//! A peer's answer and the event that tells the same thing go through the same function, so the
//! order in which they arrive does not matter: the second one is [`Taken::Known`]. What concerns
//! a round that is over can only end what that round may still hold; the ticket does not move.

mod parts;
mod quote;
mod visit;

use super::coverage::Coverage;
use super::moves::State;
use super::process::{Hold, Step, Visit, waits_for};
use super::ticket::{Deed, PauseReason, RepairStep, Ticket, VerbRefused};

pub use parts::{PartsNews, parts_chosen, parts_released, reservation_told};
pub use quote::{quote_approved, quote_declined, quote_expired, quote_issued};
pub use visit::{VisitNews, visit_cancelled, visit_ends_itself, visit_told};

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Taken {
    /// The ticket changed and is to be saved.
    Changed,
    /// It was known already.
    Known,
    /// It came too late to matter: the round, the visit or the ticket is over.
    Late,
    /// It names a round that has not begun.
    Foreign,
}

/// An answer, taken or not. A refused verb is none of the sender's faults: it means that a
/// function of this module asked for a move the table does not have.
pub type Answered = Result<Taken, VerbRefused>;

/// The entitlement service decided. `decision` is its answer as it wrote it; `sla_policy` the
/// reference ("four-hour-24x7@1") of the policy it names, none: the promises stay.
pub fn coverage_decided(
    ticket: &mut Ticket,
    coverage: Coverage,
    decision: Vec<u8>,
    sla_policy: Option<String>,
    deed: &Deed<'_>,
) -> Answered {
    if !ticket.state.is_open() {
        return Ok(Taken::Late);
    }
    let until = coverage
        .covered_until
        .map_or_else(String::new, |date| date.to_string());
    let outcome = coverage.outcome.name().to_owned();
    let arguments = [
        ("outcome", outcome),
        ("layer", coverage.layer.clone()),
        ("until", until),
    ];
    coverage.product.clone_into(&mut ticket.product);
    ticket.facts.coverage = Some(coverage);
    ticket.decision = Some(decision);
    ticket.step = RepairStep::Coverage;
    ticket.log("coverage_decided", deed, &arguments);
    if let Some(policy) = sla_policy.filter(|policy| *policy != ticket.sla_policy) {
        ticket.log(
            "promises_changed",
            &silent(deed),
            &[("policy", policy.clone())],
        );
        ticket.sla_policy = policy;
    }
    registration_known(ticket, deed)?;
    Ok(caused(ticket, deed))
}

/// The serial number is not registered: the ticket waits, and `finding` says for what.
pub fn serial_unknown(ticket: &mut Ticket, finding: Vec<u8>, deed: &Deed<'_>) -> Answered {
    if !ticket.state.is_open() {
        return Ok(Taken::Late);
    }
    if ticket.facts.serial_unknown {
        return Ok(Taken::Known);
    }
    ticket.facts.serial_unknown = true;
    ticket.findings.push(finding);
    let serial_number = ticket.serial_number.clone();
    ticket.log("serial_unknown", deed, &[("serial_number", serial_number)]);
    wait(ticket, PauseReason::WaitingRegistration, deed)?;
    Ok(caused(ticket, deed))
}

/// The serial number was registered: coverage is asked again.
pub fn registered(ticket: &mut Ticket, deed: &Deed<'_>) -> Answered {
    if !ticket.facts.serial_unknown {
        return Ok(Taken::Known);
    }
    registration_known(ticket, deed)?;
    Ok(caused(ticket, deed))
}

fn registration_known(ticket: &mut Ticket, deed: &Deed<'_>) -> Result<(), VerbRefused> {
    if !std::mem::take(&mut ticket.facts.serial_unknown) {
        return Ok(());
    }
    ticket.findings.clear();
    wait_is_over(ticket, PauseReason::WaitingRegistration, deed)
}

/// A step is about to be asked of a peer: from now on it may have happened.
pub fn asked(ticket: &mut Ticket, step: Step) {
    match (step, ticket.facts.hold, ticket.facts.visit) {
        (Step::HoldParts, Hold::NotAsked, _) => ticket.facts.hold = Hold::Asked,
        (Step::BookVisit, _, Visit::NotAsked) => ticket.facts.visit = Visit::Asked,
        _ => {}
    }
}

/// The customer of a resolved or closed ticket was not satisfied: it is opened again with the
/// finding that says so, unless it was closed more than `days` ago or its customer was erased.
pub fn score_low(
    ticket: &mut Ticket,
    round: i32,
    score: i32,
    findings: Vec<Vec<u8>>,
    days: i64,
    deed: &Deed<'_>,
) -> Answered {
    if round > ticket.round {
        return Ok(Taken::Foreign);
    }
    let is_answered = matches!(ticket.state, State::Resolved | State::Closed);
    if round < ticket.round || !is_answered || ticket.erased_at.is_some() {
        return Ok(Taken::Late);
    }
    match ticket.reopen(
        &format!("the customer gave a score of {score}"),
        days,
        &silent(deed),
    ) {
        Err(VerbRefused::TooLate { .. }) => return Ok(Taken::Late),
        done => done?,
    }
    ticket.findings = findings;
    ticket.log("score_low", deed, &[("score", score.to_string())]);
    Ok(caused(ticket, deed))
}

/// Waits where work could go on; a ticket that waits for something else goes on doing that.
fn wait(ticket: &mut Ticket, reason: PauseReason, deed: &Deed<'_>) -> Result<(), VerbRefused> {
    match ticket.state {
        State::Acknowledged | State::InProgress => ticket.pause(reason, &silent(deed)),
        _ => Ok(()),
    }
}

/// Goes on where the ticket waited for `reason`, or waits for what else is missing.
fn wait_is_over(
    ticket: &mut Ticket,
    reason: PauseReason,
    deed: &Deed<'_>,
) -> Result<(), VerbRefused> {
    if !ticket.state.is_open() || ticket.pause != Some(reason) {
        return Ok(());
    }
    match waits_for(&ticket.facts) {
        Some(next) if next == reason => Ok(()),
        Some(next) => ticket.pause(next, &silent(deed)),
        None => ticket.resume(&silent(deed)),
    }
}

/// The next automatic steps happen when this happened.
fn caused(ticket: &mut Ticket, deed: &Deed<'_>) -> Taken {
    ticket.facts.cause_at = Some(deed.at);
    Taken::Changed
}

/// News of a round that is over: it ends what was stray, or says nothing.
fn stray(rounds: &mut Vec<i32>, round: i32, over: bool) -> Taken {
    match rounds.iter().position(|stray| *stray == round) {
        Some(place) if over => {
            rounds.remove(place);
            Taken::Changed
        }
        _ => Taken::Late,
    }
}

/// The same deed without its words, which are written once.
fn silent<'a>(deed: &Deed<'a>) -> Deed<'a> {
    Deed {
        note: None,
        ..deed.clone()
    }
}
