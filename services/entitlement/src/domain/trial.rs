//! A decision in the making: the rules of each policy are tried, and findings and rights collected.

use calendar::Calendar;
use jiff::civil::Date;

use super::asset::{Asset, Contract, days_between};
use super::decide::Question;
use super::finding::{Code, Finding, Value, Verdict};
use super::policy::{Charge, Exclusion, Layer, Policy, Remedy};
use super::rulebook::Rulebook;
use super::standing::{Begin, Standing, standing, told};
use super::term::{Ruled, Run, Shift, longest, registered_in_time, shifted};

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
pub(crate) struct Applied<'a> {
    pub(crate) place: usize,
    pub(crate) policy: &'a Policy,
    pub(crate) begin: Begin<'a>,
    pub(crate) calendar: Option<&'a Calendar>,
}

/// A decision in the making.
pub(crate) struct Trial<'a> {
    pub(crate) question: &'a Question<'a>,
    pub(crate) asset: &'a Asset,
    pub(crate) findings: Vec<Finding<'a>>,
    pub(crate) rights: Vec<Right<'a>>,
    /// Repair rules that hold for every term of law and vendor at the place.
    pub(crate) supplements: Vec<Ruled<'a>>,
}

impl<'a> Trial<'a> {
    /// Tries whether a policy speaks of the device at all.
    pub(crate) fn stand(
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
    pub(crate) fn judge(&mut self, applied: &Applied<'a>) {
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

    pub(crate) fn run(&self, applied: &Applied<'a>, component: &str) -> Option<Run<'a>> {
        let (asset, on) = (self.asset, self.question.on);
        // A law's supplements hold for terms of law and vendor, not for what was sold besides.
        // Where a supplement has terms itself its rules come twice, which changes nothing.
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
}
