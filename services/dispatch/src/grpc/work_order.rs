//! WorkOrderService.

use chassis::authz::Sight;
use chassis::db::Tx;
use chassis::keyed::{Keyed, KeyedTx, keyed};
use chassis::page::{Cursor, Page};
use chassis::{Asking, Caller, Refusal, Violations, erasure, names};
use jiff::Timestamp;
use prost::Message;
use proto::dispatch::v1 as pb;
use proto::dispatch::v1::work_order_service_server::WorkOrderService;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::check_etag;
use crate::domain::finding::Finding;
use crate::domain::moves::Verb;
use crate::domain::work_order::{Mode, State, WorkOrder};
use crate::store::candidates::Whom;
use crate::store::work_orders::{self, Filter};
use crate::store::{bookings, claims, technicians};
use crate::wire::work_order::{COLLECTION, work_order};
use crate::{Dispatch, error, events, scope, wire};

type Reply = Result<Response<pb::WorkOrder>, Status>;

#[tonic::async_trait]
impl WorkOrderService for Dispatch {
    async fn create_work_order(&self, request: Request<pb::CreateWorkOrderRequest>) -> Reply {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (fresh, now) = (self.db.ids().v7(), self.db.clock().now());
        let (mut new, chosen) = wire::work_order::create(&request, fresh, now, &self.settings)?;
        caller.may(&scope::work_order(&new))?;
        let key = &request.request_id;
        let mut tx = match keyed(&self.db, &caller, "CreateWorkOrder", key, &request).await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let ticket = names::name("tickets", new.ticket);
        if erasure::is_recorded(&mut tx, &caller.tenant, &ticket).await? {
            return Err(Refusal::not_found(&ticket).into());
        }
        if chosen && let Some(known) = claimed_before(&caller, &mut tx, &new).await? {
            return Ok(Response::new(tx.finish(work_order(&known)).await?));
        }
        self.staff(&mut tx, &mut new).await?;
        let retry_at = now + self.settings.retry();
        let added = work_orders::insert(&mut tx, &caller.tenant, &new, now, retry_at).await;
        if !added.map_err(Refusal::from)? {
            drop(tx);
            return self.of_step(&caller, &new).await;
        }
        Ok(Response::new(tx.finish(work_order(&new)).await?))
    }

    async fn get_work_order(&self, request: Request<pb::GetWorkOrderRequest>) -> Reply {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().name;
        let mut v = Violations::new();
        let id = v.resource("name", &name, COLLECTION);
        let id = v.finish(id)?;
        let mut read = self.db.read(&caller.tenant).await?;
        let found = work_orders::get(&mut read, &caller.tenant, id)
            .await
            .map_err(Refusal::from)?;
        read.done();
        let order = found.ok_or_else(|| Refusal::not_found(&name))?;
        caller.reaches(&scope::work_order(&order), || name)?;
        Ok(Response::new(work_order(&order)))
    }

