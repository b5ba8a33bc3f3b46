//! Single histories with their times.

use ticket::domain::clocks::{explain, next_due, read};
use ticket::domain::ticket::PauseReason::{WaitingCustomer, WaitingPart, WaitingSiteAccess};
use ticket::domain::ticket::What::{
    Arrived, Ended, Paused, Reopened, Reported, Resolved, Responded, Resumed,
};

use crate::{Desk, hours};

#[test]
fn promised_times_in_china_know_make_up_saturdays_and_holidays() {
    // Friday 17 September, make-up Saturday 18, holidays 19 to 21, Wednesday 22.
    let table = [
        ("within: 8h", "2021-09-17 15:00", "2021-09-18 14:00"),
        ("within: 12h", "2021-09-17 15:00", "2021-09-18 18:00"),
        ("within: 13h", "2021-09-17 15:00", "2021-09-22 10:00"),
        ("within: 9h", "2021-09-17 20:00", "2021-09-18 18:00"),
        ("working_days: 1", "2021-09-17 15:00", "2021-09-18 15:00"),
        ("working_days: 2", "2021-09-17 15:00", "2021-09-22 15:00"),
        ("working_days: 1", "2021-09-17 20:00", "2021-09-22 09:00"),
        // National Day: counting begins on Friday 8 October; Saturday 9 makes up.
        ("working_days: 1", "2021-10-03 12:00", "2021-10-09 09:00"),
        ("working_days: 2", "2021-10-03 12:00", "2021-10-11 09:00"),
    ];
    for (promise, reported, due) in table {
        let desk = Desk::china(&format!("ON_SITE, {promise}"));
        let clock = desk.clock(&[(reported, Reported)], reported);
        assert_eq!(desk.civil(clock.due), due, "{promise} from {reported}");
    }
}

#[test]
fn promised_times_in_boston_cross_a_clock_change() {
    // Clocks go forward on 14 March 2021 and back on 7 November.
    let table = [
        ("within: 8h30m", "2021-03-12 10:00", "2021-03-15 10:00"),
        ("working_days: 1", "2021-03-12 10:00", "2021-03-15 10:00"),
        ("working_days: 1", "2021-11-05 16:59", "2021-11-08 16:59"),
        ("working_days: 1", "2021-03-13 11:00", "2021-03-16 08:30"),
    ];
    for (promise, reported, due) in table {
        let desk = Desk::boston(&format!("ON_SITE, {promise}"));
        let clock = desk.clock(&[(reported, Reported)], reported);
        assert_eq!(desk.civil(clock.due), due, "{promise} from {reported}");
    }
}

#[test]
fn twenty_four_hours_are_twenty_four_hours_when_the_clocks_change() {
    let desk = Desk::always("RESOLUTION, within: 24h");

    let spring = desk.clock(&[("2021-03-13 12:00", Reported)], "2021-03-13 12:00");
    let autumn = desk.clock(&[("2021-11-06 12:00", Reported)], "2021-11-06 12:00");

    assert_eq!(desk.civil(spring.due), "2021-03-14 13:00");
    assert_eq!(desk.civil(autumn.due), "2021-11-07 11:00");
}

#[test]
fn the_customers_time_stops_the_clock_and_ours_does_not() {
    let desk = Desk::always("RESOLUTION, within: 10h");
    let history = [
        ("2021-06-01 08:00", Reported),
        ("2021-06-01 09:00", Paused(WaitingPart)),
        ("2021-06-01 11:00", Paused(WaitingCustomer)),
        ("2021-06-01 15:00", Paused(WaitingPart)),
        ("2021-06-01 16:00", Resumed),
    ];

    let clock = desk.clock(&history, "2021-06-01 17:00");

    assert_eq!(clock.counted, hours(5));
    assert_eq!(desk.civil(clock.due), "2021-06-01 22:00");
}

#[test]
fn a_wait_told_twice_is_one_wait() {
    let desk = Desk::always("RESOLUTION, within: 10h");
    let history = [
        ("2021-06-01 08:00", Reported),
        ("2021-06-01 09:00", Paused(WaitingCustomer)),
        ("2021-06-01 10:00", Paused(WaitingCustomer)),
        ("2021-06-01 11:00", Paused(WaitingSiteAccess)),
        ("2021-06-01 12:00", Resumed),
        ("2021-06-01 13:00", Resumed),
    ];

    let clock = desk.clock(&history, "2021-06-01 13:00");

    assert_eq!(clock.counted, hours(2));
    assert_eq!(desk.civil(clock.due), "2021-06-01 21:00");
}

