//! Every verb in every state, and what a verb needs to be done.

use chassis::refusal::{from_pb, to_pb};
use jiff::SignedDuration;
use proto::ticket::v1::ticket::{PauseReason, State};
use proto::ticket::v1::{
    AssignTicketRequest, CancelTicketRequest, PauseTicketRequest, ReopenTicketRequest,
    ResolveTicketRequest, StartTicketRequest,
};
use tonic::Code;

use crate::support::{desk, fields, from_now, metadata, refused, said};

const VERBS: [&str; 10] = [
    "respond", "start", "pause", "hold", "resume", "resolve", "close", "reopen", "cancel", "reject",
];

/// Where each verb leads, in the order of [`VERBS`]; `None`: refused.
fn row(state: State) -> [Option<State>; 10] {
    use State::{
        Acknowledged, Cancelled, Closed, Held, InProgress, Pending, Rejected, Resolved, Unspecified,
    };
    let open = |starts: Option<State>, resumes: Option<State>| {
        let [stays, waits, held] = [Some(state), Some(Pending), Some(Held)];
        let [resolved, cancelled, rejected] = [Some(Resolved), Some(Cancelled), Some(Rejected)];
        [
            stays, starts, waits, held, resumes, resolved, None, None, cancelled, rejected,
        ]
    };
    let over = |closes: Option<State>, reopens: Option<State>| {
        [
            None, None, None, None, None, None, closes, reopens, None, None,
        ]
    };
    match state {
        Acknowledged => open(Some(InProgress), None),
        InProgress => open(None, None),
        Pending | Held => open(None, Some(InProgress)),
        Resolved => over(Some(Closed), Some(InProgress)),
        Closed => over(None, Some(InProgress)),
        Cancelled | Rejected | Unspecified => over(None, None),
    }
}

const STATES: [State; 8] = [
    State::Acknowledged,
    State::InProgress,
    State::Pending,
    State::Held,
    State::Resolved,
    State::Closed,
    State::Cancelled,
    State::Rejected,
];

