//! The fingerprint of a decision: SHA-256 over inputs, answer and findings, without sentences.
//!
//! Each value goes in after its length, so that none runs into the next; the first value names
//! this layout's version.

use sha2::{Digest, Sha256};

use super::asset::Asset;
use super::decide::{Decision, Question};
use super::finding::{Finding, Verdict};

/// The layout of the bytes.
const LAYOUT: &str = "fettle.entitlement.decision/1";

/// The digest of a decision about an asset.
pub fn digest(question: &Question<'_>, asset: &Asset, decision: &Decision<'_>) -> [u8; 32] {
    let mut bytes = Canonical(Vec::with_capacity(4_096));
    bytes.text(LAYOUT);
    inputs(&mut bytes, question, asset);
    answer(&mut bytes, decision);
    bytes.count(decision.findings.len());
    for found in &decision.findings {
        finding(&mut bytes, found);
    }
    Sha256::digest(&bytes.0).into()
}

struct Canonical(Vec<u8>);

impl Canonical {
    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_be_bytes());
    }

    /// An absent value is told from an empty one.
    fn maybe(&mut self, text: Option<&str>) {
        self.0.push(u8::from(text.is_some()));
        self.text(text.unwrap_or(""));
    }

    fn date(&mut self, date: Option<jiff::civil::Date>) {
        self.0.push(u8::from(date.is_some()));
        let date = date.unwrap_or(jiff::civil::Date::ZERO);
        self.0.extend_from_slice(&date.year().to_be_bytes());
        self.0.extend_from_slice(&date.month().to_be_bytes());
        self.0.extend_from_slice(&date.day().to_be_bytes());
    }
}

fn inputs(bytes: &mut Canonical, question: &Question<'_>, asset: &Asset) {
    bytes.maybe(question.component);
    bytes.maybe(question.symptom);
    bytes.maybe(question.cause);
    bytes.date(Some(question.on));
    bytes.text(question.region);
    bytes.maybe(question.city);
    bytes.maybe(question.mode.map(super::policy::Mode::name));
    bytes.0.extend_from_slice(asset.id.as_bytes());
    bytes.text(&asset.serial_number);
    bytes.text(&asset.product);
    bytes.text(&asset.category);
    bytes.maybe(asset.vendor_policy.as_deref());
    bytes.date(Some(asset.registered_on));
    for fact in super::asset::Fact::ALL {
        bytes.date(asset.facts.get(fact));
    }
    let past = || {
        asset
            .repairs
            .iter()
            .filter(|r| r.completed_on <= question.on)
    };
    bytes.count(past().count());
    for repair in past() {
        bytes.0.extend_from_slice(repair.work_order.as_bytes());
        bytes.date(Some(repair.received_on));
        bytes.date(Some(repair.completed_on));
        bytes.count(repair.components.len());
        repair.components.iter().for_each(|c| bytes.text(c));
    }
}

fn answer(bytes: &mut Canonical, decision: &Decision<'_>) {
    bytes.0.push(decision.outcome as u8);
    bytes.count(decision.remedies.len());
    decision
        .remedies
        .iter()
        .for_each(|r| bytes.0.push(*r as u8));
    bytes.count(decision.modes.len());
    decision.modes.iter().for_each(|m| bytes.0.push(*m as u8));
    bytes.text(decision.sla_policy);
    bytes.count(decision.obligations.len());
    decision.obligations.iter().for_each(|o| bytes.text(o));
    let price = decision.price.map(|price| price.to_string());
    bytes.maybe(price.as_deref());
    bytes.count(decision.policies.len());
    decision.policies.iter().for_each(|p| bytes.text(p));
    bytes.maybe(decision.winner.map(|policy| policy.name.as_str()));
    bytes.date(decision.covered_until);
    bytes.count(decision.terms.len());
    for term in &decision.terms {
        bytes.text(term.component);
        bytes.text(&term.policy.name);
        bytes.date(Some(term.start));
        bytes.date(Some(term.end));
    }
}

fn finding(bytes: &mut Canonical, finding: &Finding<'_>) {
    bytes.text(finding.code.name());
    bytes.0.push(match finding.verdict {
        Verdict::Met => 1,
        Verdict::NotMet => 2,
        Verdict::Noted => 3,
    });
    bytes.text(finding.subject);
    bytes.count(finding.arguments.iter().flatten().count());
    for (name, value) in finding.arguments.iter().flatten() {
        bytes.text(name);
        bytes.text(&value.to_string());
    }
    bytes.0.push(u8::from(finding.number.is_some()));
    if let Some((name, value, unit)) = finding.number {
        bytes.text(name);
        bytes.0.extend_from_slice(&value.to_be_bytes());
        bytes.text(unit);
    }
    bytes.0.push(u8::from(finding.source.is_some()));
    if let Some(source) = finding.source {
        bytes.text(source.rule);
        bytes.text(source.policy);
    }
}
