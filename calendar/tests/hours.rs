//! Service hours, holidays and make-up days of the shipped calendars.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use calendar::{Calendar, Closed, DayKind, OutOfRange, State};
use common::{at, hours, minutes, shipped, with_hours, zone};
use jiff::SignedDuration;
use jiff::civil::date;

#[test]
fn service_hours_are_long_on_weekdays_and_shorter_on_weekends_and_holidays() {
    let calendar = shipped("cn-business");
    let tz = zone("Asia/Shanghai");

    // 2024-02-05 Monday, 03 Saturday, 04 make-up Sunday, 10 Spring Festival, 25 Sunday
    let table = [
        ("2024-02-05T08:29:59", false),
        ("2024-02-05T08:30", true),
        ("2024-02-05T20:59:59.999", true),
        ("2024-02-05T21:00", false),
        ("2024-02-03T17:29", true),
        ("2024-02-03T17:30", false),
        ("2024-02-25T08:30", true),
        ("2024-02-25T18:00", false),
        ("2024-02-04T18:00", true),
        ("2024-02-12T17:00", true),
        ("2024-02-12T18:00", false),
    ];
    for (civil, open) in table {
        assert_eq!(calendar.is_open(&tz, at(&tz, civil)), open, "{civil}");
    }
}

#[test]
fn a_make_up_saturday_counts_as_a_working_day() {
    let calendar = shipped("cn-workdays");
    let tz = zone("Asia/Shanghai");

    let day = calendar.day(date(2024, 5, 11));

    assert_eq!(day.kind, DayKind::MakeUp("劳动节 Labour Day"));
    let (from, to) = (at(&tz, "2024-05-11T00:00"), at(&tz, "2024-05-12T00:00"));
    assert_eq!(calendar.elapsed(&tz, from, to), hours(9));
}

#[test]
fn a_holiday_monday_does_not_count() {
    let calendar = shipped("cn-workdays");
    let tz = zone("Asia/Shanghai");

    let day = calendar.day(date(2024, 2, 12));

    assert_eq!(day.kind, DayKind::Holiday("春节 Spring Festival"));
    let (from, to) = (at(&tz, "2024-02-12T00:00"), at(&tz, "2024-02-13T00:00"));
    assert_eq!(calendar.elapsed(&tz, from, to), SignedDuration::ZERO);
}

#[test]
fn four_business_hours_before_the_spring_festival_end_after_it() {
    let calendar = shipped("cn-workdays");
    let tz = zone("Asia/Shanghai");

    // Friday 9 February 2024 is the last working day, Sunday 18 a make-up day is the next.
    let friday = at(&tz, "2024-02-09T16:00");
    let due = calendar.add(&tz, friday, Duration::from_secs(4 * 3600));

    assert_eq!(due, Ok(at(&tz, "2024-02-18T11:00")));
}

#[test]
fn an_allowance_used_up_at_closing_time_falls_due_at_closing_time() {
    let calendar = shipped("cn-workdays");
    let tz = zone("Asia/Shanghai");
    let start = at(&tz, "2024-03-04T16:30");

    let due = calendar.add(&tz, start, Duration::from_secs(90 * 60));

    assert_eq!(due, Ok(at(&tz, "2024-03-04T18:00")));
}

#[test]
fn no_allowance_falls_due_at_once_when_open_and_at_the_next_opening_when_not() {
    let calendar = shipped("cn-workdays");
    let tz = zone("Asia/Shanghai");
    let open = at(&tz, "2024-03-04T16:30:00.5");
    let saturday = at(&tz, "2024-03-09T12:00");

    assert_eq!(calendar.add(&tz, open, Duration::ZERO), Ok(open));
    let monday = at(&tz, "2024-03-11T09:00");
    assert_eq!(calendar.add(&tz, saturday, Duration::ZERO), Ok(monday));
    assert_eq!(calendar.next_open(&tz, saturday), Some(monday));
}

#[test]
fn lunch_does_not_count() {
    let calendar = with_hours("  every_day: [09:00-12:00, 13:00-18:00]\n");
    let tz = zone("Europe/Berlin");
    let (from, to) = (at(&tz, "2024-06-03T11:00"), at(&tz, "2024-06-03T14:00"));

    assert_eq!(calendar.elapsed(&tz, from, to), hours(2));
    assert!(!calendar.is_open(&tz, at(&tz, "2024-06-03T12:30")));
    let told: Vec<_> = calendar.spans(&tz, from, to).map(|s| s.state).collect();
    let lunch = State::Closed(Closed::Break);
    assert_eq!(told, [State::Open, lunch, State::Open]);
}

#[test]
fn the_zone_of_the_site_decides_what_is_open() {
    let calendar = shipped("us-ma-municipal");
    let boston = zone("America/New_York");
    let shanghai = zone("Asia/Shanghai");
    let instant = at(&boston, "2015-03-04T10:00");

    assert!(calendar.is_open(&boston, instant));
    assert!(!calendar.is_open(&shanghai, instant));
}

