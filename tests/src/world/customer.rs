//! What a customer and an agent do with a ticket, and what they await of it.

use chassis::refusal::{from_pb, to_pb};
use chassis::testing::eventually;
use jiff::Timestamp;
use proto::feedback::v1::{
    IssueSurveyLinkRequest, ListSurveysRequest, SubmitSurveyRequest, Survey, survey,
};
use proto::ticket::v1::ticket::{Kind, PauseReason, State};
use proto::ticket::v1::{
    ApproveQuoteRequest, CancelTicketRequest, CloseTicketRequest, CreateTicketRequest,
    DeclineQuoteRequest, FaultReport, GetTicketRequest, ListQuotesRequest, ListTicketEventsRequest,
    Quote, ResolveTicketRequest, RespondToTicketRequest, Ticket, TicketEvent, clock,
};

use super::{PATIENCE, World, seeds, until};

/// What is reported.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it is about.
    pub kind: Kind,
    /// Serial number; empty: no device.
    pub serial_number: String,
    /// Component class; empty: not known.
    pub component: String,
    /// Cause; empty: not known.
    pub cause: String,
    /// The matter in a line.
    pub title: String,
}

impl Report {
    /// A fault of a component.
    pub fn fault(serial_number: &str, component: &str) -> Report {
        Report {
            kind: Kind::HardwareFault,
            serial_number: serial_number.to_owned(),
            component: component.to_owned(),
            cause: String::new(),
            title: "Does not start".to_owned(),
        }
    }

    /// A matter without a device.
    pub fn about(kind: Kind, title: &str) -> Report {
        let title = title.to_owned();
        Report {
            kind,
            title,
            ..Report::fault("", "")
        }
    }

    /// The same fault, caused by that.
    #[must_use]
    pub fn caused_by(self, cause: &str) -> Report {
        Report {
            cause: cause.to_owned(),
            ..self
        }
    }

    /// The request that reports it.
    pub fn request(&self, party: &str, at: Timestamp) -> CreateTicketRequest {
        let fault = FaultReport {
            component: self.component.clone(),
            cause: self.cause.clone(),
            ..Default::default()
        };
        let ticket = Ticket {
            kind: self.kind.into(),
            title: self.title.clone(),
            serial_number: self.serial_number.clone(),
            party: party.to_owned(),
            region: seeds::region_of(&self.serial_number).to_owned(),
            site: Some(seeds::site_of(&self.serial_number)),
            fault: Some(fault),
            ..Default::default()
        };
        CreateTicketRequest {
            ticket: Some(ticket),
            occur_time: Some(to_pb(at)),
            ..Default::default()
        }
    }
}

impl World {
    /// The customer reports a faulty component.
    pub async fn report(&self, serial_number: &str, component: &str) -> Ticket {
        self.report_this(&Report::fault(serial_number, component))
            .await
    }

