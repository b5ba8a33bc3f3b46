//! A decision as a short English text, for people at a terminal.

use proto::entitlement::v1::EntitlementDecision;
use proto::entitlement::v1::entitlement_decision::{Outcome, Remedy};
use proto::kinds::v1::finding::Verdict;

/// What is owed, until when and by whom, then the rules that hold and those that do not.
///
/// It tells nothing that the decision does not carry, and is no legal advice.
pub fn explain(decision: &EntitlementDecision) -> String {
    let mut lines = vec![headline(decision)];
    for (title, verdict) in [
        ("Because:", Verdict::Met),
        ("Not because:", Verdict::NotMet),
        ("Worth knowing:", Verdict::Noted),
    ] {
        let said = decision.findings.iter().filter(|f| f.verdict() == verdict);
        let mut said = said.peekable();
        if said.peek().is_some() {
            lines.push(title.to_owned());
        }
        lines.extend(said.map(|finding| {
            let secondary = finding
                .source
                .as_ref()
                .is_some_and(|source| !source.verified);
            let mark = if secondary {
                " (from secondary sources)"
            } else {
                ""
            };
            format!("  - {}{mark}", finding.message)
        }));
    }
    lines.join("\n")
}

fn headline(decision: &EntitlementDecision) -> String {
    let price = decision.price.as_ref().map(|price| {
        let cents = price.nanos / 10_000_000;
        format!(
            " for {}.{cents:02} {} net",
            price.units, price.currency_code
        )
    });
    let price = price.unwrap_or_default();
    let outcome = match decision.outcome() {
        Outcome::FreeOfCharge => "Owed free of charge".to_owned(),
        Outcome::Discounted => format!("Owed in part; the rest is charged{price}"),
        Outcome::Chargeable => format!("Not owed; offered{price}"),
        Outcome::Refused | Outcome::Unspecified => "Not owed and not offered".to_owned(),
    };
    let remedies: Vec<&str> = decision
        .remedies()
        .map(|r: Remedy| r.as_str_name())
        .collect();
    let mut parts = vec![outcome];
    if !remedies.is_empty() {
        parts.push(format!("the customer may ask for {}", remedies.join(", ")));
    }
    if !decision.covered_until.is_empty() {
        let layer = decision.winning_layer.to_lowercase();
        parts.push(format!(
            "by the {layer} layer until {}",
            decision.covered_until
        ));
    }
    if !decision.modes.is_empty() {
        parts.push(format!("service {}", decision.modes.join(" or ")));
    }
    format!("{}.", parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::kinds::v1::{Finding, Money};

    #[test]
    fn a_charged_fault_is_explained_with_its_price_and_reasons() {
        let finding = |verdict: Verdict, message: &str| Finding {
            verdict: verdict.into(),
            message: message.into(),
            ..Default::default()
        };
        let decision = EntitlementDecision {
            outcome: Outcome::Chargeable.into(),
            price: Some(Money {
                currency_code: "CNY".into(),
                units: 1130,
                nanos: 500_000_000,
            }),
            modes: vec!["CARRY_IN".into()],
            findings: vec![
                finding(Verdict::NotMet, "The term is over."),
                finding(Verdict::Met, "It has a price."),
            ],
            ..Default::default()
        };
        assert_eq!(
            explain(&decision),
            "Not owed; offered for 1130.50 CNY net; service CARRY_IN.\n\
             Because:\n  - It has a price.\nNot because:\n  - The term is over."
        );
    }
}
