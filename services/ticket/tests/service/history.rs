//! The timeline as history: chained, added to, never rewritten; and the laws that find who tried.

use chassis::Caller;
use jiff::Timestamp;
use proto::ticket::v1::ticket::State;
use proto::ticket::v1::{AddTicketNoteRequest, ApproveQuoteRequest};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use ticket::domain::timeline::{Sealed, seal};
use ticket::invariants::check;
use uuid::Uuid;

use crate::support::{Desk, desk, inquiry};

/// A ticket with a long life: notes, waits, an approved quote, closed.
async fn lived(desk: &Desk) -> String {
    let name = desk.create(inquiry()).await.name;
    let text = "My number is 0571-1234567".to_owned();
    let request = AddTicketNoteRequest {
        name: name.clone(),
        text,
        ..Default::default()
    };
    desk.tickets().add_ticket_note(request).await.unwrap();
    let quote = desk.quote(&name).await.name;
    let request = ApproveQuoteRequest {
        name: quote,
        ..Default::default()
    };
    desk.quotes().approve_quote(request).await.unwrap();
    for verb in ["resolve", "close"] {
        desk.verb(verb, &name).await.unwrap();
    }
    name
}

/// Runs statements as somebody who can switch the table's own guard off.
async fn tamper(desk: &Desk, statements: &str) -> u64 {
    let sql = format!("set session_replication_role = replica; {statements}");
    let mut conn = desk.admin.acquire().await.unwrap().detach();
    let done = sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
    done.rows_affected()
}

