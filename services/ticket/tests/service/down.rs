//! The services that a ticket asks are down: it opens, waits, and in the end a person looks.

use proto::ticket::v1::ticket::{State, Step};
use proto::ticket::v1::{ListTicketsRequest, Ticket};

use crate::support::{Desk, desk, fault};

async fn that_need_attention(desk: &Desk) -> Vec<Ticket> {
    let request = ListTicketsRequest {
        needs_attention: true,
        ..Default::default()
    };
    desk.tickets()
        .list_tickets(request)
        .await
        .unwrap()
        .into_inner()
        .tickets
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_taken_while_everybody_else_is_down_and_a_person_is_asked_to_look() {
    let desk = desk().await;

    let ticket = desk.create(fault()).await;
    assert_eq!(
        (ticket.state(), ticket.step()),
        (State::Acknowledged, Step::Coverage)
    );
    assert_eq!(ticket.attention, "");

    let stuck = desk
        .awaited(&ticket.name, |ticket| !ticket.attention.is_empty())
        .await;
    assert_eq!(stuck.attention, "DECIDE_COVERAGE: TEMPORARILY_UNAVAILABLE");
    assert_eq!(stuck.state(), State::Acknowledged);
    let listed = that_need_attention(&desk).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name, ticket.name);
    let verbs = desk
        .timeline(&ticket.name)
        .await
        .into_iter()
        .map(|entry| entry.verb);
    let verbs: Vec<String> = verbs.collect();
    assert_eq!(
        verbs,
        ["report", "attention"],
        "tries are no news, the call for help is"
    );

    // After six tries the process rests until somebody does something.
    let rests = "select count(*) from processes where due_at is null and attempts = 6";
    chassis::testing::eventually(crate::support::WAIT, "the process rests", async || {
        (desk.count(rests).await == 1).then_some(())
    })
    .await;

    let moved = desk.verb("start", &ticket.name).await.unwrap();
    assert_eq!(
        (moved.state(), moved.attention.as_str()),
        (State::InProgress, "")
    );
    desk.awaited(&ticket.name, |ticket| !ticket.attention.is_empty())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_outlives_its_service() {
    let mut desk = desk().await;
    let ticket = desk.create(fault()).await;

    desk.suite.stop("ticket").await;
    let request = ListTicketsRequest::default();
    let refused = desk.tickets().list_tickets(request).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::Unavailable);
    desk.suite.start("ticket").await;

    let again = chassis::testing::eventually(crate::support::WAIT, "it serves again", async || {
        let request = ListTicketsRequest::default();
        desk.tickets().list_tickets(request).await.ok()
    });
    let again = again.await.into_inner().tickets;
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].number, ticket.number);
    desk.suite.shutdown().await;
}
