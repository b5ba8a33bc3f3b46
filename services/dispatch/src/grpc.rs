//! The RPCs, by resource: parse, load, decide, save, reply.

mod appointment;
mod technician;
mod work_order;

use chassis::authz::Scope;
use chassis::db::Tx;
use chassis::{Asking, Refusal, Violations, etag, names};
use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::moves::{self, Verb};
use crate::domain::work_order::{State, WorkOrder};
use crate::store::{technicians, work_orders};
use crate::wire::SKEW;
use crate::wire::work_order::{COLLECTION, work_order};
use crate::{Dispatch, error, scope};

/// What every verb on a work order says.
struct Said {
    id: Uuid,
    at: Timestamp,
}

impl Dispatch {
    /// Reads name and time of a verb beside whatever else was noted.
    fn said(
        &self,
        mut v: Violations,
        field: &str,
        name: &str,
        occur_time: Option<&prost_types::Timestamp>,
    ) -> Result<Said, Refusal> {
        let at = v.occur_time(occur_time, self.db.clock().now(), SKEW);
        let id = v.resource(field, name, COLLECTION);
        v.finish(id.map(|id| Said { id, at }))
    }

    /// Locks a work order for a verb of the caller and says where that leads.
    async fn lock_for(
        &self,
        caller: &Asking,
        tx: &mut Tx,
        id: Uuid,
        tag: &str,
        verb: Verb,
    ) -> Result<(WorkOrder, State), Refusal> {
        let tenant = tx.tenant().clone();
        let name = names::name(COLLECTION, id);
        let found = work_orders::lock(tx, &tenant, id).await?;
        let order = found.ok_or_else(|| Refusal::not_found(&name))?;
        caller.reaches(&scope::work_order(&order), || name)?;
        check_etag(&order, tag)?;
        tx.was(&work_order(&order));
        let to = moves::after(order.state, verb, order.mode);
        let to = to.ok_or_else(|| error::illegal_move(&order, verb))?;
        Ok((order, to))
    }

    /// Refuses a technician of a region that the caller does not reach, as if he were not there.
    async fn technician_within_reach(
        &self,
        caller: &Asking,
        tx: &mut Tx,
        order: &WorkOrder,
        technician: Option<Uuid>,
    ) -> Result<(), Refusal> {
        let Some(id) = technician else {
            return Ok(());
        };
        let tenant = tx.tenant().clone();
        let Some(found) = technicians::get(tx, &tenant, id).await? else {
            return Ok(());
        };
        let there = Scope {
            region: Some(found.region),
            ..scope::work_order(order)
        };
        caller.reaches(&there, || names::name("technicians", id))
    }
}

/// Refuses a tag of another version; none is as good as the right one.
fn check_etag(order: &WorkOrder, tag: &str) -> Result<(), Refusal> {
    if !tag.is_empty() && !etag::matches(tag, order.version) {
        return Err(Refusal::stale_etag(&names::name(COLLECTION, order.id)));
    }
    Ok(())
}