    async fn list_work_orders(
        &self,
        request: Request<pb::ListWorkOrdersRequest>,
    ) -> Result<Response<pb::ListWorkOrdersResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut request = request.into_inner();
        let token = std::mem::take(&mut request.page_token);
        let size = std::mem::take(&mut request.page_size);
        let (bytes, key) = (request.encode_to_vec(), &self.page_key);
        let page = Page::parse(size, &token, &caller.tenant, "ListWorkOrders", &bytes, key)?;
        let filter = filter(request, caller.sight()?)?;
        let after = page.after.as_ref().and_then(place);
        let mut read = self.db.read(&caller.tenant).await?;
        let limit = page.size + 1;
        let found = work_orders::list(&mut read, &caller.tenant, &filter, after, limit).await;
        read.done();
        let mut found = found?;
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        let more = found.len() > size;
        found.truncate(size);
        let last = found.last().filter(|_| more);
        let cursor = |o: &WorkOrder| vec![o.occurred_at.to_string(), o.id.to_string()];
        Ok(Response::new(pb::ListWorkOrdersResponse {
            next_page_token: last.map_or_else(String::new, |o| page.next(cursor(o))),
            work_orders: found.iter().map(work_order).collect(),
        }))
    }

    async fn assign_work_order(&self, request: Request<pb::AssignWorkOrderRequest>) -> Reply {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let mut v = Violations::new();
        let technician = v.optional_resource("technician", &request.technician, "technicians");
        let start = v.instant("start_time", request.start_time.as_ref());
        if start.is_some() && request.technician.is_empty() {
            v.add("technician", "is required with a start time");
        }
        let said = self.said(v, "name", &request.name, request.occur_time.as_ref())?;
        let key = &request.request_id;
        let mut tx = match keyed(&self.db, &caller, "AssignWorkOrder", key, &request).await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let (mut order, _) = self
            .lock_for(&caller, &mut tx, said.id, &request.etag, Verb::Assign)
            .await?;
        self.technician_within_reach(&caller, &mut tx, &order, technician)
            .await?;
        self.reassign(&mut tx, &mut order, technician, start)
            .await?;
        // Nobody gives work to whom he has no say over.
        let booked = order.booked.as_ref().map(|booked| booked.technician);
        order.partner = technicians::partner(&mut tx, &caller.tenant, booked).await?;
        caller.may(&scope::work_order(&order))?;
        self.close(tx, order, events::SCHEDULED, said.at).await
    }

    async fn depart_work_order(&self, request: Request<pb::DepartWorkOrderRequest>) -> Reply {
        let caller = Caller::of(&request)?;
        let r = request.into_inner();
        let said = self.said(Violations::new(), "name", &r.name, r.occur_time.as_ref())?;
        let mut tx = match keyed(&self.db, &caller, "DepartWorkOrder", &r.request_id, &r).await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let (mut order, to) = self
            .lock_for(&caller, &mut tx, said.id, &r.etag, Verb::Depart)
            .await?;
        (order.state, order.departed_at) = (to, Some(said.at));
        self.close(tx, order, events::DEPARTED, said.at).await
    }

    async fn arrive_work_order(&self, request: Request<pb::ArriveWorkOrderRequest>) -> Reply {
        let caller = Caller::of(&request)?;
        let r = request.into_inner();
        let said = self.said(Violations::new(), "name", &r.name, r.occur_time.as_ref())?;
        let mut tx = match keyed(&self.db, &caller, "ArriveWorkOrder", &r.request_id, &r).await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let (mut order, to) = self
            .lock_for(&caller, &mut tx, said.id, &r.etag, Verb::Arrive)
            .await?;
        (order.state, order.arrived_at) = (to, Some(said.at));
        self.close(tx, order, events::ARRIVED, said.at).await
    }

    async fn start_work_order(&self, request: Request<pb::StartWorkOrderRequest>) -> Reply {
        let caller = Caller::of(&request)?;
        let r = request.into_inner();
        let said = self.said(Violations::new(), "name", &r.name, r.occur_time.as_ref())?;
        let mut tx = match keyed(&self.db, &caller, "StartWorkOrder", &r.request_id, &r).await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let (mut order, to) = self
            .lock_for(&caller, &mut tx, said.id, &r.etag, Verb::Start)
            .await?;
        (order.state, order.started_at) = (to, Some(said.at));
        self.close(tx, order, events::STARTED, said.at).await
    }

    async fn complete_work_order(&self, request: Request<pb::CompleteWorkOrderRequest>) -> Reply {
        let caller = Caller::of(&request)?;
        let r = request.into_inner();
        let mut v = Violations::new();
        let completion = wire::work_order::completion(&mut v, &r);
        if self.wants_signature(&caller, &r).await? && completion.signature.is_empty() {
            v.add("signature", "is required for a completed visit");
        }
        let said = self.said(v, "name", &r.name, r.occur_time.as_ref())?;
        let key = &r.request_id;
        let mut tx = match keyed(&self.db, &caller, "CompleteWorkOrder", key, &r).await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let (mut order, _) = self
            .lock_for(&caller, &mut tx, said.id, &r.etag, Verb::Complete)
            .await?;
        order.complete(completion, said.at);
        let freed = bookings::shrink(&mut tx, &caller.tenant, order.id, said.at).await;
        freed.map_err(Refusal::from)?;
        let done = order.state == State::Completed;
        let kind = if done {
            events::COMPLETED
        } else {
            events::INCOMPLETE
        };
        self.close(tx, order, kind, said.at).await
    }

    async fn cancel_work_order(&self, request: Request<pb::CancelWorkOrderRequest>) -> Reply {
        let caller = Caller::of(&request)?;
        let r = request.into_inner();
        let mut v = Violations::new();
        let reason = v
            .optional_text("reason", &r.reason, 500)
            .unwrap_or_default();
        let said = self.said(v, "name", &r.name, r.occur_time.as_ref())?;
        let mut tx = match keyed(&self.db, &caller, "CancelWorkOrder", &r.request_id, &r).await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        if withdraw(&mut tx, said.id).await? {
            return Ok(Response::new(
                tx.finish(wire::work_order::withdrawn(said.id)).await?,
            ));
        }
        let (mut order, to) = self
            .lock_for(&caller, &mut tx, said.id, "", Verb::Cancel)
            .await?;
        if order.state == State::Cancelled {
            return Ok(Response::new(tx.finish(work_order(&order)).await?));
        }
        check_etag(&order, &r.etag)?;
        order.cancel(to, reason);
        let freed = bookings::free(&mut tx, &caller.tenant, order.id).await;
        freed.map_err(Refusal::from)?;
        self.close(tx, order, events::CANCELLED, said.at).await
    }
}

impl Dispatch {
    /// Finds somebody for a new work order, and tells what came of it.
    async fn staff(&self, tx: &mut KeyedTx, new: &mut WorkOrder) -> Result<(), Refusal> {
        let choice = self.book_nearest(tx, new).await?;
        let kind = match &choice.chosen {
            Some(slot) => {
                new.schedule(slot, choice.findings);
                events::SCHEDULED
            }
            None => {
                new.findings = choice.findings;
                events::OPENED
            }
        };
        events::tell(tx, kind, new, new.occurred_at);
        Ok(())
    }

