//! The ticket and what each verb does to it.
//!
//! A change is made in memory: state, moments, facts, new timeline entries and what is to be
//! told. The store saves all of it in one transaction, or none.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::moves::{State, To, Verb, lead};
use super::process::{Facts, QuoteFact};
use super::timeline::{Entry, Hash};
use chassis::erasure::coarse;

/// What a ticket is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum Kind {
    HardwareFault,
    SoftwareSupport,
    Inquiry,
    Complaint,
    ReturnExchange,
    Installation,
    Preventive,
    Proactive,
    DataService,
    Retirement,
    Recall,
}

/// Why a ticket waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PauseReason {
    /// The customer owes an answer.
    WaitingCustomer,
    /// A part is on its way.
    WaitingPart,
    /// The site cannot be entered.
    WaitingSiteAccess,
    /// Stopped by us.
    HeldByUs,
    /// The serial number is not registered.
    WaitingRegistration,
}

impl PauseReason {
    /// Name as the contract writes it.
    pub fn name(self) -> &'static str {
        match self {
            PauseReason::WaitingCustomer => "WAITING_CUSTOMER",
            PauseReason::WaitingPart => "WAITING_PART",
            PauseReason::WaitingSiteAccess => "WAITING_SITE_ACCESS",
            PauseReason::HeldByUs => "HELD_BY_US",
            PauseReason::WaitingRegistration => "WAITING_REGISTRATION",
        }
    }

    /// The state a ticket waits in.
    fn state(self) -> State {
        match self {
            PauseReason::HeldByUs => State::Held,
            _ => State::Pending,
        }
    }
}

/// How far a repair has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum RepairStep {
    None,
    Coverage,
    Quote,
    Parts,
    Visit,
    Repair,
    Delivery,
}

/// Where a device stands.
#[derive(Clone, derive_more::Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// ISO 3166-2 where rules depend on it; may be empty.
    pub area: String,
    /// City; may be empty.
    pub city: String,
    /// Street lines.
    #[debug("[personal]")]
    pub lines: Vec<String>,
    /// Postal code; may be empty.
    #[debug("[personal]")]
    pub postal_code: String,
    /// Degrees north.
    #[debug("[personal]")]
    pub latitude: f64,
    /// Degrees east.
    #[debug("[personal]")]
    pub longitude: f64,
    /// IANA zone.
    pub time_zone: String,
}

impl Site {
    /// Code of the law that applies: the subdivision where there is one.
    pub fn jurisdiction(&self) -> &str {
        if self.area.is_empty() {
            &self.country
        } else {
            &self.area
        }
    }

    /// Leaves the city: nobody's street, and the place to a tenth of a degree (11 km).
    fn forget_whose(&mut self) {
        self.lines.clear();
        self.postal_code.clear();
        self.latitude = coarse(self.latitude);
        self.longitude = coarse(self.longitude);
    }

    /// Its zone. It was checked when the ticket was parsed.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }
}

/// The fault in the customer's codes; empty: not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Component class.
    pub component: String,
    /// Symptom code.
    pub symptom: String,
    /// Cause.
    pub cause: String,
}

/// Something that moves a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum What {
    /// The matter was reported.
    Reported,
    /// A person answered.
    Responded,
    /// A quote was given.
    Quoted,
    /// A technician arrived.
    Arrived,
    /// Waiting began.
    Paused(PauseReason),
    /// Waiting ended.
    Resumed,
    /// Fixed or answered.
    Resolved,
    /// The matter is back.
    Reopened,
    /// Withdrawn or refused: nothing is promised any more.
    Ended,
}

/// The clock-relevant part of the timeline, kept beside the ticket so that a reading computes
/// its clocks without the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When, by the world's clock.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// Where the ticket's chain of entries stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Sequence of the last entry; 0: none.
    pub sequence: i64,
    /// Its hash.
    pub hash: Hash,
}

/// A report of one matter by one customer.
#[derive(Clone, derive_more::Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Ticket {
    pub tenant: String,
    pub id: Uuid,
    pub number: String,
    pub kind: Kind,
    #[debug("[personal]")]
    pub title: String,
    #[debug("[personal]")]
    pub description: String,
    pub serial_number: String,
    pub product: String,
    pub party: Option<Uuid>,
    /// The partner organisation that reported it.
    pub partner: Option<String>,
    pub region: String,
    pub site: Option<Site>,
    pub fault: Fault,
    pub impact: i16,
    pub urgency: i16,
    pub state: State,
    pub step: RepairStep,
    pub pause: Option<PauseReason>,
    pub queue: String,
    pub assignee: String,
    pub external_key: Option<String>,
    pub round: i32,
    pub attention: String,
    #[debug("[personal]")]
    pub resolution: String,
    /// "standard-onsite@1".
    pub sla_policy: String,
    pub moments: Vec<Moment>,
    pub facts: Facts,
    /// The coverage decision as the peer wrote it.
    pub decision: Option<Vec<u8>>,
    /// Findings that explain a wait, as the peer wrote them.
    pub findings: Vec<Vec<u8>>,
    pub reported_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
    pub head: Head,
    /// Entries not saved yet.
    pub fresh: Vec<Entry>,
    /// Event kinds to be told with the next save.
    pub told: Vec<&'static str>,
    /// When the customer was erased; nothing is said of them or done for them any more.
    pub erased_at: Option<Timestamp>,
}

