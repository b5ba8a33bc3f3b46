//! What the ticket service hears, and what it does with it. (What it tells is made by
//! [`crate::desk::event`].)

use chassis::db::Tx;
use chassis::inbox::{Consumer, Delivered};
use chassis::refusal::from_pb;
use chassis::{Refusal, erasure, names};
use jiff::Timestamp;
use prost::Message;
use proto::dispatch::v1::work_order::State as OrderState;
use proto::dispatch::v1::{WorkOrder, WorkOrderEventPayload, WorkOrderFacts};
use proto::entitlement::v1::AssetRegisteredPayload;
use proto::feedback::v1::SurveyEventPayload;
use proto::inventory::v1::reservation::State as ReservationState;
use proto::inventory::v1::{Reservation, ReservationEventPayload};
use proto::kinds::v1::Finding;
use tonic::Code;

use crate::desk::Desk;
use crate::domain::answers::{self, PartsNews, Taken, VisitNews};
use crate::domain::ticket::{Deed, Ticket};
use crate::store;
use crate::wire::TICKETS;

/// The ticket service's ear.
pub struct Ear(pub Desk);

#[tonic::async_trait]
impl Consumer for Ear {
    fn name(&self) -> &'static str {
        "ticket"
    }

    fn hears(&self) -> &'static [(&'static str, &'static [&'static str])] {
        &[
            (
                "dispatch",
                &[
                    "work_order.opened",
                    "work_order.scheduled",
                    "work_order.departed",
                    "work_order.arrived",
                    "work_order.started",
                    "work_order.completed",
                    "work_order.incomplete",
                    "work_order.cancelled",
                ],
            ),
            (
                "inventory",
                &[
                    "reservation.held",
                    "reservation.backordered",
                    "reservation.released",
                    "reservation.expired",
                    "reservation.committed",
                ],
            ),
            ("entitlement", &["asset.registered"]),
            ("feedback", &["score.low"]),
            ("channel", &["party.erased"]),
        ]
    }

    async fn handle(&self, tx: &mut Tx, event: &Delivered) -> Result<(), Refusal> {
        match event.source.as_str() {
            "dispatch" => self.visit(tx, event).await,
            "inventory" => self.parts(tx, event).await,
            "entitlement" => self.registered(tx, event).await,
            "channel" => erasure::record(tx, &event.aggregate).await,
            _ => self.low_score(tx, event).await,
        }
    }
}

fn decode<M: Message + Default>(event: &Delivered) -> Result<M, Refusal> {
    M::decode(event.payload.clone()).map_err(|error| {
        let message = format!("the payload of {} cannot be read: {error}", event.kind);
        Refusal::new(
            Code::InvalidArgument,
            "ticket.fettle",
            "PAYLOAD_UNREADABLE",
            message,
        )
    })
}

fn deed<'a>(event: &'a Delivered, actor: &'a str) -> Deed<'a> {
    Deed {
        actor,
        at: event.occurred_at,
        note: None,
    }
}

impl Ear {
    /// The ticket an event is about; none: not of this service. It is not locked: most events say
    /// what is known already, and a save notices when somebody was faster.
    async fn ticket(&self, tx: &mut Tx, name: &str) -> Result<Option<Ticket>, Refusal> {
        let Some(id) = names::parse(TICKETS, name) else {
            return Ok(None);
        };
        let tenant = tx.tenant().clone();
        store::ticket::get(tx, tenant.as_str(), id).await
    }

    async fn save(&self, tx: &mut Tx, mut ticket: Ticket, at: Timestamp) -> Result<(), Refusal> {
        ticket.facts.cause_at = Some(at);
        self.0.save_and_wake(tx, &mut ticket).await?;
        self.0.woken.notify_one();
        Ok(())
    }

    async fn visit(&self, tx: &mut Tx, event: &Delivered) -> Result<(), Refusal> {
        let order = decode::<WorkOrderEventPayload>(event)?
            .work_order
            .unwrap_or_default();
        let Some(mut ticket) = self.ticket(tx, &order.ticket).await? else {
            return Ok(());
        };
        let Some(news) = visit_news(&order) else {
            return Ok(());
        };
        let actor = match order.technician.as_str() {
            "" => "services/dispatch",
            technician => technician,
        };
        let taken = answers::visit_told(&mut ticket, order.round, news, &deed(event, actor))?;
        self.keep(tx, ticket, taken, event).await
    }