    /// The work order that the step of this round had before.
    async fn of_step(&self, caller: &Asking, new: &WorkOrder) -> Reply {
        let mut read = self.db.read(&caller.tenant).await?;
        let (ticket, step, round) = (new.ticket, &new.step, new.round);
        let found = work_orders::of_step(&mut read, &caller.tenant, ticket, step, round).await;
        read.done();
        let known = found
            .map_err(Refusal::from)?
            .ok_or_else(Refusal::contention)?;
        caller.may(&scope::work_order(&known))?;
        Ok(Response::new(work_order(&known)))
    }

    /// Gives the order to that technician at that time, or to the nearest at the earliest.
    async fn reassign(
        &self,
        tx: &mut Tx,
        order: &mut WorkOrder,
        technician: Option<Uuid>,
        start: Option<Timestamp>,
    ) -> Result<(), Refusal> {
        let Some(technician) = technician else {
            let tenant = tx.tenant().clone();
            bookings::close_diaries(tx, &tenant, Whom::Region(&order.region)).await?;
            bookings::free(tx, &tenant, order.id).await?;
            let choice = self.book_nearest(tx, order).await?;
            let slot = choice
                .chosen
                .ok_or_else(|| error::not_feasible(&choice.findings))?;
            order.schedule(&slot, choice.findings);
            return Ok(());
        };
        match self.book_technician(tx, order, technician, start).await? {
            Ok(slot) => order.schedule(&slot, vec![Finding::chosen(&slot)]),
            Err(why) => {
                let finding = Finding::refused(technician, &why);
                return Err(error::not_feasible(&[finding]));
            }
        }
        Ok(())
    }

    /// Whether the completion needs the customer's signature. An order's mode never changes, so
    /// this may be asked before the order is locked; one that is not there, or not there for the
    /// caller, is refused later.
    async fn wants_signature(
        &self,
        caller: &Asking,
        request: &pb::CompleteWorkOrderRequest,
    ) -> Result<bool, Refusal> {
        let completed = request.outcome() == pb::work_order::State::Completed;
        let Some(id) = names::parse(COLLECTION, &request.name).filter(|_| completed) else {
            return Ok(false);
        };
        if !request.signature.trim().is_empty() {
            return Ok(false);
        }
        let mut read = self.db.read(&caller.tenant).await?;
        let order = work_orders::get(&mut read, &caller.tenant, id).await?;
        read.done();
        let wants = |order: &WorkOrder| {
            let reached = caller.reaches(&scope::work_order(order), || request.name.clone());
            reached.is_ok() && order.mode == Mode::OnSite
        };
        Ok(order.as_ref().is_some_and(wants))
    }

    /// Saves, tells, answers.
    pub(super) async fn close(
        &self,
        mut tx: KeyedTx,
        mut order: WorkOrder,
        kind: &'static str,
        at: Timestamp,
    ) -> Reply {
        self.save(&mut tx, &mut order).await?;
        events::tell(&mut tx, kind, &order, at);
        Ok(Response::new(tx.finish(work_order(&order)).await?))
    }
}

/// The work order that has the caller's id already; none: the id is the caller's now.
async fn claimed_before(
    caller: &Asking,
    tx: &mut Tx,
    new: &WorkOrder,
) -> Result<Option<WorkOrder>, Refusal> {
    let (tenant, now) = (tx.tenant().clone(), tx.now());
    if claims::take(tx, &tenant, new.id, false, now).await? {
        return Ok(None);
    }
    if claims::is_withdrawn(tx, &tenant, new.id).await? {
        return Err(error::withdrawn(new.id));
    }
    let known = work_orders::get(tx, &tenant, new.id)
        .await?
        .ok_or_else(Refusal::contention)?;
    caller.may(&scope::work_order(&known))?;
    let same = (known.ticket, &known.step, known.round) == (new.ticket, &new.step, new.round);
    if !same {
        return Err(Refusal::already_exists(&names::name(COLLECTION, new.id)));
    }
    Ok(Some(known))
}

/// Marks an id that no work order has as withdrawn; false: there is a work order.
async fn withdraw(tx: &mut Tx, id: Uuid) -> Result<bool, Refusal> {
    let (tenant, now) = (tx.tenant().clone(), tx.now());
    if work_orders::get(tx, &tenant, id).await?.is_some() {
        return Ok(false);
    }
    let taken = claims::take(tx, &tenant, id, true, now).await?;
    Ok(taken || claims::is_withdrawn(tx, &tenant, id).await?)
}

fn filter(request: pb::ListWorkOrdersRequest, sight: Sight) -> Result<Filter, Refusal> {
    let mut v = Violations::new();
    let filter = Filter {
        ticket: v.optional_resource("ticket", &request.ticket, "tickets"),
        technician: v.optional_resource("technician", &request.technician, "technicians"),
        states: wire::work_order::states(&mut v, &request.states),
        region: (!request.region.is_empty()).then_some(request.region),
        sight,
    };
    v.finish(Some(filter))
}

fn place(cursor: &Cursor) -> Option<(Timestamp, Uuid)> {
    let [at, id] = cursor.as_slice() else {
        return None;
    };
    Some((at.parse().ok()?, id.parse().ok()?))
}
