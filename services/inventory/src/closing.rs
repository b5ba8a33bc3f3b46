//! Ending a reservation: released, expired, or settled after the repair.

use chassis::Refusal;
use chassis::db::Tx;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::domain::ledger::Movement;
use crate::domain::reservation::{Line, Reservation, State, Verb};
use crate::domain::settle::{Settlement, Used, settle};
use crate::promotion::Turn;
use crate::store::ledger::{self, Cause};
use crate::store::reservations;
use crate::store::serials::{self, Repair};
use crate::wire::reservation as wire;
use crate::{error, events, reserving};

/// How and why a reservation ends.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// Commit, release or expire.
    pub verb: Verb,
    /// `workOrders/{uuid}` that used the parts; empty: none.
    pub work_order: &'a str,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// How long those who are served next may hold.
    pub hold_for: SignedDuration,
}

/// Ends a locked reservation: books what was used and what is free again, tells it, and serves
/// those who wait for what is free. `settlement` is that of its lines.
///
/// Refuses `ILLEGAL_MOVE`.
pub async fn close(
    tx: &mut Tx,
    reservation: &mut Reservation,
    settlement: &Settlement,
    ending: Ending<'_>,
) -> Result<(), Refusal> {
    let before = reservation.state;
    let after = before.after(ending.verb);
    reservation.state = after.ok_or_else(|| error::illegal_move(before, ending.verb))?;
    if reservation.state == before {
        return Ok(());
    }
    let turn = match before {
        State::Held => Some(give_back(tx, reservation, settlement, ending).await?),
        _ => None,
    };
    for settled in &settlement.lines {
        let same = |l: &&mut Line| l.position == settled.line.position;
        if let Some(line) = reservation.lines.iter_mut().find(same) {
            line.used = settled.used;
        }
    }
    reservation.note(settlement.findings.clone());
    let tenant = tx.tenant().clone();
    reservation.version = reservations::close(tx, &tenant, reservation, &settlement.lines).await?;
    events::tell(
        tx,
        events::kind_of_end(reservation.state),
        reservation,
        ending.occurred_at,
    );
    if let Some(turn) = turn {
        turn.serve(tx, ending.occurred_at, ending.hold_for, None)
            .await?;
    }
    Ok(())
}

/// Books the settlement; returns the turn of those who wait for what is free again.
async fn give_back(
    tx: &mut Tx,
    reservation: &Reservation,
    settlement: &Settlement,
    ending: Ending<'_>,
) -> Result<Turn, Refusal> {
    let tenant = tx.tenant().clone();
    let held = reservation.lines.iter();
    let places = held.filter_map(|l| Some((l.part.clone(), l.location.clone()?)));
    let places: Vec<(String, String)> = places.collect();
    let mut turn = Turn::begin(tx, &settlement.freed(), &places).await?;

    let booked = settlement
        .movements()
        .into_iter()
        .map(|m| (tx.ids().v7(), m));
    let movements: Vec<(Uuid, Movement)> = booked.collect();
    let (subject, reference) = (reservation.ticket_name(), reservation.name());
    let (occurred_at, now) = (ending.occurred_at, tx.now());
    let cause = Cause {
        subject: &subject,
        reference: &reference,
        occurred_at,
        now,
    };
    ledger::post(tx, &tenant, cause, &movements).await?;
    turn.count(&movements);
    settle_pieces(tx, reservation, settlement, ending).await?;
    Ok(turn)
}

