//! A technician's visit, or a repair on the bench.

use chassis::refusal::{from_pb, to_pb};
use chassis::testing::eventually;
use jiff::{SignedDuration, Timestamp};
use proto::dispatch::v1::work_order::State;
use proto::dispatch::v1::{
    ArriveWorkOrderRequest, CompleteWorkOrderRequest, DepartWorkOrderRequest, GetTechnicianRequest,
    GetWorkOrderRequest, ListTechniciansRequest, ListWorkOrdersRequest, StartWorkOrderRequest,
    Technician, WorkOrder,
};
use proto::inventory::v1::PartUsed;
use proto::ticket::v1::Ticket;

use super::{PATIENCE, World};

/// A booked work order and the world it is in.
#[derive(Debug)]
pub struct Visit<'w> {
    world: &'w World,
    /// The work order as last seen.
    pub order: WorkOrder,
}

impl World {
    /// Awaits the visit of the ticket's present round to be booked.
    pub async fn visit(&self, ticket: &Ticket) -> Visit<'_> {
        self.visit_of_round(&ticket.name, ticket.round).await
    }

    /// Awaits the visit of a round, or of a later one, to be booked.
    pub async fn visit_of_round(&self, ticket: &str, round: i32) -> Visit<'_> {
        let booked = self
            .await_ticket(ticket, "a visit is booked", |ticket| {
                ticket.round >= round && ticket.appointment.is_some()
            })
            .await;
        Visit {
            world: self,
            order: self.work_order(&booked.work_order).await,
        }
    }

    /// A work order as it stands.
    pub async fn work_order(&self, name: &str) -> WorkOrder {
        let request = GetWorkOrderRequest {
            name: name.to_owned(),
        };
        self.work_orders()
            .get_work_order(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Awaits a work order to be in a state.
    pub async fn await_work_order(&self, name: &str, state: State) -> WorkOrder {
        let what = format!("{name} is {}", state.as_str_name());
        eventually(PATIENCE, &what, async || {
            Some(self.work_order(name).await).filter(|order| order.state() == state)
        })
        .await
    }

    /// The work orders of a ticket in one of these states; every one when none is named.
    pub async fn work_orders_of(&self, ticket: &str, states: &[State]) -> Vec<WorkOrder> {
        let request = ListWorkOrdersRequest {
            ticket: ticket.to_owned(),
            states: states.iter().map(|state| i32::from(*state)).collect(),
            ..Default::default()
        };
        self.work_orders()
            .list_work_orders(request)
            .await
            .unwrap()
            .into_inner()
            .work_orders
    }

    /// A visit by the name of its work order, as its technician knows it.
    pub async fn take_up(&self, work_order: &str) -> Visit<'_> {
        Visit {
            world: self,
            order: self.work_order(work_order).await,
        }
    }

    /// A technician by code: "NEAR".
    pub async fn technician_by_code(&self, code: &str) -> Technician {
        let listed = self
            .technicians()
            .list_technicians(ListTechniciansRequest::default())
            .await;
        let mut listed = listed.unwrap().into_inner().technicians.into_iter();
        listed
            .find(|technician| technician.code == code)
            .expect("the technician is there")
    }

    /// A technician by resource name.
    pub async fn technician(&self, name: &str) -> Technician {
        let request = GetTechnicianRequest {
            name: name.to_owned(),
        };
        self.technicians()
            .get_technician(request)
            .await
            .unwrap()
            .into_inner()
    }
}

