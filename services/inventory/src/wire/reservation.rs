//! Reservations on the wire.

use std::collections::BTreeSet;

use chassis::clock::step_id;
use chassis::refusal::to_pb as instant;
use chassis::{Caller, Refusal, Violations, etag};
use jiff::{SignedDuration, Timestamp};
use proto::inventory::v1 as pb;
use proto::inventory::v1::reservation::State as PbState;
use proto::kinds::v1 as kinds;
use uuid::Uuid;

use super::{LONGEST_SERIAL, SKEW, part_of};
use crate::domain::finding::{Finding, Verdict};
use crate::domain::reservation::{Line, Reservation, State};
use crate::domain::settle::Used;
use crate::domain::stock::{Place, Wanted, location_name, part_name};
use crate::reserving::Ask;

/// Lines of one reservation, at most.
const MOST_LINES: usize = 50;
/// Pieces of one line, at most.
const MOST_PIECES: i64 = 1_000;
/// How far ahead an expiry may be moved.
const LONGEST_HOLD: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Reads what a step asks for. Without a name the id is that of ticket, step and round.
pub fn ask(
    given: &pb::ReservePartsRequest,
    caller: &Caller,
    now: Timestamp,
) -> Result<Ask, Refusal> {
    let mut violations = Violations::new();
    let id = violations.optional_resource("name", &given.name, "reservations");
    let ticket = violations.resource("ticket", &given.ticket, "tickets");
    let step = violations.text("step", &given.step, 1..=40);
    if given.round < 0 {
        violations.add("round", "is negative");
    }
    let round = given.round.max(1);
    let wanted = wanted(&mut violations, &given.lines);
    let near = violations.position("near", given.near.as_ref());
    let needed_by = violations.instant("needed_by", given.needed_by.as_ref());
    if !(0..=4).contains(&given.priority) {
        violations.add("priority", "is not within 1 to 4, or 0 for 3");
    }
    let priority = if given.priority == 0 {
        3
    } else {
        given.priority
    };
    let region = violations.optional_text("region", &given.region, 64);
    let region = region.or_else(|| caller.region.clone()).unwrap_or_default();
    let occurred_at = violations.occur_time(given.occur_time.as_ref(), now, SKEW);
    let asked = ticket.map(|ticket| Ask {
        id: id.unwrap_or_else(|| step_id(&caller.tenant, ticket, &step, round.unsigned_abs())),
        ticket,
        step,
        round,
        wanted,
        place: Place { near, region },
        needed_by,
        priority: i16::try_from(priority).unwrap_or(3),
        occurred_at,
    });
    violations.finish(asked)
}

fn wanted(violations: &mut Violations, lines: &[pb::reserve_parts_request::Line]) -> Vec<Wanted> {
    if lines.is_empty() {
        violations.add("lines", "is required");
    }
    if lines.len() > MOST_LINES {
        violations.add("lines", format!("has more than {MOST_LINES} lines"));
    }
    let mut seen = BTreeSet::new();
    let mut wanted = Vec::new();
    for (i, line) in lines.iter().take(MOST_LINES).enumerate() {
        let part = part_of(violations, format!("lines[{i}].part"), &line.part);
        if !part.is_empty() && !seen.insert(part.clone()) {
            violations.add(format!("lines[{i}].part"), "is wanted by another line too");
        }
        if !(1..=MOST_PIECES).contains(&line.quantity) {
            let what = format!("is not within 1 to {MOST_PIECES}");
            violations.add(format!("lines[{i}].quantity"), what);
        }
        wanted.push(Wanted {
            part,
            quantity: line.quantity,
        });
    }
    wanted
}

/// The id in a name.
pub fn id(name: &str) -> Result<Uuid, Refusal> {
    let mut violations = Violations::new();
    let id = violations.resource("name", name, "reservations");
    violations.finish(id)
}

/// Id and instant of a release.
pub fn released(
    given: &pb::ReleaseReservationRequest,
    now: Timestamp,
) -> Result<(Uuid, Timestamp), Refusal> {
    let mut violations = Violations::new();
    let id = violations.resource("name", &given.name, "reservations");
    let occurred_at = violations.occur_time(given.occur_time.as_ref(), now, SKEW);
    violations.finish(id.map(|id| (id, occurred_at)))
}

/// Id and new expiry: in the future, at most 90 days away.
pub fn extended(
    given: &pb::ExtendReservationRequest,
    now: Timestamp,
) -> Result<(Uuid, Timestamp), Refusal> {
    let mut violations = Violations::new();
    let id = violations.resource("name", &given.name, "reservations");
    let expire_at = violations.required_instant("expire_time", given.expire_time.as_ref());
    if expire_at.is_some_and(|at| at <= now) {
        violations.add("expire_time", "is not in the future");
    }
    if expire_at.is_some_and(|at| at.duration_since(now) > LONGEST_HOLD) {
        violations.add("expire_time", "is more than 90 days away");
    }
    violations.finish(id.zip(expire_at))
}