async fn settle_pieces(
    tx: &mut Tx,
    reservation: &Reservation,
    settlement: &Settlement,
    ending: Ending<'_>,
) -> Result<(), Refusal> {
    let tenant = tx.tenant().clone();
    let lines = settlement.lines.iter();
    let pieces = lines
        .clone()
        .flat_map(|s| s.line.serials.iter().map(|n| (&*s.line.part, &**n)));
    let held: Vec<(&str, &str)> = pieces.collect();
    let pieces = lines.flat_map(|s| s.used_serials.iter().map(|n| (&*s.line.part, &**n)));
    let used: Vec<(&str, &str)> = pieces.collect();
    if !held.is_empty() {
        let settled = serials::settle(tx, &tenant, reservation.id, &held, &used).await?;
        if usize::try_from(settled) != Ok(held.len()) {
            return Err(Refusal::internal(
                "a held piece is not held by its reservation",
            ));
        }
    }
    if let Some(ticket) = reservation.ticket
        && !settlement.swaps.is_empty()
    {
        let swaps: Vec<_> = settlement
            .swaps
            .iter()
            .map(|swap| (tx.ids().v7(), swap))
            .collect();
        let (work_order, reservation) = (ending.work_order, reservation.id);
        let (occurred_at, now) = (ending.occurred_at, tx.now());
        let repair = Repair {
            ticket,
            work_order,
            reservation,
            occurred_at,
            now,
        };
        serials::keep_swaps(tx, &tenant, repair, &swaps).await?;
    }
    Ok(())
}

/// Releases a reservation by name, or leaves a tombstone where there is none yet.
pub async fn release(
    tx: &mut Tx,
    id: Uuid,
    occurred_at: Timestamp,
    hold_for: SignedDuration,
) -> Result<Reservation, Refusal> {
    let tenant = tx.tenant().clone();
    let mut found = reservations::lock(tx, &tenant, id).await?;
    if found.is_none() {
        let tombstone = reserving::tombstone(tx, id, occurred_at);
        if reservations::add(tx, &tenant, &tombstone).await? {
            return Ok(tombstone);
        }
        // It was made a moment ago.
        found = reservations::lock(tx, &tenant, id).await?;
    }
    let mut reservation =
        found.ok_or_else(|| Refusal::internal("a taken reservation is nowhere"))?;
    tx.was(&wire::to_pb(&reservation));
    let settlement = settle(&reservation.lines, &[]);
    let ending = Ending {
        verb: Verb::Release,
        work_order: "",
        occurred_at,
        hold_for,
    };
    close(tx, &mut reservation, &settlement, ending).await?;
    Ok(reservation)
}

/// Gives back a reservation whose time is up; none: it was extended or ended meanwhile.
pub async fn expire(
    tx: &mut Tx,
    id: Uuid,
    hold_for: SignedDuration,
) -> Result<Option<Reservation>, Refusal> {
    let tenant = tx.tenant().clone();
    let now = tx.now();
    let found = reservations::lock(tx, &tenant, id).await?;
    let due = |r: &Reservation| r.state == State::Held && r.expire_at.is_some_and(|at| at <= now);
    let Some(mut reservation) = found.filter(due) else {
        return Ok(None);
    };
    let settlement = settle(&reservation.lines, &[]);
    let ending = Ending {
        verb: Verb::Expire,
        work_order: "",
        occurred_at: now,
        hold_for,
    };
    close(tx, &mut reservation, &settlement, ending).await?;
    Ok(Some(reservation))
}

/// Settles by hand: everything said to be used must be held.
///
/// Refuses `NOT_FOUND`, `ILLEGAL_MOVE`, `NOT_HELD`.
pub async fn commit(
    tx: &mut Tx,
    id: Uuid,
    used: &[Used],
    ending: Ending<'_>,
) -> Result<Reservation, Refusal> {
    let tenant = tx.tenant().clone();
    let name = chassis::names::name("reservations", id);
    let found = reservations::lock(tx, &tenant, id).await?;
    let mut reservation = found.ok_or_else(|| Refusal::not_found(&name))?;
    tx.was(&wire::to_pb(&reservation));
    if reservation.state != State::Held {
        return Err(error::illegal_move(reservation.state, Verb::Commit));
    }
    let settlement = settle(&reservation.lines, used);
    if let Some(finding) = settlement.findings.first() {
        return Err(error::not_held(&finding.subject));
    }
    close(tx, &mut reservation, &settlement, ending).await?;
    Ok(reservation)
}
