//! The decision: every policy that may speak is tried, and the best right wins.
//!
//! A right is what one policy grants for the faulty component on that day. Rights do not take
//! from one another: remedies, modes and obligations of all that hold are owed together, and the
//! one that lasts longest is named as the winner. So another layer never makes an answer worse.

use std::collections::BTreeSet;

use calendar::Calendar;
use chassis::Money;
use jiff::civil::Date;

use super::asset::{Asset, Contract, days_between};
use super::finding::{Code, Finding, Value, Verdict};
use super::owed;
use super::policy::{Charge, Exclusion, Layer, Mode, Policy, Remedy, UNIT};
use super::rulebook::Rulebook;
use super::standing::{Begin, Standing, standing, told};
use super::term::{Ruled, Run, Shift, longest, registered_in_time, shifted};

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

/// What one policy grants for the component on that day.
#[derive(Clone, Debug)]
pub(crate) struct Right<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) begin: Date,
    pub(crate) end: Date,
    pub(crate) remedies: Vec<Remedy>,
    /// What the customer pays; none: nothing.
    pub(crate) charge: Option<Charge>,
}

/// A policy that applies, and from when.
#[derive(Clone, Copy)]
struct Applied<'a> {
    place: usize,
    policy: &'a Policy,
    begin: Begin<'a>,
    calendar: Option<&'a Calendar>,
}

