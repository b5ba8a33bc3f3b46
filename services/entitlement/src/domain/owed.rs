//! What follows from the rights that hold: outcome, remedies, service, price.

use super::decide::{Decision, Outcome};
use super::finding::{Code, Finding, Value, Verdict};
use super::policy::{Charge, Mode, Policy, Remedy, Service, Threshold};
use super::price::PriceList;
use super::rulebook::Rulebook;
use super::trial::{Right, Trial};

/// Puts the decision together from the rights that hold; component terms are added by the caller.
pub(crate) fn owed<'a>(
    mut trial: Trial<'a>,
    applied: &[(usize, &'a Policy)],
    rules: &'a Rulebook,
) -> Decision<'a> {
    let free = trial.rights.iter().any(|right| right.charge.is_none());
    if free {
        trial.rights.retain(|right| right.charge.is_none());
    }
    let winner = winner(&trial.rights);
    let mut decision = Decision {
        outcome: Outcome::FreeOfCharge,
        remedies: Vec::with_capacity(5),
        modes: Vec::with_capacity(4),
        sla_policy: "",
        obligations: Vec::new(),
        price: None,
        findings: Vec::new(),
        policies: applied
            .iter()
            .map(|(_, policy)| policy.name.as_str())
            .collect(),
        winner: winner.map(|right| right.policy),
        covered_until: winner.map(|right| right.end),
        terms: Vec::new(),
    };
    if let Some(winner) = winner {
        let others = trial
            .rights
            .iter()
            .filter(|right| !std::ptr::eq(*right, winner));
        let all = std::iter::once(winner).chain(others);
        all.for_each(|right| add(&mut decision.remedies, &right.remedies));
    }
    if free {
        besides(&mut trial, &mut decision, applied);
    }
    let list = prices(&trial, rules);
    if !free {
        charged(&mut trial, &mut decision, list);
    }
    serve(&mut trial, &mut decision, list);
    if let (Some(policy), Some(end)) = (decision.winner, decision.covered_until) {
        let finding = Finding::new(Code::Winner, Verdict::Met)
            .with("layer", Value::Text(policy.layer.name()))
            .with("policy", Value::Text(&policy.name))
            .with("end", Value::Date(end));
        trial.findings.push(finding.about(trial.question.subject()));
    }
    decision.findings = trial.findings;
    decision.findings.sort_by_key(|finding| finding.place);
    decision
}

/// The right that lasts longest; of equals the one of the earlier layer and name.
fn winner<'r, 'a>(rights: &'r [Right<'a>]) -> Option<&'r Right<'a>> {
    let mut best: Option<&Right<'a>> = None;
    for right in rights {
        if best.is_none_or(|best| best.end < right.end) {
            best = Some(right);
        }
    }
    best
}

fn add(remedies: &mut Vec<Remedy>, more: &[Remedy]) {
    for remedy in more {
        if !remedies.contains(remedy) {
            remedies.push(*remedy);
        }
    }
}

