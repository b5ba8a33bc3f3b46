//! The decision: every policy that may speak is tried, and the best right wins.
//!
//! A right is what one policy grants for the faulty component on that day. Rights do not take
//! from one another: remedies, modes and obligations of all that hold are owed together, and the
//! one that lasts longest is named as the winner. So another layer never makes an answer worse.

use std::collections::BTreeSet;

use chassis::Money;
use jiff::civil::Date;

use super::asset::Asset;
use super::finding::Finding;
use super::owed;
use super::policy::{Mode, Policy, Remedy, UNIT};
use super::rulebook::Rulebook;
use super::trial::{Applied, Trial};

/// What is asked: a fault, a day, a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// Faulty component class; none: not known, judged as the whole device.
    pub component: Option<&'a str>,
    /// Symptom code; goes into the digest only.
    pub symptom: Option<&'a str>,
    /// Cause; none: not known, judged as a defect.
    pub cause: Option<&'a str>,
    /// Day of the fault at the site.
    pub on: Date,
    /// ISO 3166 country or subdivision.
    pub region: &'a str,
    /// City; goes into the digest only.
    pub city: Option<&'a str>,
    /// Service mode asked for.
    pub mode: Option<Mode>,
}

impl<'a> Question<'a> {
    /// The component class that is judged.
    pub fn subject(&self) -> &'a str {
        self.component.unwrap_or(UNIT)
    }
}

/// The answer in a word, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Owed without charge.
    FreeOfCharge,
    /// Owed in part.
    Discounted,
    /// Not owed; offered at a price.
    Chargeable,
    /// Not owed and not offered.
    Refused,
}

/// The best term of one component class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComponentTerm<'a> {
    /// Component class, or [`UNIT`].
    pub component: &'a str,
    /// The policy that wins for it.
    pub policy: &'a Policy,
    /// First day.
    pub start: Date,
    /// Last day, included.
    pub end: Date,
}

/// What is owed, with every rule that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// The answer in a word.
    pub outcome: Outcome,
    /// Remedies owed, the winner's first.
    pub remedies: Vec<Remedy>,
    /// Modes allowed, the preferred one first.
    pub modes: Vec<Mode>,
    /// SLA policy that governs; empty: none is named.
    pub sla_policy: &'a str,
    /// What is owed besides, sorted.
    pub obligations: Vec<&'a str>,
    /// Price of what is not owed, net of tax.
    pub price: Option<Money>,
    /// Every rule tried: by layer, policy and rule, the question as a whole last.
    pub findings: Vec<Finding<'a>>,
    /// Names and versions of the files that were used, in the order of use.
    pub policies: Vec<&'a str>,
    /// The policy whose right won.
    pub winner: Option<&'a Policy>,
    /// Last day of the winning right.
    pub covered_until: Option<Date>,
    /// The best term of every component class that a policy or the device names.
    pub terms: Vec<ComponentTerm<'a>>,
}

/// Decides what a fault is owed. The same question gives the same answer, to the byte.
pub fn decide<'a>(
    question: &'a Question<'a>,
    asset: &'a Asset,
    rules: &'a Rulebook,
) -> Decision<'a> {
    let mut trial = Trial {
        question,
        asset,
        findings: Vec::with_capacity(32),
        rights: Vec::with_capacity(4),
        supplements: Vec::new(),
    };
    let mut applied: Vec<Applied<'a>> = Vec::with_capacity(8);
    for (place, (policy, contract)) in rules.candidates(asset).enumerate() {
        applied.extend(trial.stand(place, policy, contract, rules));
    }
    let supplementing = applied.iter().filter(|a| a.policy.supplements);
    let ruled = supplementing.flat_map(|a| a.policy.repairs.iter().map(|rule| (a.policy, rule)));
    trial.supplements = ruled.collect();
    for one in &applied {
        trial.judge(one);
    }
    let terms = trial.terms(&applied);
    let policies: Vec<(usize, &'a Policy)> = applied.iter().map(|a| (a.place, a.policy)).collect();
    let mut decision = owed::owed(trial, &policies, rules);
    for calendar in applied
        .iter()
        .filter_map(|a| a.calendar.and(a.policy.last_day_calendar.as_deref()))
    {
        if !decision.policies.contains(&calendar) {
            decision.policies.push(calendar);
        }
    }
    decision.terms = terms;
    decision
}

impl<'a> Trial<'a> {
    /// The best term of every component class.
    fn terms(&self, applied: &[Applied<'a>]) -> Vec<ComponentTerm<'a>> {
        let named = applied
            .iter()
            .flat_map(|a| &a.policy.terms)
            .flat_map(|term| &term.components);
        let mut classes: BTreeSet<&'a str> = named.map(String::as_str).collect();
        classes.extend(self.asset.components.iter().map(|c| c.component.as_str()));
        classes.extend(self.question.component);
        classes.remove(UNIT);
        let classes = std::iter::once(UNIT).chain(classes);
        classes
            .filter_map(|component| self.best_term(applied, component))
            .collect()
    }

    fn best_term(&self, applied: &[Applied<'a>], component: &'a str) -> Option<ComponentTerm<'a>> {
        let mut best: Option<ComponentTerm<'a>> = None;
        for one in applied.iter().filter(|a| a.begin.date <= self.question.on) {
            let Some(run) = self.run(one, component) else {
                continue;
            };
            if best.is_none_or(|best| best.end < run.end) {
                let (policy, start) = (one.policy, one.begin.date);
                best = Some(ComponentTerm {
                    component,
                    policy,
                    start,
                    end: run.end,
                });
            }
        }
        best
    }
}