    /// The customer reports something, at the time the world's clock shows.
    pub async fn report_this(&self, report: &Report) -> Ticket {
        let request = report.request(&self.party, self.now());
        self.tickets()
            .create_ticket(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// The ticket as it stands.
    pub async fn ticket(&self, name: &str) -> Ticket {
        let request = GetTicketRequest {
            name: name.to_owned(),
        };
        self.tickets()
            .get_ticket(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Awaits a ticket to be so; `what` completes "never came true: …".
    pub async fn await_ticket(
        &self,
        name: &str,
        what: &str,
        is_so: impl Fn(&Ticket) -> bool,
    ) -> Ticket {
        until(what, async || {
            let ticket = self.ticket(name).await;
            if is_so(&ticket) {
                Ok(ticket)
            } else {
                Err(stands(&ticket))
            }
        })
        .await
    }

    /// Awaits a ticket to be in a state.
    pub async fn await_state(&self, ticket: &Ticket, state: State) -> Ticket {
        let what = format!("{} is {}", ticket.number, state.as_str_name());
        self.await_ticket(&ticket.name, &what, |ticket| ticket.state() == state)
            .await
    }

    /// Awaits a ticket to wait for that.
    pub async fn await_pause(&self, ticket: &Ticket, reason: PauseReason) -> Ticket {
        let what = format!("{} is {}", ticket.number, reason.as_str_name());
        self.await_ticket(&ticket.name, &what, |ticket| {
            ticket.pause_reason() == reason
        })
        .await
    }

    /// Awaits the coverage of a ticket to be decided.
    pub async fn await_decision(&self, ticket: &Ticket) -> Ticket {
        let what = "coverage is decided";
        self.await_ticket(&ticket.name, what, |ticket| ticket.entitlement.is_some())
            .await
    }

    /// An agent answers the customer.
    pub async fn respond(&self, ticket: &Ticket) -> Ticket {
        let request = RespondToTicketRequest {
            name: ticket.name.clone(),
            occur_time: Some(to_pb(self.now())),
            note: "We look at it.".to_owned(),
            ..Default::default()
        };
        self.tickets()
            .respond_to_ticket(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// An agent answers the matter.
    pub async fn resolve(&self, ticket: &Ticket, resolution: &str) -> Ticket {
        let request = ResolveTicketRequest {
            name: ticket.name.clone(),
            occur_time: Some(to_pb(self.now())),
            resolution: resolution.to_owned(),
            ..Default::default()
        };
        self.tickets()
            .resolve_ticket(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Awaits the repair to be done; the customer confirms it an hour later.
    pub async fn confirm(&self, ticket: &Ticket) -> Ticket {
        self.await_state(ticket, State::Resolved).await;
        self.pass(jiff::SignedDuration::from_hours(1));
        let request = CloseTicketRequest {
            name: ticket.name.clone(),
            occur_time: Some(to_pb(self.now())),
            note: "Works again.".to_owned(),
            ..Default::default()
        };
        self.tickets()
            .close_ticket(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// The customer withdraws.
    pub async fn cancel(&self, ticket: &Ticket) -> Ticket {
        let request = CancelTicketRequest {
            name: ticket.name.clone(),
            occur_time: self.next(),
            reason: "It was the power strip.".to_owned(),
            ..Default::default()
        };
        self.tickets()
            .cancel_ticket(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Awaits the offer that a ticket waits with.
    pub async fn quote(&self, ticket: &Ticket) -> Quote {
        self.await_pause(ticket, PauseReason::WaitingCustomer).await;
        let request = ListQuotesRequest {
            parent: ticket.name.clone(),
            ..Default::default()
        };
        let quotes = self
            .quotes()
            .list_quotes(request)
            .await
            .unwrap()
            .into_inner()
            .quotes;
        quotes
            .into_iter()
            .next()
            .expect("a ticket that waits for a decision has an offer")
    }

    /// The customer agrees to an offer.
    pub async fn approve(&self, quote: &Quote) -> Quote {
        let (name, occur_time) = (quote.name.clone(), self.next());
        let request = ApproveQuoteRequest {
            name,
            occur_time,
            ..Default::default()
        };
        self.quotes()
            .approve_quote(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// The customer declines an offer.
    pub async fn decline(&self, quote: &Quote) -> Quote {
        let request = DeclineQuoteRequest {
            name: quote.name.clone(),
            occur_time: self.next(),
            reason: "A new one costs little more.".to_owned(),
            ..Default::default()
        };
        self.quotes()
            .decline_quote(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// The ticket's history, oldest first.
    pub async fn timeline(&self, ticket: &Ticket) -> Vec<TicketEvent> {
        let name = ticket.name.clone();
        let request = ListTicketEventsRequest {
            name,
            page_size: 1_000,
            ..Default::default()
        };
        self.tickets()
            .list_ticket_events(request)
            .await
            .unwrap()
            .into_inner()
            .events
    }

    /// Surveys of a ticket, oldest first.
    pub async fn surveys_of(&self, ticket: &Ticket) -> Vec<Survey> {
        let request = ListSurveysRequest {
            ticket: ticket.name.clone(),
            ..Default::default()
        };
        let surveys = self
            .surveys()
            .list_surveys(request)
            .await
            .unwrap()
            .into_inner()
            .surveys;
        surveys.into_iter().rev().collect()
    }

    /// Awaits the open survey of a ticket; the customer follows its link and answers.
    pub async fn answer_survey(&self, ticket: &Ticket, score: i32) -> Survey {
        let open = eventually(PATIENCE, "the closed ticket is surveyed", async || {
            let surveys = self.surveys_of(ticket).await;
            surveys
                .into_iter()
                .find(|found| found.state() == survey::State::Open)
        })
        .await;
        let link = IssueSurveyLinkRequest { name: open.name };
        let link = self
            .surveys()
            .issue_survey_link(link)
            .await
            .unwrap()
            .into_inner();
        let request = SubmitSurveyRequest {
            token: link.token,
            score,
            comment: "As I said.".to_owned(),
            occur_time: self.next(),
            ..Default::default()
        };
        self.surveys()
            .submit_survey(request)
            .await
            .unwrap()
            .into_inner()
    }
}

/// When a promise of a ticket falls due; none: the ticket has no such clock.
pub fn due(ticket: &Ticket, milestone: clock::Milestone) -> Option<Timestamp> {
    let clock = ticket
        .clocks
        .iter()
        .find(|clock| clock.milestone() == milestone)?;
    clock.due_time.as_ref().and_then(from_pb)
}

fn stands(ticket: &Ticket) -> String {
    format!(
        "{} is {}, step {}, round {}, {}, attention {:?}",
        ticket.number,
        ticket.state().as_str_name(),
        ticket.step().as_str_name(),
        ticket.round,
        ticket.pause_reason().as_str_name(),
        ticket.attention
    )
}