impl Visit<'_> {
    /// When the work was to begin, by the plan.
    pub fn start(&self) -> Timestamp {
        let window = self
            .order
            .window
            .as_ref()
            .and_then(|window| window.start.as_ref());
        window.and_then(from_pb).expect("a booked visit has a time")
    }

    /// The code of the technician booked: "NEAR".
    pub async fn technician(&self) -> String {
        self.world.technician(&self.order.technician).await.code
    }

    /// The technician sets out in time.
    pub async fn departs(&mut self) -> &mut Self {
        let travel = SignedDuration::from_secs(self.order.travel_seconds);
        self.at((self.start() - travel).max(self.world.now()));
        let (name, occur_time) = (self.order.name.clone(), self.now());
        let request = DepartWorkOrderRequest {
            name,
            occur_time,
            ..Default::default()
        };
        let answer = self.world.work_orders().depart_work_order(request).await;
        self.order = answer.unwrap().into_inner();
        self
    }

    /// The technician is there, in time unless the world's clock is later.
    pub async fn arrives(&mut self) -> &mut Self {
        self.at(self.start().max(self.world.now()));
        let (name, occur_time) = (self.order.name.clone(), self.now());
        let request = ArriveWorkOrderRequest {
            name,
            occur_time,
            ..Default::default()
        };
        let answer = self.world.work_orders().arrive_work_order(request).await;
        self.order = answer.unwrap().into_inner();
        self
    }

    /// Work begins.
    pub async fn starts(&mut self) -> &mut Self {
        self.at(self.start().max(self.world.now()));
        let (name, occur_time) = (self.order.name.clone(), self.now());
        let request = StartWorkOrderRequest {
            name,
            occur_time,
            ..Default::default()
        };
        let answer = self.world.work_orders().start_work_order(request).await;
        self.order = answer.unwrap().into_inner();
        self
    }

    /// Half an hour later the device works; every part held was built in.
    pub async fn completes(&mut self) -> WorkOrder {
        let parts_used = self.parts_held().await;
        self.ends(State::Completed, parts_used).await
    }

    /// Half an hour later the technician leaves without a fix; nothing was built in.
    pub async fn ends_incomplete(&mut self) -> WorkOrder {
        self.ends(State::Incomplete, Vec::new()).await
    }

    /// From setting out, where there is a way, to the signature.
    pub async fn repair(&mut self) -> WorkOrder {
        if self.may("depart") {
            self.departs().await.arrives().await;
        }
        self.starts().await.completes().await
    }

    /// Whether the state allows a verb.
    pub fn may(&self, verb: &str) -> bool {
        self.order
            .allowed_verbs
            .iter()
            .any(|allowed| allowed == verb)
    }

    /// What the reservation holds, as if all of it were built in against an old serial number.
    pub async fn parts_held(&self) -> Vec<PartUsed> {
        if self.order.reservation.is_empty() {
            return Vec::new();
        }
        let held = self.world.reservation(&self.order.reservation).await;
        let mut used = Vec::new();
        for line in held.lines {
            let part = line.part;
            let serials = line.serial_numbers.into_iter().map(|new_serial| PartUsed {
                part: part.clone(),
                quantity: 1,
                old_serial: format!("OLD-{new_serial}"),
                new_serial,
            });
            let serials: Vec<PartUsed> = serials.collect();
            if serials.is_empty() {
                let quantity = line.quantity;
                used.push(PartUsed {
                    part: part.clone(),
                    quantity,
                    ..Default::default()
                });
            }
            used.extend(serials);
        }
        used
    }

    /// The visit ends after half an hour of work.
    pub async fn ends(&mut self, outcome: State, parts_used: Vec<PartUsed>) -> WorkOrder {
        self.world.pass(SignedDuration::from_mins(30));
        let request = CompleteWorkOrderRequest {
            name: self.order.name.clone(),
            occur_time: self.now(),
            parts_used,
            outcome: outcome.into(),
            report: match outcome {
                State::Completed => "Replaced and tested.",
                _ => "Nobody was at home.",
            }
            .to_owned(),
            signature: "Lin Yue".to_owned(),
            ..Default::default()
        };
        let answer = self.world.work_orders().complete_work_order(request).await;
        self.order = answer.unwrap().into_inner();
        self.order.clone()
    }

    fn at(&self, instant: Timestamp) {
        self.world.it_is(instant);
    }

    fn now(&self) -> Option<prost_types::Timestamp> {
        Some(to_pb(self.world.now()))
    }
}
