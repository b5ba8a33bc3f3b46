//! Lists of tickets and quotes: every filter, pages, and tokens that are not theirs.

use chassis::testing::agent;
use jiff::SignedDuration;
use proto::ticket::v1::ticket::State;
use proto::ticket::v1::{
    CreateTicketRequest, ListQuotesRequest, ListTicketEventsRequest, ListTicketsRequest, Ticket,
    TicketEvent,
};
use tonic::Code;

use crate::support::{Desk, desk, fields, from_now, inquiry, refused, said, stranger, yuan};

async fn names(desk: &Desk, request: ListTicketsRequest) -> Vec<String> {
    let listed = desk
        .tickets()
        .list_tickets(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.next_page_token, "");
    listed
        .tickets
        .into_iter()
        .map(|ticket| ticket.name)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_selects_its_own_and_all_of_them_their_common_part() {
    let desk = desk().await;
    let party = "parties/01890000-0000-7000-8000-000000000001".to_owned();
    let with_serial = Ticket {
        serial_number: "SN-9".into(),
        ..inquiry()
    };
    let with_serial = desk.create(with_serial).await.name;
    let of_party = desk
        .create(Ticket {
            party: party.clone(),
            ..inquiry()
        })
        .await
        .name;
    let elsewhere = desk
        .create(Ticket {
            region: "us-east".into(),
            ..inquiry()
        })
        .await
        .name;
    let keyed = desk
        .create(Ticket {
            external_key: "CRM-1".into(),
            ..inquiry()
        })
        .await
        .name;
    let occur_time = from_now(-SignedDuration::from_mins(40));
    let ticket = Some(inquiry());
    let request = CreateTicketRequest {
        ticket,
        occur_time,
        ..Default::default()
    };
    let early = desk
        .tickets()
        .create_ticket(request)
        .await
        .unwrap()
        .into_inner()
        .name;
    let started = desk.in_state(State::InProgress).await.name;
    let resolved = desk.in_state(State::Resolved).await.name;
    let base = ListTicketsRequest::default;

    let all = names(&desk, base()).await;
    assert_eq!(all.len(), 7);
    assert!(
        all.is_sorted_by(|later, earlier| later > earlier),
        "newest first: {all:?}"
    );

    let serial_number = "SN-9".to_owned();
    assert_eq!(
        names(
            &desk,
            ListTicketsRequest {
                serial_number,
                ..base()
            }
        )
        .await,
        [with_serial]
    );
    let of = ListTicketsRequest { party, ..base() };
    assert_eq!(names(&desk, of.clone()).await, [of_party]);
    let region = "us-east".to_owned();
    let there = ListTicketsRequest {
        region: region.clone(),
        ..base()
    };
    assert_eq!(names(&desk, there).await, [elsewhere]);
    let external_key = "CRM-1".to_owned();
    assert_eq!(
        names(
            &desk,
            ListTicketsRequest {
                external_key,
                ..base()
            }
        )
        .await,
        [keyed]
    );
    let states = vec![State::Resolved.into(), State::InProgress.into()];
    let states = ListTicketsRequest { states, ..base() };
    assert_eq!(names(&desk, states).await, [resolved.clone(), started]);

    // Questions are answered within an hour; a resolved one is promised nothing more.
    let due_before = from_now(SignedDuration::from_mins(30));
    assert_eq!(
        names(
            &desk,
            ListTicketsRequest {
                due_before,
                ..base()
            }
        )
        .await,
        [early]
    );
    let due_before = from_now(SignedDuration::from_hours(2));
    let due = names(
        &desk,
        ListTicketsRequest {
            due_before,
            ..base()
        },
    )
    .await;
    assert_eq!((due.len(), due.contains(&resolved)), (6, false), "{due:?}");

    assert_eq!(
        names(&desk, ListTicketsRequest { region, ..of }).await,
        [""; 0]
    );
    let needs_attention = true;
    assert_eq!(
        names(
            &desk,
            ListTicketsRequest {
                needs_attention,
                ..base()
            }
        )
        .await,
        [""; 0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn three_pages_hold_every_ticket_once_whatever_is_created_meanwhile() {
    let desk = desk().await;
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(desk.create(inquiry()).await.name);
    }

    let (mut read, mut sizes, mut page_token) = (Vec::new(), Vec::new(), String::new());
    loop {
        let request = ListTicketsRequest {
            page_size: 3,
            page_token,
            ..Default::default()
        };
        let page = desk
            .tickets()
            .list_tickets(request)
            .await
            .unwrap()
            .into_inner();
        sizes.push(page.tickets.len());
        read.extend(page.tickets.into_iter().map(|ticket| ticket.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        desk.create(inquiry()).await;
    }

    made.reverse();
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(read, made);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_serves_its_own_list_only() {
    let desk = desk().await;
    let ticket = desk.create(inquiry()).await;
    desk.create(inquiry()).await;
    desk.verb("respond", &ticket.name).await.unwrap();
    let base = ListTicketsRequest {
        page_size: 1,
        ..Default::default()
    };
    let first = desk
        .tickets()
        .list_tickets(base.clone())
        .await
        .unwrap()
        .into_inner();
    let name = ticket.name;
    let events = ListTicketEventsRequest {
        name: name.clone(),
        page_size: 1,
        ..Default::default()
    };
    let of_events = desk
        .tickets()
        .list_ticket_events(events.clone())
        .await
        .unwrap()
        .into_inner();
    let (ours, theirs) = (first.next_page_token, of_events.next_page_token);
    assert!(!ours.is_empty() && !theirs.is_empty());

    let mut bent = ours.clone().into_bytes();
    bent[3] ^= 1;
    let bent = String::from_utf8(bent).unwrap();
    let region = "us-east".to_owned();
    let other_filter = ListTicketsRequest {
        region,
        page_token: ours.clone(),
        ..base.clone()
    };
    let tokens = [theirs, bent, "x".to_owned(), "A".repeat(5_000)];
    let mut requests = vec![other_filter];
    requests.extend(tokens.map(|page_token| ListTicketsRequest {
        page_token,
        ..base.clone()
    }));
    for request in requests {
        let answer = desk.tickets().list_tickets(request.clone()).await;
        assert_eq!(
            refused(answer, Code::InvalidArgument),
            "PAGE_TOKEN_INVALID",
            "{request:?}"
        );
    }

    let page_token = ours.clone();
    let again = ListTicketsRequest {
        page_token,
        ..base.clone()
    };
    let of_another = desk
        .tickets_as(&stranger())
        .list_tickets(again.clone())
        .await;
    assert_eq!(
        refused(of_another, Code::InvalidArgument),
        "PAGE_TOKEN_INVALID"
    );
    assert_eq!(
        desk.tickets()
            .list_tickets(again)
            .await
            .unwrap()
            .into_inner()
            .tickets
            .len(),
        1
    );

    let events = ListTicketEventsRequest {
        page_token: ours.clone(),
        ..events
    };
    let answer = desk.tickets().list_ticket_events(events).await;
    assert_eq!(refused(answer, Code::InvalidArgument), "PAGE_TOKEN_INVALID");
    let quotes = ListQuotesRequest {
        parent: name,
        page_size: 1,
        page_token: ours,
    };
    let answer = desk.quotes().list_quotes(quotes).await;
    assert_eq!(refused(answer, Code::InvalidArgument), "PAGE_TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_that_cannot_be_are_refused_all_at_once() {
    let desk = desk().await;
    let request = ListTicketsRequest {
        party: "customers/7".to_owned(),
        serial_number: "S".repeat(65),
        region: "a\u{0}b".to_owned(),
        states: vec![State::Closed.into(), 0, 99],
        external_key: "K".repeat(129),
        due_before: Some(prost_types::Timestamp {
            seconds: i64::MAX,
            nanos: 0,
        }),
        ..Default::default()
    };
    let refused = desk.tickets().list_tickets(request).await.unwrap_err();
    let named = [
        "due_before",
        "external_key",
        "party",
        "region",
        "serial_number",
        "states[1]",
        "states[2]",
    ];
    assert_eq!(fields(&refused), named);

    let request = ListTicketsRequest {
        page_size: -1,
        ..Default::default()
    };
    let refused = desk.tickets().list_tickets(request).await.unwrap_err();
    assert_eq!(fields(&refused), ["page_size"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_is_paged_from_its_beginning() {
    let desk = desk().await;
    let ticket = desk.create(inquiry()).await;
    for verb in ["respond", "start", "pause", "resume", "resolve"] {
        desk.verb(verb, &ticket.name).await.unwrap();
    }

    let (mut read, mut page_token) = (Vec::<TicketEvent>::new(), String::new());
    for length in [2, 2, 2] {
        let name = ticket.name.clone();
        let request = ListTicketEventsRequest {
            name,
            page_size: 2,
            page_token,
        };
        let page = desk
            .tickets()
            .list_ticket_events(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(page.events.len(), length);
        read.extend(page.events);
        page_token = page.next_page_token;
    }
    assert_eq!(page_token, "");
    let verbs: Vec<&str> = read.iter().map(|entry| entry.verb.as_str()).collect();
    assert_eq!(
        verbs,
        ["report", "respond", "start", "pause", "resume", "resolve"]
    );
    assert!(
        read.iter()
            .zip(1..)
            .all(|(entry, sequence)| entry.sequence == sequence)
    );
    assert!(read.iter().all(|entry| entry.actor == agent().principal));
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_are_listed_newest_first_and_only_of_their_ticket() {
    let desk = desk().await;
    let (ticket, other) = (desk.create(inquiry()).await, desk.create(inquiry()).await);
    let first = desk.quote(&ticket.name).await;
    let name = first.name.clone();
    desk.quotes()
        .approve_quote(proto::ticket::v1::ApproveQuoteRequest {
            name,
            ..Default::default()
        })
        .await
        .unwrap();
    let second = desk.quote(&ticket.name).await;
    desk.quote(&other.name).await;

    let request = ListQuotesRequest {
        parent: ticket.name.clone(),
        page_size: 1,
        ..Default::default()
    };
    let page = desk
        .quotes()
        .list_quotes(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.quotes[0].name, second.name);
    let request = ListQuotesRequest {
        page_token: page.next_page_token,
        ..request
    };
    let page = desk
        .quotes()
        .list_quotes(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (page.quotes[0].name.as_str(), page.quotes.len()),
        (first.name.as_str(), 1)
    );
    assert_eq!(
        (page.quotes[0].total.clone(), page.next_page_token.as_str()),
        (yuan(300, 0), "")
    );

    let parent = "tickets/01890000-0000-7000-8000-000000000001".to_owned();
    let request = ListQuotesRequest {
        parent,
        ..Default::default()
    };
    let missing = desk.quotes().list_quotes(request).await.unwrap_err();
    assert_eq!(said(&missing), (Code::NotFound, "NOT_FOUND".to_owned()));
}
