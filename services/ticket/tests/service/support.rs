//! The ticket service over a database of its own, and people who call it.

use chassis::client::Peer;
use chassis::testing::{self, Suite, agent, eventually};
use chassis::{Caller, TenantId};
use jiff::{SignedDuration, Timestamp};
use proto::kinds::v1::{Money, PostalAddress, Site};
use proto::ticket::v1::quote_service_client::QuoteServiceClient;
use proto::ticket::v1::ticket::{Kind, PauseReason, State};
use proto::ticket::v1::ticket_service_client::TicketServiceClient;
use proto::ticket::v1::{
    CancelTicketRequest, CloseTicketRequest, CreateQuoteRequest, CreateTicketRequest,
    GetTicketRequest, ListTicketEventsRequest, PauseTicketRequest, Quote, RejectTicketRequest,
    ReopenTicketRequest, ResolveTicketRequest, RespondToTicketRequest, ResumeTicketRequest,
    StartTicketRequest, Ticket, TicketEvent, quote,
};
use sqlx::{AssertSqlSafe, PgPool};
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::StatusExt;

pub(crate) const WAIT: Duration = Duration::from_secs(30);

/// The ticket service alone: those it asks are down.
pub(crate) struct Desk {
    pub(crate) suite: Suite,
    /// The superuser in the service's schema.
    pub(crate) admin: PgPool,
}

/// Steps are tried again at once, and a person is asked after three tries.
pub(crate) async fn desk() -> Desk {
    let quick = [
        ("ticket", "ticket.progress.first_pause_ms", "5"),
        ("ticket", "ticket.progress.longest_pause_ms", "20"),
        ("ticket", "ticket.progress.attempts_until_attention", "3"),
        ("ticket", "ticket.progress.attempts_until_stop", "6"),
    ];
    let suite = testing::serve(&[ticket::BLUEPRINT], &quick).await;
    Desk {
        admin: suite.pool_of("ticket"),
        suite,
    }
}

/// Somebody of another tenant.
pub(crate) fn stranger() -> Caller {
    Caller {
        tenant: TenantId::parse("other").unwrap(),
        ..agent()
    }
}

/// A question, which no step of the process concerns.
pub(crate) fn inquiry() -> Ticket {
    Ticket {
        kind: Kind::Inquiry.into(),
        title: "Which adapter fits?".to_owned(),
        region: "cn-east".to_owned(),
        ..Ticket::default()
    }
}

/// A notebook in Hangzhou that does not start.
pub(crate) fn fault() -> Ticket {
    Ticket {
        kind: Kind::HardwareFault.into(),
        title: "Does not start".to_owned(),
        serial_number: "SN-1".to_owned(),
        region: "cn-east".to_owned(),
        site: Some(hangzhou()),
        ..Ticket::default()
    }
}

pub(crate) fn hangzhou() -> Site {
    Site {
        address: Some(PostalAddress {
            region_code: "CN".to_owned(),
            locality: "Hangzhou".to_owned(),
            ..PostalAddress::default()
        }),
        latitude: 30.27,
        longitude: 120.16,
        time_zone: "Asia/Shanghai".to_owned(),
    }
}

pub(crate) fn yuan(units: i64, nanos: i32) -> Option<Money> {
    Some(Money {
        currency_code: "CNY".to_owned(),
        units,
        nanos,
    })
}

pub(crate) fn line(unit_price: Option<Money>, quantity: i32) -> quote::Line {
    quote::Line {
        description: "Mainboard".to_owned(),
        quantity,
        unit_price,
    }
}

/// An instant that far from now.
pub(crate) fn from_now(distance: SignedDuration) -> Option<prost_types::Timestamp> {
    Some(chassis::refusal::to_pb(Timestamp::now() + distance))
}

impl Desk {
    pub(crate) fn tickets(&self) -> TicketServiceClient<Peer> {
        self.tickets_as(&agent())
    }

