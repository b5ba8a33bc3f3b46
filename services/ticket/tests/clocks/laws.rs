//! What holds for any history, any promise and any instant of reading.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use ticket::domain::clocks::explain;
use ticket::domain::ticket::{Moment, PauseReason, What};

use crate::Desk;

const DAYS: i64 = 30;

/// A desk: China's working days, Boston's offices, or every hour.
fn desk() -> impl Strategy<Value = Desk> {
    let time = (1..80_i64).prop_map(|half_hours| format!("within: {}m", half_hours * 30));
    let days = (1..6_u32).prop_map(|days| format!("working_days: {days}"));
    let milestone = prop::sample::select(vec!["ON_SITE", "FIRST_RESPONSE", "RESOLUTION"]);
    (milestone, prop_oneof![time, days], 0..3).prop_map(|(milestone, within, place)| {
        let promise = format!("{milestone}, {within}");
        match place {
            0 => Desk::china(&promise),
            1 => Desk::boston(&promise),
            _ => Desk::always(&promise),
        }
    })
}

fn what() -> impl Strategy<Value = What> {
    use PauseReason::{HeldByUs, WaitingCustomer, WaitingPart, WaitingSiteAccess};
    prop::sample::select(vec![
        What::Paused(WaitingCustomer),
        What::Paused(WaitingSiteAccess),
        What::Paused(WaitingPart),
        What::Paused(HeldByUs),
        What::Resumed,
        What::Resumed,
        What::Resolved,
        What::Reopened,
        What::Responded,
        What::Arrived,
        What::Ended,
    ])
}

/// Some half hour of the thirty days from 15 September 2021.
fn instant(half_hours: i64) -> Timestamp {
    let start: Timestamp = "2021-09-15T00:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(30 * half_hours)
}

fn anytime() -> impl Strategy<Value = Timestamp> {
    (0..DAYS * 48).prop_map(instant)
}

/// A report among up to ten other moments, in order of time.
fn history() -> impl Strategy<Value = Vec<Moment>> {
    let moment = (anytime(), what()).prop_map(|(at, what)| Moment { at, what });
    (0..200_i64, prop::collection::vec(moment, 0..10)).prop_map(|(reported, mut moments)| {
        moments.push(Moment {
            at: instant(reported),
            what: What::Reported,
        });
        moments.sort_by_key(|moment| moment.at);
        moments
    })
}

/// Counting as slowly as it can be done: half hour by half hour.
fn slowly(desk: &Desk, moments: &[Moment], from: Timestamp, until: Timestamp) -> SignedDuration {
    let (mut counted, mut at) = (SignedDuration::ZERO, from);
    let half_hour = SignedDuration::from_mins(30);
    while at < until {
        let (mut resolved, mut waits) = (false, false);
        for moment in moments.iter().filter(|moment| moment.at <= at) {
            match moment.what {
                What::Resolved => resolved = true,
                What::Reopened => (resolved, waits) = (false, false),
                What::Paused(reason) => waits = desk.policy().pauses.contains(&reason),
                What::Resumed => waits = false,
                _ => {}
            }
        }
        if !resolved && !waits && desk.calendar.is_open(&desk.zone, at) {
            counted += half_hour;
        }
        at += half_hour;
    }
    counted
}

proptest! {
    #[test]
    fn counted_time_is_what_slow_counting_finds(desk in desk(), moments in history(), now in anytime()) {
        let clock = desk.read(&moments, now).unwrap();
        let until = clock.stop.unwrap_or(now).max(clock.start);
        prop_assert_eq!(clock.counted, slowly(&desk, &moments, clock.start, until));
    }

    #[test]
    fn the_promise_is_used_up_when_it_falls_due(desk in desk(), moments in history(), now in anytime()) {
        let clock = desk.read(&moments, now).unwrap();
        let until = clock.stop.unwrap_or(now).max(clock.start);
        prop_assert_eq!(clock.breached, until > clock.due);
        // Between both lies only a closed night that follows the last promised minute.
        if clock.counted > clock.promised {
            prop_assert!(clock.breached);
        }
        if clock.breached {
            prop_assert!(clock.counted >= clock.promised);
            prop_assert_eq!(slowly(&desk, &moments, clock.start, clock.due), clock.promised);
        }
    }

    #[test]
    fn without_closed_hours_broken_means_more_than_promised(
        promise in 1..80_i64, moments in history(), now in anytime()
    ) {
        let desk = Desk::always(&format!("RESOLUTION, within: {promise}h"));
        let clock = desk.read(&moments, now).unwrap();
        prop_assert_eq!(clock.breached, clock.counted > clock.promised);
    }

    #[test]
    fn reading_while_it_happens_is_reading_afterwards(desk in desk(), moments in history(), now in anytime()) {
        let reported = moments.iter().find(|moment| moment.what == What::Reported).unwrap().at;
        let now = now.max(reported);
        let known = |moment: &&Moment| moment.at <= now;
        let so_far: Vec<Moment> = moments.iter().filter(known).copied().collect();
        prop_assert_eq!(desk.read(&so_far, now), desk.read(&moments, now));
    }

    #[test]
    fn counted_time_never_shrinks_and_a_broken_promise_stays_broken(
        desk in desk(), moments in history(), one in anytime(), other in anytime()
    ) {
        let (earlier, later) = (one.min(other), one.max(other));
        let before = desk.read(&moments, earlier).unwrap();
        let after = desk.read(&moments, later).unwrap();
        prop_assert!(before.counted <= after.counted, "{before:?} {after:?}");
        prop_assert!(!before.breached || after.breached);
    }

    #[test]
    fn one_more_wait_never_makes_a_promise_fall_due_earlier(
        desk in desk(), moments in history(), now in anytime(), place in 0..9_usize, cut in 0..100_i64
    ) {
        // Given a wait for the customer between two moments, after which all is as it was.
        let place = place.min(moments.len() - 1);
        let from = moments[place].at;
        let to = moments.get(place + 1).map_or(now.max(from), |next| next.at);
        let begins = from + SignedDuration::from_mins((to - from).get_minutes().min(cut * 30));
        let waits = moments[..=place].iter().rev().find_map(|moment| match moment.what {
            What::Paused(_) | What::Resumed | What::Reopened | What::Resolved => Some(moment.what),
            _ => None,
        });
        let back = waits.filter(|what| matches!(what, What::Paused(_))).unwrap_or(What::Resumed);
        let mut longer = moments.clone();
        let customer = What::Paused(PauseReason::WaitingCustomer);
        longer.splice(place + 1..place + 1, [Moment { at: begins, what: customer }, Moment { at: to, what: back }]);

        let (before, after) = (desk.read(&moments, now).unwrap(), desk.read(&longer, now).unwrap());

        prop_assert!(after.due >= before.due, "{} {}", before.due, after.due);
        prop_assert!(after.counted <= before.counted);
    }

    #[test]
    fn an_explanation_covers_the_whole_life_without_gap(desk in desk(), moments in history(), now in anytime()) {
        let clock = desk.read(&moments, now).unwrap();
        let told = explain(desk.counting(), &clock, &moments, now);
        let mut at = clock.start;
        let mut counted = SignedDuration::ZERO;
        for interval in &told {
            prop_assert_eq!(interval.start, at);
            prop_assert!(interval.end > interval.start && !interval.why.is_empty());
            at = interval.end;
            if interval.counted {
                counted += interval.end.duration_since(interval.start);
            }
        }
        prop_assert_eq!(at, clock.stop.unwrap_or(now).max(clock.start));
        prop_assert_eq!(counted, clock.counted);
    }
}