/// A decision in the making.
pub(crate) struct Trial<'a> {
    pub(crate) question: &'a Question<'a>,
    pub(crate) asset: &'a Asset,
    pub(crate) findings: Vec<Finding<'a>>,
    pub(crate) rights: Vec<Right<'a>>,
    /// Repair rules that hold for every term of law and vendor at the place.
    supplements: Vec<Ruled<'a>>,
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
    /// Tries whether a policy speaks of the device at all.
    fn stand(
        &mut self,
        place: usize,
        policy: &'a Policy,
        contract: Option<&'a Contract>,
        rules: &'a Rulebook,
    ) -> Option<Applied<'a>> {
        let (asset, region) = (self.asset, self.question.region);
        let standing = standing(policy, contract, asset, region);
        let findings = told(&standing, policy, asset, region, self.question.on);
        let findings = findings.into_iter().flatten();
        self.findings
            .extend(findings.map(|finding| finding.at(place)));
        let Standing::Applies(begin) = standing else {
            return None;
        };
        let calendar = policy.last_day_calendar.as_ref();
        let calendar = calendar.and_then(|id| rules.calendar(id));
        Some(Applied {
            place,
            policy,
            begin,
            calendar,
        })
    }

    /// Tries the rules of a policy that applies: exclusions, first days, terms.
    fn judge(&mut self, applied: &Applied<'a>) {
        let excluded = self.excluded(applied);
        let mut remedies = Vec::new();
        let mut end = self.early(applied, &mut remedies);
        if let Some(run) = self.term(applied) {
            remedies.extend_from_slice(&run.term.remedies);
            end = end.max(Some(run.end));
        }
        let charge = match excluded.map(|exclusion| exclusion.charge) {
            Some(Charge::All) => return,
            Some(_) if !remedies.is_empty() => {
                // In part owed is repair alone: nobody exchanges a drowned device half-free.
                remedies = vec![Remedy::Repair];
                excluded.map(|exclusion| exclusion.charge)
            }
            other => other,
        };
        let mut seen = [false; 5];
        remedies.retain(|remedy| !std::mem::replace(&mut seen[*remedy as usize], true));
        if let Some(end) = end.filter(|_| !remedies.is_empty()) {
            let (policy, begin) = (applied.policy, applied.begin.date);
            self.rights.push(Right {
                policy,
                begin,
                end,
                remedies,
                charge,
            });
        }
    }

    fn excluded(&mut self, applied: &Applied<'a>) -> Option<&'a Exclusion> {
        let cause = self.question.cause?;
        let policy = applied.policy;
        if policy.exclusions.is_empty() {
            return None;
        }
        let names = |exclusion: &&Exclusion| exclusion.causes.iter().any(|c| c == cause);
        let found = policy.exclusions.iter().find(names);
        let finding = match found {
            Some(exclusion) => Finding::new(Code::Exclusion, Verdict::Met)
                .with("cause", Value::Text(cause))
                .with("charge", Value::Text(exclusion.charge.name()))
                .source(policy, &exclusion.rule),
            None => Finding::new(Code::Exclusion, Verdict::NotMet)
                .with("cause", Value::Text(cause))
                .source(policy, ""),
        };
        self.findings.push(finding.at(applied.place));
        found
    }

    /// First days, in which more than repair is owed; they need a proof of sale or delivery.
    fn early(&mut self, applied: &Applied<'a>, remedies: &mut Vec<Remedy>) -> Option<Date> {
        let mut latest = None;
        if !applied.begin.is_proven() {
            return latest;
        }
        let on = self.question.on;
        for window in &applied.policy.windows {
            let day = days_between(applied.begin.date, on);
            let end = super::length::Length::days(window.days).after(applied.begin.date);
            let (end, _) = shifted(end, applied.calendar);
            let holds = day >= 0 && on <= end;
            let verdict = if holds { Verdict::Met } else { Verdict::NotMet };
            let finding = Finding::new(Code::EarlyWindow, verdict)
                .with("end", Value::Date(end))
                .number("day", day, "days")
                .source(applied.policy, &window.rule);
            self.findings.push(finding.at(applied.place));
            if holds {
                remedies.extend_from_slice(&window.remedies);
                latest = latest.max(Some(end));
            }
        }
        latest
    }

    /// The term of the component, when it covers the day.
    fn term(&mut self, applied: &Applied<'a>) -> Option<Run<'a>> {
        self.registrations(applied);
        if applied.policy.terms.is_empty() {
            return None;
        }
        let component = self.question.subject();
        let on = self.question.on;
        let Some(run) = self.run(applied, component) else {
            let none = Finding::new(Code::Term, Verdict::NotMet).about(component);
            let none = none
                .number("days_left", -1, "days")
                .source(applied.policy, "");
            self.findings.push(none.at(applied.place));
            return None;
        };
        let covers = applied.begin.date <= on && on <= run.end;
        let verdict = if covers {
            Verdict::Met
        } else {
            Verdict::NotMet
        };
        let finding = Finding::new(Code::Term, verdict)
            .about(component)
            .with("start", Value::Date(applied.begin.date))
            .with("end", Value::Date(run.end))
            .number("days_left", days_between(on, run.end), "days")
            .source(applied.policy, &run.term.rule);
        self.findings.push(finding.at(applied.place));
        self.lengthened(applied, &run, component);
        covers.then_some(run)
    }

    fn registrations(&mut self, applied: &Applied<'a>) {
        for term in &applied.policy.terms {
            let Some(within) = term.registered_within else {
                continue;
            };
            let in_time = registered_in_time(term, &applied.begin, self.asset);
            let verdict = if in_time {
                Verdict::Met
            } else {
                Verdict::NotMet
            };
            let finding = Finding::new(Code::Registration, verdict)
                .with("registered", Value::Date(self.asset.registered_on))
                .with("until", Value::Date(within.after(applied.begin.date)))
                .source(applied.policy, &term.rule);
            self.findings.push(finding.at(applied.place));
        }
    }

    /// What made the term longer than its length.
    fn lengthened(&mut self, applied: &Applied<'a>, run: &Run<'a>, component: &'a str) {
        let place = applied.place;
        if let Some((days, (policy, rule))) = run.extended {
            let finding = Finding::new(Code::RepairExtension, Verdict::Met)
                .about(component)
                .with("policy", Value::Text(&applied.policy.name));
            let finding = finding
                .number("days", days, "days")
                .source(policy, &rule.rule);
            self.findings.push(finding.at(place));
        }
        if let Some((repaired_on, (policy, rule))) = run.repaired {
            let finding = Finding::new(Code::RepairedPart, Verdict::Met)
                .about(component)
                .with("policy", Value::Text(&applied.policy.name))
                .with("repaired_on", Value::Date(repaired_on))
                .with("end", Value::Date(run.end))
                .source(policy, &rule.rule);
            self.findings.push(finding.at(place));
        }
        let shift = match run.shift {
            Shift::None => return,
            Shift::From(from) => Finding::new(Code::HolidayShift, Verdict::Met)
                .with("from", Value::Date(from))
                .with("to", Value::Date(run.end)),
            Shift::Unlisted => {
                Finding::new(Code::HolidayShift, Verdict::Noted).with("from", Value::Date(run.end))
            }
        };
        self.findings
            .push(shift.source(applied.policy, &run.term.rule).at(place));
    }

    fn run(&self, applied: &Applied<'a>, component: &str) -> Option<Run<'a>> {
        let (asset, on) = (self.asset, self.question.on);
        // A law's supplements hold for terms of law and vendor, not for what was sold besides;
        // a supplement's own rules are among its own already.
        let supplements = match applied.policy.layer {
            Layer::Contract => &[],
            _ => self.supplements.as_slice(),
        };
        let Applied {
            policy,
            begin,
            calendar,
            ..
        } = *applied;
        longest(policy, &begin, component, asset, on, supplements, calendar)
    }

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
