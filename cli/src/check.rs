//! `fettle check`: what a fault on a device is owed, as a reasoned text.

use chassis::Clock;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proto::entitlement::v1::entitlement_decision::{Outcome, Remedy};
use proto::entitlement::v1::{CheckEntitlementRequest, EntitlementDecision, Fault, Place};
use serde_json::{Value, json};

use crate::Verdict;
use crate::client::{Actor, Fettle, Told};
use crate::reach::Reach;
use crate::terminal::{BAD, HEADING, Voice, emit, styled};

/// What a fault on a device is owed, and why.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  fettle check NB-14-0007-000001
  fettle check NB-14-0007-000001 --component MAINBOARD --region CN-ZJ --on 2026-03-02
  fettle check SN-1 SN-2 SN-3 --cause LIQUID --json")]
pub(crate) struct Args {
    /// Serial numbers.
    #[arg(required = true, value_name = "SERIAL")]
    serials: Vec<String>,
    /// Faulty component class: MAINBOARD, BATTERY, …; default: not known.
    #[arg(long, default_value = "")]
    component: String,
    /// Cause of the fault: LIQUID, VIRUS, …; default: a defect.
    #[arg(long, default_value = "")]
    cause: String,
    /// Product, where a serial number exists for several.
    #[arg(long, default_value = "")]
    product: String,
    /// Day of the fault at the site; default: today.
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
    /// Where the device stands: ISO 3166-1 country or 3166-2 subdivision.
    #[arg(long, default_value = "CN")]
    region: String,
    /// City, where the answer depends on it.
    #[arg(long, default_value = "")]
    city: String,
}

/// Runs the command.
pub(crate) async fn run(args: Args, reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    let reached = reach.existing_or_own(voice).await?;
    let told = ask(&args, reached.connections.acting_as(Actor::Agent)?, voice).await;
    reached.leave().await?;
    told
}

async fn ask(args: &Args, fettle: Fettle, voice: Voice) -> anyhow::Result<Verdict> {
    let today = || Clock::system().now().to_zoned(TimeZone::system()).date();
    let on = args.on.unwrap_or_else(today);
    let mut answers = Vec::new();
    let mut all_known = true;
    for serial in &args.serials {
        let request = CheckEntitlementRequest {
            serial_number: serial.clone(),
            product: args.product.clone(),
            fault: Some(Fault {
                component: args.component.to_uppercase(),
                cause: args.cause.to_uppercase(),
                ..Default::default()
            }),
            on: on.to_string(),
            site: Some(Place {
                region: args.region.clone(),
                city: args.city.clone(),
            }),
            mode: String::new(),
        };
        match fettle.check_entitlement(request).await {
            Ok(decision) => answers.push(show(serial, &decision, voice)?),
            Err(told) if told.is("ASSET_UNKNOWN") || told.is("SERIAL_AMBIGUOUS") => {
                all_known = false;
                answers.push(refused(serial, &told, voice));
            }
            Err(told) => return Err(told.into()),
        }
    }
    if voice.json {
        emit(&Value::Array(answers));
    }
    Ok(if all_known {
        Verdict::Held
    } else {
        Verdict::NotHeld
    })
}

fn refused(serial: &str, told: &Told, voice: Voice) -> Value {
    voice.tell(format!(
        "{}: {}",
        styled(HEADING, serial),
        styled(BAD, told)
    ));
    json!({ "serialNumber": serial, "reason": told.reason, "products": told.metadata("products") })
}

fn show(serial: &str, decision: &EntitlementDecision, voice: Voice) -> anyhow::Result<Value> {
    voice.tell(format!(
        "{}: {}",
        styled(HEADING, serial),
        in_a_sentence(decision)
    ));
    for line in reasons(decision) {
        voice.tell(format!("  {line}"));
    }
    let decision = proto::to_json(decision)?;
    Ok(json!({ "serialNumber": serial, "decision": decision }))
}

/// The decision as one sentence.
pub(crate) fn in_a_sentence(decision: &EntitlementDecision) -> String {
    let remedies: Vec<&str> = decision.remedies().map(remedy).collect();
    let remedies = if remedies.is_empty() {
        "repair".to_owned()
    } else {
        remedies.join(" or ")
    };
    let price = decision.price.as_ref().map(|price| {
        let cents = price.nanos.unsigned_abs() / 10_000_000;
        format!(
            ", for about {} {}.{cents:02}",
            price.currency_code, price.units
        )
    });
    let price = price.unwrap_or_default();
    let layer = match decision.winning_layer.as_str() {
        "" => String::new(),
        layer => format!(" by the {} layer", layer.to_lowercase()),
    };
    let until = match decision.covered_until.as_str() {
        "" => String::new(),
        until => format!(", until {until}"),
    };
    match decision.outcome() {
        Outcome::FreeOfCharge => format!("{remedies} is owed free of charge{layer}{until}"),
        Outcome::Discounted => format!("{remedies} is owed in part{layer}{price}"),
        Outcome::Chargeable => format!("nothing is owed; repair is offered{price}"),
        Outcome::Refused => "nothing is owed and nothing can be offered".to_owned(),
        Outcome::Unspecified => "no answer".to_owned(),
    }
}

fn remedy(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Unspecified => "a remedy",
        Remedy::Repair => "repair",
        Remedy::Exchange => "exchange",
        Remedy::Return => "return",
        Remedy::Refund => "refund",
        Remedy::Loaner => "a loaner",
    }
}

/// Every rule tried, each with where it stands written.
pub(crate) fn reasons(decision: &EntitlementDecision) -> Vec<String> {
    decision.findings.iter().map(finding).collect()
}

/// One finding as a line.
pub(crate) fn finding(finding: &proto::kinds::v1::Finding) -> String {
    use proto::kinds::v1::finding::Verdict as Said;
    let mark = match finding.verdict() {
        Said::Met => "+",
        Said::NotMet => "−",
        Said::Noted | Said::Unspecified => "·",
    };
    let message = match finding.message.as_str() {
        "" => finding.code.as_str(),
        message => message,
    };
    let source = finding
        .source
        .as_ref()
        .filter(|source| !source.policy.is_empty());
    let source = source.map(|source| {
        let hedge = if source.verified {
            ""
        } else {
            ", from secondary sources"
        };
        format!("  [{} {}{hedge}]", source.policy, source.rule)
    });
    format!("{mark} {message}{}", source.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::kinds::v1::Money;

    #[test]
    fn a_decision_is_told_in_one_sentence() {
        let free = EntitlementDecision {
            outcome: Outcome::FreeOfCharge.into(),
            remedies: vec![Remedy::Repair.into(), Remedy::Exchange.into()],
            winning_layer: "VENDOR".to_owned(),
            covered_until: "2027-01-31".to_owned(),
            ..Default::default()
        };
        assert_eq!(
            in_a_sentence(&free),
            "repair or exchange is owed free of charge by the vendor layer, until 2027-01-31"
        );

        let sold = EntitlementDecision {
            outcome: Outcome::Chargeable.into(),
            price: Some(Money {
                currency_code: "CNY".to_owned(),
                units: 860,
                nanos: 500_000_000,
            }),
            ..Default::default()
        };
        assert_eq!(
            in_a_sentence(&sold),
            "nothing is owed; repair is offered, for about CNY 860.50"
        );
    }
}