#[test]
fn a_wait_from_before_the_report_stands_until_it_is_over() {
    let desk = Desk::always("RESOLUTION, within: 10h");
    let history = [
        ("2021-06-01 07:00", Paused(WaitingCustomer)),
        ("2021-06-01 08:00", Reported),
        ("2021-06-01 09:00", Resumed),
    ];

    let clock = desk.clock(&history, "2021-06-01 10:00");

    assert_eq!(clock.counted, hours(1));
    assert_eq!(desk.civil(clock.due), "2021-06-01 19:00");
}

#[test]
fn while_the_customer_is_waited_for_the_due_instant_moves_along() {
    let desk = Desk::always("RESOLUTION, within: 10h");
    let history = [
        ("2021-06-01 08:00", Reported),
        ("2021-06-01 12:00", Paused(WaitingCustomer)),
    ];

    let clock = desk.clock(&history, "2021-06-05 12:00");

    assert_eq!((clock.counted, clock.breached), (hours(4), false));
    assert_eq!(desk.civil(clock.due), "2021-06-05 18:00");
}

#[test]
fn a_wait_that_begins_exactly_when_the_time_is_up_stops_the_clock() {
    let desk = Desk::always("RESOLUTION, within: 4h");
    let mut history = vec![
        ("2021-06-01 08:00", Reported),
        ("2021-06-01 12:00", Paused(WaitingCustomer)),
    ];

    let waiting = desk.clock(&history, "2021-06-02 12:00");
    assert_eq!((waiting.counted, waiting.breached), (hours(4), false));

    history.push(("2021-06-03 12:00", Resumed));
    let at_once = desk.clock(&history, "2021-06-03 12:00");
    assert_eq!(
        (desk.civil(at_once.due).as_str(), at_once.breached),
        ("2021-06-03 12:00", false)
    );
    assert!(desk.clock(&history, "2021-06-03 12:01").breached);
}

#[test]
fn a_wait_that_begins_too_late_mends_nothing() {
    let desk = Desk::always("RESOLUTION, within: 4h");
    let history = [
        ("2021-06-01 08:00", Reported),
        ("2021-06-01 12:01", Paused(WaitingCustomer)),
    ];

    let clock = desk.clock(&history, "2021-06-02 12:00");

    assert_eq!(
        (desk.civil(clock.due).as_str(), clock.breached),
        ("2021-06-01 12:00", true)
    );
}

#[test]
fn a_promise_used_up_at_closing_is_broken_that_evening() {
    let desk = Desk::china("ON_SITE, within: 9h");
    let history = [("2021-09-15 08:00", Reported)];

    let closing = desk.clock(&history, "2021-09-15 18:00");
    let evening = desk.clock(&history, "2021-09-15 20:00");

    assert_eq!(
        (desk.civil(closing.due).as_str(), closing.breached),
        ("2021-09-15 18:00", false)
    );
    assert_eq!(
        (desk.civil(evening.due).as_str(), evening.breached),
        ("2021-09-15 18:00", true)
    );
}

#[test]
fn working_days_that_end_at_an_opening_are_kept_overnight() {
    let desk = Desk::china("ON_SITE, working_days: 1");
    let history = [("2021-09-14 20:00", Reported)];

    let evening = desk.clock(&history, "2021-09-15 23:00");

    assert_eq!(desk.civil(evening.due), "2021-09-16 09:00");
    assert_eq!((evening.counted, evening.promised), (hours(9), hours(9)));
    assert!(!evening.breached);
}

#[test]
fn time_between_a_resolution_and_its_reopening_does_not_count() {
    let desk = Desk::always("RESOLUTION, within: 10h");
    let mut history = vec![
        ("2021-06-01 08:00", Reported),
        ("2021-06-01 12:00", Resolved),
    ];
    assert_eq!(desk.clock(&history, "2021-06-09 12:00").counted, hours(4));

    history.push(("2021-06-09 12:00", Reopened));
    let open = desk.clock(&history, "2021-06-09 14:00");
    assert_eq!(
        (open.counted, open.stop, open.breached),
        (hours(6), None, false)
    );
    assert_eq!(desk.civil(open.due), "2021-06-09 18:00");

    history.push(("2021-06-09 19:00", Resolved));
    let late = desk.clock(&history, "2021-06-30 14:00");
    assert_eq!((late.counted, late.breached), (hours(11), true));
}

