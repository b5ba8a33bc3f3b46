//! Laws of counting, on random calendars, zones and instants.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use calendar::{Calendar, State};
use common::{shipped, with_hours, zone};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

/// Zones with changes at odd hours, at midnight, by half an hour, across the date line, and none.
const ZONES: [&str; 8] = [
    "UTC",
    "Asia/Shanghai",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "Australia/Lord_Howe",
    "Pacific/Apia",
];

fn calendars() -> Vec<Calendar> {
    vec![
        Calendar::always(),
        shipped("cn-business"),
        shipped("cn-workdays"),
        shipped("us-ma-municipal"),
        with_hours("  every_day: [00:00-01:30, 01:45-02:15, 02:30-04:00, 22:00-24:00]\n"),
        with_hours("  wednesday: [05:00-12:00, 13:00-22:00]\n"),
    ]
}

prop_compose! {
    /// Between 2005 and 2030, to the nanosecond.
    fn an_instant()(second in 1_104_537_600_i64..1_893_456_000, nano in 0..1_000_000_000) -> Timestamp {
        Timestamp::new(second, nano).unwrap()
    }
}

fn a_site() -> impl Strategy<Value = (Calendar, TimeZone)> {
    let zones = prop::sample::select(&ZONES[..]).prop_map(zone);
    (prop::sample::select(calendars()), zones)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn counting_in_two_parts_gives_the_whole(
        (calendar, tz) in a_site(), a in an_instant(), b in an_instant(), c in an_instant(),
    ) {
        let parts = calendar.elapsed(&tz, a, b) + calendar.elapsed(&tz, b, c);
        prop_assert_eq!(calendar.elapsed(&tz, a, c), parts);
    }

    #[test]
    fn an_allowance_added_has_elapsed_and_not_a_moment_sooner(
        (calendar, tz) in a_site(), start in an_instant(), nanos in 1_u64..400 * 3_600_000_000_000,
    ) {
        let allowance = Duration::from_nanos(nanos);
        let due = calendar.add(&tz, start, allowance).unwrap();

        let expected = SignedDuration::try_from(allowance).unwrap();
        prop_assert_eq!(calendar.elapsed(&tz, start, due), expected);
        let sooner = due - SignedDuration::from_nanos(1);
        prop_assert!(calendar.elapsed(&tz, start, sooner) < expected);
    }

    #[test]
    fn the_open_stretches_add_up_to_the_time_elapsed(
        (calendar, tz) in a_site(), from in an_instant(), days in 0_i64..800,
    ) {
        let to = from + SignedDuration::from_hours(24 * days + 7);
        let mut open = SignedDuration::ZERO;
        let mut told = from;
        for span in calendar.spans(&tz, from, to) {
            prop_assert_eq!(span.start, told, "no gap, no overlap");
            told = span.end;
            let is_open = span.state == State::Open;
            prop_assert_eq!(calendar.is_open(&tz, span.start), is_open);
            if is_open {
                open += span.end.duration_since(span.start);
            }
        }
        prop_assert_eq!(told, to);
        prop_assert_eq!(calendar.elapsed(&tz, from, to), open);
    }

    #[test]
    fn the_next_opening_is_open_and_nothing_opens_before_it(
        (calendar, tz) in a_site(), from in an_instant(),
    ) {
        let opening = calendar.next_open(&tz, from).unwrap();
        prop_assert!(opening >= from && calendar.is_open(&tz, opening));
        prop_assert_eq!(calendar.elapsed(&tz, from, opening), SignedDuration::ZERO);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// The oracle asks the zone for the civil time of every minute. It is exact for hours that
    /// keep away from clock changes at night.
    #[test]
    fn counting_agrees_with_a_watch_read_every_minute(
        tz in prop::sample::select(&ZONES[..]).prop_map(zone),
        which in 1_usize..4,
        change in 0_usize..40,
        before in 0_i64..8 * 1440,
        length in 0_i64..12 * 1440,
    ) {
        let calendar = &calendars()[which];
        let epoch = Timestamp::from_second(1_293_840_000).unwrap();
        let around = tz.following(epoch).nth(change).map_or(epoch, |t| t.timestamp());
        let from = around - SignedDuration::from_mins(before);

        let mut counted = 0;
        for minute in 0..length {
            let civil = tz.to_datetime(from + SignedDuration::from_mins(minute));
            let of_day = civil.hour() as u16 * 60 + civil.minute() as u16;
            let day = calendar.day(civil.date());
            let mut openings = day.hours.openings().iter();
            counted += i64::from(openings.any(|o| o.opens() <= of_day && of_day < o.closes()));
        }

        let to = from + SignedDuration::from_mins(length);
        prop_assert_eq!(calendar.elapsed(&tz, from, to), SignedDuration::from_mins(counted));
    }
}