    async fn parts(&self, tx: &mut Tx, event: &Delivered) -> Result<(), Refusal> {
        let payload = decode::<ReservationEventPayload>(event)?;
        let reservation = payload.reservation.unwrap_or_default();
        let Some(mut ticket) = self.ticket(tx, &reservation.ticket).await? else {
            return Ok(());
        };
        let Some(news) = parts_news(&reservation) else {
            return Ok(());
        };
        let deed = deed(event, "services/inventory");
        let taken = answers::reservation_told(&mut ticket, reservation.round, news, &deed)?;
        self.keep(tx, ticket, taken, event).await
    }

    async fn registered(&self, tx: &mut Tx, event: &Delivered) -> Result<(), Refusal> {
        let asset = decode::<AssetRegisteredPayload>(event)?;
        let tenant = tx.tenant().clone();
        let serial = &asset.serial_number;
        let waiting = store::ticket::awaiting_registration(tx, tenant.as_str(), serial).await?;
        for mut ticket in waiting {
            let deed = deed(event, "services/entitlement");
            let taken = answers::registered(&mut ticket, &deed)?;
            self.keep(tx, ticket, taken, event).await?;
        }
        Ok(())
    }

    async fn low_score(&self, tx: &mut Tx, event: &Delivered) -> Result<(), Refusal> {
        let survey = decode::<SurveyEventPayload>(event)?;
        let Some(mut ticket) = self.ticket(tx, &survey.ticket).await? else {
            return Ok(());
        };
        let findings = survey.findings.iter().map(Message::encode_to_vec).collect();
        let (days, deed) = (
            self.0.settings.reopen_days,
            deed(event, "services/feedback"),
        );
        let (round, score) = (survey.round, survey.score);
        let taken = answers::score_low(&mut ticket, round, score, findings, days, &deed)?;
        self.keep(tx, ticket, taken, event).await
    }

    async fn keep(
        &self,
        tx: &mut Tx,
        ticket: Ticket,
        taken: Taken,
        event: &Delivered,
    ) -> Result<(), Refusal> {
        match taken {
            Taken::Changed => self.save(tx, ticket, event.occurred_at).await,
            Taken::Known | Taken::Late | Taken::Foreign => {
                tracing::debug!(kind = event.kind, ?taken, ticket = %ticket.id, "nothing to do");
                Ok(())
            }
        }
    }
}

fn encoded(findings: &[Finding]) -> Vec<Vec<u8>> {
    findings.iter().map(Message::encode_to_vec).collect()
}

/// What a reservation's state means for its ticket.
pub(crate) fn parts_news(reservation: &Reservation) -> Option<PartsNews> {
    Some(match reservation.state() {
        ReservationState::Unspecified => return None,
        ReservationState::Held => {
            let mut locations: Vec<&str> = reservation
                .lines
                .iter()
                .map(|line| line.location.as_str())
                .collect();
            locations.sort_unstable();
            locations.dedup();
            PartsNews::Held {
                locations: locations.join(", "),
            }
        }
        ReservationState::Backordered => PartsNews::Backordered {
            findings: encoded(&reservation.findings),
        },
        ReservationState::Committed => PartsNews::Committed,
        ReservationState::Released => PartsNews::Released,
        ReservationState::Expired => PartsNews::Expired,
    })
}

/// A work order that was answered, as far as an event would tell it and its ticket cares.
pub(crate) fn facts(order: WorkOrder) -> WorkOrderFacts {
    WorkOrderFacts {
        name: order.name,
        round: order.round,
        technician: order.technician,
        window: order.window,
        state: order.state,
        findings: order.findings,
        ..WorkOrderFacts::default()
    }
}

/// What a work order's state means for its ticket.
pub(crate) fn visit_news(order: &WorkOrderFacts) -> Option<VisitNews> {
    Some(match order.state() {
        OrderState::Unspecified => return None,
        OrderState::Open | OrderState::Offered => VisitNews::Open {
            findings: encoded(&order.findings),
        },
        OrderState::Scheduled => {
            let window = order.window.as_ref()?;
            VisitNews::Scheduled {
                technician: names::parse("technicians", &order.technician)?,
                start: from_pb(window.start.as_ref()?)?,
                end: from_pb(window.end.as_ref()?)?,
            }
        }
        OrderState::EnRoute => VisitNews::Departed,
        OrderState::OnSite => VisitNews::Arrived,
        OrderState::InProgress => VisitNews::Started,
        OrderState::Completed => VisitNews::Completed {
            work_order: order.name.clone(),
        },
        OrderState::Incomplete => VisitNews::Incomplete {
            work_order: order.name.clone(),
        },
        OrderState::Cancelled => VisitNews::Cancelled,
    })
}
