//! Histories told one by one.

use std::collections::BTreeSet;

use ticket::domain::coverage::Outcome;
use ticket::domain::moves::State;
use ticket::domain::process::{Hold, Step, Visit};
use ticket::domain::ticket::{Kind, PauseReason, RepairStep};

use crate::{Plan, World};

fn nothing() -> (Vec<i32>, Vec<i32>) {
    (Vec::new(), Vec::new())
}

/// A world that has worked until it waits.
fn settled(plan: Plan) -> World {
    let mut world = World::new(plan);
    world.settle();
    world
}

#[test]
fn a_repair_under_warranty_is_held_booked_done_and_closed() {
    let mut world = settled(Plan::repair());
    assert_eq!(world.held(), (vec![1], vec![1]));
    assert_eq!(world.ticket.told, ["ticket.scheduled"]);

    world.visit(true);
    world.settle();
    assert_eq!(
        (world.ticket.state, world.ticket.step),
        (State::Resolved, RepairStep::Delivery)
    );
    assert_eq!(world.held(), nothing());

    world.minutes += 61;
    world.settle();
    assert_eq!(world.ticket.state, State::Closed);
}

#[test]
fn every_step_of_the_table_is_reached() {
    let mut reached = BTreeSet::new();
    for outcome in [Outcome::FreeOfCharge, Outcome::Chargeable, Outcome::Refused] {
        for cancelled in [false, true] {
            let mut world = settled(Plan {
                outcome,
                ..Plan::repair()
            });
            if cancelled {
                world.cancel();
            }
            world.settle();
            world.minutes += 15 * 24 * 60;
            world.visit(true);
            world.settle();
            world.minutes += 61;
            world.settle();
            reached.append(&mut world.done);
        }
    }
    assert_eq!(
        reached,
        Step::TABLE.iter().map(|step| step.name()).collect()
    );
}

#[test]
fn nothing_is_done_before_the_customer_agrees_to_a_price() {
    let mut world = settled(Plan {
        outcome: Outcome::Chargeable,
        ..Plan::repair()
    });
    assert_eq!(
        (world.ticket.pause, world.held()),
        (Some(PauseReason::WaitingCustomer), nothing())
    );

    world.quote_answered(true);
    world.settle();

    assert_eq!(
        (world.ticket.state, world.held()),
        (State::InProgress, (vec![1], vec![1]))
    );
}

#[test]
fn a_declined_or_lapsed_quote_withdraws_the_ticket() {
    let plan = Plan {
        outcome: Outcome::Discounted,
        ..Plan::repair()
    };
    let mut declined = settled(plan.clone());
    declined.quote_answered(false);
    declined.settle();
    assert_eq!(
        (declined.ticket.state, declined.held()),
        (State::Cancelled, nothing())
    );

    let mut lapsed = settled(plan);
    lapsed.minutes = 14 * 24 * 60;
    lapsed.settle();
    assert_eq!(
        (lapsed.ticket.state, lapsed.held()),
        (State::Cancelled, nothing())
    );
}

#[test]
fn an_unregistered_device_waits_until_it_is_registered() {
    let mut world = settled(Plan {
        registered: false,
        ..Plan::repair()
    });
    assert_eq!(world.ticket.pause, Some(PauseReason::WaitingRegistration));
    assert_eq!((world.ticket.findings.len(), world.held()), (1, nothing()));

    world.register();
    world.settle();

    assert_eq!((world.ticket.pause, world.ticket.findings.len()), (None, 0));
    assert_eq!(world.held(), (vec![1], vec![1]));
}

#[test]
fn a_backordered_part_is_waited_for_and_then_visited() {
    let mut world = settled(Plan {
        stock: vec![false],
        ..Plan::repair()
    });
    assert_eq!(world.ticket.pause, Some(PauseReason::WaitingPart));
    assert_eq!(world.held(), (vec![1], vec![]));

    world.peers.stock_arrives();
    world.settle();

    assert_eq!(
        (world.ticket.state, world.ticket.facts.visit),
        (State::InProgress, Visit::Booked)
    );
}

#[test]
fn a_quote_made_while_a_part_is_awaited_hands_the_wait_back() {
    let mut world = settled(Plan {
        stock: vec![false],
        ..Plan::repair()
    });
    world.step(Step::IssueQuote, false);
    assert_eq!(world.ticket.pause, Some(PauseReason::WaitingCustomer));

    world.quote_answered(true);

    assert_eq!(world.ticket.pause, Some(PauseReason::WaitingPart));
}

#[test]
fn what_an_agent_resolves_by_telephone_gives_back_parts_and_visit() {
    let mut world = settled(Plan::repair());

    world.resolve();
    world.settle();

    assert_eq!(
        (world.ticket.state, world.held()),
        (State::Resolved, nothing())
    );
    assert_eq!(
        (world.ticket.facts.hold, world.ticket.facts.visit),
        (Hold::Gone, Visit::Gone)
    );
}

#[test]
fn a_visit_without_a_fix_begins_a_round() {
    let mut world = settled(Plan::repair());

    world.visit(false);
    world.settle();

    assert_eq!(
        (world.ticket.round, world.ticket.state),
        (2, State::InProgress)
    );
    assert_eq!(world.held(), (vec![2], vec![2]));
}

#[test]
fn an_expired_hold_begins_a_round_and_its_visit_is_cancelled() {
    let mut world = settled(Plan::repair());

    world.peers.hold_expires();
    world.settle();

    assert_eq!((world.ticket.round, world.held()), (2, (vec![2], vec![2])));
}

#[test]
fn a_visit_that_dispatch_calls_off_begins_a_round() {
    let mut world = settled(Plan::repair());

    world.peers.work_called_off(1);
    world.settle();

    assert_eq!((world.ticket.round, world.held()), (2, (vec![2], vec![2])));
}

#[test]
fn a_low_score_opens_the_ticket_again_with_the_finding() {
    let mut world = settled(Plan::repair());
    world.visit(true);
    world.settle();

    world.score();
    assert_eq!(
        (world.ticket.state, world.ticket.round),
        (State::InProgress, 2)
    );
    assert_eq!(world.ticket.findings, [b"score 1".to_vec()]);

    world.settle();
    assert_eq!(world.held(), (vec![2], vec![2]));
}

#[test]
fn a_repair_that_is_done_before_the_withdrawal_is_heard_keeps_its_parts() {
    let mut world = settled(Plan::repair());
    for work in [crate::Work::EnRoute, crate::Work::OnSite] {
        world.peers.work_goes_on(1, work);
    }
    world.peers.work_ends(1, true);

    world.cancel();
    while let Some(step) = world.due() {
        world.step(step, false);
    }

    assert!(!world.done.contains("RELEASE_PARTS"));
    world.settle();
    assert_eq!(
        (world.ticket.state, world.held()),
        (State::Cancelled, nothing())
    );
}

#[test]
fn an_inquiry_needs_nothing_of_any_peer() {
    let world = settled(Plan {
        kind: Kind::Inquiry,
        ..Plan::repair()
    });
    assert!(world.done.is_empty());
}