/// What is owed besides a free repair: more after repairs that did not help, and obligations.
fn besides<'a>(
    trial: &mut Trial<'a>,
    decision: &mut Decision<'a>,
    applied: &[(usize, &'a Policy)],
) {
    for (place, policy) in applied {
        let own = trial
            .rights
            .iter()
            .find(|right| std::ptr::eq(right.policy, *policy));
        let any = winner(&trial.rights).filter(|_| policy.supplements);
        let Some(right) = own.or(any) else {
            continue;
        };
        let (begin, end) = (right.begin, right.end);
        let repairs = trial.asset.repairs.iter().filter(|repair| {
            let known = repair.completed_on <= trial.question.on;
            known && begin <= repair.received_on && repair.received_on <= end
        });
        let counted = repairs.fold((0, 0), |(n, days), repair| (n + 1, days + repair.days()));
        for repeat in &policy.repeats {
            let (met, what, number, unit) = match repeat.threshold {
                Threshold::Repairs(least) => (counted.0 >= least, "repairs", counted.0, "repairs"),
                Threshold::DaysInRepair(most) => {
                    (counted.1 > most, "days in repair", counted.1, "days")
                }
            };
            let verdict = if met { Verdict::Met } else { Verdict::NotMet };
            let finding = Finding::new(Code::RepeatRepair, verdict)
                .with("counted", Value::Text(what))
                .number(unit, number, unit)
                .source(policy, &repeat.rule);
            trial.findings.push(finding.at(*place));
            if met {
                add(&mut decision.remedies, &repeat.remedies);
            }
        }
        for obligation in &policy.obligations {
            let mut finding = Finding::new(Code::Obligation, Verdict::Met)
                .with("owes", Value::Text(&obligation.owes))
                .source(policy, &obligation.rule);
            if let Some(days) = obligation.after_days {
                finding = finding.number("after_days", days, "days");
            }
            trial.findings.push(finding.at(*place));
            decision.obligations.push(&obligation.owes);
            if obligation.owes == Remedy::Loaner.name() {
                add(&mut decision.remedies, &[Remedy::Loaner]);
            }
        }
    }
    decision.obligations.sort_unstable();
    decision.obligations.dedup();
}

fn prices<'a>(trial: &Trial<'a>, rules: &'a Rulebook) -> Option<&'a PriceList> {
    let question = trial.question;
    let category = &trial.asset.category;
    let mut lists = rules.prices().iter();
    lists.find(|list| list.applies(category, question.region, question.on))
}

/// Prices what is not owed. Of several partial rights the cheapest for the customer counts.
fn charged<'a>(trial: &mut Trial<'a>, decision: &mut Decision<'a>, list: Option<&'a PriceList>) {
    let subject = trial.question.subject();
    let partial = trial.rights.iter().filter_map(|right| right.charge);
    let discounted = !trial.rights.is_empty();
    let charges = partial.chain((!discounted).then_some(Charge::All));
    let priced = charges.filter_map(|charge| Some((charge, list?.charge(subject, charge)?)));
    let cheapest = priced.min_by_key(|(_, (_, price))| price.amount);
    let (finding, price) = match (list, cheapest) {
        (Some(list), Some((charge, (component, price)))) => {
            let finding = Finding::new(Code::Price, Verdict::Met)
                .with("amount", Value::Money(price))
                .with("class", Value::Text(super::price::MATERIALS_AND_LABOUR))
                .with("charge", Value::Text(charge.name()));
            let source = super::finding::Source {
                rule: component,
                policy: &list.name,
                citation: &list.source,
                verified: list.verified,
            };
            decision.policies.push(&list.name);
            (
                Finding {
                    source: Some(source),
                    ..finding
                },
                Some(price),
            )
        }
        _ => (Finding::new(Code::Price, Verdict::NotMet), None),
    };
    trial.findings.push(finding.about(subject));
    decision.price = price.map(chassis::Money::rounded);
    decision.outcome = match (discounted, price) {
        (true, _) => Outcome::Discounted,
        (false, Some(_)) => Outcome::Chargeable,
        (false, None) => Outcome::Refused,
    };
}

/// Modes of every right that holds, and the SLA policy of the strongest: a plan's before a
/// vendor's before the law's, one that gives the mode asked for before all. What is charged is
/// served as the price list says.
fn serve<'a>(trial: &mut Trial<'a>, decision: &mut Decision<'a>, list: Option<&'a PriceList>) {
    let question = trial.question;
    let mut offers: Vec<(&'a Policy, &'a Service)> = Vec::with_capacity(4);
    offers.extend(trial.rights.iter().filter_map(|right| {
        let fits = |s: &&Service| s.length.is_none_or(|l| question.on <= l.after(right.begin));
        let policy = right.policy;
        Some((
            policy,
            service(&policy.service, &trial.asset.category, fits)?,
        ))
    }));
    let asked = |service: &Service| question.mode.is_some_and(|m| service.modes.contains(&m));
    offers.sort_by_key(|(policy, service)| {
        let strength = (asked(service), policy.layer, policy.precedence);
        std::cmp::Reverse(strength)
    });
    let priced = list.filter(|_| offers.is_empty() && decision.outcome != Outcome::Refused);
    let priced = priced.and_then(|list| service(&list.service, &trial.asset.category, |_| true));
    for service in offers.iter().map(|(_, service)| *service).chain(priced) {
        if decision.sla_policy.is_empty() {
            decision.sla_policy = &service.sla_policy;
        }
        for mode in &service.modes {
            if !decision.modes.contains(mode) {
                decision.modes.push(*mode);
            }
        }
    }
    if let Some(mode) = question.mode {
        trial.findings.push(asked_for(mode, &decision.modes));
    }
}

fn service<'a>(
    all: &'a [Service],
    category: &str,
    fits: impl Fn(&&Service) -> bool,
) -> Option<&'a Service> {
    let mut spoken = all
        .iter()
        .filter(|s| super::policy::speaks_of(&s.categories, category));
    spoken.find(|service| fits(service))
}

fn asked_for<'a>(mode: Mode, allowed: &[Mode]) -> Finding<'a> {
    let part = allowed.contains(&mode);
    let verdict = if part { Verdict::Met } else { Verdict::NotMet };
    Finding::new(Code::Mode, verdict).with("mode", Value::Text(mode.name()))
}