    pub(crate) fn tickets_as(&self, caller: &Caller) -> TicketServiceClient<Peer> {
        TicketServiceClient::new(self.suite.peer_as("ticket", caller))
    }

    pub(crate) fn quotes(&self) -> QuoteServiceClient<Peer> {
        QuoteServiceClient::new(self.suite.peer("ticket"))
    }

    pub(crate) async fn try_create(&self, ticket: Ticket) -> Result<Ticket, Status> {
        let request = CreateTicketRequest {
            ticket: Some(ticket),
            ..Default::default()
        };
        Ok(self.tickets().create_ticket(request).await?.into_inner())
    }

    pub(crate) async fn create(&self, ticket: Ticket) -> Ticket {
        self.try_create(ticket).await.unwrap()
    }

    pub(crate) async fn get(&self, name: &str) -> Ticket {
        let request = GetTicketRequest {
            name: name.to_owned(),
        };
        self.tickets()
            .get_ticket(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// The ticket once it is as asked for.
    pub(crate) async fn awaited(&self, name: &str, is_so: impl Fn(&Ticket) -> bool) -> Ticket {
        eventually(WAIT, "the ticket is as asked for", async || {
            Some(self.get(name).await).filter(|ticket| is_so(ticket))
        })
        .await
    }

    /// Does a verb by its name on the timeline.
    pub(crate) async fn verb(&self, verb: &str, name: &str) -> Result<Ticket, Status> {
        let mut tickets = self.tickets();
        let (name, reason) = (name.to_owned(), "the customer says so".to_owned());
        let answer = match verb {
            "respond" => {
                let request = RespondToTicketRequest {
                    name,
                    ..Default::default()
                };
                tickets.respond_to_ticket(request).await
            }
            "start" => {
                let request = StartTicketRequest {
                    name,
                    ..Default::default()
                };
                tickets.start_ticket(request).await
            }
            "pause" => return self.pause(&name, PauseReason::WaitingCustomer).await,
            "hold" => return self.pause(&name, PauseReason::HeldByUs).await,
            "resume" => {
                let request = ResumeTicketRequest {
                    name,
                    ..Default::default()
                };
                tickets.resume_ticket(request).await
            }
            "resolve" => {
                let resolution = reason;
                let request = ResolveTicketRequest {
                    name,
                    resolution,
                    ..Default::default()
                };
                tickets.resolve_ticket(request).await
            }
            "close" => {
                let request = CloseTicketRequest {
                    name,
                    ..Default::default()
                };
                tickets.close_ticket(request).await
            }
            "reopen" => {
                let request = ReopenTicketRequest {
                    name,
                    reason,
                    ..Default::default()
                };
                tickets.reopen_ticket(request).await
            }
            "cancel" => {
                let request = CancelTicketRequest {
                    name,
                    reason,
                    ..Default::default()
                };
                tickets.cancel_ticket(request).await
            }
            _ => {
                let request = RejectTicketRequest {
                    name,
                    reason,
                    ..Default::default()
                };
                tickets.reject_ticket(request).await
            }
        };
        Ok(answer?.into_inner())
    }

    pub(crate) async fn pause(&self, name: &str, reason: PauseReason) -> Result<Ticket, Status> {
        let (name, reason) = (name.to_owned(), reason.into());
        let request = PauseTicketRequest {
            name,
            reason,
            ..Default::default()
        };
        Ok(self.tickets().pause_ticket(request).await?.into_inner())
    }

    /// An inquiry that was reported `ago`.
    pub(crate) async fn reported(&self, ago: SignedDuration) -> Ticket {
        let request = CreateTicketRequest {
            ticket: Some(inquiry()),
            occur_time: from_now(-ago),
            ..Default::default()
        };
        let created = self.tickets().create_ticket(request).await;
        created.unwrap().into_inner()
    }

    /// A question driven into a state.
    pub(crate) async fn in_state(&self, state: State) -> Ticket {
        let verbs: &[&str] = match state {
            State::Unspecified | State::Acknowledged => &[],
            State::InProgress => &["start"],
            State::Pending => &["pause"],
            State::Held => &["hold"],
            State::Resolved => &["resolve"],
            State::Closed => &["resolve", "close"],
            State::Cancelled => &["cancel"],
            State::Rejected => &["reject"],
        };
        let mut ticket = self.create(inquiry()).await;
        for verb in verbs {
            ticket = self.verb(verb, &ticket.name).await.unwrap();
        }
        assert_eq!(ticket.state(), state);
        ticket
    }

    /// The whole timeline.
    pub(crate) async fn timeline(&self, name: &str) -> Vec<TicketEvent> {
        let (name, page_size) = (name.to_owned(), 1_000);
        let request = ListTicketEventsRequest {
            name,
            page_size,
            ..Default::default()
        };
        self.tickets()
            .list_ticket_events(request)
            .await
            .unwrap()
            .into_inner()
            .events
    }

    pub(crate) async fn try_quote(&self, parent: &str, quote: Quote) -> Result<Quote, Status> {
        let (parent, quote) = (parent.to_owned(), Some(quote));
        let request = CreateQuoteRequest {
            parent,
            quote,
            ..Default::default()
        };
        Ok(self.quotes().create_quote(request).await?.into_inner())
    }

    /// An offer over 300.00 yuan.
    pub(crate) async fn quote(&self, parent: &str) -> Quote {
        let lines = vec![line(yuan(100, 0), 3)];
        self.try_quote(
            parent,
            Quote {
                lines,
                ..Quote::default()
            },
        )
        .await
        .unwrap()
    }

    /// Tables with a row that shows these words, in plain text or within bytes.
    pub(crate) async fn rows_with(&self, words: &str) -> Vec<String> {
        let tables = "select table_name::text from information_schema.tables
             where table_schema = 'ticket' and table_type = 'BASE TABLE' order by 1";
        let tables = sqlx::query_scalar::<_, String>(tables).fetch_all(&self.admin);
        let mut conn = self.admin.acquire().await.unwrap();
        let bytes_as_text = sqlx::raw_sql("set bytea_output = escape");
        bytes_as_text.execute(&mut *conn).await.unwrap();
        let mut found = Vec::new();
        for table in tables.await.unwrap() {
            let sql = format!("select count(*) from {table} t where strpos(t::text, $1) > 0");
            let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).bind(words);
            if count.fetch_one(&mut *conn).await.unwrap() > 0 {
                found.push(table);
            }
        }
        found
    }

    pub(crate) async fn count(&self, what: &'static str) -> i64 {
        sqlx::query_scalar(what)
            .fetch_one(&self.admin)
            .await
            .unwrap()
    }
}

/// Code and reason of a refusal.
pub(crate) fn said(status: &Status) -> (Code, String) {
    let reason = status.get_details_error_info().map(|info| info.reason);
    (status.code(), reason.unwrap_or_default())
}

/// One value of a refusal's metadata.
pub(crate) fn metadata(status: &Status, key: &str) -> String {
    let info = status.get_details_error_info().unwrap();
    info.metadata.get(key).cloned().unwrap_or_default()
}

/// The fields that a refusal names, sorted.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    assert_eq!(
        said(status),
        (Code::InvalidArgument, "INVALID_FIELDS".to_owned()),
        "{status:?}"
    );
    let violations = status.get_details_bad_request().unwrap().field_violations;
    let mut fields: Vec<String> = violations.into_iter().map(|one| one.field).collect();
    fields.sort();
    fields
}

/// The reason of a refusal, whose code must be that.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, Status>, code: Code) -> String {
    let (found, reason) = said(&answer.unwrap_err());
    assert_eq!(found, code, "{reason}");
    reason
}
