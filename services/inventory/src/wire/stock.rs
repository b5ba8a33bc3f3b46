//! Locations, levels and movements on the wire.

use chassis::refusal::to_pb as instant;
use chassis::{Position, Refusal, Violations, names};
use jiff::Timestamp;
use proto::inventory::v1 as pb;
use proto::inventory::v1::stock_location::Kind;
use uuid::Uuid;

use super::{SKEW, coded, location_of, optional_part, part_of, serials};
use crate::domain::ledger::Movement;
use crate::domain::stock::{Location, location_name, part_name};
use crate::receiving::Supply;
use crate::store::ledger::Booked;
use crate::store::levels::Balance;

/// Pieces of one receipt or correction, at most.
const MOST_PIECES: i64 = 1_000_000;

/// Reads a location to be added.
pub fn location(given: Option<&pb::StockLocation>) -> Result<Location, Refusal> {
    let mut violations = Violations::new();
    let Some(given) = given else {
        violations.add("stock_location", "is required");
        return violations.finish(None);
    };
    let code = violations.text("stock_location.code", &given.code, 1..=40);
    if !code.is_empty() && code.len() <= 40 && !coded(&code, b"-") {
        let what = "holds other characters than A-Z, 0-9 and \"-\"";
        violations.add("stock_location.code", what);
    }
    let kind = Kind::try_from(given.kind).unwrap_or(Kind::Unspecified);
    if kind == Kind::Unspecified {
        violations.add("stock_location.kind", "is required");
    }
    let title = violations.text("stock_location.title", &given.title, 1..=200);
    let region = violations.optional_text("stock_location.region", &given.region, 64);
    let position = Position::new(given.latitude, given.longitude);
    if position.is_none() {
        let what = "is not within -90 to 90 and -180 to 180 degrees";
        violations.add("stock_location.latitude", what);
    }
    let made = position.map(|position| Location {
        code,
        kind: kind.as_str_name().to_owned(),
        title,
        position,
        region: region.unwrap_or_default(),
    });
    violations.finish(made)
}

/// A location as the contract says it.
pub fn location_to_pb(location: Location) -> pb::StockLocation {
    pb::StockLocation {
        name: location_name(&location.code),
        code: location.code,
        kind: Kind::from_str_name(&location.kind)
            .unwrap_or(Kind::Unspecified)
            .into(),
        title: location.title,
        latitude: location.position.lat(),
        longitude: location.position.lng(),
        region: location.region,
    }
}

/// Reads a receipt.
pub fn receipt(given: &pb::ReceiveStockRequest, now: Timestamp) -> Result<Supply, Refusal> {
    let mut violations = Violations::new();
    let location = location_of(&mut violations, "location", &given.location);
    let part = part_of(&mut violations, "part", &given.part);
    if !(1..=MOST_PIECES).contains(&given.quantity) {
        violations.add("quantity", format!("is not within 1 to {MOST_PIECES}"));
    }
    let serials = serials(&mut violations, "serial_numbers", &given.serial_numbers);
    let reference = violations.optional_text("reference", &given.reference, 128);
    let occurred_at = violations.occur_time(given.occur_time.as_ref(), now, SKEW);
    violations.finish(Some(Supply {
        location,
        part,
        quantity: given.quantity,
        serials,
        reference: reference.unwrap_or_default(),
        occurred_at,
    }))
}

/// Reads a correction.
pub fn correction(given: &pb::AdjustStockRequest, now: Timestamp) -> Result<Supply, Refusal> {
    let mut violations = Violations::new();
    let location = location_of(&mut violations, "location", &given.location);
    let part = part_of(&mut violations, "part", &given.part);
    if given.delta == 0 || !(-MOST_PIECES..=MOST_PIECES).contains(&given.delta) {
        violations.add(
            "delta",
            format!("is 0 or not within -{MOST_PIECES} to {MOST_PIECES}"),
        );
    }
    let reference = violations.text("reason", &given.reason, 1..=200);
    let occurred_at = violations.occur_time(given.occur_time.as_ref(), now, SKEW);
    violations.finish(Some(Supply {
        location,
        part,
        quantity: given.delta,
        serials: Vec::new(),
        reference,
        occurred_at,
    }))
}

/// Part number and location code to filter levels by; empty: any.
pub fn level_filter(given: &pb::GetStockLevelsRequest) -> Result<(String, String), Refusal> {
    let mut violations = Violations::new();
    let part = optional_part(&mut violations, "part", &given.part);
    let location = match given.location.is_empty() {
        true => String::new(),
        false => location_of(&mut violations, "location", &given.location),
    };
    violations.finish(Some((part, location)))
}

/// Part number and subject to filter movements by; empty: any.
pub fn movement_filter(given: &pb::ListStockMovementsRequest) -> Result<(String, String), Refusal> {
    let mut violations = Violations::new();
    let part = optional_part(&mut violations, "part", &given.part);
    let subject = violations.optional_text("subject", &given.subject, 200);
    violations.finish(Some((part, subject.unwrap_or_default())))
}

/// A balance as the contract says it.
pub fn level_to_pb(balance: &Balance) -> pb::StockLevel {
    pb::StockLevel {
        part: part_name(&balance.part),
        location: location_name(&balance.location),
        available: balance.available,
        held: balance.held,
    }
}

/// A movement just booked as the contract says it.
pub fn movement_to_pb(id: Uuid, movement: &Movement, supply: &Supply) -> pb::StockMovement {
    let entries = movement.entries.iter().map(|(account, quantity)| {
        let (account, location) = account.parts();
        entry(account, location, *quantity)
    });
    pb::StockMovement {
        name: names::name("stockMovements", id),
        kind: movement.kind.name().to_owned(),
        part: part_name(&movement.part),
        entries: entries.collect(),
        subject: String::new(),
        time: Some(instant(supply.occurred_at)),
        reference: supply.reference.clone(),
    }
}

/// A movement of the ledger as the contract says it.
pub fn booked_to_pb(booked: Booked) -> pb::StockMovement {
    let entries = booked.entries.iter();
    let entries = entries.map(|(account, at, quantity)| entry(account, at.as_deref(), *quantity));
    pb::StockMovement {
        name: names::name("stockMovements", booked.id),
        entries: entries.collect(),
        kind: booked.kind,
        part: part_name(&booked.part),
        subject: booked.subject,
        time: Some(instant(booked.occurred_at)),
        reference: booked.reference,
    }
}

fn entry(account: &str, location: Option<&str>, quantity: i64) -> pb::stock_movement::Entry {
    let account = match location {
        Some(code) => format!("{}/{account}", location_name(code)),
        None => account.to_owned(),
    };
    pb::stock_movement::Entry { account, quantity }
}
