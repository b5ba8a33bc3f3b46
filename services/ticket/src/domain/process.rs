//! What a ticket still needs done: `next_step(ticket, now)` says it, the progress worker does it.
//!
//! The ticket *wants* parts and a visit, or wants nothing. Undo is not a second path: a ticket
//! that wants nothing gives back what it may hold, and a step whose outcome is unknown counts as
//! "may hold". Every step that has an effect in a peer carries the identifier of what it makes
//! (tenant, ticket, step, round), so doing it twice is doing it once.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::coverage::{Coverage, Outcome};
use super::moves::State;
use super::ticket::{Kind, PauseReason, Ticket};

/// A part wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartLine {
    /// "parts/{number}".
    pub part: String,
    /// Pieces.
    pub quantity: i64,
}

/// What is known of this round's parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Hold {
    /// Nothing was asked.
    #[default]
    NotAsked,
    /// Asked; the answer is not known.
    Asked,
    /// All parts are held.
    Held,
    /// Waits for stock.
    Backordered,
    /// Given back, expired or used up: nothing is held.
    Gone,
}

/// What is known of this round's visit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Visit {
    /// Nothing was asked.
    #[default]
    NotAsked,
    /// Asked; the answer is not known.
    Asked,
    /// A work order waits for a free technician.
    Open,
    /// A technician's time is booked.
    Booked,
    /// The technician is on the way, at the site or at work.
    UnderWay,
    /// Done, ended without a fix, or cancelled: nothing is booked.
    Gone,
}

/// Where the quote stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QuoteFact {
    /// Waits for the customer until that instant of system time.
    Open(Timestamp),
    /// Agreed.
    Approved,
    /// Declined or lapsed.
    Refused,
}

/// What the process knows. Grows by answers of peers and by events; never guessed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The serial number is not registered.
    pub serial_unknown: bool,
    /// What is owed.
    pub coverage: Option<Coverage>,
    /// Parts the fault needs; some: chosen, maybe none.
    pub parts: Option<Vec<PartLine>>,
    /// This round's parts.
    pub hold: Hold,
    /// This round's visit.
    pub visit: Visit,
    /// The quote.
    pub quote: Option<QuoteFact>,
    /// Which quote that is.
    pub quote_id: Option<Uuid>,
    /// Technician of the latest visit.
    pub technician: Option<Uuid>,
    /// Booked start and end of the visit.
    pub window: Option<(Timestamp, Timestamp)>,
    /// Rounds whose parts may still be held though nobody wants them.
    pub stray_holds: Vec<i32>,
    /// Rounds whose visit may still be booked though nobody wants it.
    pub stray_visits: Vec<i32>,
    /// When the ticket was closed, by the world's clock.
    pub closed_at: Option<Timestamp>,
    /// When a resolved ticket closes by itself.
    pub auto_close_at: Option<Timestamp>,
    /// World time of what caused the next automatic step.
    pub cause_at: Option<Timestamp>,
}

impl Facts {
    /// Something may be held in the inventory for this round.
    pub fn may_hold(&self) -> bool {
        matches!(self.hold, Hold::Asked | Hold::Held | Hold::Backordered)
    }

    /// Something may be booked in dispatch for this round.
    pub fn may_book(&self) -> bool {
        matches!(
            self.visit,
            Visit::Asked | Visit::Open | Visit::Booked | Visit::UnderWay
        )
    }

    /// Begins a round: what the one before may hold is noted as stray.
    pub fn leave_behind(&mut self, round: i32) {
        if self.may_hold() {
            self.stray_holds.push(round);
        }
        if self.may_book() {
            self.stray_visits.push(round);
        }
        self.hold = Hold::NotAsked;
        self.visit = Visit::NotAsked;
        self.window = None;
        self.auto_close_at = None;
    }
}

/// What the process waits for as things are known; none: it goes on.
pub fn waits_for(facts: &Facts) -> Option<PauseReason> {
    match (facts.serial_unknown, facts.quote, facts.hold) {
        (true, _, _) => Some(PauseReason::WaitingRegistration),
        (_, Some(QuoteFact::Open(_)), _) => Some(PauseReason::WaitingCustomer),
        (_, _, Hold::Backordered) => Some(PauseReason::WaitingPart),
        _ => None,
    }
}

/// A step of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Ask what is owed.
    DecideCoverage,
    /// Offer the repair at a price.
    IssueQuote,
    /// The offer lapsed: withdraw the ticket.
    ExpireQuote,
    /// Nothing is owed or sold: refuse the ticket.
    Reject,
    /// Find the parts the fault needs.
    ChooseParts,
    /// Hold them.
    HoldParts,
    /// Book the visit.
    BookVisit,
    /// Give back the parts of that round.
    ReleaseParts(i32),
    /// Cancel the visit of that round.
    CancelVisit(i32),
    /// Nobody objected to the resolution: close.
    AutoClose,
}

impl Step {
    /// One of each: the step table. Crash points and laws are enumerated from it.
    pub const TABLE: [Step; 10] = [
        Step::DecideCoverage,
        Step::IssueQuote,
        Step::ExpireQuote,
        Step::Reject,
        Step::ChooseParts,
        Step::HoldParts,
        Step::BookVisit,
        Step::ReleaseParts(1),
        Step::CancelVisit(1),
        Step::AutoClose,
    ];

