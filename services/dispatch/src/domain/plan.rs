//! Who comes and when: the choice, the offers, and why not the others.
//!
//! The policy: among those who can start within a tolerance of the earliest possible start the
//! nearest by travel comes; of equally near ones the earlier, then the one with the lower id.
//! Nearness decides because travel is the cost that a visit adds; the tolerance keeps a near
//! technician from making the customer wait.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::Window;
use super::finding::Finding;
use super::openings::{Job, Opening, Refused, openings};
use super::technician::Candidate;
use super::travel::{Leg, Travel};

/// The parameters of every choice.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How travel is estimated.
    pub travel: Travel,
    /// Starts that we choose lie on this grid of UTC; above zero.
    pub grid: SignedDuration,
    /// Starts that we offer to customers lie on this grid of UTC; above zero.
    pub offer_grid: SignedDuration,
    /// How much later than the earliest of all a nearer technician may start.
    pub tolerance: SignedDuration,
    /// Most findings of a choice, the count of the rest aside.
    pub findings: usize,
}

/// A time of one technician.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot {
    /// Who.
    pub technician: Uuid,
    /// The work, without travel.
    pub window: Window,
    /// The way there.
    pub leg: Leg,
}

/// The answer to "who?": one or nobody, and why.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The technician's time; none: nobody can.
    pub chosen: Option<Slot>,
    /// Why each was or was not chosen: the chosen one, then the nearest.
    pub findings: Vec<Finding>,
}

/// The earliest time of this technician on the grid, or the nearest miss.
pub fn feasible(job: &Job, candidate: &Candidate, rules: &Rules) -> Result<Slot, Refused> {
    first(job, candidate, rules, rules.grid)
}

/// This technician at exactly this start, or why not.
pub fn at(
    job: &Job,
    candidate: &Candidate,
    start: Timestamp,
    rules: &Rules,
) -> Result<Slot, Refused> {
    first(
        &job.starting(start),
        candidate,
        rules,
        SignedDuration::from_micros(1),
    )
}

fn first(
    job: &Job,
    candidate: &Candidate,
    rules: &Rules,
    grid: SignedDuration,
) -> Result<Slot, Refused> {
    let mut found = None;
    let miss = openings(job, candidate, &rules.travel, |opening| {
        let start = on_grid(opening.earliest, grid).filter(|start| *start <= opening.latest);
        found = start.map(|start| slot(job, candidate, start, &opening));
        if found.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    found.ok_or(miss)
}

/// Chooses among the candidates, whatever their order.
pub fn rank(job: &Job, region: &str, candidates: &[Candidate], rules: &Rules) -> Choice {
    let answers: Vec<(&Candidate, Result<Slot, Refused>)> = candidates
        .iter()
        .map(|c| (c, feasible(job, c, rules)))
        .collect();
    let able = || {
        answers
            .iter()
            .filter_map(|(_, answer)| answer.as_ref().ok())
    };
    let earliest = able().map(|slot| slot.window.start).min();
    let timely = |slot: &&Slot| {
        earliest.is_some_and(|e| slot.window.start.duration_since(e) <= rules.tolerance)
    };
    let chosen = able()
        .filter(timely)
        .min_by_key(|slot| (slot.leg.time, slot.window.start, slot.technician))
        .copied();
    let mut refused: Vec<(SignedDuration, Finding)> = answers
        .iter()
        .filter(|(candidate, _)| chosen.is_none_or(|slot| slot.technician != candidate.id))
        .map(|(candidate, answer)| match answer {
            Err(why) => (
                away(job, candidate, rules),
                Finding::refused(candidate.id, why),
            ),
            Ok(slot) if timely(&slot) => (slot.leg.time, Finding::farther(slot)),
            Ok(slot) => (slot.leg.time, Finding::later(slot, earliest)),
        })
        .collect();
    refused.sort_by_key(|(away, finding)| (*away, finding.technician));
    let mut findings: Vec<Finding> = chosen.iter().map(Finding::chosen).collect();
    findings.extend(refused.into_iter().map(|(_, finding)| finding));
    if candidates.is_empty() {
        findings.push(Finding::region_empty(region));
    }
    Choice {
        chosen,
        findings: bounded(findings, rules.findings),
    }
}

/// Times to offer, earliest first, each once with its nearest technician; and why those without
/// any have none.
pub fn slots(
    job: &Job,
    region: &str,
    candidates: &[Candidate],
    rules: &Rules,
    limit: usize,
) -> (Vec<Slot>, Vec<Finding>) {
    let mut offers: BTreeMap<Timestamp, Slot> = BTreeMap::new();
    let mut refused = Vec::new();
    for candidate in candidates {
        let mut count = 0;
        let miss = openings(job, candidate, &rules.travel, |opening| {
            let mut start = on_grid(opening.earliest, rules.offer_grid);
            while let Some(at) = start.filter(|at| *at <= opening.latest) {
                if count == limit {
                    return ControlFlow::Break(());
                }
                count += 1;
                nearest(&mut offers, slot(job, candidate, at, &opening));
                start = at.checked_add(rules.offer_grid).ok();
            }
            ControlFlow::Continue(())
        });
        if count == 0 {
            let finding = Finding::refused(candidate.id, &miss);
            refused.push((away(job, candidate, rules), finding));
        }
    }
    refused.sort_by_key(|(away, finding)| (*away, finding.technician));
    let mut findings: Vec<Finding> = refused.into_iter().map(|(_, finding)| finding).collect();
    if candidates.is_empty() {
        findings.push(Finding::region_empty(region));
    }
    (
        offers.into_values().take(limit).collect(),
        bounded(findings, rules.findings),
    )
}

/// Keeps the nearer technician of a time.
fn nearest(offers: &mut BTreeMap<Timestamp, Slot>, slot: Slot) {
    let kept = offers.entry(slot.window.start).or_insert(slot);
    if (slot.leg.time, slot.technician) < (kept.leg.time, kept.technician) {
        *kept = slot;
    }
}

fn slot(job: &Job, candidate: &Candidate, start: Timestamp, opening: &Opening) -> Slot {
    let window = job.starting(start).window;
    Slot {
        technician: candidate.id,
        window,
        leg: opening.leg,
    }
}

/// How far one who was refused would have had to come from home.
fn away(job: &Job, candidate: &Candidate, rules: &Rules) -> SignedDuration {
    rules
        .travel
        .between(&candidate.home, &job.site_for(candidate))
        .time
}

/// The first so many; what is left out is counted in one more.
fn bounded(mut findings: Vec<Finding>, most: usize) -> Vec<Finding> {
    let rest = findings.len().saturating_sub(most);
    if rest > 0 {
        findings.truncate(most);
        findings.push(Finding::others(rest));
    }
    findings
}

/// The first instant of the grid at or after this one; none beyond the end of time.
fn on_grid(instant: Timestamp, grid: SignedDuration) -> Option<Timestamp> {
    let (at, step) = (
        instant.as_microsecond(),
        i64::try_from(grid.as_micros()).ok()?.max(1),
    );
    let beyond = at.rem_euclid(step);
    let wait = if beyond == 0 { 0 } else { step - beyond };
    Timestamp::from_microsecond(at.checked_add(wait)?).ok()
}
