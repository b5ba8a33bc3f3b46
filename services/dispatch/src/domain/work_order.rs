//! Work orders: one visit or bench repair.

use chassis::Position;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Window;
use super::finding::Finding;
use super::openings::Job;
use super::plan::Slot;
use super::technician::Need;

/// Where the work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents each")]
pub enum Mode {
    OnSite,
    Bench,
    Remote,
    PickUp,
}

impl Mode {
    /// All of them.
    pub const ALL: [Mode; 4] = [Mode::OnSite, Mode::Bench, Mode::Remote, Mode::PickUp];

    /// Whether somebody travels to the site.
    pub fn travels(self) -> bool {
        matches!(self, Mode::OnSite | Mode::PickUp)
    }

    /// The name in the contract and in the store.
    pub fn name(self) -> &'static str {
        match self {
            Mode::OnSite => "ON_SITE",
            Mode::Bench => "BENCH",
            Mode::Remote => "REMOTE",
            Mode::PickUp => "PICK_UP",
        }
    }

    /// The mode of that name.
    pub fn named(name: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// Where a work order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract documents each")]
pub enum State {
    Open,
    Offered,
    Scheduled,
    EnRoute,
    OnSite,
    InProgress,
    Completed,
    Incomplete,
    Cancelled,
}

impl State {
    /// All of them.
    pub const ALL: [State; 9] = [
        State::Open,
        State::Offered,
        State::Scheduled,
        State::EnRoute,
        State::OnSite,
        State::InProgress,
        State::Completed,
        State::Incomplete,
        State::Cancelled,
    ];

    /// The name in the contract and in the store.
    pub fn name(self) -> &'static str {
        match self {
            State::Open => "OPEN",
            State::Offered => "OFFERED",
            State::Scheduled => "SCHEDULED",
            State::EnRoute => "EN_ROUTE",
            State::OnSite => "ON_SITE",
            State::InProgress => "IN_PROGRESS",
            State::Completed => "COMPLETED",
            State::Incomplete => "INCOMPLETE",
            State::Cancelled => "CANCELLED",
        }
    }

    /// The state of that name.
    pub fn named(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Where the work is.
#[derive(Clone, derive_more::Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Degrees north.
    #[debug("[personal]")]
    pub latitude: f64,
    /// Degrees east.
    #[debug("[personal]")]
    pub longitude: f64,
    /// IANA zone.
    pub time_zone: String,
    /// As on a label, without the person's name.
    pub address: Option<Address>,
}

/// A postal address; the contract's PostalAddress documents each field.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the contract documents each")]
pub struct Address {
    pub region_code: String,
    pub administrative_area: String,
    pub locality: String,
    #[debug("[personal]")]
    pub address_lines: Vec<String>,
    #[debug("[personal]")]
    pub postal_code: String,
}

/// A part built in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartUsed {
    /// `parts/{number}`.
    pub part: String,
    /// Pieces, 1 or more.
    pub quantity: i64,
    /// Built in; empty: not serialised.
    pub new_serial: String,
    /// Taken out; empty: none.
    pub old_serial: String,
}

/// The time that is booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booked {
    /// Who.
    pub technician: Uuid,
    /// Work at the site.
    pub window: Window,
    /// Planned travel before it.
    pub travel: SignedDuration,
}

/// A work order as kept. Instants are business time unless they say otherwise.
#[derive(Clone, derive_more::Debug, PartialEq)]
#[expect(missing_docs, reason = "the contract's WorkOrder documents the others")]
pub struct WorkOrder {
    pub id: Uuid,
    pub region: String,
    pub ticket: Uuid,
    pub step: String,
    pub round: i32,
    pub mode: Mode,
    pub work_type: String,
    pub needs: Vec<Need>,
    pub parts: Vec<String>,
    pub site: Site,
    pub duration: SignedDuration,
    /// Earliest start and latest end of the work.
    pub search: Window,
    pub state: State,
    pub booked: Option<Booked>,
    pub findings: Vec<Finding>,
    pub parts_used: Vec<PartUsed>,
    #[debug("[personal]")]
    pub report: String,
    #[debug("[personal]")]
    pub signature: String,
    #[debug("[personal]")]
    pub cancel_reason: String,
    pub reservation: Option<Uuid>,
    pub asset: Option<Uuid>,
    pub component: Option<String>,
    pub party: Option<Uuid>,
    /// Organisation of the technician who is booked.
    pub partner: Option<String>,
    /// When it was asked for.
    pub occurred_at: Timestamp,
    pub departed_at: Option<Timestamp>,
    pub arrived_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// When the customer was erased; no word of or by them is taken any more.
    pub erased_at: Option<Timestamp>,
    pub version: i64,
}

/// What the technician hands in at the end.
#[derive(Clone, derive_more::Debug)]
#[expect(
    missing_docs,
    reason = "the contract's CompleteWorkOrderRequest documents each"
)]
pub struct Completion {
    pub outcome: State,
    pub parts_used: Vec<PartUsed>,
    #[debug("[personal]")]
    pub report: String,
    #[debug("[personal]")]
    pub signature: String,
}

impl WorkOrder {
    /// What is asked of a technician within the order's own window.
    pub fn job(&self) -> Job {
        let place = Position::new(self.site.latitude, self.site.longitude);
        Job {
            needs: self.needs.clone(),
            site: place.filter(|_| self.mode.travels()),
            duration: self.duration,
            window: self.search,
        }
    }

    /// Takes the slot.
    pub fn schedule(&mut self, slot: &Slot, findings: Vec<Finding>) {
        self.state = State::Scheduled;
        self.booked = Some(Booked {
            technician: slot.technician,
            window: slot.window,
            travel: slot.leg.time,
        });
        self.findings = findings;
    }

    /// Ends with what was handed in; of an erased customer's, what was used stays and nothing said.
    pub fn complete(&mut self, completion: Completion, at: Timestamp) {
        self.state = completion.outcome;
        self.parts_used = completion.parts_used;
        if self.erased_at.is_none() {
            self.report = completion.report;
            self.signature = completion.signature;
        }
        self.ended_at = Some(at);
    }

    /// Is not wanted any more.
    pub fn cancel(&mut self, to: State, reason: String) {
        self.state = to;
        if self.erased_at.is_none() {
            self.cancel_reason = reason;
        }
    }
}