    /// Name in identifiers, logs and crash points.
    pub fn name(self) -> &'static str {
        match self {
            Step::DecideCoverage => "DECIDE_COVERAGE",
            Step::IssueQuote => "ISSUE_QUOTE",
            Step::ExpireQuote => "EXPIRE_QUOTE",
            Step::Reject => "REJECT",
            Step::ChooseParts => "CHOOSE_PARTS",
            Step::HoldParts => HOLD_PARTS,
            Step::BookVisit => BOOK_VISIT,
            Step::ReleaseParts(_) => "RELEASE_PARTS",
            Step::CancelVisit(_) => "CANCEL_VISIT",
            Step::AutoClose => "AUTO_CLOSE",
        }
    }

    /// Whether the step makes something in a peer, so that its request must be kept before the
    /// first try.
    pub fn has_effect_in_peer(self) -> bool {
        matches!(self, Step::HoldParts | Step::BookVisit)
    }
}

/// Name of the step that reservations are made by.
pub const HOLD_PARTS: &str = "HOLD_PARTS";

/// Name of the step that work orders are made by.
pub const BOOK_VISIT: &str = "BOOK_VISIT";

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// That step, now.
    Do(Step),
    /// Nothing until an event, or until that instant of system time.
    Wait(Option<Timestamp>),
}

/// What a kind of ticket goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// Coverage is decided.
    pub coverage: bool,
    /// Parts are held when the fault needs them.
    pub parts: bool,
    /// A visit or bench repair is booked.
    pub visit: bool,
}

/// The course of each kind.
pub fn course(kind: Kind) -> Course {
    let (coverage, parts, visit) = match kind {
        Kind::HardwareFault | Kind::Proactive | Kind::Recall => (true, true, true),
        Kind::ReturnExchange => (true, false, false),
        Kind::Installation | Kind::Preventive => (false, false, true),
        Kind::SoftwareSupport
        | Kind::Inquiry
        | Kind::Complaint
        | Kind::DataService
        | Kind::Retirement => (false, false, false),
    };
    Course {
        coverage,
        parts,
        visit,
    }
}

/// What the ticket needs done next, `now` in system time.
///
/// A visit is let go before its parts: where the repair turns out to be done, the parts are used
/// and settled with it, not given back.
pub fn next_step(ticket: &Ticket, now: Timestamp) -> Next {
    let facts = &ticket.facts;
    if let Some(round) = facts.stray_visits.first() {
        return Next::Do(Step::CancelVisit(*round));
    }
    if let Some(round) = facts.stray_holds.first() {
        return Next::Do(Step::ReleaseParts(*round));
    }
    if ticket.state.is_open() {
        return forward(ticket, now);
    }
    if facts.may_book() {
        return Next::Do(Step::CancelVisit(ticket.round));
    }
    if facts.may_hold() {
        return Next::Do(Step::ReleaseParts(ticket.round));
    }
    match (ticket.state, facts.auto_close_at) {
        (State::Resolved, Some(at)) if now >= at => Next::Do(Step::AutoClose),
        (State::Resolved, at) => Next::Wait(at),
        _ => Next::Wait(None),
    }
}

fn forward(ticket: &Ticket, now: Timestamp) -> Next {
    let (facts, course) = (&ticket.facts, course(ticket.kind));
    if ticket.state == State::Held {
        return Next::Wait(None);
    }
    match facts.quote {
        Some(QuoteFact::Open(until)) if now >= until => return Next::Do(Step::ExpireQuote),
        Some(QuoteFact::Open(until)) => return Next::Wait(Some(until)),
        Some(QuoteFact::Approved | QuoteFact::Refused) | None => {}
    }
    if let Some(next) = course.coverage.then(|| coverage(facts)).flatten() {
        return next;
    }
    if course.parts {
        match (&facts.parts, facts.hold) {
            (None, _) => return Next::Do(Step::ChooseParts),
            (Some(parts), _) if parts.is_empty() => {}
            (Some(_), Hold::NotAsked | Hold::Asked) => return Next::Do(Step::HoldParts),
            (Some(_), Hold::Backordered) => return Next::Wait(None),
            (Some(_), Hold::Held | Hold::Gone) => {}
        }
    }
    match facts.visit {
        Visit::NotAsked | Visit::Asked if course.visit => Next::Do(Step::BookVisit),
        _ => Next::Wait(None),
    }
}

/// What coverage still needs; none: it is settled.
fn coverage(facts: &Facts) -> Option<Next> {
    let Some(coverage) = &facts.coverage else {
        return Some(match facts.serial_unknown {
            true => Next::Wait(None),
            false => Next::Do(Step::DecideCoverage),
        });
    };
    if coverage.outcome == Outcome::Refused {
        return Some(Next::Do(Step::Reject));
    }
    match facts.quote {
        _ if !coverage.needs_quote() => None,
        Some(QuoteFact::Approved) => None,
        None => Some(Next::Do(Step::IssueQuote)),
        Some(QuoteFact::Open(_) | QuoteFact::Refused) => Some(Next::Wait(None)),
    }
}

/// When a ticket resolved at `at` closes by itself: after that much business time at the site.
pub fn auto_close_at(
    calendar: &calendar::Calendar,
    zone: &TimeZone,
    at: Timestamp,
    after: std::time::Duration,
) -> Timestamp {
    calendar.add(zone, at, after).unwrap_or(at)
}
