//! Serving those who wait, in the transaction that brings the pieces.
//!
//! A [`Turn`] holds the locks of the parts whose queues move, so at any time one transaction
//! decides about a part's queue; see `domain::queue` for the rule. A turn looks at the first
//! [`MOST_WAITING`] reservations; the sweep ([`crate::workers`]) goes on where it ended.

use chassis::Refusal;
use chassis::db::Tx;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::domain::allocate::{Allocation, Allotted, allocate};
use crate::domain::finding::{Code, Finding, Verdict};
use crate::domain::ledger::{self, At, Movement};
use crate::domain::queue::{self, Waiting};
use crate::domain::reservation::{Line, Reservation, Verb};
use crate::domain::stock::Level;
use crate::events;
use crate::store::ledger::Cause;
use crate::store::{hold, levels, reservations, waiting};

/// Waiting reservations looked at in one turn.
pub const MOST_WAITING: i64 = 50;

/// The queues of some parts, locked, with everything free of these parts.
#[derive(Debug)]
pub struct Turn {
    waiting: Vec<Reservation>,
    levels: Vec<Level>,
}

impl Turn {
    /// Locks the queues of the parts that are `freed`, and the levels at `places`. Without
    /// anything freed nobody's turn comes, and only the levels are locked.
    pub async fn begin(
        tx: &mut Tx,
        freed: &[String],
        places: &[(String, String)],
    ) -> Result<Turn, Refusal> {
        let tenant = tx.tenant().clone();
        let (mut parts, mut waiting) = (Vec::new(), Vec::new());
        if !freed.is_empty() {
            parts = waiting::lock_parts(tx, &tenant, freed).await?;
            let ids = waiting::first(tx, &tenant, &parts, MOST_WAITING).await?;
            if !ids.is_empty() {
                waiting = reservations::get_all(tx, &tenant, &ids).await?;
            }
        }
        let somebody = !waiting.is_empty();
        parts.extend(places.iter().map(|(part, _)| part.clone()));
        let levels = levels::lock(tx, &tenant, &parts, places, somebody).await?;
        Ok(Turn { waiting, levels })
    }

    /// The turn of a reservation that joined the queues of its parts in this transaction; the
    /// findings instead when too little is free for it even if nobody waited. That is the usual
    /// case of a part that is out of stock, and spares reading its queue.
    pub async fn join(
        tx: &mut Tx,
        newcomer: &Reservation,
    ) -> Result<Result<Turn, Vec<Finding>>, Refusal> {
        let tenant = tx.tenant().clone();
        let wanted = newcomer.wanted();
        let own: Vec<String> = wanted.iter().map(|w| w.part.clone()).collect();
        let parts = waiting::lock_parts(tx, &tenant, &own).await?;
        let levels = levels::lock(tx, &tenant, &parts, &[], true).await?;
        let alone = allocate(&wanted, &levels, &newcomer.place);
        if let Allocation::Backorder { findings, .. } = alone {
            return Ok(Err(findings));
        }
        let ids = waiting::first(tx, &tenant, &parts, MOST_WAITING).await?;
        let waiting = reservations::get_all(tx, &tenant, &ids).await?;
        Ok(Ok(Turn { waiting, levels }))
    }

    /// Pieces free of a part at a place.
    pub fn available(&self, part: &str, location: &str) -> i64 {
        let at = self
            .levels
            .iter()
            .find(|l| l.part == part && l.location == location);
        at.map_or(0, |level| level.available)
    }

    /// Counts the pieces that these movements made free.
    pub fn count(&mut self, movements: &[(Uuid, Movement)]) {
        for (_, movement) in movements {
            for (account, quantity) in &movement.entries {
                let ledger::Account::Available(location) = account else {
                    continue;
                };
                let there = |l: &&mut Level| l.part == movement.part && l.location == *location;
                if let Some(level) = self.levels.iter_mut().find(there) {
                    level.available += quantity;
                }
            }
        }
    }

