//! Bringing pieces in and correcting counts; those who wait are served at once.

use chassis::Refusal;
use chassis::db::Tx;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::domain::ledger::{self, Movement};
use crate::domain::stock::{Part, location_name, part_name};
use crate::promotion::Turn;
use crate::store::ledger::Cause;
use crate::store::{catalogue, levels, serials, waiting};
use crate::{error, events};

/// Pieces of a part that come to a location, or leave it.
#[derive(Clone, derive_more::Debug, PartialEq, Eq)]
pub struct Supply {
    /// Location code.
    pub location: String,
    /// Part number.
    pub part: String,
    /// Pieces; of a correction, negative when they are gone.
    pub quantity: i64,
    /// Serial numbers of the pieces, for serialised parts.
    pub serials: Vec<String>,
    /// Delivery note, order or reason.
    #[debug("[personal]")]
    pub reference: String,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// Books a delivery in and tells `part.arrived`.
///
/// Refuses `NOT_FOUND`, `SERIALS_MISMATCH`, `SERIAL_EXISTS`.
pub async fn receive(
    tx: &mut Tx,
    supply: &Supply,
    hold_for: SignedDuration,
) -> Result<(Uuid, Movement), Refusal> {
    let tenant = tx.tenant().clone();
    let part = known(tx, supply).await?;
    let expected = if part.serialised { supply.quantity } else { 0 };
    if i64::try_from(supply.serials.len()) != Ok(expected) {
        return Err(error::serials_mismatch(
            supply.quantity,
            supply.serials.len(),
        ));
    }
    levels::ensure(tx, &tenant, &supply.part, &supply.location).await?;
    let movement = ledger::receipt(&supply.part, (&supply.location, supply.quantity));
    let (turn, booked) = book(tx, supply, movement).await?;
    if part.serialised {
        let (number, location, given) = (&supply.part, &supply.location, &supply.serials);
        let at = supply.occurred_at;
        let taken = serials::receive(tx, &tenant, number, location, given, at).await?;
        if let Some(serial) = taken.first() {
            return Err(error::serial_exists(serial));
        }
    }
    let arrival = waiting::count_arrival(tx, &tenant, &supply.part).await?;
    events::tell_arrival(tx, supply, arrival);
    turn.serve(tx, supply.occurred_at, hold_for, None).await?;
    Ok(booked)
}

/// Corrects a count of pieces without serial numbers.
///
/// Refuses `NOT_FOUND`, `INVALID_FIELDS` (a serialised part), `STOCK_TOO_LOW`.
pub async fn adjust(
    tx: &mut Tx,
    supply: &Supply,
    hold_for: SignedDuration,
) -> Result<(Uuid, Movement), Refusal> {
    let tenant = tx.tenant().clone();
    let part = known(tx, supply).await?;
    if part.serialised {
        let mut violations = chassis::Violations::new();
        violations.add("part", "is serialised: its pieces are counted one by one");
        return Err(Refusal::invalid(violations));
    }
    if supply.quantity > 0 {
        levels::ensure(tx, &tenant, &supply.part, &supply.location).await?;
    }
    let movement = ledger::adjustment(&supply.part, (&supply.location, supply.quantity));
    let (turn, booked) = book(tx, supply, movement).await?;
    turn.serve(tx, supply.occurred_at, hold_for, None).await?;
    Ok(booked)
}

async fn known(tx: &mut Tx, supply: &Supply) -> Result<Part, Refusal> {
    let tenant = tx.tenant().clone();
    if !catalogue::has_location(tx, &tenant, &supply.location).await? {
        return Err(Refusal::not_found(&location_name(&supply.location)));
    }
    let part = catalogue::part(tx, &tenant, &supply.part).await?;
    part.ok_or_else(|| Refusal::not_found(&part_name(&supply.part)))
}

/// Locks, checks that nothing becomes negative, and books.
async fn book(
    tx: &mut Tx,
    supply: &Supply,
    movement: Movement,
) -> Result<(Turn, (Uuid, Movement)), Refusal> {
    let tenant = tx.tenant().clone();
    let places = [(supply.part.clone(), supply.location.clone())];
    let freed = if supply.quantity > 0 {
        vec![supply.part.clone()]
    } else {
        Vec::new()
    };
    let mut turn = Turn::begin(tx, &freed, &places).await?;
    let available = turn.available(&supply.part, &supply.location);
    if available + supply.quantity < 0 {
        return Err(error::stock_too_low(available, supply.quantity));
    }
    let (occurred_at, now) = (supply.occurred_at, tx.now());
    let cause = Cause {
        subject: "",
        reference: &supply.reference,
        occurred_at,
        now,
    };
    let booked = [(tx.ids().v7(), movement)];
    crate::store::ledger::post(tx, &tenant, cause, &booked).await?;
    turn.count(&booked);
    let [booked] = booked;
    Ok((turn, booked))
}
