//! Every verb in every state: the ticket does what the table says, and nothing when it refuses.

#![allow(clippy::unwrap_used)]

mod common;

use common::{after, reported};
use ticket::domain::moves::{State, To, Verb, lead};
use ticket::domain::ticket::{Kind, PauseReason, Ticket, VerbRefused, What};

fn in_state(state: State) -> Ticket {
    let mut ticket = reported(Kind::Inquiry);
    let waits = |reason| move |ticket: &mut Ticket| ticket.pause(reason, &after(1));
    let done = match state {
        State::Acknowledged => Ok(()),
        State::InProgress => ticket.start(&after(1)),
        State::Pending => waits(PauseReason::WaitingCustomer)(&mut ticket),
        State::Held => waits(PauseReason::HeldByUs)(&mut ticket),
        State::Resolved => ticket.resolve("fixed", &after(1)),
        State::Closed => ticket
            .resolve("fixed", &after(1))
            .and_then(|()| ticket.close(false, &after(2))),
        State::Cancelled => ticket.cancel("not wanted", &after(1)),
        State::Rejected => ticket.reject("not ours", &after(1)),
    };
    done.unwrap();
    assert_eq!(ticket.state, state);
    ticket.fresh.clear();
    ticket.told.clear();
    ticket
}

fn ask(ticket: &mut Ticket, verb: Verb) -> Result<(), VerbRefused> {
    let deed = after(10);
    match verb {
        Verb::Respond => ticket.respond(&deed),
        Verb::Start => ticket.start(&deed),
        Verb::Pause => ticket.pause(PauseReason::WaitingPart, &deed),
        Verb::Resume => ticket.resume(&deed),
        Verb::Resolve => ticket.resolve("fixed", &deed),
        Verb::Close => ticket.close(false, &deed),
        Verb::Reopen => ticket.reopen("again", 30, &deed),
        Verb::Cancel => ticket.cancel("not wanted", &deed),
        Verb::Reject => ticket.reject("not ours", &deed),
    }
}

#[test]
fn every_verb_in_every_state_does_what_the_table_says() {
    for state in State::ALL {
        for verb in Verb::ALL {
            let mut ticket = in_state(state);
            let before = ticket.clone();

            let answer = ask(&mut ticket, verb);

            let asked = format!("{verb:?} in {state:?}");
            match lead(state, verb) {
                To::No => {
                    let refused = answer.unwrap_err();
                    assert!(
                        matches!(refused, VerbRefused::IllegalMove(m) if m.state == state && m.verb == verb),
                        "{asked}"
                    );
                    assert_eq!(ticket, before, "{asked} leaves a trace");
                    continue;
                }
                To::Stays => assert_eq!(ticket.state, state, "{asked}"),
                To::Waits => assert_eq!(ticket.state, State::Pending, "{asked}"),
                To::State(next) => assert_eq!(ticket.state, next, "{asked}"),
            }
            answer.unwrap();
            let written: Vec<_> = ticket
                .fresh
                .iter()
                .map(|entry| (entry.verb, entry.state))
                .collect();
            assert_eq!(written, [(verb.name(), ticket.state)], "{asked}");
        }
    }
}

#[test]
fn a_ticket_waits_for_exactly_as_long_as_its_state_says_so() {
    for state in State::ALL {
        for verb in Verb::ALL {
            let mut ticket = in_state(state);
            let _asked = ask(&mut ticket, verb);
            let waits = matches!(ticket.state, State::Pending | State::Held);
            assert_eq!(ticket.pause.is_some(), waits, "{verb:?} in {state:?}");
        }
    }
}

#[test]
fn a_reason_of_ours_holds_and_any_other_waits() {
    let mut ticket = in_state(State::InProgress);

    ticket.pause(PauseReason::HeldByUs, &after(10)).unwrap();
    assert_eq!(ticket.state, State::Held);

    ticket
        .pause(PauseReason::WaitingSiteAccess, &after(11))
        .unwrap();
    assert_eq!(
        (ticket.state, ticket.pause),
        (State::Pending, Some(PauseReason::WaitingSiteAccess))
    );
}

#[test]
fn a_closed_ticket_is_opened_again_only_for_so_many_days() {
    let in_time = 2 + 7 * 24 * 60;

    assert_eq!(
        in_state(State::Closed).reopen("again", 7, &after(in_time)),
        Ok(())
    );

    let mut ticket = in_state(State::Closed);
    let refused = ticket.reopen("again", 7, &after(in_time + 1)).unwrap_err();
    assert_eq!(
        refused,
        VerbRefused::TooLate {
            closed_at: after(2).at,
            days: 7
        }
    );
    assert_eq!(ticket.state, State::Closed);
}

#[test]
fn a_late_fact_takes_its_place_among_the_moments() {
    let mut ticket = reported(Kind::Inquiry);
    ticket.resolve("answered", &after(60)).unwrap();

    ticket.moment(after(30).at, What::Arrived);

    let order: Vec<_> = ticket.moments.iter().map(|moment| moment.what).collect();
    assert_eq!(order, [What::Reported, What::Arrived, What::Resolved]);
}
