//! AppointmentService.

use chassis::keyed::{Keyed, keyed};
use chassis::{Caller, Refusal, Violations};
use proto::dispatch::v1 as pb;
use proto::dispatch::v1::appointment_service_server::AppointmentService;
use tonic::{Request, Response, Status};

use crate::domain::finding::Finding;
use crate::domain::moves::{self, Verb};
use crate::domain::openings::Refused;
use crate::domain::plan;
use crate::store::candidates::{self, Whom};
use crate::store::work_orders;
use crate::wire::work_order::{COLLECTION, slot_window};
use crate::{Dispatch, error, events, scope, wire};

const DEFAULT_SLOTS: usize = 10;
const MOST_SLOTS: usize = 50;

#[tonic::async_trait]
impl AppointmentService for Dispatch {
    async fn find_slots(
        &self,
        request: Request<pb::FindSlotsRequest>,
    ) -> Result<Response<pb::FindSlotsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let mut v = Violations::new();
        let window = slot_window(&mut v, request.window.as_ref(), &self.settings);
        let limit = limit(&mut v, request.limit);
        let id = v.resource("work_order", &request.work_order, COLLECTION);
        let id = v.finish(id)?;
        let tenant = &caller.tenant;
        let mut read = self.db.read(tenant).await?;
        let found = work_orders::get(&mut read, tenant, id)
            .await
            .map_err(Refusal::from)?;
        let order = found.ok_or_else(|| Refusal::not_found(&request.work_order))?;
        caller.reaches(&scope::work_order(&order), || request.work_order.clone())?;
        if moves::after(order.state, Verb::Book, order.mode).is_none() {
            return Err(error::illegal_move(&order, Verb::Book).into());
        }
        let mut job = order.job();
        job.window = window.unwrap_or(job.window);
        let whom = Whom::Region(&order.region);
        let all = candidates::load(&mut read, tenant, whom, job.window, order.id).await;
        read.done();
        let all = all.map_err(Refusal::from)?;
        let (slots, findings) = plan::slots(&job, &order.region, &all, &self.rules, limit);
        Ok(Response::new(pb::FindSlotsResponse {
            slots: slots.iter().map(wire::slot).collect(),
            findings: findings.iter().map(wire::finding).collect(),
        }))
    }

    async fn book_appointment(
        &self,
        request: Request<pb::BookAppointmentRequest>,
    ) -> Result<Response<pb::WorkOrder>, Status> {
        let caller = Caller::of(&request)?;
        let r = request.into_inner();
        let mut v = Violations::new();
        let technician = v.resource("technician", &r.technician, "technicians");
        let start = v.required_instant("start_time", r.start_time.as_ref());
        let said = self.said(v, "work_order", &r.work_order, r.occur_time.as_ref())?;
        let mut tx = match keyed(&self.db, &caller, "BookAppointment", &r.request_id, &r).await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let (mut order, _) = self
            .lock_for(&caller, &mut tx, said.id, "", Verb::Book)
            .await?;
        self.technician_within_reach(&caller, &mut tx, &order, technician)
            .await?;
        let technician = technician.unwrap_or_default();
        match self
            .book_technician(&mut tx, &order, technician, start)
            .await?
        {
            Ok(slot) => order.schedule(&slot, vec![Finding::chosen(&slot)]),
            Err(Refused::Booked(_)) => return Err(error::slot_taken().into()),
            Err(why) => {
                let finding = Finding::refused(technician, &why);
                return Err(error::not_feasible(&[finding]).into());
            }
        }
        self.close(tx, order, events::SCHEDULED, said.at).await
    }
}

fn limit(v: &mut Violations, limit: i32) -> usize {
    match usize::try_from(limit) {
        Ok(0) => DEFAULT_SLOTS,
        Ok(limit) if limit <= MOST_SLOTS => limit,
        _ => {
            v.add("limit", format!("is not 0 to {MOST_SLOTS}"));
            DEFAULT_SLOTS
        }
    }
}