/// A move the table does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IllegalMove {
    /// Where the ticket stands.
    pub state: State,
    /// What was asked.
    pub verb: Verb,
}

/// Why a verb is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerbRefused {
    /// Not in the table.
    IllegalMove(IllegalMove),
    /// Closed too long ago to be reopened.
    TooLate {
        /// When it was closed.
        closed_at: Timestamp,
        /// Days within which it could have been.
        days: i64,
    },
}

/// Who does what when, and with what words.
#[derive(Clone, derive_more::Debug)]
pub struct Deed<'a> {
    /// Principal or service.
    pub actor: &'a str,
    /// When, by the world's clock.
    pub at: Timestamp,
    /// What was said with it.
    #[debug("[personal]")]
    pub note: Option<String>,
}

impl Ticket {
    /// Priority from impact × urgency, 1 critical to 4 low.
    pub fn priority(&self) -> i16 {
        const MATRIX: [[i16; 3]; 3] = [[1, 2, 3], [2, 3, 4], [3, 4, 4]];
        let at = |value: i16| usize::try_from(value - 1).unwrap_or(1).min(2);
        MATRIX[at(self.impact)][at(self.urgency)]
    }

    /// Writes an entry of the timeline.
    pub fn log(&mut self, verb: &'static str, deed: &Deed<'_>, arguments: &[(&str, String)]) {
        let arguments = arguments.iter().map(|(n, v)| ((*n).to_owned(), v.clone()));
        self.enter(verb, deed, arguments.collect(), deed.note.clone());
    }

    /// Writes an entry with what a person said in it.
    pub fn log_words(&mut self, verb: &'static str, deed: &Deed<'_>, words: &str) {
        self.enter(verb, deed, Vec::new(), Some(words.to_owned()));
    }

    fn enter(
        &mut self,
        verb: &'static str,
        deed: &Deed<'_>,
        arguments: Vec<(String, String)>,
        text: Option<String>,
    ) {
        self.fresh.push(Entry {
            verb,
            actor: deed.actor.to_owned(),
            occurred_at: deed.at,
            arguments,
            text,
            state: self.state,
        });
    }

    /// Notes a moment, in order of time: a late fact takes its place among the others.
    pub fn moment(&mut self, at: Timestamp, what: What) {
        let place = self.moments.partition_point(|moment| moment.at <= at);
        self.moments.insert(place, Moment { at, what });
    }

    fn go(&mut self, verb: Verb, waits: Option<PauseReason>) -> Result<(), VerbRefused> {
        let state = self.state;
        let refused = VerbRefused::IllegalMove(IllegalMove { state, verb });
        self.state = match lead(state, verb) {
            To::No => return Err(refused),
            To::Stays => state,
            To::State(next) => next,
            To::Waits => waits.map_or(state, PauseReason::state),
        };
        self.pause = match verb {
            Verb::Respond => self.pause,
            Verb::Pause => waits,
            _ => None,
        };
        Ok(())
    }

    /// A person answers the customer.
    pub fn respond(&mut self, deed: &Deed<'_>) -> Result<(), VerbRefused> {
        self.go(Verb::Respond, None)?;
        self.moment(deed.at, What::Responded);
        self.log("respond", deed, &[]);
        Ok(())
    }

    /// Work begins.
    pub fn start(&mut self, deed: &Deed<'_>) -> Result<(), VerbRefused> {
        self.go(Verb::Start, None)?;
        self.log("start", deed, &[]);
        Ok(())
    }

    /// Work waits.
    pub fn pause(&mut self, reason: PauseReason, deed: &Deed<'_>) -> Result<(), VerbRefused> {
        self.go(Verb::Pause, Some(reason))?;
        self.moment(deed.at, What::Paused(reason));
        self.log("pause", deed, &[("reason", reason.name().to_owned())]);
        self.told.push("ticket.waiting");
        Ok(())
    }

    /// Work goes on.
    pub fn resume(&mut self, deed: &Deed<'_>) -> Result<(), VerbRefused> {
        self.go(Verb::Resume, None)?;
        self.moment(deed.at, What::Resumed);
        self.log("resume", deed, &[]);
        Ok(())
    }

    /// Fixed or answered. What is still held becomes unwanted.
    pub fn resolve(&mut self, resolution: &str, deed: &Deed<'_>) -> Result<(), VerbRefused> {
        self.go(Verb::Resolve, None)?;
        resolution.clone_into(&mut self.resolution);
        self.step = if self.step == RepairStep::None {
            self.step
        } else {
            RepairStep::Delivery
        };
        self.moment(deed.at, What::Resolved);
        self.log_words("resolve", deed, resolution);
        self.told.push("ticket.resolved");
        Ok(())
    }