/// Id, parts used and instant of a settlement.
pub fn committed(
    given: &pb::CommitReservationRequest,
    now: Timestamp,
) -> Result<(Uuid, Vec<Used>, Timestamp), Refusal> {
    let mut violations = Violations::new();
    let id = violations.resource("name", &given.name, "reservations");
    if given.parts_used.len() > MOST_LINES {
        violations.add("parts_used", format!("has more than {MOST_LINES} entries"));
    }
    let mut used = Vec::new();
    for (i, one) in given.parts_used.iter().take(MOST_LINES).enumerate() {
        let field = |name: &str| format!("parts_used[{i}].{name}");
        let part = part_of(&mut violations, field("part"), &one.part);
        if !(0..=MOST_PIECES).contains(&one.quantity) {
            violations.add(
                field("quantity"),
                format!("is not within 0 to {MOST_PIECES}"),
            );
        }
        let new = violations.optional_text(field("new_serial"), &one.new_serial, LONGEST_SERIAL);
        let old = violations.optional_text(field("old_serial"), &one.old_serial, LONGEST_SERIAL);
        if new.is_some() && one.quantity > 1 {
            violations.add(field("quantity"), "is more than 1 for one serial number");
        }
        used.push(Used {
            part,
            quantity: one.quantity.max(1),
            new_serial: new.unwrap_or_default(),
            old_serial: old.unwrap_or_default(),
        });
    }
    let occurred_at = violations.occur_time(given.occur_time.as_ref(), now, SKEW);
    violations.finish(id.map(|id| (id, used, occurred_at)))
}

/// Ticket and states to filter by.
pub fn filter(given: &pb::ListReservationsRequest) -> Result<(Option<Uuid>, Vec<State>), Refusal> {
    let mut violations = Violations::new();
    let ticket = violations.optional_resource("ticket", &given.ticket, "tickets");
    let mut states = Vec::new();
    for (i, state) in given.states.iter().enumerate() {
        let known = PbState::try_from(*state)
            .ok()
            .and_then(|s| State::named(s.as_str_name()));
        match known {
            Some(state) => states.push(state),
            None => violations.add(format!("states[{i}]"), "is no state"),
        }
    }
    violations.finish(Some((ticket, states)))
}

/// A reservation as the contract says it.
pub fn to_pb(reservation: &Reservation) -> pb::Reservation {
    let state = PbState::from_str_name(reservation.state.name()).unwrap_or_default();
    pb::Reservation {
        name: reservation.name(),
        state: state.into(),
        ticket: reservation.ticket_name(),
        step: reservation.step.clone(),
        round: reservation.round,
        lines: reservation.lines.iter().map(line).collect(),
        expire_time: reservation.expire_at.map(instant),
        findings: reservation.findings.iter().map(finding).collect(),
        create_time: Some(instant(reservation.created_at)),
        etag: etag::etag(reservation.version),
        needed_by: reservation.needed_by.map(instant),
    }
}

fn line(line: &Line) -> pb::reservation::Line {
    pb::reservation::Line {
        part: part_name(&line.part),
        quantity: line.quantity,
        location: line
            .location
            .as_deref()
            .map(location_name)
            .unwrap_or_default(),
        serial_numbers: line.serials.clone(),
        used: line.used,
    }
}

fn finding(finding: &Finding) -> kinds::Finding {
    let verdict = match finding.verdict {
        Verdict::Met => kinds::finding::Verdict::Met,
        Verdict::NotMet => kinds::finding::Verdict::NotMet,
        Verdict::Noted => kinds::finding::Verdict::Noted,
    };
    let argument = |(name, value): &(String, String)| kinds::finding::Argument {
        name: name.clone(),
        value: value.clone(),
    };
    let measure = |(name, value, unit): &(String, i64, String)| kinds::finding::Measure {
        name: name.clone(),
        value: *value,
        unit: unit.clone(),
    };
    kinds::Finding {
        code: finding.code.name().to_owned(),
        verdict: verdict.into(),
        subject: finding.subject.clone(),
        arguments: finding.arguments.iter().map(argument).collect(),
        numbers: finding.numbers.iter().map(measure).collect(),
        source: None,
        message: finding.sentence(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Code;

    #[test]
    fn every_finding_and_state_has_its_name_in_the_contract() {
        for code in Code::ALL {
            assert!(
                pb::FindingCode::from_str_name(code.name()).is_some(),
                "{code:?}"
            );
        }
        for state in State::ALL {
            assert!(PbState::from_str_name(state.name()).is_some(), "{state:?}");
        }
    }
}
