//! The visit: from setting out to the ticket's resolution.

use anyhow::Context;
use chassis::refusal::{from_pb, to_pb};
use jiff::SignedDuration;
use proto::dispatch::v1::work_order::State as Visit;
use proto::dispatch::v1::{
    ArriveWorkOrderRequest, CompleteWorkOrderRequest, DepartWorkOrderRequest, StartWorkOrderRequest,
};
use proto::inventory::v1::{GetReservationRequest, reservation};
use proto::ticket::v1::Ticket;
use proto::ticket::v1::ticket::State;

use super::scene::Scene;
use crate::demo::replay::{allows, used_of};
use crate::track::civil;

impl Scene {
    /// The technician makes the booked visit, builds in what is held, and the ticket is resolved.
    pub(super) async fn repair(&mut self, ticket: &Ticket) -> anyhow::Result<()> {
        let round = ticket.round.max(1);
        let booked = self
            .until_ticket(&ticket.name, "a visit to be booked", |ticket| {
                ticket.round >= round
                    && ticket.appointment.is_some()
                    && !ticket.work_order.is_empty()
            })
            .await?;
        let visit = self.visit(&booked).await?;
        let window = visit.window.context("the work order has no time")?;
        let start = window
            .start
            .as_ref()
            .and_then(from_pb)
            .context("no start")?;
        let end = window.end.as_ref().and_then(from_pb).context("no end")?;
        let key = |step: &str| {
            format!(
                "{step}-{}",
                visit.name.rsplit('/').next().unwrap_or_default()
            )
        };
        let (name, technician) = (visit.name.clone(), self.cast.technician(&visit.technician)?);
        let at = |minutes: i64| Some(to_pb(start + SignedDuration::from_mins(minutes)));
        let mut allowed = visit.allowed_verbs.clone();
        let mut told = Vec::new();
        if allows(&allowed, "depart") {
            let (name, request_id, occur_time) = (name.clone(), key("depart"), at(-25));
            let request = DepartWorkOrderRequest {
                name,
                request_id,
                occur_time,
                ..Default::default()
            };
            allowed = technician.depart_work_order(request).await?.allowed_verbs;
            told.push(format!(
                "{} sets out",
                civil(Some(start - SignedDuration::from_mins(25)), &self.zone)
            ));
        }
        if allows(&allowed, "arrive") {
            let (name, request_id, occur_time) = (name.clone(), key("arrive"), at(0));
            let request = ArriveWorkOrderRequest {
                name,
                request_id,
                occur_time,
                ..Default::default()
            };
            allowed = technician.arrive_work_order(request).await?.allowed_verbs;
            told.push(format!("{} is on site", civil(Some(start), &self.zone)));
        }
        if allows(&allowed, "start") {
            let (name, request_id, occur_time) = (name.clone(), key("start"), at(3));
            let request = StartWorkOrderRequest {
                name,
                request_id,
                occur_time,
                ..Default::default()
            };
            technician.start_work_order(request).await?;
        }
        let held = GetReservationRequest {
            name: visit.reservation.clone(),
        };
        let parts_used = match visit.reservation.is_empty() {
            true => Vec::new(),
            false => used_of(
                &self.cast.storekeeper.get_reservation(held).await?.lines,
                &booked.serial_number,
            ),
        };
        for used in &parts_used {
            told.push(match used.new_serial.as_str() {
                "" => format!("built in {} × {}", used.quantity.max(1), used.part),
                new => format!(
                    "{}: {} taken out, {new} built in",
                    used.part, used.old_serial
                ),
            });
        }
        let request = CompleteWorkOrderRequest {
            name: name.clone(),
            request_id: key("complete"),
            occur_time: Some(to_pb(end)),
            parts_used,
            outcome: Visit::Completed.into(),
            report: "Replaced and tested.".to_owned(),
            signature: "Lin Yue".to_owned(),
            ..Default::default()
        };
        technician.complete_work_order(request).await?;
        self.now = self.now.max(end);
        told.push(format!("{} done and signed", civil(Some(end), &self.zone)));
        self.teller.step("Technician", "makes the visit", told);

        let resolved = self
            // The stories play in the past: the policy may close what was just resolved.
            .until_ticket(&ticket.name, "the ticket to be resolved", |ticket| {
                matches!(ticket.state(), State::Resolved | State::Closed)
            })
            .await?;
        let settled = |state: reservation::State| state == reservation::State::Committed;
        if !visit.reservation.is_empty() {
            self.reservation(&ticket.name, "settled", settled).await?;
        }
        let told = format!("is resolved: {}", resolved.resolution);
        self.teller.step(
            "Ticket",
            told,
            vec!["used parts left stock, with their serial numbers".to_owned()],
        );
        Ok(())
    }
}
