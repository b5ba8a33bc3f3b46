//! Offers: lines of one currency, a total rounded to its minor unit, an end.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::coverage::Price;

/// How long an offer stands when it does not say.
pub const STANDS: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Where an offer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuoteState {
    /// Waits for the customer.
    Open,
    /// Agreed.
    Approved,
    /// Declined.
    Declined,
    /// Nobody answered in time.
    Expired,
}

impl QuoteState {
    /// Name as the contract and the table write it.
    pub fn name(self) -> &'static str {
        match self {
            QuoteState::Open => "OPEN",
            QuoteState::Approved => "APPROVED",
            QuoteState::Declined => "DECLINED",
            QuoteState::Expired => "EXPIRED",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<QuoteState> {
        use QuoteState::{Approved, Declined, Expired, Open};
        [Open, Approved, Declined, Expired]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// What one line charges for.
#[derive(Clone, derive_more::Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What is charged.
    #[debug("[personal]")]
    pub description: String,
    /// Pieces or hours, at least 1.
    pub quantity: u32,
    /// Price of one.
    pub unit_price: Price,
}

/// An offer.
#[derive(Clone, derive_more::Debug, PartialEq, Eq)]
pub struct Quote {
    /// Identifier.
    pub id: Uuid,
    /// Ticket it belongs to.
    pub ticket: Uuid,
    /// Where it stands.
    pub state: QuoteState,
    /// Lines, all of one currency.
    pub lines: Vec<Line>,
    /// Sum of the lines.
    pub total: Price,
    /// When it lapses; counted in the system's time.
    pub expires_at: Timestamp,
    /// When it was issued, by the world's clock.
    pub issued_at: Timestamp,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When the customer decided.
    pub decided_at: Option<Timestamp>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// Why it was declined.
    #[debug("[personal]")]
    pub decline_reason: Option<String>,
    /// Version.
    pub version: i64,
}

/// Why a customer's word on an offer is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuoteRefusal {
    /// It was decided before.
    Decided(QuoteState),
    /// It has lapsed.
    Lapsed(Timestamp),
}

impl Quote {
    /// Takes the customer's word. `now` is system time: an offer lapses in the real world.
    pub fn decide(
        &mut self,
        agreed: bool,
        by: &str,
        at: Timestamp,
        reason: Option<String>,
        now: Timestamp,
    ) -> Result<(), QuoteRefusal> {
        if self.state != QuoteState::Open {
            return Err(QuoteRefusal::Decided(self.state));
        }
        if agreed && now >= self.expires_at {
            return Err(QuoteRefusal::Lapsed(self.expires_at));
        }
        self.state = if agreed {
            QuoteState::Approved
        } else {
            QuoteState::Declined
        };
        self.decided_at = Some(at);
        self.decided_by = Some(by.to_owned());
        self.decline_reason = reason;
        Ok(())
    }
}
