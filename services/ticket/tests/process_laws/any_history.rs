//! What holds after any history.

use proptest::prelude::*;
use ticket::domain::coverage::Outcome;
use ticket::domain::moves::State;
use ticket::domain::ticket::{Kind, PauseReason};

use crate::{Plan, Work, World, after};

/// Something that happens to a world.
#[derive(Clone, Copy, Debug)]
enum Happens {
    /// The worker does the step that is due.
    Step,
    /// The worker does it and the answer is lost.
    Lost,
    /// The ticket hears one thing.
    Heard,
    StockArrives,
    HoldExpires,
    TechnicianFree,
    Work(Work),
    Done(bool),
    CalledOff,
    Registered,
    Agreed(bool),
    Held,
    Resumed,
    Resolved,
    Reopened,
    Score,
    Cancelled,
    /// So many hours pass.
    Hours(i64),
}

fn happens() -> impl Strategy<Value = Happens> {
    use Happens::*;
    let rare = prop::sample::select(vec![
        HoldExpires,
        CalledOff,
        Held,
        Resumed,
        Resolved,
        Reopened,
        Score,
        Cancelled,
        Hours(2),
        Hours(400),
    ]);
    let often = prop::sample::select(vec![
        StockArrives,
        TechnicianFree,
        Work(super::Work::EnRoute),
        Work(super::Work::OnSite),
        Work(super::Work::InProgress),
        Done(true),
        Done(false),
        Registered,
        Agreed(true),
        Agreed(false),
    ]);
    prop_oneof![5 => Just(Step), 2 => Just(Lost), 4 => Just(Heard), 4 => often, 2 => rare]
}

fn plan() -> impl Strategy<Value = Plan> {
    use Outcome::{Chargeable, Discounted, FreeOfCharge, Refused};
    let kind = prop::sample::select(vec![
        Kind::HardwareFault,
        Kind::HardwareFault,
        Kind::Installation,
        Kind::ReturnExchange,
        Kind::Inquiry,
    ]);
    let outcome = prop::sample::select(vec![
        FreeOfCharge,
        FreeOfCharge,
        Chargeable,
        Discounted,
        Refused,
    ]);
    let plans = || prop::collection::vec(any::<bool>(), 1..4);
    (
        kind,
        outcome,
        any::<bool>(),
        any::<bool>(),
        plans(),
        plans(),
    )
        .prop_map(
            |(kind, outcome, registered, needs_parts, stock, free)| Plan {
                kind,
                outcome,
                registered,
                needs_parts,
                stock,
                free,
            },
        )
}

fn happen(world: &mut World, what: Happens) {
    world.minutes += 1;
    let round = world.ticket.round;
    match what {
        Happens::Step | Happens::Lost => {
            if let Some(step) = world.due() {
                world.step(step, matches!(what, Happens::Lost));
            }
        }
        Happens::Heard => drop(world.hear_one()),
        Happens::StockArrives => world.peers.stock_arrives(),
        Happens::HoldExpires => world.peers.hold_expires(),
        Happens::TechnicianFree => world.peers.technician_free(),
        Happens::Work(work) => world.peers.work_goes_on(round, work),
        Happens::Done(fixed) => world.peers.work_ends(round, fixed),
        Happens::CalledOff => world.peers.work_called_off(round),
        Happens::Registered => world.register(),
        Happens::Agreed(agreed) => world.quote_answered(agreed),
        Happens::Held => drop(
            world
                .ticket
                .pause(PauseReason::HeldByUs, &after(world.minutes))
                .is_ok(),
        ),
        Happens::Resumed => drop(world.ticket.resume(&after(world.minutes)).is_ok()),
        Happens::Resolved => world.resolve(),
        Happens::Reopened => world.reopen(),
        Happens::Score => world.score(),
        Happens::Cancelled => world.cancel(),
        Happens::Hours(hours) => world.minutes += 60 * hours,
    }
}

fn lived(plan: Plan, history: &[Happens]) -> World {
    let mut world = World::new(plan);
    for what in history {
        happen(&mut world, *what);
    }
    world
}

fn history() -> impl Strategy<Value = Vec<Happens>> {
    prop::collection::vec(happens(), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_ticket_that_wants_nothing_ends_with_nothing_held(
        plan in plan(), history in history(), resolved: bool
    ) {
        let mut world = lived(plan, &history);

        if resolved { world.resolve() } else { world.cancel() }
        world.settle();

        prop_assert!(!world.ticket.state.is_open());
        prop_assert_eq!(world.held(), (Vec::new(), Vec::new()));
    }

    #[test]
    fn an_open_ticket_holds_parts_and_visit_of_its_own_round_alone(plan in plan(), history in history()) {
        let mut world = lived(plan, &history);

        world.settle();

        let (parts, visits) = world.held();
        let open = world.ticket.state.is_open();
        let strays = parts.iter().chain(&visits).filter(|round| !open || **round != world.ticket.round);
        prop_assert_eq!(strays.count(), 0);
        prop_assert!(world.ticket.facts.stray_holds.is_empty());
        prop_assert!(world.ticket.facts.stray_visits.is_empty());
    }

    #[test]
    fn a_step_done_twice_is_a_step_done_once(plan in plan(), history in history()) {
        let mut once = lived(plan, &history);
        let Some(step) = once.due() else { return Ok(()) };
        let mut twice = once.clone();

        once.step(step, false);
        twice.step(step, true);
        let first = twice.peers.clone();
        twice.step(step, false);

        prop_assert_eq!(&twice.peers, &first);
        prop_assert_eq!(&twice.peers, &once.peers);
        prop_assert_eq!(twice.end(), once.end());
    }

    #[test]
    fn stopping_after_any_step_reaches_the_same_end(
        plan in plan(), history in history(), stops in prop::collection::vec(any::<bool>(), 40)
    ) {
        let mut straight = lived(plan, &history);
        let mut stopped = straight.clone();

        straight.settle();
        for lost in stops {
            stopped.hear();
            if let Some(step) = stopped.due() {
                stopped.step(step, lost);
            }
        }
        stopped.settle();

        prop_assert_eq!(stopped.end(), straight.end());
    }

    #[test]
    fn what_is_heard_twice_is_heard_once(plan in plan(), history in history()) {
        let mut world = lived(plan, &history);
        let parts = world.peers.parts_said.front().cloned();
        let visits = world.peers.visits_said.front().cloned();
        world.hear_one();
        let once = world.end();
        match (parts, visits) {
            (Some((round, news)), _) => world.tell_parts(round, news),
            (None, Some((round, news))) => world.tell_visit(round, news),
            (None, None) => {}
        }
        prop_assert_eq!(world.end(), once);
    }

    #[test]
    fn a_final_state_is_never_left_by_news(plan in plan(), history in history()) {
        let mut world = lived(plan, &history);
        world.cancel();
        let state = world.ticket.state;
        prop_assume!(state == State::Cancelled);
        world.settle();
        prop_assert_eq!(world.ticket.state, state);
    }
}
