//! What the inventory tells, and what it hears: a finished visit settles its reservation; an erased
//! ticket is noted.

use chassis::Refusal;
use chassis::db::Tx;
use chassis::erasure;
use chassis::inbox::{Consumer, Delivered};
use chassis::names;
use chassis::outbox::Event;
use chassis::refusal::to_pb;
use jiff::{SignedDuration, Timestamp};
use prost::Message;
use proto::dispatch::v1::WorkOrderEventPayload;
use proto::inventory::v1::{PartArrivedPayload, PartUsed, ReservationEventPayload};
use proto::kinds::v1::ErrorReason;
use tonic::Code;

use crate::closing::{self, Ending};
use crate::domain::reservation::{Reservation, State, Verb};
use crate::domain::settle::{Used, settle};
use crate::domain::stock::{location_name, part_name};
use crate::receiving::Supply;
use crate::store::reservations;
use crate::wire;

/// Tells what became of a reservation.
pub fn tell(tx: &mut Tx, kind: &'static str, reservation: &Reservation, occurred_at: Timestamp) {
    let payload = ReservationEventPayload {
        reservation: Some(wire::reservation::to_pb(reservation)),
        time: Some(to_pb(occurred_at)),
    };
    let (name, version) = (reservation.name(), reservation.version);
    tx.tell(Event::new(kind, name, version, occurred_at, &payload));
}

/// The event that tells of the end of a reservation.
pub fn kind_of_end(state: State) -> &'static str {
    match state {
        State::Committed => "reservation.committed",
        State::Expired => "reservation.expired",
        State::Released | State::Held | State::Backordered => "reservation.released",
    }
}

/// Tells `part.arrived`; `arrival` counts the part's receipts.
pub fn tell_arrival(tx: &mut Tx, supply: &Supply, arrival: i64) {
    let payload = PartArrivedPayload {
        part: part_name(&supply.part),
        location: location_name(&supply.location),
        quantity: supply.quantity,
    };
    let at = supply.occurred_at;
    tx.tell(Event::new(
        "part.arrived",
        part_name(&supply.part),
        arrival,
        at,
        &payload,
    ));
}

/// Settles reservations when visits end.
#[derive(Debug)]
pub struct Settling {
    /// How long those who are served from what was not used may hold.
    pub hold_for: SignedDuration,
}

#[tonic::async_trait]
impl Consumer for Settling {
    fn name(&self) -> &'static str {
        "inventory"
    }

    fn hears(&self) -> &'static [(&'static str, &'static [&'static str])] {
        &[
            (
                "dispatch",
                &["work_order.completed", "work_order.incomplete"],
            ),
            ("ticket", &["ticket.erased"]),
        ]
    }

    async fn handle(&self, tx: &mut Tx, event: &Delivered) -> Result<(), Refusal> {
        if event.kind == "ticket.erased" {
            return erasure::record(tx, &event.aggregate).await;
        }
        let payload = WorkOrderEventPayload::decode(event.payload.clone())
            .map_err(|error| unreadable(event, &error.to_string()))?;
        let visit = payload
            .work_order
            .ok_or_else(|| unreadable(event, "names no work order"))?;
        if visit.reservation.is_empty() {
            return Ok(());
        }
        let id = names::parse("reservations", &visit.reservation)
            .ok_or_else(|| unreadable(event, "names no reservation"))?;
        let used: Vec<Used> = visit.parts_used.iter().map(heard).collect();
        let tenant = tx.tenant().clone();
        let Some(mut reservation) = reservations::lock(tx, &tenant, id).await? else {
            let name = visit.reservation;
            tracing::warn!(%tenant, %name, "a visit used parts of a reservation that is not there");
            return Ok(());
        };
        let ending = Ending {
            verb: Verb::Commit,
            work_order: &visit.name,
            occurred_at: event.occurred_at,
            hold_for: self.hold_for,
        };
        settle_visit(tx, &mut reservation, &used, ending).await
    }
}

/// A fact cannot be refused: what does not fit what is held becomes findings.
async fn settle_visit(
    tx: &mut Tx,
    reservation: &mut Reservation,
    used: &[Used],
    ending: Ending<'_>,
) -> Result<(), Refusal> {
    let tenant = tx.tenant().clone();
    match reservation.state {
        State::Committed => Ok(()),
        State::Held | State::Backordered => {
            let settlement = settle(&reservation.lines, used);
            closing::close(tx, reservation, &settlement, ending).await
        }
        State::Released | State::Expired => {
            let nothing_held = settle(&[], used);
            if !nothing_held.findings.is_empty() {
                reservation.note(nothing_held.findings);
                reservations::close(tx, &tenant, reservation, &[]).await?;
            }
            Ok(())
        }
    }
}

/// A part as the technician reported it, read without refusing anything.
fn heard(used: &PartUsed) -> Used {
    let number = used.part.strip_prefix("parts/").unwrap_or(&used.part);
    Used {
        part: number.to_owned(),
        quantity: used.quantity.max(1),
        new_serial: used.new_serial.trim().to_owned(),
        old_serial: used.old_serial.trim().to_owned(),
    }
}

fn unreadable(event: &Delivered, why: &str) -> Refusal {
    let message = format!("{} of {}: {why}", event.kind, event.aggregate);
    Refusal::new(
        Code::InvalidArgument,
        "type.fettle",
        ErrorReason::InvalidFields,
        message,
    )
}
