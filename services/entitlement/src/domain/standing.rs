//! Whether a policy speaks of a device at a place, and from which day its terms run.

use jiff::civil::Date;

use super::asset::{Asset, Contract, Fact};
use super::finding::{Code, Finding, Value, Verdict};
use super::policy::Policy;

/// Why a policy does or does not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing<'a> {
    /// It applies, from this start.
    Applies(Begin<'a>),
    /// Another jurisdiction.
    Elsewhere,
    /// Another product category.
    OtherCategory,
    /// None of its start facts is known.
    StartMissing,
    /// Not in force for a term that starts then.
    NotInForce(Date),
}

/// The start of a policy's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Begin<'a> {
    pub(crate) date: Date,
    /// The fact it starts from; none: the contract.
    pub(crate) fact: Option<Fact>,
    pub(crate) contract: Option<&'a Contract>,
}

impl Begin<'_> {
    /// True when the start is proven by more than the date of manufacture.
    pub(crate) fn is_proven(&self) -> bool {
        self.fact != Some(Fact::Manufacture)
    }
}

/// Tries place, category, start and validity, in this order.
pub(crate) fn standing<'a>(
    policy: &Policy,
    contract: Option<&'a Contract>,
    asset: &Asset,
    region: &str,
) -> Standing<'a> {
    if !policy.reaches(region) {
        return Standing::Elsewhere;
    }
    if !policy.speaks_of(&asset.category) {
        return Standing::OtherCategory;
    }
    let Some(begin) = begin(policy, contract, asset) else {
        return Standing::StartMissing;
    };
    let early = policy.valid_from.is_some_and(|from| begin.date < from);
    let late = policy.valid_to.is_some_and(|to| begin.date > to);
    if early || late {
        return Standing::NotInForce(begin.date);
    }
    Standing::Applies(begin)
}

/// The first start fact that is known, or the contract's first day.
fn begin<'a>(policy: &Policy, contract: Option<&'a Contract>, asset: &Asset) -> Option<Begin<'a>> {
    if let Some(contract) = contract {
        return Some(Begin {
            date: contract.start_on,
            fact: None,
            contract: Some(contract),
        });
    }
    let known = policy.starts.iter().find_map(|start| {
        let date = asset.facts.get(start.fact)?;
        Some((start.fact, start.plus.after(date)))
    });
    let (fact, date) = known?;
    let latest = policy.start_not_after;
    let earlier = latest.and_then(|fact| Some((fact, asset.facts.get(fact)?)));
    let (fact, date) = earlier
        .filter(|(_, day)| *day < date)
        .unwrap_or((fact, date));
    Some(Begin {
        date,
        fact: Some(fact),
        contract: None,
    })
}

/// What the standing is told as.
pub(crate) fn told<'a>(
    standing: &Standing<'a>,
    policy: &'a Policy,
    asset: &'a Asset,
    region: &'a str,
    on: Date,
) -> [Option<Finding<'a>>; 2] {
    let new = |code, verdict| Finding::new(code, verdict).source(policy, "");
    let place = |verdict| new(Code::Jurisdiction, verdict).with("region", Value::Text(region));
    match standing {
        Standing::Elsewhere => [Some(place(Verdict::NotMet)), None],
        Standing::OtherCategory => {
            let category = Value::Text(&asset.category);
            let finding = new(Code::Category, Verdict::NotMet);
            [Some(finding.with("category", category)), None]
        }
        Standing::StartMissing => [Some(new(Code::StartMissing, Verdict::NotMet)), None],
        Standing::NotInForce(start) => {
            let finding = new(Code::Validity, Verdict::NotMet);
            [Some(finding.with("start", Value::Date(*start))), None]
        }
        Standing::Applies(begin) => {
            let here = (!policy.jurisdictions.is_empty()).then(|| place(Verdict::Met));
            [here, Some(started(begin, policy, on))]
        }
    }
}

fn started<'a>(begin: &Begin<'a>, policy: &'a Policy, on: Date) -> Finding<'a> {
    if let Some(contract) = begin.contract {
        let runs = contract.start_on <= on && on <= contract.end_on;
        let verdict = if runs { Verdict::Met } else { Verdict::NotMet };
        return Finding::new(Code::Contract, verdict)
            .with("contract", Value::Name("contracts", contract.id))
            .with("start", Value::Date(contract.start_on))
            .with("end", Value::Date(contract.end_on))
            .source(policy, "");
    }
    Finding::new(Code::Start, Verdict::Met)
        .with("fact", Value::Text(begin.fact.map_or("", Fact::name)))
        .with("date", Value::Date(begin.date))
        .source(policy, "")
}