/// Law, last part of the subject, and detail of every breach.
async fn breaches(desk: &Desk) -> Vec<(&'static str, String, String)> {
    let mut conn: PgConnection = desk.admin.acquire().await.unwrap().detach();
    let found = check(&mut conn).await.unwrap();
    let named = found.into_iter().map(|breach| {
        let subject = breach
            .subject
            .split('/')
            .skip(2)
            .collect::<Vec<_>>()
            .join("/");
        (breach.law, subject, breach.detail)
    });
    named.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_can_follow_the_chain_from_the_report_on() {
    let desk = desk().await;
    let name = lived(&desk).await;
    let id: Uuid = name.strip_prefix("tickets/").unwrap().parse().unwrap();
    let told = desk.timeline(&name).await;
    let verbs: Vec<&str> = told.iter().map(|entry| entry.verb.as_str()).collect();
    let life = [
        "report",
        "note",
        "quote_issued",
        "pause",
        "quote_approved",
        "resume",
        "resolve",
        "close",
    ];
    assert_eq!(verbs, life);

    type Kept = (
        jiff_sqlx::Timestamp,
        jiff_sqlx::Timestamp,
        sqlx::types::Json<Vec<(String, String)>>,
        Option<Vec<u8>>,
    );
    let kept: Vec<Kept> = sqlx::query_as(
        "select occurred_at, recorded_at, arguments, text_hash from ticket_events
         where ticket_id = $1 order by sequence",
    )
    .bind(id)
    .fetch_all(&desk.admin)
    .await
    .unwrap();

    let mut previous = [0; 32];
    for (entry, (occurred_at, recorded_at, arguments, text_hash)) in told.iter().zip(&kept) {
        previous = seal(
            &previous,
            &Sealed {
                tenant: "acme",
                ticket: id,
                sequence: entry.sequence,
                verb: &entry.verb,
                actor: &entry.actor,
                occurred_at: occurred_at.to_jiff(),
                recorded_at: recorded_at.to_jiff(),
                arguments: &arguments.0,
                state: entry.state().as_str_name(),
                text_hash: text_hash
                    .as_ref()
                    .map(|hash| hash.as_slice().try_into().unwrap()),
            },
        );
        assert_eq!(entry.hash, ticket::wire::hex(&previous), "{}", entry.verb);
    }
    assert!(kept.iter().all(|row| row.1.to_jiff() <= Timestamp::now()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_neither_rewritten_nor_deleted_but_its_words_may_be_erased() {
    let desk = desk().await;
    let name = lived(&desk).await;
    let refused = [
        "update ticket_events set actor = 'users/8' where sequence = 1",
        "update ticket_events set occurred_at = occurred_at - interval '1 day'",
        "update ticket_events set body = 'I said nothing' where verb = 'note'",
        "update ticket_events set body = 'words' where verb = 'report'",
        "update ticket_events set salt = null, text_hash = null where verb = 'note'",
        "delete from ticket_events where verb = 'note'",
    ];
    for statement in refused {
        let error = sqlx::query(statement)
            .execute(&desk.admin)
            .await
            .unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains("an entry of the timeline is never"),
            "{statement}: {said}"
        );
    }

    let erase = "update ticket_events set body = null, salt = null where verb = 'note'";
    assert_eq!(
        sqlx::query(erase)
            .execute(&desk.admin)
            .await
            .unwrap()
            .rows_affected(),
        1
    );

    let note = desk.timeline(&name).await.remove(1);
    assert_eq!((note.verb.as_str(), note.text.as_str()), ("note", ""));
    assert_eq!(breaches(&desk).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_that_lived_well_break_no_law() {
    let desk = desk().await;
    lived(&desk).await;
    for state in [
        State::Held,
        State::Cancelled,
        State::Rejected,
        State::Resolved,
    ] {
        desk.in_state(state).await;
    }
    let declined = desk.create(inquiry()).await.name;
    let name = desk.quote(&declined).await.name;
    let request = proto::ticket::v1::DeclineQuoteRequest {
        name,
        ..Default::default()
    };
    desk.quotes().decline_quote(request).await.unwrap();
    let lapsed = desk.create(inquiry()).await.name;
    desk.quote(&lapsed).await;
    desk.verb("cancel", &lapsed).await.unwrap();
    let elsewhere = Caller {
        ..crate::support::stranger()
    };
    let request = proto::ticket::v1::CreateTicketRequest {
        ticket: Some(inquiry()),
        ..Default::default()
    };
    desk.tickets_as(&elsewhere)
        .create_ticket(request)
        .await
        .unwrap();

    assert_eq!(breaches(&desk).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_changes_the_history_is_found_out() {
    let edited = "its content was changed after it was written";
    let apart = "it does not follow the entry before it";
    let cases: [(&str, &[(&str, &str)]); 9] = [
        (
            "update ticket_events set actor = 'users/8' where sequence = 3",
            &[("events/3", edited)],
        ),
        (
            "update ticket_events set occurred_at = occurred_at - interval '1 hour' where sequence = 7",
            &[("events/7", edited)],
        ),
        (
            "update ticket_events set arguments = '[[\"by\", \"policy\"]]' where verb = 'resolve'",
            &[("events/7", edited)],
        ),
        (
            "update ticket_events set body = 'I said nothing' where verb = 'note'",
            &[("events/2", "its text was changed after it was written")],
        ),
        (
            "delete from ticket_events where sequence = 1",
            &[("events/2", "entry 1 is missing before it")],
        ),
        (
            "delete from ticket_events where sequence = 4",
            &[("events/5", "entry 4 is missing before it")],
        ),
        (
            "update ticket_events set sequence = case sequence when 5 then 6 else 5 end + 100
                 where sequence in (5, 6);
             update ticket_events set sequence = sequence - 100 where sequence > 100",
            &[
                ("events/5", apart),
                ("events/6", apart),
                ("events/7", apart),
            ],
        ),
        (
            "delete from ticket_events where sequence = 8",
            &[("", "its head is entry 8, its timeline ends at 7")],
        ),
        (
            "delete from ticket_events",
            &[("", "its head is entry 8, its timeline ends at 0")],
        ),
    ];
    for (crime, expected) in cases {
        let desk = desk().await;
        lived(&desk).await;
        assert!(tamper(&desk, crime).await > 0, "{crime}");
        let found = breaches(&desk).await;
        let named: Vec<(&str, &str)> = found
            .iter()
            .map(|(_, subject, detail)| (subject.as_str(), detail.as_str()))
            .collect();
        assert_eq!(named, expected, "{crime}");
        assert!(found.iter().all(|(law, ..)| *law == "G9"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_is_forgotten_or_over_and_still_holding_is_found() {
    let no_process = "no process looks after it";
    let holds = "it is CLOSED and may still hold parts (HELD) or a visit (NOT_ASKED)";
    let booked = "it is CLOSED and may still hold parts (NOT_ASKED) or a visit (BOOKED)";
    let stray = "it is CLOSED and may still hold parts (NOT_ASKED) or a visit (NOT_ASKED)";
    let cases = [
        ("delete from processes", no_process),
        (
            "update tickets set facts = facts || '{\"hold\": \"HELD\"}'",
            holds,
        ),
        (
            "update tickets set facts = facts || '{\"visit\": \"BOOKED\"}'",
            booked,
        ),
        (
            "update tickets set facts = facts || '{\"stray_holds\": [1]}'",
            stray,
        ),
        (
            "update tickets set facts = facts || '{\"stray_visits\": [1]}'",
            stray,
        ),
    ];
    for (fault, detail) in cases {
        let desk = desk().await;
        lived(&desk).await;
        let rests = "select count(*) from processes where due_at is null";
        chassis::testing::eventually(crate::support::WAIT, "the process rests", async || {
            (desk.count(rests).await == 1).then_some(())
        })
        .await;
        tamper(&desk, fault).await;
        assert_eq!(
            breaches(&desk).await,
            [("PROCESS", String::new(), detail.to_owned())]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_that_says_otherwise_than_its_ticket_is_found() {
    let cases = [
        (
            "update quotes set state = 'DECLINED'",
            "it is DECLINED and its ticket knows APPROVED",
        ),
        (
            "update tickets set facts = facts || '{\"quote\": \"REFUSED\"}'",
            "it is APPROVED and its ticket knows REFUSED",
        ),
        (
            "update quotes set state = 'OPEN', decided_at = null;
             update tickets set facts = facts || '{\"quote\": {\"OPEN\": \"2026-01-01T00:00:00Z\"}}'",
            "it is OPEN and its ticket knows {\"OPEN\": \"2026-01-01T00:00:00Z\"}",
        ),
        (
            "update tickets set facts = facts || '{\"quote\": null}'",
            "it is APPROVED and its ticket knows ",
        ),
    ];
    for (fault, expected) in cases {
        let desk = desk().await;
        lived(&desk).await;
        tamper(&desk, fault).await;
        let found = breaches(&desk).await;
        assert_eq!(found.len(), 1, "{fault}: {found:?}");
        let (law, subject, detail) = &found[0];
        assert_eq!((*law, detail.as_str()), ("PROCESS", expected));
        assert!(subject.starts_with("quotes/"), "{subject}");
    }
}
