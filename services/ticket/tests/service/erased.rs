//! A ticket goes silent with its customer: it ends, its words go, its chain stands, nobody revives it.

use chassis::testing::eventually;
use proto::ticket::v1::ticket::State;
use proto::ticket::v1::{
    AddTicketNoteRequest, CreateTicketRequest, DeclineQuoteRequest, ExportTicketHistoryRequest,
    Quote, Ticket,
};
use ticket::wire::read_history;
use tonic::Code;
use uuid::Uuid;

use crate::support::{Desk, WAIT, desk, fault, inquiry, line, metadata, refused, said, yuan};

fn party() -> String {
    format!("parties/{}", Uuid::now_v7())
}

fn of(party: &str, ticket: Ticket) -> Ticket {
    Ticket {
        party: party.to_owned(),
        ..ticket
    }
}

/// Hears that a person was erased.
async fn hears_of(desk: &Desk, party: &str) {
    let record = "insert into erasures (tenant_id, subject, recorded_at, look_at)
         values ('acme', $1, now(), now())";
    let record = sqlx::query(record).bind(party);
    record.execute(&desk.admin).await.unwrap();
}

/// The time of the second look is there.
async fn looks_again(desk: &Desk) {
    let due = sqlx::query("update erasures set look_at = now() where looks = 1");
    due.execute(&desk.admin).await.unwrap();
}

/// Makes the ticket the party's, behind the service's back.
async fn becomes(desk: &Desk, ticket: &Ticket, party: &str) {
    let owned = sqlx::query("update tickets set party_id = $1 where ticket_id = $2")
        .bind(chassis::names::parse("parties", party).unwrap())
        .bind(chassis::names::parse("tickets", &ticket.name).unwrap());
    owned.execute(&desk.admin).await.unwrap();
}