#[tokio::test(flavor = "multi_thread")]
async fn each_state_allows_the_verbs_of_the_table_and_says_so() {
    let desk = desk().await;
    for state in STATES {
        let mut allowed: Vec<&str> = Vec::new();
        for (verb, leads) in VERBS.into_iter().zip(row(state)) {
            if leads.is_some() && verb != "hold" {
                allowed.push(verb);
            }
        }
        for (verb, leads) in VERBS.into_iter().zip(row(state)) {
            let ticket = desk.in_state(state).await;
            assert_eq!(ticket.allowed_verbs, allowed, "in {state:?}");
            let answer = desk.verb(verb, &ticket.name).await;
            let after = desk.get(&ticket.name).await;
            match leads {
                Some(next) => {
                    let answer = answer.unwrap();
                    assert_eq!(answer.state(), next, "{verb} in {state:?}");
                    assert_eq!((after.state(), &after.etag), (next, &answer.etag));
                    assert_ne!(after.etag, ticket.etag);
                }
                None => {
                    let refusal = answer.unwrap_err();
                    let reason = "ILLEGAL_MOVE".to_owned();
                    assert_eq!(said(&refusal), (Code::FailedPrecondition, reason));
                    assert_eq!(metadata(&refusal, "state"), state.as_str_name());
                    let named = if verb == "hold" { "pause" } else { verb };
                    assert_eq!(metadata(&refusal, "verb"), named);
                    assert_eq!(metadata(&refusal, "allowed_verbs"), allowed.join(","));
                    let entries = desk.timeline(&ticket.name).await;
                    assert_eq!((after.state(), after.etag), (state, ticket.etag));
                    assert_eq!(entries.last().unwrap().state(), state, "it leaves no trace");
                }
            }
        }
    }
    let breaches = "select count(*) from tickets where next_due is not null and state in
        ('RESOLVED', 'CLOSED', 'CANCELLED', 'REJECTED')";
    assert_eq!(
        desk.count(breaches).await,
        0,
        "what is over promises nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_leaves_its_mark_on_the_ticket_and_its_timeline() {
    let desk = desk().await;
    let ticket = desk.in_state(State::Acknowledged).await;
    let assignee = "users/9".to_owned();

    let waits = desk
        .pause(&ticket.name, PauseReason::WaitingSiteAccess)
        .await
        .unwrap();
    assert_eq!(waits.pause_reason(), PauseReason::WaitingSiteAccess);
    let changed = desk
        .pause(&ticket.name, PauseReason::HeldByUs)
        .await
        .unwrap();
    assert_eq!(
        (changed.state(), changed.pause_reason()),
        (State::Held, PauseReason::HeldByUs)
    );
    let goes_on = desk.verb("resume", &ticket.name).await.unwrap();
    assert_eq!(goes_on.pause_reason(), PauseReason::Unspecified);
    let (name, etag) = (ticket.name.clone(), goes_on.etag);
    let request = AssignTicketRequest {
        name,
        etag,
        assignee,
        ..Default::default()
    };
    let assigned = desk
        .tickets()
        .assign_ticket(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(assigned.assignee, "users/9");
    let resolved = desk.verb("resolve", &ticket.name).await.unwrap();
    assert_eq!(resolved.resolution, "the customer says so");
    assert!(
        resolved
            .clocks
            .iter()
            .all(|clock| clock.stop_time.is_some())
    );
    let reopened = desk.verb("reopen", &ticket.name).await.unwrap();
    assert_eq!((reopened.round, reopened.resolution.as_str()), (2, ""));

    let told = desk
        .timeline(&ticket.name)
        .await
        .into_iter()
        .map(|entry| entry.summary);
    let told: Vec<String> = told.collect();
    let expected = [
        "Reported: Which adapter fits?",
        "Waiting: for access to the site",
        "Waiting: held by us",
        "Work goes on",
        "users/9 took the ticket",
        "Resolved: the customer says so",
        "Opened again: the customer says so",
    ];
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_with_a_verb_and_when_it_happened_stand_on_the_timeline() {
    let desk = desk().await;
    let ticket = desk.reported(SignedDuration::from_mins(20)).await;
    let occur_time = from_now(-SignedDuration::from_mins(10));
    let (name, note) = (ticket.name.clone(), "told by phone".to_owned());

    let request = StartTicketRequest {
        name,
        occur_time,
        note,
        ..Default::default()
    };
    desk.tickets().start_ticket(request).await.unwrap();

    let entry = desk.timeline(&ticket.name).await.pop().unwrap();
    assert_eq!(
        (entry.verb.as_str(), entry.text.as_str()),
        ("start", "told by phone")
    );
    let happened = occur_time.and_then(|at| from_pb(&at));
    assert_eq!(
        entry.time.and_then(|at| from_pb(&at)),
        happened,
        "to the microsecond"
    );
    assert!(entry.record_time.and_then(|at| from_pb(&at)) > happened);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_ticket_has_no_owner_to_get() {
    let desk = desk().await;
    for (state, allowed) in [(State::Closed, "reopen"), (State::Cancelled, "")] {
        let name = desk.in_state(state).await.name;
        let assignee = "users/9".to_owned();
        let request = AssignTicketRequest {
            name,
            assignee,
            ..Default::default()
        };
        let refusal = desk.tickets().assign_ticket(request).await.unwrap_err();
        assert_eq!(
            said(&refusal),
            (Code::FailedPrecondition, "ILLEGAL_MOVE".to_owned())
        );
        assert_eq!(metadata(&refusal, "verb"), "assign");
        assert_eq!(metadata(&refusal, "allowed_verbs"), allowed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_since_it_was_read_is_not_overwritten() {
    let desk = desk().await;
    let read = desk.in_state(State::Acknowledged).await;
    let fresh = desk.verb("respond", &read.name).await.unwrap();
    let (name, reason) = (read.name.clone(), "not needed".to_owned());
    let request = CancelTicketRequest {
        name,
        reason,
        ..Default::default()
    };

    for etag in [read.etag, "v1".to_owned()] {
        let request = CancelTicketRequest {
            etag,
            ..request.clone()
        };
        let answer = desk.tickets().cancel_ticket(request).await;
        assert_eq!(refused(answer, Code::Aborted), "STALE_ETAG");
    }

    assert_eq!(desk.get(&read.name).await, fresh);
    let request = CancelTicketRequest {
        etag: fresh.etag,
        ..request
    };
    let cancelled = desk
        .tickets()
        .cancel_ticket(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(cancelled.state(), State::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_read_the_same_only_one_changes_it() {
    let desk = desk().await;
    let read = desk.in_state(State::Acknowledged).await;

    let calls = (0..16).map(|i| {
        let (name, etag) = (read.name.clone(), read.etag.clone());
        let assignee = format!("users/{i}");
        let request = AssignTicketRequest {
            name,
            etag,
            assignee,
            ..Default::default()
        };
        let mut tickets = desk.tickets();
        async move { tickets.assign_ticket(request).await }
    });
    let answers = futures::future::join_all(calls).await;

    let (done, late): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), late.len()), (1, 15));
    for answer in late {
        assert_eq!(refused(answer, Code::Aborted), "STALE_ETAG");
    }
    assert_eq!(desk.timeline(&read.name).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_a_verb_needs_are_asked_for() {
    let desk = desk().await;
    let ticket = desk.in_state(State::Acknowledged).await;
    let (name, tomorrow) = (
        ticket.name.clone(),
        from_now(SignedDuration::from_hours(24)),
    );

    let request = ResolveTicketRequest {
        occur_time: tomorrow,
        ..Default::default()
    };
    let refusal = desk.tickets().resolve_ticket(request).await.unwrap_err();
    assert_eq!(fields(&refusal), ["name", "occur_time", "resolution"]);
    let reason = "r".repeat(501);
    let request = CancelTicketRequest {
        name: name.clone(),
        reason,
        ..Default::default()
    };
    let refusal = desk.tickets().cancel_ticket(request).await.unwrap_err();
    assert_eq!(fields(&refusal), ["reason"]);
    let request = PauseTicketRequest {
        name: name.clone(),
        reason: 99,
        ..Default::default()
    };
    let refusal = desk.tickets().pause_ticket(request).await.unwrap_err();
    assert_eq!(fields(&refusal), ["reason"]);
    let assignee = "users/\u{7}".to_owned();
    let request = AssignTicketRequest {
        name: name.clone(),
        assignee,
        ..Default::default()
    };
    let refusal = desk.tickets().assign_ticket(request).await.unwrap_err();
    assert_eq!(fields(&refusal), ["assignee"]);
    let note = "n".repeat(2_001);
    let request = StartTicketRequest {
        name,
        note,
        ..Default::default()
    };
    let refusal = desk.tickets().start_ticket(request).await.unwrap_err();
    assert_eq!(fields(&refusal), ["note"]);

    assert_eq!(desk.get(&ticket.name).await, ticket);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_happens_to_a_ticket_before_its_report() {
    let desk = desk().await;
    let ticket = desk.reported(SignedDuration::from_mins(20)).await;
    let request = StartTicketRequest {
        name: ticket.name.clone(),
        occur_time: from_now(-SignedDuration::from_mins(21)),
        ..Default::default()
    };

    let refusal = desk.tickets().start_ticket(request).await.unwrap_err();

    assert_eq!(fields(&refusal), ["occur_time"]);
    assert_eq!(desk.get(&ticket.name).await.state(), State::Acknowledged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_closed_long_ago_stays_closed() {
    let desk = desk().await;
    let ticket = desk.reported(SignedDuration::from_hours(32 * 24)).await;
    desk.verb("resolve", &ticket.name).await.unwrap();
    let closed = jiff::Timestamp::now() - SignedDuration::from_hours(31 * 24);
    let (name, occur_time) = (ticket.name.clone(), Some(to_pb(closed)));
    let close = proto::ticket::v1::CloseTicketRequest {
        name,
        occur_time,
        ..Default::default()
    };
    let closed = desk
        .tickets()
        .close_ticket(close)
        .await
        .unwrap()
        .into_inner();

    let answer = desk.verb("reopen", &ticket.name).await.unwrap_err();

    assert_eq!(
        said(&answer),
        (Code::FailedPrecondition, "REOPEN_TOO_LATE".to_owned())
    );
    assert_eq!(metadata(&answer, "days"), "30");
    assert!(!metadata(&answer, "closed_at").is_empty());
    assert_eq!(desk.get(&ticket.name).await, closed);
    let (name, reason) = (ticket.name, "it was on day 20".to_owned());
    let occur_time = from_now(-SignedDuration::from_hours(11 * 24));
    let request = ReopenTicketRequest {
        name,
        reason,
        occur_time,
        ..Default::default()
    };
    let reopened = desk
        .tickets()
        .reopen_ticket(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(reopened.state(), State::InProgress);
}
