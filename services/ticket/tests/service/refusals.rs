//! What is refused: reports that cannot be, other people's tickets, requests too large.

use jiff::SignedDuration;
use proto::kinds::v1::{PostalAddress, Site};
use proto::ticket::v1::ticket::Kind;
use proto::ticket::v1::{
    AddTicketNoteRequest, CancelTicketRequest, CreateTicketRequest, ExplainClocksRequest,
    FaultReport, GetTicketRequest, ListTicketEventsRequest, ListTicketsRequest, Ticket,
};
use tonic::{Code, Status};

use crate::support::{
    Desk, desk, fault, fields, from_now, hangzhou, inquiry, refused, said, stranger,
};

async fn wrong(desk: &Desk, ticket: Ticket) -> Vec<String> {
    fields(&desk.try_create(ticket).await.unwrap_err())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_refused_with_everything_that_is_wrong_and_nothing_is_stored() {
    let desk = desk().await;
    let report = Ticket {
        kind: 0,
        title: String::new(),
        description: "d".repeat(9_000),
        serial_number: "S".repeat(65),
        product: "P".repeat(65),
        party: "people/7".to_owned(),
        region: "cn\u{1}".to_owned(),
        site: Some(Site {
            address: Some(PostalAddress {
                region_code: "china".to_owned(),
                locality: "h".repeat(101),
                postal_code: "9".repeat(21),
                address_lines: vec!["line".to_owned(); 6],
                ..PostalAddress::default()
            }),
            latitude: 200.0,
            longitude: 0.0,
            time_zone: "Mars/Base".to_owned(),
        }),
        fault: Some(FaultReport {
            component: "battery".to_owned(),
            ..FaultReport::default()
        }),
        impact: 9,
        urgency: -1,
        queue: "q".repeat(65),
        external_key: "K".repeat(129),
        ..Ticket::default()
    };
    let request = CreateTicketRequest {
        ticket: Some(report),
        occur_time: from_now(SignedDuration::from_mins(6)),
        request_id: "wrong-1".to_owned(),
    };

    let refusal = desk
        .tickets()
        .create_ticket(request.clone())
        .await
        .unwrap_err();

    let named = [
        "occur_time",
        "ticket.description",
        "ticket.external_key",
        "ticket.fault.component",
        "ticket.impact",
        "ticket.kind",
        "ticket.party",
        "ticket.product",
        "ticket.queue",
        "ticket.region",
        "ticket.serial_number",
        "ticket.site",
        "ticket.site.address.address_lines",
        "ticket.site.address.locality",
        "ticket.site.address.postal_code",
        "ticket.site.address.region_code",
        "ticket.site.time_zone",
        "ticket.title",
        "ticket.urgency",
    ];
    assert_eq!(fields(&refusal), named);
    for table in [
        "tickets",
        "ticket_events",
        "processes",
        "outbox",
        "request_keys",
    ] {
        let count = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let count: i64 = sqlx::query_scalar(count)
            .fetch_one(&desk.admin)
            .await
            .unwrap();
        assert_eq!(count, 0, "{table}");
    }

    let corrected = CreateTicketRequest {
        ticket: Some(inquiry()),
        occur_time: None,
        ..request
    };
    desk.tickets()
        .create_ticket(corrected)
        .await
        .expect("a refused key is not used up");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_wrong_is_named_by_itself() {
    let desk = desk().await;
    let site = |change: fn(&mut Site)| {
        let mut site = hangzhou();
        change(&mut site);
        Ticket {
            site: Some(site),
            ..fault()
        }
    };
    let cases = [
        (
            Ticket {
                kind: 99,
                ..inquiry()
            },
            "ticket.kind",
        ),
        (
            Ticket {
                title: " \t ".to_owned(),
                ..inquiry()
            },
            "ticket.title",
        ),
        (
            Ticket {
                title: "t".repeat(201),
                ..inquiry()
            },
            "ticket.title",
        ),
        (
            Ticket {
                title: "bell \u{7}".to_owned(),
                ..inquiry()
            },
            "ticket.title",
        ),
        (
            Ticket {
                description: "null \u{0}".to_owned(),
                ..inquiry()
            },
            "ticket.description",
        ),
        (
            Ticket {
                serial_number: String::new(),
                ..fault()
            },
            "ticket.serial_number",
        ),
        (
            Ticket {
                site: None,
                ..fault()
            },
            "ticket.site",
        ),
        (
            Ticket {
                kind: Kind::Installation.into(),
                ..inquiry()
            },
            "ticket.site",
        ),
        (
            Ticket {
                region: String::new(),
                ..inquiry()
            },
            "ticket.region",
        ),
        (
            Ticket {
                party: "parties/7".to_owned(),
                ..inquiry()
            },
            "ticket.party",
        ),
        (site(|site| site.time_zone.clear()), "ticket.site.time_zone"),
        (
            site(|site| site.time_zone = "UTC+8".to_owned()),
            "ticket.site.time_zone",
        ),
        (site(|site| site.latitude = 200.0), "ticket.site"),
        (site(|site| site.longitude = f64::NAN), "ticket.site"),
        (
            site(|site| site.address.as_mut().unwrap().region_code = "中国".to_owned()),
            "ticket.site.address.region_code",
        ),
        (
            site(|site| site.address = None),
            "ticket.site.address.region_code",
        ),
    ];
    for (ticket, field) in cases {
        assert_eq!(wrong(&desk, ticket.clone()).await, [field], "{ticket:?}");
    }
    let refusal = desk
        .tickets()
        .create_ticket(CreateTicketRequest::default())
        .await;
    assert_eq!(fields(&refusal.unwrap_err()), ["ticket"]);
    assert_eq!(desk.count("select count(*) from tickets").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn instants_that_no_clock_shows_are_refused() {
    let desk = desk().await;
    let seconds = [
        i64::MIN,
        // Years -5000 and 0.
        -219_950_000_000,
        -62_135_596_801,
        253_402_300_800,
        i64::MAX,
    ];
    let mut instants: Vec<prost_types::Timestamp> = seconds
        .iter()
        .map(|seconds| prost_types::Timestamp {
            seconds: *seconds,
            nanos: 0,
        })
        .collect();
    instants.push(prost_types::Timestamp {
        seconds: 0,
        nanos: -1,
    });
    for instant in instants {
        let (ticket, occur_time) = (Some(inquiry()), Some(instant));
        let request = CreateTicketRequest {
            ticket,
            occur_time,
            ..Default::default()
        };
        let refusal = desk.tickets().create_ticket(request).await.unwrap_err();
        assert_eq!(fields(&refusal), ["occur_time"], "{instant:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_of_old_reports_is_taken_and_its_clocks_are_explained() {
    let desk = desk().await;
    for year in [1901, 2001] {
        let at = jiff::civil::date(year, 3, 1)
            .at(9, 0, 0, 0)
            .in_tz("UTC")
            .unwrap()
            .timestamp();
        let occur_time = Some(chassis::refusal::to_pb(at));
        let request = CreateTicketRequest {
            ticket: Some(fault()),
            occur_time,
            ..Default::default()
        };
        let ticket = desk
            .tickets()
            .create_ticket(request)
            .await
            .unwrap()
            .into_inner();
        let request = ExplainClocksRequest { name: ticket.name };
        let explained = desk
            .tickets()
            .explain_clocks(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(explained.clocks.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn request_ids_that_cannot_be_are_refused() {
    let desk = desk().await;
    for request_id in ["k".repeat(65), "key\u{e9}".to_owned(), "key\n".to_owned()] {
        let ticket = Some(inquiry());
        let request = CreateTicketRequest {
            ticket,
            request_id,
            ..Default::default()
        };
        let refusal = desk.tickets().create_ticket(request).await.unwrap_err();
        assert_eq!(fields(&refusal), ["request_id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_ticket_is_not_there() {
    let desk = desk().await;
    let ticket = desk.create(inquiry()).await;
    let name = ticket.name.clone();
    let mut theirs = desk.tickets_as(&stranger());

    let by_number = format!("tickets/{}", ticket.number);
    let mut answers: Vec<Result<(), Status>> = Vec::new();
    for name in [name.clone(), by_number] {
        let request = GetTicketRequest { name };
        answers.push(theirs.get_ticket(request).await.map(drop));
    }
    let (reason, text) = ("mine".to_owned(), "mine".to_owned());
    let request = CancelTicketRequest {
        name: name.clone(),
        reason,
        ..Default::default()
    };
    answers.push(theirs.cancel_ticket(request).await.map(drop));
    let request = AddTicketNoteRequest {
        name: name.clone(),
        text,
        ..Default::default()
    };
    answers.push(theirs.add_ticket_note(request).await.map(drop));
    let request = ListTicketEventsRequest {
        name: name.clone(),
        ..Default::default()
    };
    answers.push(theirs.list_ticket_events(request).await.map(drop));
    let request = ExplainClocksRequest { name: name.clone() };
    answers.push(theirs.explain_clocks(request).await.map(drop));
    let parent = name.clone();
    let request = proto::ticket::v1::ListQuotesRequest {
        parent,
        ..Default::default()
    };
    let quotes = desk.suite.peer_as("ticket", &stranger());
    let mut quotes = proto::ticket::v1::quote_service_client::QuoteServiceClient::new(quotes);
    answers.push(quotes.list_quotes(request).await.map(drop));

    for answer in answers {
        assert_eq!(refused(answer, Code::NotFound), "NOT_FOUND");
    }
    let listed = theirs
        .list_tickets(ListTicketsRequest::default())
        .await
        .unwrap();
    assert_eq!(listed.into_inner().tickets, []);
    assert_eq!(desk.get(&name).await, ticket);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_name_nothing_are_refused() {
    let desk = desk().await;
    let missing = "tickets/01890000-0000-7000-8000-000000000001".to_owned();
    let request = GetTicketRequest {
        name: missing.clone(),
    };
    let answer = desk.tickets().get_ticket(request).await;
    assert_eq!(refused(answer, Code::NotFound), "NOT_FOUND");
    assert_eq!(
        refused(desk.verb("start", &missing).await, Code::NotFound),
        "NOT_FOUND"
    );
    for name in [
        "",
        "tickets/",
        "ticket/7",
        "tickets/7",
        "tickets/C1-000042-7/x",
    ] {
        let request = GetTicketRequest {
            name: name.to_owned(),
        };
        let refusal = desk.tickets().get_ticket(request).await.unwrap_err();
        assert_eq!(fields(&refusal), ["name"], "{name}");
        assert_eq!(
            fields(&desk.verb("start", name).await.unwrap_err()),
            ["name"],
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_are_not_empty_nor_endless() {
    let desk = desk().await;
    let ticket = desk.create(inquiry()).await;
    for text in [String::new(), "n".repeat(8_001), "\u{1b}[2J".to_owned()] {
        let name = ticket.name.clone();
        let request = AddTicketNoteRequest {
            name,
            text,
            ..Default::default()
        };
        let refusal = desk.tickets().add_ticket_note(request).await.unwrap_err();
        assert_eq!(fields(&refusal), ["text"]);
    }
    assert_eq!(desk.timeline(&ticket.name).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_larger_than_four_megabytes_is_not_read() {
    let desk = desk().await;
    let description = "d".repeat(4 * 1024 * 1024 + 1);
    let refusal = desk
        .try_create(Ticket {
            description,
            ..inquiry()
        })
        .await
        .unwrap_err();
    assert_eq!(said(&refusal).1, "TOO_LARGE");
    desk.create(inquiry()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_not_served() {
    let desk = desk().await;
    let channel = format!("http://{}", desk.suite.address("ticket"));
    let mut tickets =
        proto::ticket::v1::ticket_service_client::TicketServiceClient::connect(channel)
            .await
            .unwrap();
    let answer = tickets.list_tickets(ListTicketsRequest::default()).await;
    assert_eq!(refused(answer, Code::Unauthenticated), "CALLER_UNKNOWN");
}