    /// The customer confirms, or the policy closes (`by_policy`).
    pub fn close(&mut self, by_policy: bool, deed: &Deed<'_>) -> Result<(), VerbRefused> {
        self.go(Verb::Close, None)?;
        let by = if by_policy { "policy" } else { "customer" };
        self.facts.closed_at = Some(deed.at);
        // An offer that nobody answered lapses with the ticket; a reopened one begins without it.
        if let Some(QuoteFact::Open(_)) = self.facts.quote {
            self.facts.quote = None;
        }
        self.log("close", deed, &[("by", by.to_owned())]);
        self.told.push("ticket.closed");
        Ok(())
    }

    /// The matter is back: a new round. A closed ticket only within `days` of its closing.
    pub fn reopen(&mut self, reason: &str, days: i64, deed: &Deed<'_>) -> Result<(), VerbRefused> {
        if let (State::Closed, Some(closed_at)) = (self.state, self.facts.closed_at) {
            let last = closed_at + SignedDuration::from_hours(24 * days);
            if deed.at > last {
                return Err(VerbRefused::TooLate { closed_at, days });
            }
        }
        self.go(Verb::Reopen, None)?;
        self.resolution.clear();
        self.facts.closed_at = None;
        self.new_round();
        self.moment(deed.at, What::Reopened);
        self.log_words("reopen", deed, reason);
        self.told.push("ticket.reopened");
        Ok(())
    }

    /// Withdrawn: nothing is wanted any more.
    pub fn cancel(&mut self, reason: &str, deed: &Deed<'_>) -> Result<(), VerbRefused> {
        self.end(Verb::Cancel, "cancel", "ticket.cancelled", reason, deed)
    }

    /// Refused: nothing is owed and nothing can be sold.
    pub fn reject(&mut self, reason: &str, deed: &Deed<'_>) -> Result<(), VerbRefused> {
        self.end(Verb::Reject, "reject", "ticket.rejected", reason, deed)
    }

    fn end(
        &mut self,
        verb: Verb,
        entry: &'static str,
        event: &'static str,
        reason: &str,
        deed: &Deed<'_>,
    ) -> Result<(), VerbRefused> {
        self.go(verb, None)?;
        self.attention.clear();
        self.moment(deed.at, What::Ended);
        self.log_words(entry, deed, reason);
        self.told.push(event);
        Ok(())
    }

    /// Its customer was erased: what is open ends, and what they said and where they live goes.
    pub fn erase(&mut self, deed: &Deed<'_>) -> Result<(), VerbRefused> {
        if self.state == State::Resolved {
            self.close(true, deed)?;
        } else if !self.state.is_final() {
            self.cancel("the customer was erased", deed)?;
        }
        for words in [&mut self.title, &mut self.description, &mut self.resolution] {
            words.clear();
        }
        self.attention.clear();
        if let Some(site) = &mut self.site {
            site.forget_whose();
        }
        self.erased_at = Some(deed.at);
        self.log("erase", deed, &[]);
        self.told.push("ticket.erased");
        Ok(())
    }

    /// Parts and visit are to be made anew; what the old round may still hold is given back.
    pub fn new_round(&mut self) {
        self.facts.leave_behind(self.round);
        self.round += 1;
        self.findings.clear();
    }

    /// Day of the report at the site.
    pub fn reported_on(&self) -> jiff::civil::Date {
        let zone = self.site.as_ref().map_or(TimeZone::UTC, Site::zone);
        Zoned::new(self.reported_at, zone).date()
    }

    /// A person must look, for this reason.
    pub fn needs_attention(&mut self, reason: &str, deed: &Deed<'_>) {
        if self.attention == reason {
            return;
        }
        reason.clone_into(&mut self.attention);
        self.log("attention", deed, &[("reason", reason.to_owned())]);
    }

    /// The fields an update may change, and the names of those that did change.
    pub fn update(&mut self, changes: &BTreeMap<&'static str, String>, deed: &Deed<'_>) {
        let mut changed = Vec::new();
        for (field, value) in changes {
            let number = || value.parse::<i16>().unwrap_or(2);
            let differs = match *field {
                "title" => replaced(&mut self.title, value),
                "description" => replaced(&mut self.description, value),
                "queue" => replaced(&mut self.queue, value),
                "impact" => std::mem::replace(&mut self.impact, number()) != self.impact,
                "urgency" => std::mem::replace(&mut self.urgency, number()) != self.urgency,
                _ => false,
            };
            if differs {
                changed.push(*field);
            }
        }
        if !changed.is_empty() {
            self.log("update", deed, &[("fields", changed.join(", "))]);
        }
    }
}

fn replaced(field: &mut String, value: &str) -> bool {
    let differs = field != value;
    value.clone_into(field);
    differs
}
