//! Requests told twice, one after the other and at the same time.

use chassis::testing::agent;
use proto::ticket::v1::{CreateTicketRequest, StartTicketRequest, Ticket};
use tonic::Code;

use crate::support::{desk, inquiry, metadata, refused, said};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_told_twice_is_answered_as_the_first_time() {
    let desk = desk().await;
    let request_id = "web-1".to_owned();
    let request = CreateTicketRequest {
        ticket: Some(inquiry()),
        request_id,
        ..Default::default()
    };
    let first = desk
        .tickets()
        .create_ticket(request.clone())
        .await
        .unwrap()
        .into_inner();
    desk.verb("start", &first.name).await.unwrap();

    let again = desk
        .tickets()
        .create_ticket(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again, first, "as it was then, though work began since");
    assert_eq!(desk.count("select count(*) from tickets").await, 1);

    let other = Ticket {
        title: "Which charger fits?".to_owned(),
        ..inquiry()
    };
    let other = CreateTicketRequest {
        ticket: Some(other),
        ..request.clone()
    };
    let refusal = desk.tickets().create_ticket(other).await.unwrap_err();
    assert_eq!(
        said(&refusal),
        (Code::InvalidArgument, "REQUEST_ID_REUSED".to_owned())
    );
    assert_eq!(metadata(&refusal, "request_id"), "web-1");

    let somebody = chassis::Caller {
        principal: "users/8".to_owned(),
        ..agent()
    };
    let theirs = desk
        .tickets_as(&somebody)
        .create_ticket(request)
        .await
        .unwrap()
        .into_inner();
    assert_ne!(theirs.name, first.name, "a key is its caller's own");
    let (name, request_id) = (first.name.clone(), "web-1".to_owned());
    let verb = StartTicketRequest {
        name,
        request_id,
        ..Default::default()
    };
    let answer = desk.tickets().start_ticket(verb).await;
    assert_eq!(
        refused(answer, Code::FailedPrecondition),
        "ILLEGAL_MOVE",
        "and of its own RPC"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_told_twice_happens_once() {
    let desk = desk().await;
    let ticket = desk.create(inquiry()).await;
    let (name, request_id) = (ticket.name.clone(), "start-1".to_owned());
    let request = StartTicketRequest {
        name,
        request_id,
        etag: ticket.etag,
        ..Default::default()
    };
    let first = desk
        .tickets()
        .start_ticket(request.clone())
        .await
        .unwrap()
        .into_inner();

    let again = desk
        .tickets()
        .start_ticket(request)
        .await
        .unwrap()
        .into_inner();

    assert_eq!(again, first, "neither illegal nor stale");
    assert_eq!(desk.timeline(&ticket.name).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_callers_with_one_key_open_one_ticket() {
    let desk = desk().await;
    let request_id = "storm-1".to_owned();
    let request = CreateTicketRequest {
        ticket: Some(inquiry()),
        request_id,
        ..Default::default()
    };

    let calls = (0..32).map(|_| {
        let (mut tickets, request) = (desk.tickets(), request.clone());
        async move {
            tickets
                .create_ticket(request)
                .await
                .map(tonic::Response::into_inner)
        }
    });
    let answers = futures::future::join_all(calls).await;

    let answers: Vec<Ticket> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(desk.count("select count(*) from tickets").await, 1);
    assert_eq!(desk.count("select count(*) from ticket_events").await, 1);
    assert_eq!(desk.count("select count(*) from outbox").await, 1);
}
