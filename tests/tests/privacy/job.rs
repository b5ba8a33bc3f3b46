//! A main job and its detours in which every personal field is the canary's, and requests that are
//! refused for what they say of people.

use chassis::client::Peer;
use chassis::refusal::to_pb;
use jiff::SignedDuration;
use prost_types::FieldMask;
use proto::channel::v1::party_service_client::PartyServiceClient;
use proto::dispatch::v1 as dispatch;
use proto::feedback::v1 as feedback;
use proto::ticket::v1 as ticket;
use proto::ticket::v1::ticket::{Kind, State};
use stories::world::{NOTEBOOK, Report, World, until};
use tonic::{Response, Status};
use tonic_types::StatusExt;

use crate::canary::{LATITUDE, LONGITUDE, long, said};

/// What is done in a world, and how it was refused.
pub(crate) struct Job<'w> {
    pub(crate) world: &'w World,
    pub(crate) parties: PartyServiceClient<Peer>,
    refusals: Vec<String>,
    secrets: Vec<String>,
}

impl<'w> Job<'w> {
    pub(crate) fn of(world: &'w World, channel: Peer) -> Job<'w> {
        Job {
            world,
            parties: PartyServiceClient::new(channel),
            refusals: Vec::new(),
            secrets: Vec::new(),
        }
    }

    /// How requests were refused, and secrets that were handed out.
    pub(crate) fn ends(self) -> (Vec<String>, Vec<String>) {
        (self.refusals, self.secrets)
    }

    pub(crate) async fn is_done(&mut self) {
        let party = self.the_customer_is_known().await;
        self.people_and_places_are_added().await;
        let ticket = self.a_fault_is_reported(&party).await;
        self.it_is_spoken_of(&ticket).await;
        self.it_is_repaired(&ticket).await;
        self.the_customer_is_asked(&ticket).await;
        self.others_end_otherwise(&party).await;
        self.pages_are_read(&ticket).await;
    }

    /// A report in which everything is of the customer.
    fn report(&self, report: &Report, party: &str) -> ticket::CreateTicketRequest {
        let mut request = report.request(party, self.world.now());
        let ticket = request.ticket.as_mut().unwrap();
        ticket.title = said("title");
        ticket.description = said("description");
        let site = ticket.site.as_mut().unwrap();
        (site.latitude, site.longitude) = (LATITUDE, LONGITUDE);
        let address = site.address.as_mut().unwrap();
        address.address_lines = vec![said("street"), said("house")];
        address.postal_code = "Zq7Canary".to_owned();
        request
    }

    async fn a_fault_is_reported(&mut self, party: &str) -> ticket::Ticket {
        let mut tickets = self.world.tickets();
        let mut request = self.report(&Report::fault(NOTEBOOK, "MEMORY"), party);
        request.request_id = "ticket-1".to_owned();
        let reported = tickets
            .create_ticket(request.clone())
            .await
            .unwrap()
            .into_inner();

        let ticket = request.ticket.as_mut().unwrap();
        ticket.title = long("title", 300);
        let refused = tickets.create_ticket(request.clone()).await;
        self.refused("INVALID_FIELDS", refused);
        request.request_id = String::new();
        let ticket = request.ticket.as_mut().unwrap();
        ticket.description = long("description", 9_000);
        ticket.region = said("region");
        ticket.fault.as_mut().unwrap().component = said("component");
        let site = ticket.site.as_mut().unwrap();
        site.latitude = LATITUDE * 10.0;
        site.time_zone = said("zone");
        let address = site.address.as_mut().unwrap();
        address.address_lines = vec![long("street", 300); 6];
        address.postal_code = long("code", 40);
        address.region_code = said("country");
        let refused = tickets.create_ticket(request).await;
        self.refused("INVALID_FIELDS", refused);
        reported
    }

    async fn it_is_spoken_of(&mut self, ticket: &ticket::Ticket) {
        let mut tickets = self.world.tickets();
        let name = || ticket.name.clone();
        for (text, why) in [(said("note"), ""), (long("note", 9_000), "INVALID_FIELDS")] {
            let added = tickets.add_ticket_note(ticket::AddTicketNoteRequest {
                name: name(),
                text: text.clone(),
                occur_time: self.at(),
                ..Default::default()
            });
            self.answered(why, added.await);
            let told = tickets.respond_to_ticket(ticket::RespondToTicketRequest {
                name: name(),
                note: text.clone(),
                occur_time: self.at(),
                ..Default::default()
            });
            self.answered(why, told.await);
            let mut changed = ticket.clone();
            (changed.title, changed.etag) = (text, String::new());
            let updated = tickets.update_ticket(ticket::UpdateTicketRequest {
                ticket: Some(changed),
                update_mask: Some(FieldMask {
                    paths: vec!["title".to_owned()],
                }),
                occur_time: self.at(),
                ..Default::default()
            });
            self.answered(why, updated.await);
        }
        let early = tickets.reopen_ticket(ticket::ReopenTicketRequest {
            name: name(),
            reason: said("reason"),
            occur_time: self.at(),
            ..Default::default()
        });
        self.answered("ILLEGAL_MOVE", early.await);
        let wrong = tickets.resolve_ticket(ticket::ResolveTicketRequest {
            name: name(),
            resolution: long("resolution", 3_000),
            ..Default::default()
        });
        self.answered("INVALID_FIELDS", wrong.await);
    }

    async fn it_is_repaired(&mut self, ticket: &ticket::Ticket) {
        let mut visit = self.world.visit(ticket).await;
        if visit.may("depart") {
            visit.departs().await.arrives().await;
        }
        visit.starts().await;
        let parts_used = visit.parts_held().await;
        self.world.pass(SignedDuration::from_mins(30));
        let mut orders = self.world.work_orders();
        let done = |report: String, signature: String| dispatch::CompleteWorkOrderRequest {
            name: visit.order.name.clone(),
            parts_used: parts_used.clone(),
            outcome: dispatch::work_order::State::Completed.into(),
            report,
            signature,
            occur_time: self.at(),
            ..Default::default()
        };
        let wrong = orders.complete_work_order(done(long("report", 5_000), long("hand", 300)));
        let wrong = wrong.await;
        let right = orders
            .complete_work_order(done(said("report"), said("signature")))
            .await;
        let late = orders.cancel_work_order(dispatch::CancelWorkOrderRequest {
            name: visit.order.name.clone(),
            reason: said("reason"),
            ..Default::default()
        });
        let late = late.await;
        self.refused("INVALID_FIELDS", wrong);
        self.answered("", right);
        self.refused("ILLEGAL_MOVE", late);
        self.world.await_state(ticket, State::Resolved).await;
        self.world.pass(SignedDuration::from_hours(1));
        let mut tickets = self.world.tickets();
        let closed = tickets.close_ticket(ticket::CloseTicketRequest {
            name: ticket.name.clone(),
            occur_time: self.at(),
            note: said("thanks"),
            ..Default::default()
        });
        self.answered("", closed.await);
    }

    /// A bad answer opens the ticket again; then it is called off.
    async fn the_customer_is_asked(&mut self, ticket: &ticket::Ticket) {
        let open = until("the customer is asked", async || {
            let surveys = self.world.surveys_of(ticket).await;
            surveys
                .into_iter()
                .next()
                .ok_or("there is no survey".to_owned())
        });
        let name = open.await.name;
        let mut surveys = self.world.surveys();
        let link = surveys
            .issue_survey_link(feedback::IssueSurveyLinkRequest { name })
            .await;
        let token = link.unwrap().into_inner().token;
        self.secrets.push(token.clone());
        let answer = |token: String, comment: String| feedback::SubmitSurveyRequest {
            token,
            score: 1,
            comment,
            ..Default::default()
        };
        let asked = surveys
            .get_survey(feedback::GetSurveyRequest {
                token: said("token"),
            })
            .await;
        self.refused("NOT_FOUND", asked);
        let wrong = surveys
            .submit_survey(answer(token.clone(), long("comment", 3_000)))
            .await;
        self.refused("INVALID_FIELDS", wrong);
        let pasted = format!("{} https://example.com/surveys/{token}", said("comment"));
        surveys
            .submit_survey(answer(token.clone(), pasted))
            .await
            .unwrap();
        let twice = surveys.submit_survey(answer(token, said("comment"))).await;
        self.refused("SURVEY_ANSWERED", twice);
        let again = |ticket: &ticket::Ticket| ticket.round == 2;
        self.world
            .await_ticket(&ticket.name, "it is opened again", again)
            .await;
        let mut tickets = self.world.tickets();
        for (reason, why) in [
            (long("reason", 600), "INVALID_FIELDS"),
            (said("reason"), ""),
        ] {
            let name = ticket.name.clone();
            let request = ticket::CancelTicketRequest {
                name,
                reason,
                ..Default::default()
            };
            self.answered(why, tickets.cancel_ticket(request).await);
        }
    }

    /// Questions are answered, refused, quoted and declined.
    async fn others_end_otherwise(&mut self, party: &str) {
        let mut tickets = self.world.tickets();
        let mut asked = Vec::new();
        for _ in 0..3 {
            let request = self.report(&Report::about(Kind::Inquiry, "?"), party);
            asked.push(
                tickets
                    .create_ticket(request)
                    .await
                    .unwrap()
                    .into_inner()
                    .name,
            );
        }
        let (name, resolution) = (asked[0].clone(), said("resolution"));
        let request = ticket::ResolveTicketRequest {
            name,
            resolution,
            ..Default::default()
        };
        self.answered("", tickets.resolve_ticket(request).await);
        let (name, reason) = (asked[0].clone(), said("reason"));
        let request = ticket::ReopenTicketRequest {
            name,
            reason,
            ..Default::default()
        };
        self.answered("", tickets.reopen_ticket(request).await);
        let (name, reason) = (asked[1].clone(), said("reason"));
        let request = ticket::RejectTicketRequest {
            name,
            reason,
            ..Default::default()
        };
        self.answered("", tickets.reject_ticket(request).await);

        let mut quotes = self.world.quotes();
        let offer = |description: String| ticket::CreateQuoteRequest {
            parent: asked[2].clone(),
            quote: Some(ticket::Quote {
                lines: vec![ticket::quote::Line {
                    description,
                    quantity: 1,
                    unit_price: Some(proto::kinds::v1::Money {
                        currency_code: "CNY".to_owned(),
                        units: 100,
                        nanos: 0,
                    }),
                }],
                ..Default::default()
            }),
            ..Default::default()
        };
        let wrong = quotes.create_quote(offer(long("line", 300))).await;
        self.refused("INVALID_FIELDS", wrong);
        let quote = quotes
            .create_quote(offer(said("line")))
            .await
            .unwrap()
            .into_inner();
        for (reason, why) in [
            (long("reason", 600), "INVALID_FIELDS"),
            (said("reason"), ""),
        ] {
            let name = quote.name.clone();
            let request = ticket::DeclineQuoteRequest {
                name,
                reason,
                ..Default::default()
            };
            self.answered(why, quotes.decline_quote(request).await);
        }
    }

    async fn pages_are_read(&mut self, ticket: &ticket::Ticket) {
        let mut tickets = self.world.tickets();
        let timeline = self.world.timeline(ticket).await;
        assert!(timeline.iter().any(|entry| entry.text == said("note")));
        let export = ticket::ExportTicketHistoryRequest {
            name: ticket.name.clone(),
        };
        let _ = tickets.export_ticket_history(export).await;
        let page_token = said("token");
        let list = ticket::ListTicketsRequest {
            page_token,
            ..Default::default()
        };
        let refused = tickets.list_tickets(list).await;
        self.refused("PAGE_TOKEN_INVALID", refused);
    }

    /// What the world's clock shows.
    fn at(&self) -> Option<prost_types::Timestamp> {
        Some(to_pb(self.world.now()))
    }

    /// Answered where `why` is empty, else refused for that reason.
    fn answered<T: std::fmt::Debug>(&mut self, why: &str, answer: Result<Response<T>, Status>) {
        if why.is_empty() {
            answer.unwrap();
        } else {
            self.refused(why, answer);
        }
    }

    /// Keeps all that a refusal tells.
    pub(crate) fn refused<T: std::fmt::Debug>(
        &mut self,
        why: &str,
        answer: Result<Response<T>, Status>,
    ) {
        let status = answer.expect_err(why);
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, why, "{status:?}");
        let bytes = status.details();
        self.refusals.push(format!(
            "{status:?} {details:?} {}",
            String::from_utf8_lossy(bytes)
        ));
    }
}
