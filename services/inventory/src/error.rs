//! Situations of the inventory that a caller can act on; domain "inventory.fettle".

use chassis::Refusal;
use proto::inventory::v1::ErrorReason;
use tonic::Code;

use crate::domain::reservation::{State, Verb};
use crate::domain::stock::{location_name, part_name};

const DOMAIN: &str = "inventory.fettle";

fn refusal(code: Code, reason: ErrorReason, message: impl Into<String>) -> Refusal {
    Refusal::new(code, DOMAIN, reason, message)
}

/// `PART_EXISTS`.
pub fn part_exists(number: &str) -> Refusal {
    let name = part_name(number);
    let message = format!("{name} is catalogued already");
    refusal(Code::AlreadyExists, ErrorReason::PartExists, message).with("name", name)
}

/// `LOCATION_EXISTS`.
pub fn location_exists(code: &str) -> Refusal {
    let name = location_name(code);
    let message = format!("{name} exists already");
    refusal(Code::AlreadyExists, ErrorReason::LocationExists, message).with("name", name)
}

/// `SERIALS_MISMATCH`: as many serial numbers as pieces, or none where the part has none.
pub fn serials_mismatch(quantity: i64, serials: usize) -> Refusal {
    let message = format!("{serials} serial numbers do not fit {quantity} pieces of this part");
    refusal(Code::InvalidArgument, ErrorReason::SerialsMismatch, message)
        .with("quantity", quantity)
        .with("serials", serials)
}

/// `SERIAL_EXISTS`.
pub fn serial_exists(serial: &str) -> Refusal {
    let message = format!("serial number {serial} of this part is in the ledger already");
    refusal(Code::AlreadyExists, ErrorReason::SerialExists, message).with("serial_number", serial)
}

/// `STOCK_TOO_LOW`.
pub fn stock_too_low(available: i64, delta: i64) -> Refusal {
    let message = format!(
        "{available} are available, {} cannot be taken away",
        delta.abs()
    );
    refusal(Code::FailedPrecondition, ErrorReason::StockTooLow, message)
        .with("available", available)
        .with("delta", delta)
}

/// `RESERVATION_WITHDRAWN`.
pub fn withdrawn(name: &str) -> Refusal {
    let message = format!("{name} was released before it was made");
    refusal(
        Code::FailedPrecondition,
        ErrorReason::ReservationWithdrawn,
        message,
    )
    .with("name", name)
}

/// `ILLEGAL_MOVE`.
pub fn illegal_move(state: State, verb: Verb) -> Refusal {
    let verb = match verb {
        Verb::Extend => "extend",
        Verb::Commit => "commit",
        Verb::Release => "release",
        Verb::Expire => "expire",
        Verb::Promote => "promote",
    };
    let message = format!("a reservation that is {} takes no {verb}", state.name());
    refusal(Code::FailedPrecondition, ErrorReason::IllegalMove, message)
        .with("state", state.name())
        .with("verb", verb)
}

/// `NOT_HELD`.
pub fn not_held(part: &str) -> Refusal {
    let message = format!("{part} is not held like this by the reservation");
    refusal(Code::FailedPrecondition, ErrorReason::NotHeld, message).with("part", part)
}
