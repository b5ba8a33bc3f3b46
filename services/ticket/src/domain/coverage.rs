//! As much of a coverage decision as the process acts on; the whole of it is kept beside it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The decision in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Owed without charge.
    FreeOfCharge,
    /// Owed in part.
    Discounted,
    /// Not owed; offered at a price.
    Chargeable,
    /// Neither owed nor offered.
    Refused,
}

impl Outcome {
    /// Name as the contract writes it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::FreeOfCharge => "FREE_OF_CHARGE",
            Outcome::Discounted => "DISCOUNTED",
            Outcome::Chargeable => "CHARGEABLE",
            Outcome::Refused => "REFUSED",
        }
    }
}

/// An amount as the tables keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Amount in whole units and fractions.
    pub amount: rust_decimal::Decimal,
    /// ISO 4217.
    pub currency: String,
}

/// What a decision said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The decision in a word.
    pub outcome: Outcome,
    /// The device.
    pub asset: Uuid,
    /// Its product.
    pub product: String,
    /// Its category: "NOTEBOOK"; a technician needs the skill of it.
    pub category: String,
    /// Modes that are owed: ON_SITE, CARRY_IN, MAIL_IN, REMOTE.
    pub modes: Vec<String>,
    /// SLA policy it names; empty: the intake policy's goes on.
    pub sla_policy: String,
    /// Estimate of what is not owed.
    pub price: Option<Price>,
    /// Layer that won, for the timeline.
    pub layer: String,
    /// Last day of the winning term.
    pub covered_until: Option<Date>,
}

impl Coverage {
    /// Whether the customer must agree to a price before anything is done.
    pub fn needs_quote(&self) -> bool {
        matches!(self.outcome, Outcome::Chargeable | Outcome::Discounted)
    }

    /// Whether the technician goes to the device rather than the device to the workshop.
    pub fn on_site(&self) -> bool {
        self.modes.is_empty() || self.modes.iter().any(|mode| mode == "ON_SITE")
    }
}
