//! Tickets opened, read, changed and noted.

use std::collections::BTreeSet;

use chassis::refusal::from_pb;
use chassis::testing::agent;
use jiff::SignedDuration;
use prost_types::FieldMask;
use proto::ticket::v1::clock::Milestone;
use proto::ticket::v1::ticket::{Kind, State};
use proto::ticket::v1::{
    AddTicketNoteRequest, CreateTicketRequest, ExplainClocksRequest, GetTicketRequest, Ticket,
    UpdateTicketRequest,
};
use tonic::Code;

use crate::support::{desk, fault, from_now, inquiry, metadata, refused, said};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_reported_is_read_back_by_name_and_by_number() {
    let desk = desk().await;
    let party = "parties/01890000-0000-7000-8000-000000000001".to_owned();
    let told = Ticket {
        description: "Since Monday.\nNo light.".to_owned(),
        party,
        product: "NB-14".to_owned(),
        impact: 1,
        urgency: 2,
        external_key: "CRM-7".to_owned(),
        fault: Some(proto::ticket::v1::FaultReport {
            component: "BATTERY".to_owned(),
            symptom: "DOES_NOT_START".to_owned(),
            cause: String::new(),
        }),
        kind: Kind::SoftwareSupport.into(),
        ..fault()
    };

    let made = desk.create(told.clone()).await;

    let as_told = Ticket {
        title: made.title.clone(),
        description: made.description.clone(),
        site: made.site.clone(),
        fault: made.fault.clone(),
        ..told.clone()
    };
    assert_eq!(as_told, told);
    assert_eq!(
        (made.state(), made.priority, made.round),
        (State::Acknowledged, 2, 1)
    );
    assert_eq!(
        (made.queue.as_str(), made.region.as_str()),
        ("support", "cn-east")
    );
    let milestones: Vec<Milestone> = made.clocks.iter().map(|clock| clock.milestone()).collect();
    assert_eq!(
        milestones,
        [Milestone::FirstResponse, Milestone::Resolution]
    );
    assert_eq!(desk.get(&made.name).await, made);
    assert_eq!(desk.get(&format!("tickets/{}", made.number)).await, made);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_of_a_region_reports_for_that_region() {
    let desk = desk().await;
    let of_region = chassis::Caller {
        region: Some("cn-north".to_owned()),
        ..agent()
    };
    let ticket = Some(Ticket {
        region: String::new(),
        ..inquiry()
    });
    let request = CreateTicketRequest {
        ticket,
        ..Default::default()
    };

    let made = desk
        .tickets_as(&of_region)
        .create_ticket(request)
        .await
        .unwrap()
        .into_inner();

    assert_eq!(made.region, "cn-north");
}

#[tokio::test(flavor = "multi_thread")]
async fn impact_and_urgency_make_the_priority() {
    let desk = desk().await;
    let matrix = [[1, 2, 3], [2, 3, 4], [3, 4, 4]];
    for (impact, row) in (1..).zip(matrix) {
        for (urgency, priority) in (1..).zip(row) {
            let made = desk
                .create(Ticket {
                    impact,
                    urgency,
                    ..inquiry()
                })
                .await;
            assert_eq!(
                made.priority, priority,
                "impact {impact}, urgency {urgency}"
            );
        }
    }
    let unsaid = desk.create(inquiry()).await;
    assert_eq!((unsaid.impact, unsaid.urgency, unsaid.priority), (2, 2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_drawn_once_and_carry_their_check_digit() {
    let desk = desk().await;
    let calls = (0..150).map(|_| desk.create(inquiry()));
    let made = futures::future::join_all(calls).await;

    let numbers: BTreeSet<String> = made.into_iter().map(|ticket| ticket.number).collect();
    assert_eq!(numbers.len(), 150);
    assert!(
        numbers
            .iter()
            .all(|number| ticket::domain::number::is_number(number))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_changes_what_its_mask_names_and_nothing_else() {
    let desk = desk().await;
    let made = desk.create(inquiry()).await;
    let change = |paths: &[&str]| UpdateTicketRequest {
        ticket: Some(Ticket {
            name: made.name.clone(),
            title: "Which dock fits?".to_owned(),
            description: "for two screens".to_owned(),
            impact: 1,
            urgency: 1,
            queue: "docks".to_owned(),
            ..Ticket::default()
        }),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|p| (*p).to_owned()).collect(),
        }),
        ..Default::default()
    };

    let request = change(&["title", "impact"]);
    let first = desk
        .tickets()
        .update_ticket(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (first.title.as_str(), first.impact, first.priority),
        ("Which dock fits?", 1, 2)
    );
    assert_eq!(
        (&first.description, first.urgency, &first.queue),
        (&made.description, 2, &made.queue)
    );

    let request = change(&["description", "urgency", "queue"]);
    let second = desk
        .tickets()
        .update_ticket(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!((second.urgency, second.priority), (1, 1));
    assert_eq!(
        (second.description.as_str(), second.queue.as_str()),
        ("for two screens", "docks")
    );

    let request = change(&["queue"]);
    desk.tickets().update_ticket(request).await.unwrap();
    let told: Vec<String> = desk
        .timeline(&made.name)
        .await
        .into_iter()
        .map(|entry| entry.summary)
        .collect();
    let expected = [
        "Reported: Which adapter fits?",
        "Changed: impact, title",
        "Changed: description, queue, urgency",
    ];
    assert_eq!(told, expected, "what changes nothing is no news");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_what_cannot_change_is_refused() {
    let desk = desk().await;
    let made = desk.create(inquiry()).await;
    let update = |paths: &[&str], ticket: Ticket| UpdateTicketRequest {
        ticket: Some(Ticket {
            name: made.name.clone(),
            ..ticket
        }),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|p| (*p).to_owned()).collect(),
        }),
        ..Default::default()
    };
    let wrong = Ticket {
        impact: 4,
        urgency: -1,
        ..Ticket::default()
    };
    let cases = [
        (update(&[], Ticket::default()), vec!["update_mask"]),
        (
            update(&["state", "number", "*"], Ticket::default()),
            vec!["update_mask"; 3],
        ),
        (
            update(&["title", "impact", "urgency", "queue"], wrong),
            vec![
                "ticket.impact",
                "ticket.queue",
                "ticket.title",
                "ticket.urgency",
            ],
        ),
        (
            UpdateTicketRequest::default(),
            vec!["ticket.name", "update_mask"],
        ),
    ];
    for (request, expected) in cases {
        let refusal = desk.tickets().update_ticket(request).await.unwrap_err();
        assert_eq!(crate::support::fields(&refusal), expected);
    }

    let etag = "\"v7-0000\"".to_owned();
    let stale = update(
        &["urgency"],
        Ticket {
            etag,
            urgency: 1,
            ..Ticket::default()
        },
    );
    let answer = desk.tickets().update_ticket(stale).await;
    assert_eq!(refused(answer, Code::Aborted), "STALE_ETAG");
    assert_eq!(desk.get(&made.name).await, made);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_an_entry_and_moves_nothing() {
    let desk = desk().await;
    for state in [State::Held, State::Closed] {
        let ticket = desk.in_state(state).await;
        let occur_time = from_now(-SignedDuration::from_mins(1));
        let (name, text) = (ticket.name.clone(), "Called back,\nno answer.".to_owned());
        let request = AddTicketNoteRequest {
            name,
            text: text.clone(),
            occur_time,
            ..Default::default()
        };

        let entry = desk
            .tickets()
            .add_ticket_note(request)
            .await
            .unwrap()
            .into_inner();

        assert_eq!(
            (entry.verb.as_str(), &entry.text, entry.state()),
            ("note", &text, state)
        );
        assert_eq!(
            entry.time.and_then(|t| from_pb(&t)),
            occur_time.and_then(|t| from_pb(&t))
        );
        assert_eq!(desk.timeline(&ticket.name).await.last(), Some(&entry));
        assert_eq!(desk.get(&ticket.name).await.state(), state);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counting_of_each_clock_is_explained_without_a_gap() {
    let desk = desk().await;
    let occur_time = from_now(-SignedDuration::from_hours(3));
    let request = CreateTicketRequest {
        ticket: Some(inquiry()),
        occur_time,
        ..Default::default()
    };
    let ticket = desk
        .tickets()
        .create_ticket(request)
        .await
        .unwrap()
        .into_inner();
    desk.verb("pause", &ticket.name).await.unwrap();

    let request = ExplainClocksRequest { name: ticket.name };
    let explained = desk
        .tickets()
        .explain_clocks(request)
        .await
        .unwrap()
        .into_inner();

    assert_eq!(explained.sla_policy, "inquiry@1");
    assert_eq!(explained.clocks.len(), 2);
    let as_of = explained.as_of.and_then(|at| from_pb(&at)).unwrap();
    for clock in &explained.clocks {
        let intervals = &clock.intervals;
        let whys: Vec<(&str, bool)> = intervals
            .iter()
            .map(|part| (part.why.as_str(), part.counted))
            .collect();
        assert_eq!(whys, [("open", true), ("paused: WAITING_CUSTOMER", false)]);
        assert_eq!(intervals[0].start, clock.start_time);
        assert_eq!(intervals[0].end, intervals[1].start);
        assert_eq!(intervals[1].end.and_then(|at| from_pb(&at)), Some(as_of));
        let counted = from_pb(&intervals[0].end.unwrap()).unwrap();
        let counted = counted.duration_since(from_pb(&intervals[0].start.unwrap()).unwrap());
        assert_eq!(clock.counted_seconds, counted.as_secs());
    }
    let first = &explained.clocks[0];
    assert_eq!(
        (first.milestone(), first.breached),
        (Milestone::FirstResponse, true)
    );
    assert_eq!(
        (first.promised_seconds, explained.clocks[1].promised_seconds),
        (3_600, 86_400)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_key_belongs_to_one_ticket_of_a_tenant() {
    let desk = desk().await;
    let keyed = Ticket {
        external_key: "CRM-1".to_owned(),
        ..inquiry()
    };
    let first = desk.create(keyed.clone()).await;

    let refusal = desk.try_create(keyed.clone()).await.unwrap_err();
    assert_eq!(
        said(&refusal),
        (Code::AlreadyExists, "EXTERNAL_KEY_TAKEN".to_owned())
    );
    assert_eq!(metadata(&refusal, "name"), first.name);

    let request = CreateTicketRequest {
        ticket: Some(keyed.clone()),
        ..Default::default()
    };
    let stranger = crate::support::stranger();
    desk.tickets_as(&stranger)
        .create_ticket(request)
        .await
        .unwrap();

    // A race for a key: one has it, the others are told to look.
    let key = "CRM-2".to_owned();
    let keyed = Ticket {
        external_key: key,
        ..inquiry()
    };
    let calls = (0..8).map(|_| desk.try_create(keyed.clone()));
    let answers = futures::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for late in answers.into_iter().filter_map(Result::err) {
        let (code, reason) = said(&late);
        let fair = [
            (Code::AlreadyExists, "EXTERNAL_KEY_TAKEN"),
            (Code::Aborted, "CONTENTION"),
        ];
        assert!(fair.contains(&(code, reason.as_str())), "{late:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_read_wrongly_over_the_phone_is_no_ticket() {
    let desk = desk().await;
    let made = desk.create(inquiry()).await;
    let (digits, check) = made.number.rsplit_once('-').unwrap();
    let wrong = (check.parse::<u8>().unwrap() + 1) % 10;

    let name = format!("tickets/{digits}-{wrong}");
    let refusal = desk
        .tickets()
        .get_ticket(GetTicketRequest { name })
        .await
        .unwrap_err();
    assert_eq!(crate::support::fields(&refusal), ["name"]);
    let name = format!("tickets/{}", ticket::domain::number::number("C1", 999_999));
    let answer = desk.tickets().get_ticket(GetTicketRequest { name }).await;
    assert_eq!(refused(answer, Code::NotFound), "NOT_FOUND");
}
