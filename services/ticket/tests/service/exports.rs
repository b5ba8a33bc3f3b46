//! The history as a paper to keep: handed out signed, and checked by whoever holds it.

use chassis::Caller;
use chassis::identity::{Issuer, Keyring};
use chassis::testing::{agent, development_key};
use proto::ticket::v1::{AddTicketNoteRequest, ExportTicketHistoryRequest, Ticket, TicketHistory};
use sqlx::AssertSqlSafe;
use ticket::domain::history::Finding;
use ticket::wire::read_history;
use tonic::{Code, Status};

use crate::support::{Desk, desk, inquiry, refused, said, stranger};

const PARTY: &str = "parties/01900000-0000-7000-8000-00000000000a";
const ANOTHER: &str = "parties/01900000-0000-7000-8000-00000000000b";

/// Somebody who reports faults of a party's devices.
fn customer(party: &str) -> Caller {
    Caller {
        principal: "users/9".to_owned(),
        roles: vec!["customer".to_owned()],
        customer: Some(party.to_owned()),
        ..agent()
    }
}

/// A ticket with a note, resolved and closed.
async fn lived(desk: &Desk) -> Ticket {
    let name = desk.create(inquiry()).await.name;
    let request = AddTicketNoteRequest {
        name: name.clone(),
        text: "My number is 0571-1234567".to_owned(),
        ..Default::default()
    };
    desk.tickets().add_ticket_note(request).await.unwrap();
    desk.verb("resolve", &name).await.unwrap();
    desk.verb("close", &name).await.unwrap()
}

async fn export(desk: &Desk, name: &str) -> Result<TicketHistory, Status> {
    let request = ExportTicketHistoryRequest {
        name: name.to_owned(),
    };
    let answer = desk.tickets().export_ticket_history(request).await?;
    Ok(answer.into_inner())
}

pub(crate) fn ring() -> Keyring {
    development_key().ring(&Issuer::Development)
}

fn found(history: &TicketHistory) -> Vec<Finding> {
    read_history(history).unwrap().check(&ring())
}

async fn tamper(desk: &Desk, statement: &str) {
    let sql = format!("set session_replication_role = replica; {statement}");
    let mut conn = desk.admin.acquire().await.unwrap().detach();
    let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await;
    assert!(done.unwrap().rows_affected() > 0, "{statement}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_handed_out_whole_by_name_and_by_number() {
    let desk = desk().await;
    let ticket = lived(&desk).await;

    let history = export(&desk, &ticket.name).await.unwrap();

    assert_eq!(found(&history), []);
    let told = desk.timeline(&ticket.name).await;
    let verbs = |entries: Vec<&str>| entries.join(" ");
    let exported = history.entries.iter().map(|entry| entry.verb.as_str());
    let listed = told.iter().map(|entry| entry.verb.as_str());
    assert_eq!(verbs(exported.collect()), verbs(listed.collect()));
    assert_eq!(history.ticket, ticket.name);
    assert_eq!(history.number, ticket.number);
    assert_eq!(history.tenant, "acme");
    assert_eq!(history.format, "fettle-timeline-1");
    assert_eq!(history.head_sequence, 4);
    assert_eq!(history.entries[1].text, "My number is 0571-1234567");
    assert_eq!(history.key, development_key().kid());

    let by_number = export(&desk, &format!("tickets/{}", ticket.number)).await;
    let by_number = by_number.unwrap();
    assert_eq!(by_number.entries, history.entries);
    assert_eq!(found(&by_number), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_text_is_handed_out_as_its_hash_alone() {
    let desk = desk().await;
    let ticket = lived(&desk).await;
    let erase = "update ticket_events set body = null, salt = null where verb = 'note'";
    sqlx::query(erase).execute(&desk.admin).await.unwrap();

    let history = export(&desk, &ticket.name).await.unwrap();

    let note = &history.entries[1];
    assert_eq!(note.text, "");
    assert!(note.salt.is_empty(), "the text could be guessed by it");
    assert_eq!(note.text_hash.len(), 32);
    assert_eq!(found(&history), []);
    assert_eq!(read_history(&history).unwrap().texts_left_out(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_in_the_tables_is_seen_by_the_holder() {
    let crimes = [
        (
            "update ticket_events set actor = 'users/8' where sequence = 3",
            Finding::Edited(3),
        ),
        (
            "update ticket_events set body = 'I said nothing' where verb = 'note'",
            Finding::Text(2),
        ),
        (
            "delete from ticket_events where sequence = 2",
            Finding::Missing { first: 2, last: 2 },
        ),
        (
            "delete from ticket_events where sequence = 4",
            Finding::Truncated { last: 3, head: 4 },
        ),
    ];
    let desk = desk().await;
    for (crime, expected) in crimes {
        let ticket = lived(&desk).await;
        let id = ticket.name.strip_prefix("tickets/").unwrap();
        tamper(&desk, &format!("{crime} and ticket_id = '{id}'")).await;

        let history = export(&desk, &ticket.name).await.unwrap();

        assert_eq!(found(&history), [expected], "{crime}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_for_those_who_may_read_the_ticket() {
    let desk = desk().await;
    let ticket = Ticket {
        party: PARTY.to_owned(),
        ..inquiry()
    };
    let ticket = desk.create(ticket).await;
    let request = ExportTicketHistoryRequest { name: ticket.name };
    let elsewhere = Caller {
        region: Some("cn-west".to_owned()),
        ..agent()
    };

    let mut tickets = desk.tickets_as(&customer(PARTY));
    let own = tickets.export_ticket_history(request.clone()).await;
    assert_eq!(found(&own.unwrap().into_inner()), []);
    for caller in [stranger(), elsewhere, customer(ANOTHER)] {
        let mut tickets = desk.tickets_as(&caller);
        let answer = tickets.export_ticket_history(request.clone()).await;
        assert_eq!(refused(answer, Code::NotFound), "NOT_FOUND", "{caller:?}");
    }
    let technician = Caller {
        principal: "technicians/01900000-0000-7000-8000-00000000000c".to_owned(),
        roles: vec!["technician".to_owned()],
        ..agent()
    };
    let mut tickets = desk.tickets_as(&technician);
    let answer = tickets.export_ticket_history(request).await;
    assert_eq!(refused(answer, Code::PermissionDenied), "NOT_PERMITTED");
    let unreadable = export(&desk, "tickets/none").await;
    assert_eq!(refused(unreadable, Code::InvalidArgument), "INVALID_FIELDS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_past_its_limits_is_not_handed_out() {
    let desk = desk().await;
    let ticket = lived(&desk).await;
    tamper(&desk, "update tickets set last_sequence = 10001").await;

    let refusal = export(&desk, &ticket.name).await.unwrap_err();

    let long = (Code::FailedPrecondition, "HISTORY_TOO_LONG".to_owned());
    assert_eq!(said(&refusal), long);
    assert_eq!(crate::support::metadata(&refusal, "entries"), "10001");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_a_signing_key_hands_out_no_history() {
    let mut desk = desk().await;
    let ticket = lived(&desk).await;
    desk.suite.stop("ticket").await;
    desk.suite.configure("ticket", "identity.signing_key", "");
    desk.suite.start("ticket").await;

    let answer = export(&desk, &ticket.name).await;

    let reason = refused(answer, Code::FailedPrecondition);
    assert_eq!(reason, "HISTORY_UNSIGNED");
}
