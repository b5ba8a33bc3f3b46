//! Requests parsed into the domain, every violation at once.

use std::collections::BTreeMap;

use chassis::authz::{Scope, Sight};
use chassis::{Caller, Position, Refusal, Violations, names};
use jiff::{SignedDuration, Timestamp};
use proto::kinds::v1 as kinds;
use proto::ticket::v1 as pb;
use uuid::Uuid;

use super::{TICKETS, read_kind};
use crate::domain::process::course;
use crate::domain::ticket::{Fault, Kind, PauseReason, Site};
use crate::store::ticket::Filter;

/// How far ahead of now a live caller's clock may be.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A ticket as reported.
#[allow(missing_docs)]
pub struct NewTicket {
    pub kind: Kind,
    pub title: String,
    pub description: String,
    pub serial_number: String,
    pub product: String,
    pub party: Option<Uuid>,
    pub region: String,
    pub site: Option<Site>,
    pub fault: Fault,
    pub impact: i16,
    pub urgency: i16,
    pub queue: Option<String>,
    pub external_key: Option<String>,
    pub at: Timestamp,
}

impl NewTicket {
    /// To whom the ticket will belong.
    pub fn scope(&self, caller: &Caller) -> Scope {
        Scope {
            region: Some(self.region.clone()),
            customer: self.party.map(|id| names::name("parties", id)),
            partner: caller.partner.clone(),
            technician: None,
        }
    }
}

/// Reads a report.
pub fn read_ticket(
    request: &pb::CreateTicketRequest,
    caller: &Caller,
    now: Timestamp,
) -> Result<NewTicket, Refusal> {
    let mut v = Violations::new();
    let empty = pb::Ticket::default();
    let ticket = request.ticket.as_ref().unwrap_or_else(|| {
        v.add("ticket", "is required");
        &empty
    });
    let kind = read_kind(ticket.kind());
    if kind.is_none() && request.ticket.is_some() {
        v.add("ticket.kind", "is required: HARDWARE_FAULT, INQUIRY, …");
    }
    let on_device = kind.is_some_and(|kind| course(kind).coverage);
    let at_site = kind.is_some_and(|kind| course(kind).visit);
    let serial = if on_device { 1..=64 } else { 0..=64 };
    let title = match request.ticket {
        Some(_) => v.text("ticket.title", &ticket.title, 1..=200),
        None => String::new(),
    };
    let site = match &ticket.site {
        Some(site) => read_site(&mut v, site),
        None => {
            if at_site {
                v.add(
                    "ticket.site",
                    "is required for this kind: where the device stands",
                );
            }
            None
        }
    };
    let region = v.text("ticket.region", &ticket.region, 0..=64);
    let region = Some(region)
        .filter(|region| !region.is_empty())
        .or_else(|| caller.region.clone());
    if region.is_none() && request.ticket.is_some() {
        v.add("ticket.region", "is required, as the caller has none");
    }
    // A customer reports for itself unless it says otherwise (and then it is not let).
    let own = caller
        .customer
        .as_deref()
        .filter(|_| ticket.party.is_empty());
    let party = own.unwrap_or(&ticket.party);
    let new = NewTicket {
        kind: kind.unwrap_or(Kind::Inquiry),
        title,
        description: v.text("ticket.description", &ticket.description, 0..=8_000),
        serial_number: v.text("ticket.serial_number", &ticket.serial_number, serial),
        product: v.text("ticket.product", &ticket.product, 0..=64),
        party: v.optional_resource("ticket.party", party, "parties"),
        region: region.unwrap_or_default(),
        site,
        fault: read_fault(&mut v, ticket.fault.as_ref()),
        impact: grade(&mut v, "ticket.impact", ticket.impact),
        urgency: grade(&mut v, "ticket.urgency", ticket.urgency),
        queue: v.optional_text("ticket.queue", &ticket.queue, 64),
        external_key: v.optional_text("ticket.external_key", &ticket.external_key, 128),
        at: v.occur_time(request.occur_time.as_ref(), now, SKEW),
    };
    v.check()?;
    Ok(new)
}

fn grade(v: &mut Violations, field: &str, value: i32) -> i16 {
    match value {
        0 => 2,
        1..=3 => i16::try_from(value).unwrap_or(2),
        _ => {
            v.add(field, "is 1 (high) to 3 (low)");
            2
        }
    }
}

fn read_site(v: &mut Violations, site: &kinds::Site) -> Option<Site> {
    let address = site.address.clone().unwrap_or_default();
    let country = v.text(
        "ticket.site.address.region_code",
        &address.region_code,
        2..=2,
    );
    let two = country.chars().count() == 2;
    if two && !country.bytes().all(|b| b.is_ascii_uppercase()) {
        v.add(
            "ticket.site.address.region_code",
            "is an ISO 3166-1 code in capitals: CN",
        );
    }
    if Position::new(site.latitude, site.longitude).is_none() {
        v.add(
            "ticket.site",
            "latitude and longitude are not within -90 to 90 and -180 to 180",
        );
    }
    if address.address_lines.len() > 5 {
        v.add("ticket.site.address.address_lines", "are at most 5");
    }
    let lines = address
        .address_lines
        .iter()
        .take(5)
        .enumerate()
        .map(|(i, line)| {
            v.text(
                format!("ticket.site.address.address_lines[{i}]"),
                line,
                0..=200,
            )
        });
    let lines = lines.collect();
    let field = "ticket.site.address.administrative_area";
    let area = v.text(field, &address.administrative_area, 0..=100);
    let city = v.text("ticket.site.address.locality", &address.locality, 0..=100);
    let field = "ticket.site.address.postal_code";
    let postal_code = v.text(field, &address.postal_code, 0..=20);
    v.zone("ticket.site.time_zone", &site.time_zone)?;
    Some(Site {
        country,
        area,
        city,
        lines,
        postal_code,
        latitude: site.latitude,
        longitude: site.longitude,
        time_zone: site.time_zone.clone(),
    })
}

