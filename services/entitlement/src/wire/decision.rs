//! The question and its answer on the wire.

use chassis::{Refusal, Violations, names};
use jiff::Timestamp;
use jiff::civil::Date;
use proto::entitlement::v1 as pb;
use proto::entitlement::v1::entitlement_decision as parts;
use proto::kinds::v1 as kinds;

use super::{latest_date, optional_code, required_region};
use crate::domain::policy::Word;
use crate::domain::{
    Asset, Decision, Fact, Finding, Mode, Outcome, Question, Remedy, Verdict, digest,
};

/// A check as it was asked: which device, and the question about it.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(crate) serial_number: String,
    pub(crate) product: Option<String>,
    component: Option<String>,
    symptom: Option<String>,
    cause: Option<String>,
    on: Date,
    region: String,
    city: Option<String>,
    mode: Option<Mode>,
}

impl Check {
    /// Reads a request; every violation at once.
    pub(crate) fn read(
        request: &pb::CheckEntitlementRequest,
        now: Timestamp,
    ) -> Result<Check, Refusal> {
        let mut violations = Violations::new();
        let v = &mut violations;
        let serial_number = v.text("serial_number", &request.serial_number, 1..=64);
        let product = v.optional_text("product", &request.product, 64);
        let none = pb::Fault::default();
        let fault = request.fault.as_ref().unwrap_or(&none);
        let component = optional_code(v, "fault.component", &fault.component);
        let symptom = optional_code(v, "fault.symptom", &fault.symptom);
        let cause = optional_code(v, "fault.cause", &fault.cause);
        if request.on.is_empty() {
            v.add("on", "is required");
        }
        let on = v.date("on", &request.on);
        if on.is_some_and(|on| on > latest_date(now)) {
            v.add("on", "is in the future");
        }
        let place = request.site.as_ref();
        if place.is_none() {
            v.add("site", "is required");
        }
        let region = place.and_then(|place| required_region(v, "site.region", &place.region));
        let city = place.and_then(|place| v.optional_text("site.city", &place.city, 100));
        let mode = Mode::of(&request.mode);
        if mode.is_none() && !request.mode.is_empty() {
            v.add("mode", "is none of ON_SITE, CARRY_IN, MAIL_IN, REMOTE");
        }
        let (on, region) = violations.finish(on.zip(region))?;
        Ok(Check {
            serial_number,
            product,
            component,
            symptom,
            cause,
            on,
            region,
            city,
            mode,
        })
    }

    /// The question about a device; refuses a day before the device was made.
    pub(crate) fn question(&self, asset: &Asset) -> Result<Question<'_>, Refusal> {
        let made = asset.facts.get(Fact::Manufacture);
        if let Some(made) = made.filter(|made| self.on < *made) {
            let mut violations = Violations::new();
            violations.add(
                "on",
                format!("is before the device was manufactured ({made})"),
            );
            violations.check()?;
        }
        Ok(Question {
            component: self.component.as_deref(),
            symptom: self.symptom.as_deref(),
            cause: self.cause.as_deref(),
            on: self.on,
            region: &self.region,
            city: self.city.as_deref(),
            mode: self.mode,
        })
    }
}

/// A decision as it is told.
pub(crate) fn decision(
    question: &Question<'_>,
    asset: &Asset,
    decision: &Decision<'_>,
) -> pb::EntitlementDecision {
    let term = |term: &crate::domain::ComponentTerm<'_>| parts::ComponentTerm {
        component: term.component.to_owned(),
        layer: term.policy.layer.name().to_owned(),
        policy: term.policy.name.clone(),
        start: term.start.to_string(),
        end: term.end.to_string(),
    };
    pb::EntitlementDecision {
        outcome: outcome(decision.outcome).into(),
        remedies: decision
            .remedies
            .iter()
            .map(|r| remedy(*r).into())
            .collect(),
        modes: decision
            .modes
            .iter()
            .map(|mode| mode.name().to_owned())
            .collect(),
        sla_policy: decision.sla_policy.to_owned(),
        obligations: decision
            .obligations
            .iter()
            .map(|o| (*o).to_owned())
            .collect(),
        price: decision.price.map(|price| price.to_pb()),
        findings: decision.findings.iter().map(finding).collect(),
        policy_versions: decision.policies.iter().map(|p| (*p).to_owned()).collect(),
        decision_digest: hex(&digest(question, asset, decision)),
        asset: names::name("assets", asset.id),
        product: asset.product.clone(),
        category: asset.category.clone(),
        winning_layer: decision
            .winner
            .map_or("", |policy| policy.layer.name())
            .to_owned(),
        covered_until: decision
            .covered_until
            .map_or(String::new(), |date| date.to_string()),
        terms: decision.terms.iter().map(term).collect(),
    }
}

fn outcome(outcome: Outcome) -> parts::Outcome {
    match outcome {
        Outcome::FreeOfCharge => parts::Outcome::FreeOfCharge,
        Outcome::Discounted => parts::Outcome::Discounted,
        Outcome::Chargeable => parts::Outcome::Chargeable,
        Outcome::Refused => parts::Outcome::Refused,
    }
}

fn remedy(remedy: Remedy) -> parts::Remedy {
    match remedy {
        Remedy::Return => parts::Remedy::Return,
        Remedy::Refund => parts::Remedy::Refund,
        Remedy::Exchange => parts::Remedy::Exchange,
        Remedy::Repair => parts::Remedy::Repair,
        Remedy::Loaner => parts::Remedy::Loaner,
    }
}

fn finding(finding: &Finding<'_>) -> kinds::Finding {
    let verdict = match finding.verdict {
        Verdict::Met => kinds::finding::Verdict::Met,
        Verdict::NotMet => kinds::finding::Verdict::NotMet,
        Verdict::Noted => kinds::finding::Verdict::Noted,
    };
    let argument = |(name, value): &(&str, crate::domain::Value<'_>)| kinds::finding::Argument {
        name: (*name).to_owned(),
        value: value.to_string(),
    };
    let number = finding
        .number
        .map(|(name, value, unit)| kinds::finding::Measure {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
        });
    let source = finding.source.map(|source| kinds::finding::Source {
        rule: source.rule.to_owned(),
        policy: source.policy.to_owned(),
        citation: source.citation.to_owned(),
        verified: source.verified,
    });
    kinds::Finding {
        code: finding.code.name().to_owned(),
        verdict: verdict.into(),
        subject: finding.subject.to_owned(),
        arguments: finding.arguments.iter().flatten().map(argument).collect(),
        numbers: number.into_iter().collect(),
        source,
        message: finding.message(),
    }
}

/// Lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Code;

    #[test]
    fn every_finding_code_has_its_name_in_the_contract() {
        for (code, name) in Code::NAMES {
            let known = pb::FindingCode::from_str_name(name);
            assert!(known.is_some(), "{code:?}");
        }
    }

    #[test]
    fn bytes_are_written_as_lower_case_hexadecimal() {
        assert_eq!(hex(&[0x00, 0x9f, 0xa0]), "009fa0");
    }
}
