//! What people do in every story, and what the suite is awaited to do.

use proto::dispatch::v1::work_order::State as Visit;
use proto::dispatch::v1::{GetWorkOrderRequest, ListWorkOrdersRequest, WorkOrder};
use proto::feedback::v1::scorecard::SubjectKind;
use proto::feedback::v1::{
    IssueSurveyLinkRequest, ListScorecardsRequest, ListSurveysRequest, SubmitSurveyRequest, survey,
};
use proto::inventory::v1::{ListReservationsRequest, Reservation, reservation};
use proto::ticket::v1::ticket::Kind;
use proto::ticket::v1::{
    CloseTicketRequest, CreateTicketRequest, FaultReport, GetTicketRequest, RespondToTicketRequest,
    Ticket,
};

use super::scene::{PRODUCT, REGION, Scene};
use super::teller::until;
use crate::report::satisfaction;
use crate::track::timeline;

impl Scene {
    /// A customer reports a fault.
    pub(super) async fn report(
        &mut self,
        serial: &str,
        component: &str,
        cause: &str,
        text: &str,
    ) -> anyhow::Result<Ticket> {
        let at = self.later(10);
        let ticket = Ticket {
            kind: Kind::HardwareFault.into(),
            title: text.to_owned(),
            serial_number: serial.to_owned(),
            product: PRODUCT.to_owned(),
            party: self.party.clone(),
            region: REGION.to_owned(),
            site: Some(self.site()),
            fault: Some(FaultReport {
                component: component.to_owned(),
                cause: cause.to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let request = CreateTicketRequest {
            ticket: Some(ticket),
            request_id: format!("story-report-{serial}"),
            occur_time: Some(at),
        };
        Ok(self.cast.customer.create_ticket(request).await?)
    }

    /// The ticket as it stands.
    pub(super) async fn ticket(&self, name: &str) -> anyhow::Result<Ticket> {
        Ok(self
            .cast
            .agent
            .get_ticket(GetTicketRequest {
                name: name.to_owned(),
            })
            .await?)
    }

    /// Awaits a ticket to be as wanted.
    pub(super) async fn until_ticket(
        &self,
        name: &str,
        what: &str,
        is_so: impl Fn(&Ticket) -> bool,
    ) -> anyhow::Result<Ticket> {
        until(what, || async {
            let ticket = self.ticket(name).await?;
            Ok(if is_so(&ticket) {
                Ok(ticket)
            } else {
                Err(stands(&ticket))
            })
        })
        .await
    }

    /// Awaits the newest reservation of a ticket to be in a state.
    pub(super) async fn reservation(
        &self,
        ticket: &str,
        what: &str,
        is_so: impl Fn(reservation::State) -> bool,
    ) -> anyhow::Result<Reservation> {
        until(&format!("parts to be {what}"), || async {
            let request = ListReservationsRequest {
                ticket: ticket.to_owned(),
                ..Default::default()
            };
            let found = self
                .cast
                .agent
                .list_reservations(request)
                .await?
                .reservations;
            let newest = found.into_iter().max_by_key(|held| held.round);
            Ok(match newest {
                Some(held) if is_so(held.state()) => Ok(held),
                Some(held) => Err(format!("the reservation is {}", held.state().as_str_name())),
                None => Err(stands(&self.ticket(ticket).await?)),
            })
        })
        .await
    }

    /// The work order of a ticket's round.
    pub(super) async fn visit(&self, ticket: &Ticket) -> anyhow::Result<WorkOrder> {
        let name = ticket.work_order.clone();
        Ok(self
            .cast
            .planner
            .get_work_order(GetWorkOrderRequest { name })
            .await?)
    }

    /// An agent answers the customer.
    pub(super) async fn respond(&mut self, ticket: &Ticket) -> anyhow::Result<()> {
        let at = self.later(8);
        let request = RespondToTicketRequest {
            name: ticket.name.clone(),
            request_id: format!("story-respond-{}", ticket.number),
            occur_time: Some(at),
            note: "We have the board and a technician for you.".to_owned(),
            ..Default::default()
        };
        self.cast.agent.respond_to_ticket(request).await?;
        Ok(())
    }

    /// The customer confirms.
    pub(super) async fn confirm(&mut self, ticket: &Ticket) -> anyhow::Result<()> {
        let at = self.later(120);
        let request = CloseTicketRequest {
            name: ticket.name.clone(),
            request_id: format!("story-close-{}-{}", ticket.number, ticket.round),
            occur_time: Some(at),
            note: "Works again.".to_owned(),
            ..Default::default()
        };
        match self.cast.customer.close_ticket(request).await {
            // The stories play in the past: the close-by-policy time may be over already.
            Err(told) if told.is("ILLEGAL_MOVE") && told.metadata("state") == "CLOSED" => {}
            closed => drop(closed?),
        }
        self.teller
            .step("Customer", "confirms; the ticket is closed", vec![]);
        Ok(())
    }

    /// The survey of the ticket's last closure is awaited, its link handed over, and answered.
    pub(super) async fn survey(
        &mut self,
        ticket: &Ticket,
        score: i32,
        comment: &str,
    ) -> anyhow::Result<()> {
        let open = until("the survey after closing", || async {
            let request = ListSurveysRequest {
                ticket: ticket.name.clone(),
                states: vec![survey::State::Open.into()],
                ..Default::default()
            };
            let found = self.cast.agent.list_surveys(request).await?.surveys;
            Ok(found
                .into_iter()
                .next()
                .ok_or_else(|| "none is open".to_owned()))
        })
        .await?;
        let link = IssueSurveyLinkRequest {
            name: open.name.clone(),
        };
        let link = self.cast.agent.issue_survey_link(link).await?;
        self.teller.step(
            "Feedback",
            "asks once, by a link that only the customer has",
            vec![],
        );
        let at = self.later(600);
        let request = SubmitSurveyRequest {
            token: link.token,
            score,
            comment: comment.to_owned(),
            request_id: format!("story-answer-{}", open.round),
            occur_time: Some(at),
        };
        self.cast.customer.submit_survey(request).await?;
        self.teller.step(
            "Customer",
            format!("answers {score} of 5: \"{comment}\""),
            vec![],
        );
        Ok(())
    }

    /// What the answers say, with how sure one can be.
    pub(super) async fn scorecard(&mut self) -> anyhow::Result<()> {
        let request = ListScorecardsRequest {
            subject_kind: SubjectKind::Technician.into(),
            ..Default::default()
        };
        let cards = self
            .cast
            .administrator
            .list_scorecards(request)
            .await?
            .scorecards;
        anyhow::ensure!(!cards.is_empty(), "no scorecard counts the answer");
        let lines = cards.iter().map(satisfaction).collect();
        self.teller.step(
            "Feedback",
            "counts it for the technician; one answer proves little",
            lines,
        );
        Ok(())
    }

    /// Awaits that neither parts nor a technician's time are held for a ticket.
    pub(super) async fn nothing_held(&self, ticket: &Ticket) -> anyhow::Result<()> {
        until("everything held to be given back", || async {
            let reservations = ListReservationsRequest {
                ticket: ticket.name.clone(),
                states: vec![
                    reservation::State::Held.into(),
                    reservation::State::Backordered.into(),
                ],
                ..Default::default()
            };
            let held = self
                .cast
                .agent
                .list_reservations(reservations)
                .await?
                .reservations
                .len();
            let visits = ListWorkOrdersRequest {
                ticket: ticket.name.clone(),
                states: [Visit::Open, Visit::Scheduled, Visit::EnRoute]
                    .map(i32::from)
                    .to_vec(),
                ..Default::default()
            };
            let visits = self
                .cast
                .agent
                .list_work_orders(visits)
                .await?
                .work_orders
                .len();
            let free = held + visits == 0;
            Ok(if free {
                Ok(())
            } else {
                Err(format!("{held} reservations, {visits} visits are open"))
            })
        })
        .await
    }

    /// The last entries of a ticket's timeline.
    pub(super) async fn last_words(&self, ticket: &Ticket) -> anyhow::Result<Vec<String>> {
        let events = timeline(&self.cast.agent, &ticket.name).await?;
        let last = events.iter().rev().take(3).rev();
        Ok(last.map(|event| event.summary.clone()).collect())
    }
}

fn stands(ticket: &Ticket) -> String {
    let attention = match ticket.attention.as_str() {
        "" => String::new(),
        attention => format!(", needs attention: {attention}"),
    };
    format!(
        "{} is {}, step {}, {}{attention}",
        ticket.number,
        ticket.state().as_str_name(),
        ticket.step().as_str_name(),
        ticket.pause_reason().as_str_name()
    )
}
