//! Finding and winning a technician's time: the choice is pure, the race is settled by the store.
//!
//! A choice is made on diaries as read and won only while they are current. Who loses queues for
//! the region, reads again and chooses again, so that many callers after the same technicians go
//! on one after another instead of losing to each other for ever.

use chassis::db::Tx;
use chassis::{Position, Refusal};
use jiff::Timestamp;
use uuid::Uuid;

use crate::Dispatch;
use crate::domain::finding::Finding;
use crate::domain::openings::{Job, Refused};
use crate::domain::plan::{self, Choice, Slot};
use crate::domain::technician::Candidate;
use crate::domain::work_order::WorkOrder;
use crate::store::bookings;
use crate::store::candidates::{self, Whom};

/// What came of one technician at one time.
pub(crate) enum Answer {
    /// The time is booked.
    Won(Slot, Vec<Finding>),
    /// It cannot be.
    Refused(Refused),
    /// It could have been, and somebody was faster.
    Lost,
}

impl Dispatch {
    /// Books the nearest feasible technician, if any. `queued`: the caller has a booking of its
    /// own to give up, so it must not wait for others while holding that.
    pub(crate) async fn book_nearest(
        &self,
        tx: &mut Tx,
        order: &WorkOrder,
        queued: bool,
    ) -> Result<Choice, Refusal> {
        let tenant = tx.tenant().clone();
        let job = order.job();
        for attempt in 0..self.settings.attempts {
            if attempt == 1 && !queued {
                bookings::queue(tx, &tenant, &order.region).await?;
            }
            let whom = Whom::Region(&order.region);
            let all = candidates::load(tx, &tenant, whom, job.window, order.id).await?;
            let choice = plan::rank(&job, &order.region, &all, &self.rules);
            let Some(slot) = &choice.chosen else {
                return Ok(choice);
            };
            if self.win(tx, order.id, &job, &all, slot).await? {
                return Ok(choice);
            }
            metrics::counter!("dispatch_bookings_lost_total").increment(1);
        }
        Err(Refusal::contention())
    }

    /// Books one technician, at that start or at the earliest there is.
    pub(crate) async fn book_technician(
        &self,
        tx: &mut Tx,
        order: &WorkOrder,
        technician: Uuid,
        start: Option<Timestamp>,
    ) -> Result<Answer, Refusal> {
        let tenant = tx.tenant().clone();
        let job = start.map_or_else(|| order.job(), |start| order.job().starting(start));
        let whom = Whom::Technician(technician);
        let found = candidates::load(tx, &tenant, whom, job.window, order.id).await?;
        let Some(candidate) = found.first() else {
            let name = chassis::names::name("technicians", technician);
            return Err(Refusal::not_found(&name));
        };
        let slot = match start {
            Some(start) => plan::at(&job, candidate, start, &self.rules),
            None => plan::feasible(&job, candidate, &self.rules),
        };
        let slot = match slot {
            Ok(slot) => slot,
            Err(refused) => return Ok(Answer::Refused(refused)),
        };
        if self.win(tx, order.id, &job, &found, &slot).await? {
            return Ok(Answer::Won(slot, vec![Finding::chosen(&slot)]));
        }
        Ok(Answer::Lost)
    }

    async fn win(
        &self,
        tx: &mut Tx,
        order: Uuid,
        job: &Job,
        all: &[Candidate],
        slot: &Slot,
    ) -> Result<bool, Refusal> {
        let candidate = all.iter().find(|candidate| candidate.id == slot.technician);
        let Some(candidate) = candidate else {
            return Ok(false);
        };
        let site: Position = job.site_for(candidate);
        let tenant = tx.tenant().clone();
        Ok(bookings::book(tx, &tenant, order, slot, site, candidate.diary).await?)
    }
}
