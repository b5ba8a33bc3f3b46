//! Finding and winning a technician's time: the choice is pure, the race is settled by the store.
//!
//! The first choice is made on diaries as read, closing none, and won only while they are current.
//! Who loses closes the region's diaries, reads again and chooses again, so that many callers
//! after the same technicians go on one after another instead of losing to each other for ever.

use chassis::db::Tx;
use chassis::{Position, Refusal, names};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::Dispatch;
use crate::domain::openings::{Job, Refused};
use crate::domain::plan::{self, Choice, Slot};
use crate::domain::technician::Candidate;
use crate::domain::work_order::WorkOrder;
use crate::store::bookings;
use crate::store::candidates::{self, Whom};

/// How much of a window is looked at first.
const FIRST_LOOK: SignedDuration = SignedDuration::from_hours(72);

impl Dispatch {
    /// Books the nearest feasible technician, if any.
    pub(crate) async fn book_nearest(
        &self,
        tx: &mut Tx,
        order: &WorkOrder,
    ) -> Result<Choice, Refusal> {
        let tenant = tx.tenant().clone();
        let (job, whom) = (order.job(), Whom::Region(&order.region));
        for attempt in 0..self.settings.attempts {
            if attempt > 0 {
                bookings::close_diaries(tx, &tenant, whom).await?;
            }
            let (choice, all) = self.choose(tx, order, &job).await?;
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

    /// Chooses on the first days of the window, and on all of it only where these might not
    /// decide: most choices then read a fraction of the diaries.
    async fn choose(
        &self,
        tx: &mut Tx,
        order: &WorkOrder,
        job: &Job,
    ) -> Result<(Choice, Vec<Candidate>), Refusal> {
        let (tenant, whom) = (tx.tenant().clone(), Whom::Region(&order.region));
        let near = job.within(FIRST_LOOK);
        let all = candidates::load(tx, &tenant, whom, near.window, order.id).await?;
        let choice = plan::rank(&near, &order.region, &all, &self.rules);
        // Everybody who could start in time to be chosen instead has been seen.
        let seen = |slot: &Slot| {
            let last = slot.window.end.saturating_add(self.rules.tolerance);
            last.is_ok_and(|last| last <= near.window.end)
        };
        if near.window == job.window || choice.chosen.as_ref().is_some_and(seen) {
            return Ok((choice, all));
        }
        let all = candidates::load(tx, &tenant, whom, job.window, order.id).await?;
        let choice = plan::rank(job, &order.region, &all, &self.rules);
        Ok((choice, all))
    }

    /// Books one technician at that start, or at the earliest there is, instead of what the order
    /// has; or says why not. The diary is closed first, so nobody is faster after that.
    pub(crate) async fn book_technician(
        &self,
        tx: &mut Tx,
        order: &WorkOrder,
        technician: Uuid,
        start: Option<Timestamp>,
    ) -> Result<Result<Slot, Refused>, Refusal> {
        let tenant = tx.tenant().clone();
        let (job, whom) = (order.job(), Whom::Technician(technician));
        let job = start.map_or_else(|| job.clone(), |start| job.starting(start));
        bookings::close_diaries(tx, &tenant, whom).await?;
        let found = candidates::load(tx, &tenant, whom, job.window, order.id).await?;
        let Some(candidate) = found.first() else {
            return Err(Refusal::not_found(&names::name("technicians", technician)));
        };
        let slot = match start {
            Some(start) => plan::at(&job, candidate, start, &self.rules),
            None => plan::feasible(&job, candidate, &self.rules),
        };
        let slot = match slot {
            Ok(slot) => slot,
            Err(refused) => return Ok(Err(refused)),
        };
        bookings::free(tx, &tenant, order.id).await?;
        if !self.win(tx, order.id, &job, &found, &slot).await? {
            return Err(Refusal::contention());
        }
        Ok(Ok(slot))
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