async fn erased(desk: &Desk, name: &str) -> Ticket {
    desk.awaited(name, |ticket| ticket.erase_time.is_some())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_ticket_is_withdrawn_a_resolved_one_closed_and_one_that_is_over_stays_so() {
    let desk = desk().await;
    for (state, ends) in [
        (State::Acknowledged, State::Cancelled),
        (State::InProgress, State::Cancelled),
        (State::Pending, State::Cancelled),
        (State::Held, State::Cancelled),
        (State::Resolved, State::Closed),
        (State::Closed, State::Closed),
        (State::Cancelled, State::Cancelled),
        (State::Rejected, State::Rejected),
    ] {
        let (ticket, party) = (desk.in_state(state).await, party());
        becomes(&desk, &ticket, &party).await;

        hears_of(&desk, &party).await;

        let after = erased(&desk, &ticket.name).await;
        assert_eq!(after.state(), ends, "{state:?}");
        assert_eq!(after.title, "");
        assert_eq!(after.resolution, "");
        assert_eq!(after.allowed_verbs, Vec::<String>::new());
        let last = desk.timeline(&ticket.name).await.pop().unwrap();
        assert_eq!(last.verb, "erase");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_word_is_left_and_the_chain_stands() {
    // Given a ticket with words in every place, and one of somebody else,
    let desk = desk().await;
    let (gone, stays) = (party(), party());
    let mut told = of(&gone, fault());
    told.description = "I dropped it in the bath".to_owned();
    let site = told.site.as_mut().unwrap();
    let address = site.address.as_mut().unwrap();
    address.address_lines = vec!["9 Bamboo Lane".to_owned()];
    address.postal_code = "310001".to_owned();
    let ticket = desk.create(told).await;
    let bystander = desk.create(of(&stays, inquiry())).await;
    for name in [&ticket.name, &bystander.name] {
        let note = AddTicketNoteRequest {
            name: name.clone(),
            text: "My number is 0571-1234567".to_owned(),
            ..Default::default()
        };
        desk.tickets().add_ticket_note(note).await.unwrap();
    }
    desk.verb("respond", &ticket.name).await.unwrap();
    let lines = vec![line(yuan(100, 0), 1)];
    let quote = Quote {
        lines,
        ..Quote::default()
    };
    let quote = desk.try_quote(&ticket.name, quote).await.unwrap();
    let no = DeclineQuoteRequest {
        name: quote.name,
        reason: "My brother repairs it".to_owned(),
        ..Default::default()
    };
    desk.quotes().decline_quote(no).await.unwrap();

    // when its customer is erased,
    hears_of(&desk, &gone).await;
    let after = erased(&desk, &ticket.name).await;

    // then nothing of them is in any table of the service,
    let site = after.site.unwrap();
    assert_eq!((site.latitude, site.longitude), (30.3, 120.2));
    assert_eq!(site.address.unwrap().locality, "Hangzhou");
    for words in [
        "bath",
        "Bamboo",
        "310001",
        "brother",
        "Mainboard",
        "Does not start",
    ] {
        assert_eq!(desk.rows_with(words).await, Vec::<String>::new(), "{words}");
    }
    // the other's words are there,
    let words = desk.rows_with("0571").await;
    assert!(
        !words.is_empty() && words.iter().all(|table| table.starts_with("ticket_events")),
        "{words:?}"
    );
    // and the history verifies, with its texts left out.
    let request = ExportTicketHistoryRequest {
        name: ticket.name.clone(),
    };
    let history = desk.tickets().export_ticket_history(request).await;
    let history = read_history(&history.unwrap().into_inner()).unwrap();
    assert_eq!(history.check(&crate::exports::ring()), []);
    assert!(history.texts_left_out() >= 2);
    let mut conn = desk.admin.acquire().await.unwrap();
    assert_eq!(ticket::invariants::check(&mut conn).await.unwrap(), []);
    let told = "select count(*) from outbox where kind = 'ticket.erased'";
    assert_eq!(desk.count(told).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_for_an_erased_ticket_and_nothing_reported_for_its_customer() {
    let desk = desk().await;
    let gone = party();
    let ticket = desk.create(of(&gone, inquiry())).await;
    desk.verb("resolve", &ticket.name).await.unwrap();
    desk.verb("close", &ticket.name).await.unwrap();
    hears_of(&desk, &gone).await;
    erased(&desk, &ticket.name).await;

    for verb in ["respond", "start", "reopen", "cancel"] {
        let answer = desk.verb(verb, &ticket.name).await;
        let reason = refused(answer, Code::FailedPrecondition);
        assert_eq!(reason, "TICKET_ERASED", "{verb}");
    }
    let note = AddTicketNoteRequest {
        name: ticket.name.clone(),
        text: "They called again".to_owned(),
        ..Default::default()
    };
    let noted = desk.tickets().add_ticket_note(note).await.unwrap_err();
    assert_eq!(said(&noted).1, "TICKET_ERASED");
    assert_eq!(metadata(&noted, "name"), ticket.name);

    for _ in 0..2 {
        let again = desk.try_create(of(&gone, inquiry())).await.unwrap_err();
        let expected = (Code::FailedPrecondition, "CUSTOMER_ERASED".to_owned());
        assert_eq!(said(&again), expected);
        assert_eq!(metadata(&again, "party"), gone);
    }
    assert_eq!(desk.count("select count(*) from tickets").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_requests_were_answered_goes_too_and_none_is_done_again() {
    let desk = desk().await;
    let (gone, stays) = (party(), party());
    let request = |party: &str| CreateTicketRequest {
        ticket: Some(of(party, inquiry())),
        request_id: format!("report for {party}"),
        ..Default::default()
    };
    let (asked, kept) = (request(&gone), request(&stays));
    let ticket = desk
        .tickets()
        .create_ticket(asked.clone())
        .await
        .unwrap()
        .into_inner();
    let other = desk
        .tickets()
        .create_ticket(kept.clone())
        .await
        .unwrap()
        .into_inner();
    let note = AddTicketNoteRequest {
        name: ticket.name.clone(),
        text: "My number is 0571-1234567".to_owned(),
        request_id: "note".to_owned(),
        ..Default::default()
    };
    desk.tickets().add_ticket_note(note.clone()).await.unwrap();
    assert!(
        desk.rows_with("0571")
            .await
            .contains(&"request_keys".to_owned())
    );

    hears_of(&desk, &gone).await;
    erased(&desk, &ticket.name).await;

    assert_eq!(desk.rows_with("0571").await, Vec::<String>::new());
    let again = desk.tickets().create_ticket(asked).await.unwrap_err();
    let expected = (Code::FailedPrecondition, "ANSWER_ERASED".to_owned());
    assert_eq!(said(&again), expected);
    let again = desk.tickets().add_ticket_note(note).await.unwrap_err();
    assert_eq!(said(&again), expected);
    let replayed = desk
        .tickets()
        .create_ticket(kept)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(replayed.name, other.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_was_on_its_way_while_its_customer_was_erased_is_found_by_the_second_look() {
    // Given a person who is erased, and a ticket of theirs that came to be all the same,
    let desk = desk().await;
    let gone = party();
    hears_of(&desk, &gone).await;
    let looked = "select count(*) from erasures where looks = 1 and look_at > now()";
    eventually(WAIT, "the first look", async || {
        (desk.count(looked).await == 1).then_some(())
    })
    .await;
    let late = desk.create(inquiry()).await;
    becomes(&desk, &late, &gone).await;

    // when the time of the second look comes,
    looks_again(&desk).await;

    // then it goes as well, and the erasure is done.
    erased(&desk, &late.name).await;
    let done = "select count(*) from erasures where looks = 2 and look_at is null";
    eventually(WAIT, "the erasure is done", async || {
        (desk.count(done).await == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_reported_and_noted_while_a_person_is_erased_says_nothing_in_the_end() {
    // Given somebody who reports and writes without a pause,
    let desk = desk().await;
    let gone = party();
    for _ in 0..5 {
        desk.create(of(&gone, inquiry())).await;
    }
    let writers = (0..8).map(|_| async {
        let mut refused = 0;
        for _ in 0..20 {
            match desk.try_create(of(&gone, inquiry())).await {
                Ok(ticket) => {
                    let note = AddTicketNoteRequest {
                        name: ticket.name,
                        text: "My number is 0571-1234567".to_owned(),
                        ..Default::default()
                    };
                    let _ = desk.tickets().add_ticket_note(note).await;
                }
                Err(status) => {
                    assert_eq!(said(&status).1, "CUSTOMER_ERASED");
                    refused += 1;
                }
            }
        }
        refused
    });

    // when they are erased meanwhile,
    let (refused, ()) = tokio::join!(futures::future::join_all(writers), hears_of(&desk, &gone));

    // then later reports were refused, and after the second look none says a word.
    assert!(refused.iter().sum::<i32>() > 0);
    let left = "select count(*) from tickets where erased_at is null";
    eventually(WAIT, "every ticket is erased", async || {
        looks_again(&desk).await;
        (desk.count(left).await == 0).then_some(())
    })
    .await;
    assert_eq!(desk.rows_with("0571").await, Vec::<String>::new());
}