#[test]
fn a_broken_promise_stays_broken_through_a_reopening() {
    let desk = Desk::always("RESOLUTION, within: 2h");
    let history = [
        ("2021-06-01 08:00", Reported),
        ("2021-06-01 12:00", Resolved),
        ("2021-06-02 12:00", Reopened),
        ("2021-06-02 12:30", Resolved),
    ];

    let clock = desk.clock(&history, "2021-06-03 12:00");

    assert_eq!(
        (desk.civil(clock.due).as_str(), clock.breached),
        ("2021-06-01 10:00", true)
    );
}

#[test]
fn an_answer_given_once_keeps_its_promise_for_good() {
    let desk = Desk::always("FIRST_RESPONSE, within: 2h");
    let history = [
        ("2021-06-01 08:00", Reported),
        ("2021-06-01 09:00", Responded),
        ("2021-06-01 12:00", Resolved),
        ("2021-06-02 12:00", Reopened),
        ("2021-06-02 20:00", Responded),
    ];

    let clock = desk.clock(&history, "2021-06-03 12:00");

    assert_eq!((clock.counted, clock.breached), (hours(1), false));
}

#[test]
fn what_was_never_kept_binds_until_the_ticket_is_over() {
    let desk = Desk::always("ON_SITE, within: 4h");
    for (over, last, broken) in [
        (Ended, "2021-06-01 10:00", false),
        (Ended, "2021-06-01 14:00", true),
        (Resolved, "2021-06-01 12:00", false),
        (Resolved, "2021-06-01 12:01", true),
    ] {
        let history = [
            ("2021-06-01 08:00", Reported),
            (last, over),
            ("2021-06-01 20:00", Arrived),
        ];
        let clock = desk.clock(&history, "2021-07-01 08:00");
        assert_eq!(
            (clock.stop, clock.breached),
            (Some(desk.at(last)), broken),
            "{over:?} {last}"
        );
    }
}

#[test]
fn what_has_not_happened_yet_does_not_count() {
    let desk = Desk::always("RESOLUTION, within: 4h");
    let history = [
        ("2021-06-01 08:00", Reported),
        ("2021-06-01 11:00", Resolved),
    ];

    let clock = desk.clock(&history, "2021-06-01 10:00");

    assert_eq!((clock.counted, clock.stop), (hours(2), None));
}

#[test]
fn the_next_due_instant_is_the_earliest_of_the_open_clocks() {
    let desk = Desk::always("FIRST_RESPONSE, within: 1h}, {milestone: RESOLUTION, within: 9h");
    let mut history = vec![("2021-06-01 08:00", Reported)];
    let due = |history: &[(&str, _)]| {
        let clocks = read(
            desk.counting(),
            &desk.history(history),
            desk.at("2021-06-02 08:00"),
        );
        next_due(&clocks).map(|due| desk.civil(due))
    };
    assert_eq!(due(&history).as_deref(), Some("2021-06-01 09:00"));

    history.push(("2021-06-01 08:30", Responded));
    assert_eq!(due(&history).as_deref(), Some("2021-06-01 17:00"));

    history.push(("2021-06-01 10:00", Resolved));
    assert_eq!(due(&history), None);
}

#[test]
fn an_explanation_names_make_up_days_holidays_nights_and_waits() {
    let desk = Desk::china("RESOLUTION, working_days: 3");
    let history = desk.history(&[
        ("2021-09-17 17:00", Reported),
        ("2021-09-18 10:00", Paused(WaitingCustomer)),
        ("2021-09-18 12:00", Resumed),
        ("2021-09-22 10:00", Resolved),
        ("2021-09-22 11:00", Reopened),
    ]);
    let now = desk.at("2021-09-22 12:00");
    let clock = desk.read(&history, now).unwrap();

    let told = explain(desk.counting(), &clock, &history, now);

    let line = |i: &ticket::domain::clocks::Interval| {
        let mark = if i.counted { '+' } else { '-' };
        format!("{} {mark} {}", &desk.civil(i.start)[5..], i.why)
    };
    assert_eq!(
        told.iter().map(line).collect::<Vec<_>>(),
        [
            "09-17 17:00 + open",
            "09-17 18:00 - outside hours",
            "09-18 09:00 + make-up day: 中秋节 Mid-Autumn Festival",
            "09-18 10:00 - paused: WAITING_CUSTOMER",
            "09-18 12:00 + make-up day: 中秋节 Mid-Autumn Festival",
            "09-18 18:00 - outside hours",
            "09-19 00:00 - holiday: 中秋节 Mid-Autumn Festival",
            "09-22 00:00 - outside hours",
            "09-22 09:00 + open",
            "09-22 10:00 - resolved",
            "09-22 11:00 + open",
        ]
    );
}
