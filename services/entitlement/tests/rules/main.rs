//! Every shipped policy as a table: a device, its repairs, a fault and a day → what is owed.
#![allow(clippy::unwrap_used)]

mod answers;
mod best_right;
mod files;
mod law;
mod plans;
mod vendor;

use entitlement::domain::{
    Asset, Contract, Decision, Fact, Facts, Outcome, Question, Remedy, Repair, Rulebook, decide,
    digest,
};
use entitlement::load;
use jiff::civil::Date;
use std::sync::LazyLock;
use uuid::Uuid;

pub(crate) static RULES: LazyLock<Rulebook> = LazyLock::new(|| load(None).unwrap());

pub(crate) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// A device sold on a day.
pub(crate) fn device(category: &str, policy: Option<&str>, sold: &str) -> Asset {
    let mut facts = Facts::default();
    facts.set(Fact::Sale, day(sold));
    Asset {
        id: Uuid::from_u128(1),
        serial_number: "SN-1".into(),
        product: "P-1".into(),
        category: category.into(),
        vendor_policy: policy.map(Into::into),
        registered_on: day(sold),
        facts,
        components: Vec::new(),
        repairs: Vec::new(),
        contracts: Vec::new(),
    }
}

pub(crate) fn repair(number: u128, component: &str, received: &str, completed: &str) -> Repair {
    Repair {
        work_order: Uuid::from_u128(number),
        components: vec![component.into()],
        received_on: day(received),
        completed_on: day(completed),
    }
}

pub(crate) fn contract(policy: &str, start: &str, end: &str) -> Contract {
    Contract {
        id: Uuid::from_u128(9),
        policy: policy.into(),
        policy_version: 1,
        start_on: day(start),
        end_on: day(end),
    }
}

pub(crate) fn fault<'a>(component: &'a str, on: &str, region: &'a str) -> Question<'a> {
    Question {
        component: Some(component).filter(|c| !c.is_empty()),
        symptom: None,
        cause: None,
        on: day(on),
        region,
        city: None,
        mode: None,
    }
}

/// Outcome and remedies in a line, with the policy that won and its last day.
pub(crate) fn said(decision: &Decision<'_>) -> String {
    let remedies: Vec<&str> = decision.remedies.iter().map(|r| r.name()).collect();
    let by = decision
        .winner
        .map_or("nobody", |policy| policy.id.as_str());
    let until = decision
        .covered_until
        .map_or("-".into(), |date| date.to_string());
    format!(
        "{:?} {} by {by} until {until}",
        decision.outcome,
        remedies.join(",")
    )
}

/// Each row: component, day, region, what is said.
pub(crate) fn table(asset: &Asset, rows: &[(&str, &str, &str, &str)]) {
    for (component, on, region, expected) in rows {
        let question = fault(component, on, region);
        let decision = decide(&question, asset, &RULES);
        assert_eq!(
            said(&decision),
            *expected,
            "{component} on {on} in {region}: {:#?}",
            decision
                .findings
                .iter()
                .map(|f| f.message())
                .collect::<Vec<_>>()
        );
    }
}