fn read_fault(v: &mut Violations, fault: Option<&pb::FaultReport>) -> Fault {
    let empty = pb::FaultReport::default();
    let fault = fault.unwrap_or(&empty);
    Fault {
        component: code(v, "ticket.fault.component", &fault.component),
        symptom: code(v, "ticket.fault.symptom", &fault.symptom),
        cause: code(v, "ticket.fault.cause", &fault.cause),
    }
}

/// An upper snake case code of at most 40 characters, or nothing.
fn code(v: &mut Violations, field: &str, value: &str) -> String {
    let fits = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if value.len() > 40 || !value.bytes().all(fits) {
        v.add(
            field,
            "is a code of at most 40 of A-Z, 0-9 and _: MAINBOARD",
        );
    }
    value.to_owned()
}

/// When and with what words a verb was done.
pub struct Occurrence {
    /// World time.
    pub at: Timestamp,
    /// The ticket.
    pub ticket: Uuid,
}

impl Occurrence {
    /// Reads the fields every verb has; `v` may hold what the verb's own fields did wrong.
    pub fn read(
        mut v: Violations,
        name: &str,
        occur_time: Option<&prost_types::Timestamp>,
        now: Timestamp,
    ) -> Result<Occurrence, Refusal> {
        let ticket = v.resource("name", name, TICKETS);
        let at = v.occur_time(occur_time, now, SKEW);
        let ticket = v.finish(ticket)?;
        Ok(Occurrence { at, ticket })
    }
}

/// A pause reason that a caller may give.
pub fn pause_reason(v: &mut Violations, reason: pb::ticket::PauseReason) -> PauseReason {
    use pb::ticket::PauseReason as Pb;
    match reason {
        Pb::WaitingCustomer => PauseReason::WaitingCustomer,
        Pb::WaitingPart => PauseReason::WaitingPart,
        Pb::WaitingSiteAccess => PauseReason::WaitingSiteAccess,
        Pb::HeldByUs => PauseReason::HeldByUs,
        Pb::WaitingRegistration => PauseReason::WaitingRegistration,
        Pb::Unspecified => {
            v.add("reason", "is required: WAITING_CUSTOMER, WAITING_PART, …");
            PauseReason::HeldByUs
        }
    }
}

/// The changes an update asks for, by field.
pub fn read_update(
    request: &pb::UpdateTicketRequest,
    now: Timestamp,
) -> Result<(Occurrence, BTreeMap<&'static str, String>), Refusal> {
    let mut v = Violations::new();
    let ticket = request.ticket.clone().unwrap_or_default();
    let paths = request.update_mask.clone().unwrap_or_default().paths;
    if paths.is_empty() {
        v.add(
            "update_mask",
            "is required: any of title, description, impact, urgency, queue",
        );
    }
    let mut changes = BTreeMap::new();
    for path in &paths {
        let (field, value) = match path.as_str() {
            "title" => ("title", v.text("ticket.title", &ticket.title, 1..=200)),
            "description" => (
                "description",
                v.text("ticket.description", &ticket.description, 0..=8_000),
            ),
            "impact" => (
                "impact",
                grade(&mut v, "ticket.impact", ticket.impact).to_string(),
            ),
            "urgency" => (
                "urgency",
                grade(&mut v, "ticket.urgency", ticket.urgency).to_string(),
            ),
            "queue" => ("queue", v.text("ticket.queue", &ticket.queue, 1..=64)),
            other => {
                v.add("update_mask", format!("\"{other}\" cannot be changed"));
                continue;
            }
        };
        changes.insert(field, value);
    }
    let id = v.resource("ticket.name", &ticket.name, TICKETS);
    let at = v.occur_time(request.occur_time.as_ref(), now, SKEW);
    let ticket = v.finish(id)?;
    Ok((Occurrence { at, ticket }, changes))
}

/// What a list selects of what its caller may see.
pub fn read_filter(request: &pb::ListTicketsRequest, sight: Sight) -> Result<Filter, Refusal> {
    let mut v = Violations::new();
    let mut states = Vec::new();
    for (i, number) in request.states.iter().enumerate() {
        match pb::ticket::State::try_from(*number) {
            Ok(state) if state != pb::ticket::State::Unspecified => {
                states.push(state.as_str_name().to_owned());
            }
            _ => v.add(format!("states[{i}]"), "is no state of a ticket"),
        }
    }
    let filter = Filter {
        serial_number: v.optional_text("serial_number", &request.serial_number, 64),
        party: v.optional_resource("party", &request.party, "parties"),
        region: v.optional_text("region", &request.region, 64),
        states,
        due_before: v.instant("due_before", request.due_before.as_ref()),
        external_key: v.optional_text("external_key", &request.external_key, 128),
        needs_attention: request.needs_attention,
        sight,
    };
    v.check()?;
    Ok(filter)
}