#[test]
fn every_closed_stretch_tells_why() {
    let calendar = shipped("cn-workdays");
    let tz = zone("Asia/Shanghai");
    let (from, to) = (at(&tz, "2024-02-09T17:00"), at(&tz, "2024-02-11T00:00"));

    let told: Vec<_> = calendar.spans(&tz, from, to).collect();

    let states: Vec<_> = told.iter().map(|s| (s.date, s.state)).collect();
    let expected = [
        (date(2024, 2, 9), State::Open),
        (date(2024, 2, 9), State::Closed(Closed::Night)),
        (date(2024, 2, 10), State::Closed(Closed::Holiday)),
    ];
    assert_eq!(states, expected);
    assert_eq!(told[2].kind, DayKind::Holiday("春节 Spring Festival"));
    let sunday = at(&tz, "2024-03-10T10:00");
    let told = calendar.spans(&tz, sunday, sunday + hours(1)).next();
    let weekend = State::Closed(Closed::WeeklyClosed);
    assert_eq!(told.map(|s| s.state), Some(weekend));
}

#[test]
fn opened_inside_hours_is_due_at_the_same_time_some_working_days_later() {
    let calendar = shipped("us-ma-municipal");
    let tz = zone("America/New_York");
    // opened, working days, due; 2015-02-16 is Washington's Birthday
    let table = [
        ("2015-02-11T09:35:10", 3, "2015-02-17T09:35:10"),
        ("2015-05-12T08:21", 3, "2015-05-15T08:30"),
        ("2015-05-12T08:30", 3, "2015-05-15T08:30"),
        ("2015-02-25T17:00", 3, "2015-03-03T08:30"),
        ("2015-02-14T12:00", 1, "2015-02-18T08:30"),
        ("2015-02-14T12:00", 0, "2015-02-17T08:30"),
        // across the clock change of 8 March 2015
        ("2015-03-06T10:00", 1, "2015-03-09T10:00"),
    ];
    for (opened, days, due) in table {
        let found = calendar.add_working_days(&tz, at(&tz, opened), days, false);
        assert_eq!(found, Ok(at(&tz, due)), "{opened} + {days}");
    }
    let opened = at(&tz, "2015-02-11T09:35:10");
    let found = calendar.add_working_days(&tz, opened, 3, true);
    assert_eq!(found, Ok(at(&tz, "2015-02-17T17:00")));
}

#[test]
fn a_shorter_last_day_is_due_by_its_closing_time() {
    let calendar = with_hours(
        "  monday: [09:00-18:00]\n  tuesday: [10:00-12:00, 13:00-24:00]\n  wednesday: [10:00-12:00]\n",
    );
    let tz = zone("UTC");
    // Monday 3 to Wednesday 5 June 2024
    let table = [
        ("2024-06-03T17:00", 2, false, "2024-06-05T12:00"),
        ("2024-06-03T09:15", 1, false, "2024-06-04T10:00"),
        ("2024-06-03T12:30", 1, false, "2024-06-04T13:00"),
        ("2024-06-04T12:30", 0, false, "2024-06-04T13:00"),
        ("2024-06-03T12:30", 1, true, "2024-06-05T00:00"),
    ];
    for (opened, days, end_of_day, due) in table {
        let found = calendar.add_working_days(&tz, at(&tz, opened), days, end_of_day);
        assert_eq!(found, Ok(at(&tz, due)), "{opened} + {days}");
    }
}

#[test]
fn a_holiday_with_hours_is_no_working_day() {
    let body = "  every_day: [08:30-21:00]\nholiday_hours: [08:30-17:30]\nholidays:\n  - {date: 2024-06-10, name: Dragon Boat}\n  - {date: 2024-06-11, name: Stocktaking, hours: []}\n";
    let calendar = with_hours(body);
    let tz = zone("Asia/Shanghai");
    let holiday = at(&tz, "2024-06-10T10:00");

    assert!(calendar.is_open(&tz, holiday));
    assert!(calendar.day(date(2024, 6, 11)).hours.is_closed());
    let due = calendar.add_working_days(&tz, holiday, 0, false);
    assert_eq!(due, Ok(at(&tz, "2024-06-12T08:30")));
}

#[test]
fn years_that_nobody_listed_follow_the_week_and_say_so() {
    let calendar = shipped("cn-workdays");

    assert!(calendar.covers(date(2026, 12, 31)));
    assert!(!calendar.covers(date(2027, 1, 1)));
    // Friday, New Year's Day 2027
    assert_eq!(calendar.day(date(2027, 1, 1)).kind, DayKind::Working);
}

#[test]
fn what_no_calendar_reaches_is_out_of_range() {
    let tz = zone("UTC");
    let start = at(&tz, "2024-01-01T00:00");
    let always = Calendar::always();

    let century = Duration::from_secs(101 * 366 * 86_400);
    assert_eq!(always.add(&tz, start, century), Err(OutOfRange));
    assert_eq!(always.add(&tz, start, Duration::MAX), Err(OutOfRange));
    let days = always.add_working_days(&tz, start, u32::MAX, false);
    assert_eq!(days, Err(OutOfRange));
    // The end of all time is an instant like any other.
    let end = jiff::Timestamp::MAX;
    assert!(always.elapsed(&tz, start, end) > hours(24 * 365 * 7900));
    assert_eq!(
        always.add(&tz, end, Duration::from_secs(86_400)),
        Err(OutOfRange)
    );
    assert!(always.spans(&tz, end - hours(50), end).count() >= 3);
}

#[test]
fn time_is_counted_to_the_nanosecond() {
    let calendar = shipped("cn-workdays");
    let tz = zone("Asia/Shanghai");
    let from = at(&tz, "2024-03-04T17:59:59.999999999");
    let to = at(&tz, "2024-03-05T09:01:00.000000001");

    let expected = minutes(1) + SignedDuration::from_nanos(2);
    assert_eq!(calendar.elapsed(&tz, from, to), expected);
    assert_eq!(calendar.elapsed(&tz, to, from), -expected);
}
