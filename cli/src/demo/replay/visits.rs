//! Technicians: they set out, arrive, work and report at the booked times.

use std::sync::Arc;

use chassis::refusal::{from_pb, to_pb};
use jiff::{SignedDuration, Timestamp};
use proto::dispatch::v1::work_order::State;
use proto::dispatch::v1::{
    ArriveWorkOrderRequest, BookAppointmentRequest, CompleteWorkOrderRequest,
    DepartWorkOrderRequest, FindSlotsRequest, ListWorkOrdersRequest, StartWorkOrderRequest,
    WorkOrder,
};
use proto::inventory::v1::{GetReservationRequest, PartUsed};
use proto::kinds::v1::TimeWindow;
use tonic::Status;

use super::{LOOK_EVERY, Play, hand_over, waiting};
use crate::client::{Told, all_pages};
use crate::world::{Cancel, Plan};

/// Days within which the planner looks for a time that nobody had.
const LOOKS_AHEAD_DAYS: i64 = 45;

/// Looks for booked visits and sends somebody to each.
pub(super) async fn act(play: Arc<Play>) -> anyhow::Result<()> {
    loop {
        for visit in in_state(&play, State::Scheduled).await? {
            if let Some(index) = play.board.plan_of(&visit.ticket)
                && play.board.take(format!("visit:{}", visit.name))
            {
                let name = visit.name.clone();
                hand_over(&play, "visiting", name, go(play.clone(), index, visit));
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn in_state(play: &Play, state: State) -> Result<Vec<WorkOrder>, Told> {
    let page = |page_token: String| async {
        let request = ListWorkOrdersRequest {
            page_size: 1_000,
            page_token,
            states: vec![state.into()],
            ..Default::default()
        };
        let answer = play.cast.planner.list_work_orders(request).await?;
        Ok((answer.work_orders, answer.next_page_token))
    };
    all_pages(20, page).await
}

async fn go(play: Arc<Play>, index: usize, visit: WorkOrder) -> Result<(), Told> {
    let plan = play.plan(index);
    let first = visit.round <= 1;
    if first
        && matches!(
            plan.course.cancel,
            Some(Cancel::Scheduled | Cancel::Waiting)
        )
    {
        return waiting::cancel(&play, &visit.ticket, "cannot be at home that day").await;
    }
    match work(&play, plan, &visit, first).await {
        // The ticket was resolved, cancelled or rebooked meanwhile: nobody needs the visit.
        Err(told) if told.is("ILLEGAL_MOVE") => {
            play.board.count(|tally| tally.overtaken += 1);
            Ok(())
        }
        done => done,
    }
}

async fn work(play: &Play, plan: &Plan, visit: &WorkOrder, first: bool) -> Result<(), Told> {
    let window = visit.window.unwrap_or_default();
    let start = window.start.as_ref().and_then(from_pb).unwrap_or(plan.at);
    let end = window.end.as_ref().and_then(from_pb).unwrap_or(start);
    let late = SignedDuration::from_mins(plan.course.late_minutes);
    let travel = SignedDuration::from_secs(visit.travel_seconds.clamp(60, 6 * 3_600));
    let moment = |at: Timestamp| Some(to_pb(play.board.moment(&visit.ticket, at)));
    let technician = play.cast.technician(&visit.technician);
    let technician = technician.map_err(|why| Told::from(Status::internal(why.to_string())))?;

    // A bench repair has nobody who travels: its work order says which verbs it allows.
    let mut allowed = visit.allowed_verbs.clone();
    if allows(&allowed, "depart") {
        let depart = DepartWorkOrderRequest {
            name: visit.name.clone(),
            request_id: play.key("depart", &visit.name),
            occur_time: moment(start - travel + late),
            ..Default::default()
        };
        allowed = play
            .call(technician.depart_work_order(depart))
            .await?
            .allowed_verbs;
    }
    if first && plan.course.cancel == Some(Cancel::EnRoute) {
        return waiting::cancel(play, &visit.ticket, "works again").await;
    }
    if allows(&allowed, "arrive") {
        let arrive = ArriveWorkOrderRequest {
            name: visit.name.clone(),
            request_id: play.key("arrive", &visit.name),
            occur_time: moment(start + late),
            ..Default::default()
        };
        allowed = play
            .call(technician.arrive_work_order(arrive))
            .await?
            .allowed_verbs;
    }
    if allows(&allowed, "start") {
        let begin = StartWorkOrderRequest {
            name: visit.name.clone(),
            request_id: play.key("start", &visit.name),
            occur_time: moment(start + late + SignedDuration::from_mins(4)),
            ..Default::default()
        };
        play.call(technician.start_work_order(begin)).await?;
    }

    let fails = first && plan.course.incomplete;
    let parts_used = if fails {
        Vec::new()
    } else {
        parts(play, plan, visit).await?
    };
    let pieces: u64 = parts_used
        .iter()
        .map(|used| used.quantity.max(1).unsigned_abs())
        .sum();
    let complete = CompleteWorkOrderRequest {
        name: visit.name.clone(),
        request_id: play.key("complete", &visit.name),
        occur_time: moment(end + late),
        parts_used,
        outcome: if fails {
            State::Incomplete
        } else {
            State::Completed
        }
        .into(),
        report: report(plan, fails),
        signature: "the customer".to_owned(),
        ..Default::default()
    };
    play.call(technician.complete_work_order(complete)).await?;
    play.board.count(|tally| match fails {
        true => tally.incomplete += 1,
        false => {
            tally.completed += 1;
            tally.parts_used += pieces;
        }
    });
    Ok(())
}

/// An answer that names no verbs leaves it to the service to refuse.
pub(in crate::demo) fn allows(verbs: &[String], verb: &str) -> bool {
    verbs.is_empty() || verbs.iter().any(|allowed| allowed == verb)
}

fn report(plan: &Plan, fails: bool) -> String {
    match (fails, plan.fault.component) {
        (true, _) => "The fault needs another part; it stays for now.".to_owned(),
        (false, "") => "Cleaned, reset and tested; works again.".to_owned(),
        (false, part) => format!("Replaced the {} and tested.", part.to_lowercase()),
    }
}

/// Everything held for the visit is built in; what is taken out gets a generated serial number.
async fn parts(play: &Play, plan: &Plan, visit: &WorkOrder) -> Result<Vec<PartUsed>, Told> {
    if visit.reservation.is_empty() {
        return Ok(Vec::new());
    }
    let request = GetReservationRequest {
        name: visit.reservation.clone(),
    };
    let held = play
        .call(play.cast.storekeeper.get_reservation(request))
        .await?;
    Ok(used_of(&held.lines, &plan.serial))
}

/// One entry per serial number held, one per line where pieces have none.
pub(in crate::demo) fn used_of(
    lines: &[proto::inventory::v1::reservation::Line],
    device: &str,
) -> Vec<PartUsed> {
    let mut used = Vec::new();
    for line in lines {
        let entry = |quantity: i64, new_serial: &str| PartUsed {
            part: line.part.clone(),
            quantity,
            new_serial: new_serial.to_owned(),
            old_serial: match new_serial {
                "" => String::new(),
                _ => format!("OLD-{device}"),
            },
        };
        match line.serial_numbers.is_empty() {
            true => used.push(entry(line.quantity, "")),
            false => used.extend(line.serial_numbers.iter().map(|serial| entry(1, serial))),
        }
    }
    used
}

/// A planner looks further ahead for visits that nobody could take within the usual days.
pub(super) async fn book_what_nobody_could_take(play: Arc<Play>) -> anyhow::Result<()> {
    loop {
        for visit in in_state(&play, State::Open).await? {
            if play.board.plan_of(&visit.ticket).is_some()
                && play.board.take(format!("plan:{}", visit.name))
            {
                let name = visit.name.clone();
                hand_over(&play, "planning", name, book(play.clone(), visit));
            }
        }
        tokio::time::sleep(LOOK_EVERY * 4).await;
    }
}

async fn book(play: Arc<Play>, visit: WorkOrder) -> Result<(), Told> {
    let from = play.board.later(&visit.ticket, 1);
    let find = FindSlotsRequest {
        work_order: visit.name.clone(),
        window: Some(TimeWindow {
            start: Some(to_pb(from)),
            end: Some(to_pb(
                from + SignedDuration::from_hours(24 * LOOKS_AHEAD_DAYS),
            )),
        }),
        limit: 5,
    };
    for slot in play.call(play.cast.planner.find_slots(find)).await?.slots {
        let start = slot.window.and_then(|window| window.start);
        let request = BookAppointmentRequest {
            work_order: visit.name.clone(),
            technician: slot.technician,
            request_id: format!(
                "{}-{}",
                play.key("book", &visit.name),
                start.map_or(0, |s| s.seconds)
            ),
            start_time: start,
            occur_time: Some(to_pb(from)),
        };
        match play.call(play.cast.planner.book_appointment(request)).await {
            Err(told) if told.is("SLOT_TAKEN") || told.is("NOT_FEASIBLE") => {}
            Err(told) if told.is("ILLEGAL_MOVE") => return Ok(()),
            booked => return booked.map(drop),
        }
    }
    play.board.problem(format!(
        "{} has no time within {LOOKS_AHEAD_DAYS} days",
        visit.name
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::inventory::v1::reservation::Line;

    #[test]
    fn every_serial_number_held_is_built_in_once() {
        let serialised = Line {
            part: "parts/A".to_owned(),
            quantity: 2,
            serial_numbers: vec!["S1".to_owned(), "S2".to_owned()],
            ..Default::default()
        };
        let plain = Line {
            part: "parts/B".to_owned(),
            quantity: 3,
            ..Default::default()
        };

        let used = used_of(&[serialised, plain], "NB-1");

        let told: Vec<_> = used
            .iter()
            .map(|u| (&*u.part, u.quantity, &*u.new_serial, &*u.old_serial))
            .collect();
        assert_eq!(
            told,
            [
                ("parts/A", 1, "S1", "OLD-NB-1"),
                ("parts/A", 1, "S2", "OLD-NB-1"),
                ("parts/B", 3, "", ""),
            ]
        );
    }
}
