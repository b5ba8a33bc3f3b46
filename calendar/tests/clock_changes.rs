//! Nights on which the clocks change.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use calendar::Calendar;
use common::{at, hours, minutes, with_hours, zone};
use jiff::SignedDuration;

#[test]
fn the_spring_day_has_twenty_three_hours_and_the_autumn_day_twenty_five() {
    let tz = zone("America/New_York");
    let always = Calendar::always();
    let day = |from, to| always.elapsed(&tz, at(&tz, from), at(&tz, to));

    assert_eq!(day("2015-03-08T00:00", "2015-03-09T00:00"), hours(23));
    assert_eq!(day("2015-11-01T00:00", "2015-11-02T00:00"), hours(25));
    // One of each: the year comes out even.
    assert_eq!(day("2015-01-01T00:00", "2016-01-01T00:00"), hours(365 * 24));
}

#[test]
fn day_hours_do_not_feel_the_change() {
    let tz = zone("America/New_York");
    let calendar = with_hours("  every_day: [08:30-17:00]\n");
    let week = |from, to| calendar.elapsed(&tz, at(&tz, from), at(&tz, to));

    let expected = minutes(7 * 510);
    assert_eq!(week("2015-03-05T00:00", "2015-03-12T00:00"), expected);
    assert_eq!(week("2015-10-29T00:00", "2015-11-05T00:00"), expected);
    let due = calendar.add(&tz, at(&tz, "2015-03-07T16:00"), Duration::from_secs(7200));
    assert_eq!(due, Ok(at(&tz, "2015-03-08T09:30")));
}

#[test]
fn a_night_shift_is_an_hour_shorter_in_spring_and_longer_in_autumn() {
    let tz = zone("America/New_York");
    let calendar = with_hours("  every_day: [00:00-06:00]\n");
    let night = |from, to| calendar.elapsed(&tz, at(&tz, from), at(&tz, to));

    assert_eq!(night("2015-03-08T00:00", "2015-03-09T00:00"), hours(5));
    assert_eq!(night("2015-11-01T00:00", "2015-11-02T00:00"), hours(7));
    assert_eq!(night("2015-11-02T00:00", "2015-11-03T00:00"), hours(6));
}

#[test]
fn hours_that_a_gap_swallows_move_on_and_count_once() {
    let tz = zone("America/New_York");
    // 02:00 to 03:00 does not exist on 8 March 2015: 02:15 becomes 03:15.
    let calendar = with_hours("  every_day: [02:15-02:45, 03:00-03:30]\n");
    let day = |from, to| calendar.elapsed(&tz, at(&tz, from), at(&tz, to));

    // 03:15-03:45 and, of 03:00-03:30, nothing that comes later than that.
    assert_eq!(day("2015-03-08T00:00", "2015-03-09T00:00"), minutes(30));
    assert_eq!(day("2015-03-09T00:00", "2015-03-10T00:00"), minutes(60));
}

#[test]
fn hours_that_a_fold_repeats_begin_and_end_at_the_first_of_the_two() {
    let tz = zone("America/New_York");
    // 01:00 to 02:00 comes twice on 1 November 2015.
    let day = |body: &str| {
        let (from, to) = (at(&tz, "2015-11-01T00:00"), at(&tz, "2015-11-02T00:00"));
        with_hours(body).elapsed(&tz, from, to)
    };

    assert_eq!(day("  every_day: [00:30-01:30]\n"), hours(1));
    assert_eq!(day("  every_day: [01:30-02:00]\n"), minutes(90));
}

#[test]
fn a_date_that_a_zone_skipped_has_no_time_in_it() {
    // Samoa went from 29 to 31 December 2011, a Saturday.
    let tz = zone("Pacific/Apia");
    let weekdays = "  thursday: [09:00-17:00]\n  friday: [09:00-17:00]\n  monday: [09:00-17:00]\n";
    let calendar = with_hours(weekdays);
    let (from, to) = (at(&tz, "2011-12-29T00:00"), at(&tz, "2012-01-03T00:00"));

    assert_eq!(calendar.elapsed(&tz, from, to), hours(16));
    let dates: Vec<_> = calendar
        .intervals(&tz, from, to)
        .map(|o| o.date.day())
        .collect();
    assert_eq!(dates, [29, 2]);
    let after = calendar.next_open(&tz, at(&tz, "2011-12-29T18:00"));
    assert_eq!(after, Some(at(&tz, "2012-01-02T09:00")));
}

#[test]
fn a_change_at_midnight_takes_nothing_from_the_neighbouring_day() {
    // 00:00 to 01:00 did not exist on 4 November 2018.
    let tz = zone("America/Sao_Paulo");
    let always = Calendar::always();
    let (from, to) = (at(&tz, "2018-11-03T00:00"), at(&tz, "2018-11-05T00:00"));

    let days: Vec<_> = always.intervals(&tz, from, to).collect();

    let lengths: Vec<SignedDuration> = days.iter().map(|d| d.end.duration_since(d.start)).collect();
    assert_eq!(lengths, [hours(24), hours(23)]);
}