    /// Serves those who wait, and tells each that is held. `newcomer` joined the queue in this
    /// transaction: it is returned as it stands now, and its findings are kept if it waits on.
    pub async fn serve(
        self,
        tx: &mut Tx,
        occurred_at: Timestamp,
        hold_for: SignedDuration,
        newcomer: Option<Uuid>,
    ) -> Result<Option<Reservation>, Refusal> {
        let queue: Vec<Waiting<Uuid>> = self.waiting.iter().map(waits).collect();
        let answers = queue::serve(&queue, self.levels);
        let mut came = None;
        for (mut reservation, answer) in self.waiting.into_iter().zip(answers) {
            let is_newcomer = newcomer == Some(reservation.id);
            match answer.allocation {
                Allocation::Held { lines, findings } => {
                    reservation.findings = findings;
                    if !is_newcomer {
                        let name = reservation.name();
                        let promoted = Finding::new(Code::Promoted, Verdict::Met, name);
                        reservation.findings.push(promoted);
                    }
                    promote(tx, &mut reservation, &lines, occurred_at, hold_for).await?;
                }
                Allocation::Backorder { findings, .. } if is_newcomer => {
                    let tenant = tx.tenant().clone();
                    reservation.findings = findings;
                    let written = reservations::written(&reservation.findings);
                    waiting::explain(tx, &tenant, reservation.id, &written).await?;
                }
                Allocation::Backorder { .. } => {}
            }
            if is_newcomer {
                came = Some(reservation);
            }
        }
        Ok(came)
    }
}

fn waits(reservation: &Reservation) -> Waiting<Uuid> {
    Waiting {
        id: reservation.id,
        wanted: reservation.wanted(),
        place: reservation.place.clone(),
    }
}

async fn promote(
    tx: &mut Tx,
    reservation: &mut Reservation,
    allotted: &[Allotted],
    occurred_at: Timestamp,
    hold_for: SignedDuration,
) -> Result<(), Refusal> {
    let tenant = tx.tenant().clone();
    let held = reservation.state.after(Verb::Promote);
    reservation.state = held.ok_or_else(|| Refusal::internal("only those who wait are served"))?;
    let expire_at = tx.now() + hold_for;
    reservation.expire_at = Some(expire_at);
    let findings = reservations::written(&reservation.findings);
    reservation.version = waiting::end(tx, &tenant, reservation.id, expire_at, &findings).await?;
    set_aside(tx, reservation, allotted, occurred_at).await?;
    events::tell(tx, "reservation.held", reservation, occurred_at);
    Ok(())
}

/// Holds what was allotted; the reservation gets its lines.
pub async fn set_aside(
    tx: &mut Tx,
    reservation: &mut Reservation,
    allotted: &[Allotted],
    occurred_at: Timestamp,
) -> Result<(), Refusal> {
    let tenant = tx.tenant().clone();
    let (subject, reference) = (reservation.ticket_name(), reservation.name());
    let cause = Cause {
        subject: &subject,
        reference: &reference,
        occurred_at,
        now: tx.now(),
    };
    let movements = holds(tx, allotted);
    let id = reservation.id;
    reservation.lines = hold::hold(tx, &tenant, cause, id, allotted, &movements).await?;
    let whole = |line: &Line| {
        line.serials.is_empty() || i64::try_from(line.serials.len()) == Ok(line.quantity)
    };
    if !reservation.lines.iter().all(whole) {
        return Err(Refusal::internal(
            "a level promises pieces whose serial numbers are missing",
        ));
    }
    Ok(())
}

fn holds(tx: &Tx, allotted: &[Allotted]) -> Vec<(Uuid, Movement)> {
    let mut parts: Vec<&str> = allotted.iter().map(|a| a.part.as_str()).collect();
    parts.dedup();
    let of_part = |part: &str| -> Movement {
        let places = allotted.iter().filter(|a| a.part == part);
        let places: Vec<At<'_>> = places.map(|a| (a.location.as_str(), a.quantity)).collect();
        ledger::hold(part, &places)
    };
    parts
        .into_iter()
        .map(|part| (tx.ids().v7(), of_part(part)))
        .collect()
}
