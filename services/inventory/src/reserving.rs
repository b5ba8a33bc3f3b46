//! Reserving parts: a quick way when enough is free, a careful one when it is not.
//!
//! The quick way guesses an allocation from an unlocked read, locks only the levels it takes from
//! and checks them again. When the guess was wrong, or somebody waits for one of the parts, the
//! transaction is given up and the careful way begins anew: the reservation joins the queue of
//! its parts under their locks, and the queue decides ([`crate::promotion`]).

use chassis::db::{Db, Tx};
use chassis::{Refusal, TenantId};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::domain::allocate::{Allocation, Allotted, allocate};
use crate::domain::finding::{Code, Finding, Verdict};
use crate::domain::reservation::{Reservation, State, waiting_lines};
use crate::domain::stock::{Place, Wanted, part_name};
use crate::promotion::{self, Turn};
use crate::store::{levels, reservations, waiting};
use crate::{error, events};

/// What a step of a ticket asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Chosen by the caller, or computed from ticket, step and round.
    pub id: Uuid,
    /// The ticket.
    pub ticket: Uuid,
    /// Its process step.
    pub step: String,
    /// Its round, from 1.
    pub round: i32,
    /// 1 to 50 lines, each part once.
    pub wanted: Vec<Wanted>,
    /// Where the parts are needed.
    pub place: Place,
    /// Latest instant at which they are needed.
    pub needed_by: Option<Timestamp>,
    /// 1 critical to 4 low.
    pub priority: i16,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// An allocation that was possible a moment ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    lines: Vec<Allotted>,
    findings: Vec<Finding>,
}

/// Looks at the stock without a lock; none: only the careful way can tell.
///
/// Refuses `NOT_FOUND` for a part that is not catalogued.
pub async fn guess(db: &Db, tenant: &TenantId, ask: &Ask) -> Result<Option<Guess>, Refusal> {
    let mut read = db.read(tenant).await?;
    let (parts, levels) = levels::outlook(&mut read, tenant, &ask.wanted, &ask.place).await?;
    read.done();
    if let Some(unknown) = parts.iter().find(|part| !part.known) {
        return Err(Refusal::not_found(&part_name(&unknown.part)));
    }
    if parts.iter().any(|part| part.awaited) {
        return Ok(None);
    }
    Ok(match allocate(&ask.wanted, &levels, &ask.place) {
        Allocation::Held { lines, findings } => Some(Guess { lines, findings }),
        Allocation::Backorder { .. } => None,
    })
}

/// Reserves in the given transaction; none: the guess was wrong, and the transaction must be
/// given up. Without a guess there is always an answer.
///
/// Refuses `RESERVATION_WITHDRAWN` and an id that belongs to another step (`ALREADY_EXISTS`).
pub async fn reserve(
    tx: &mut Tx,
    ask: &Ask,
    guess: Option<Guess>,
    hold_for: SignedDuration,
) -> Result<Option<Reservation>, Refusal> {
    let tenant = tx.tenant().clone();
    let mut reservation = begun(tx, ask);
    match guess {
        Some(guess) => {
            reservation.state = State::Held;
            reservation.expire_at = Some(tx.now() + hold_for);
            reservation.findings = guess.findings;
            if !reservations::add(tx, &tenant, &reservation).await? {
                return first_answer(tx, ask).await.map(Some);
            }
            if !levels::lock_allotted(tx, &tenant, &guess.lines).await? {
                return Ok(None);
            }
            promotion::set_aside(tx, &mut reservation, &guess.lines, ask.occurred_at).await?;
            events::tell(tx, "reservation.held", &reservation, ask.occurred_at);
        }
        None => {
            if !reservations::add(tx, &tenant, &reservation).await? {
                return first_answer(tx, ask).await.map(Some);
            }
            reservation = queue_up(tx, ask, reservation, hold_for).await?;
        }
    }
    Ok(Some(reservation))
}

/// Joins the queues of its parts; they may serve it at once.
async fn queue_up(
    tx: &mut Tx,
    ask: &Ask,
    mut reservation: Reservation,
    hold_for: SignedDuration,
) -> Result<Reservation, Refusal> {
    let tenant = tx.tenant().clone();
    waiting::add_lines(tx, &tenant, reservation.id, &reservation.lines).await?;
    let findings = match Turn::join(tx, &reservation).await? {
        Ok(turn) => {
            let came = turn
                .serve(tx, ask.occurred_at, hold_for, Some(reservation.id))
                .await?;
            match came {
                Some(came) => {
                    reservation = came;
                    None
                }
                // Too many wait before it for the queue to have looked this far.
                None => Some(behind(&ask.wanted)),
            }
        }
        Err(short) => Some(short),
    };
    if let Some(findings) = findings {
        reservation.findings = findings;
        let written = reservations::written(&reservation.findings);
        waiting::explain(tx, &tenant, reservation.id, &written).await?;
    }
    if reservation.state == State::Backordered {
        events::tell(tx, "reservation.backordered", &reservation, ask.occurred_at);
    }
    Ok(reservation)
}

fn behind(wanted: &[Wanted]) -> Vec<Finding> {
    let first = |w: &Wanted| {
        Finding::new(Code::OthersFirst, Verdict::NotMet, part_name(&w.part))
            .pieces("wanted", w.quantity)
    };
    wanted.iter().map(first).collect()
}

/// The answer a step had before: the same question has one answer for ever.
async fn first_answer(tx: &mut Tx, ask: &Ask) -> Result<Reservation, Refusal> {
    let tenant = tx.tenant().clone();
    if let Some(found) = reservations::get(tx, &tenant, ask.id).await? {
        if found.ticket.is_none() {
            return Err(error::withdrawn(&found.name()));
        }
        let same =
            (found.ticket, &found.step, found.round) == (Some(ask.ticket), &ask.step, ask.round);
        return if same {
            Ok(found)
        } else {
            Err(Refusal::already_exists(&found.name()))
        };
    }
    let (ticket, step, round) = (ask.ticket, ask.step.as_str(), ask.round);
    let id = reservations::of_step(tx, &tenant, ticket, step, round).await?;
    let id = id.ok_or_else(|| Refusal::internal("a taken reservation is nowhere"))?;
    let found = reservations::get(tx, &tenant, id).await?;
    found.ok_or_else(|| Refusal::internal("a taken reservation is nowhere"))
}

fn begun(tx: &Tx, ask: &Ask) -> Reservation {
    Reservation {
        id: ask.id,
        state: State::Backordered,
        ticket: Some(ask.ticket),
        step: ask.step.clone(),
        round: ask.round,
        priority: ask.priority,
        place: ask.place.clone(),
        needed_by: ask.needed_by,
        expire_at: None,
        lines: waiting_lines(&ask.wanted),
        findings: Vec::new(),
        occurred_at: ask.occurred_at,
        created_at: tx.now(),
        version: 1,
    }
}

/// The tombstone of a reservation that is released before it was made.
pub fn tombstone(tx: &Tx, id: Uuid, occurred_at: Timestamp) -> Reservation {
    Reservation {
        id,
        state: State::Released,
        ticket: None,
        step: String::new(),
        round: 1,
        priority: 4,
        place: Place::default(),
        needed_by: None,
        expire_at: None,
        lines: Vec::new(),
        findings: Vec::new(),
        occurred_at,
        created_at: tx.now(),
        version: 1,
    }
}
