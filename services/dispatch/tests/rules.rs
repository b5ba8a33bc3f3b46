//! The rules of a choice, one after another, and all of them against a separate checker.

#![allow(
    clippy::unwrap_used,
    reason = "a test's ground: what is missing ends it"
)]

use chassis::Position;
use dispatch::domain::Window;
use dispatch::domain::finding::Code;
use dispatch::domain::openings::{Job, Refused};
use dispatch::domain::plan::{Rules, Slot, at, feasible, rank, slots};
use dispatch::domain::technician::{Booking, Candidate, Need, Shift, Skill};
use dispatch::domain::travel::{Band, Travel};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn rules() -> Rules {
    let band = |below_km, kmh| Band { below_km, kmh };
    Rules {
        travel: Travel {
            detour: 1.3,
            bands: vec![
                band(10.0, 25.0),
                band(50.0, 45.0),
                band(f64::INFINITY, 80.0),
            ],
            parking: SignedDuration::from_mins(5),
        },
        grid: SignedDuration::from_mins(5),
        offer_grid: SignedDuration::from_mins(30),
        tolerance: SignedDuration::from_hours(4),
        findings: 20,
    }
}

/// So many kilometres of road north of Hangzhou's railway station.
fn north(road_km: f64) -> Position {
    Position::new(30.2436 + road_km / 1.3 / 111.195, 120.1826).unwrap()
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window(start: &str, end: &str) -> Window {
    Window {
        start: instant(start),
        end: instant(end),
    }
}

/// On Monday 2026-03-02, 08:00 to 20:00 in Hangzhou.
fn monday() -> Window {
    window("2026-03-02T00:00:00Z", "2026-03-02T12:00:00Z")
}

fn job(window: Window) -> Job {
    let needs = vec![Need {
        skill: "NOTEBOOK_REPAIR".into(),
        level: 2,
    }];
    Job {
        needs,
        site: Some(north(0.0)),
        duration: HOUR,
        window,
    }
}

/// Lives 5 km (17 minutes) away, works 09:00 to 18:00 on all days.
fn technician(number: u128) -> Candidate {
    Candidate {
        id: Uuid::from_u128(number),
        home: north(5.0),
        zone: TimeZone::get("Asia/Shanghai").unwrap(),
        skills: vec![Skill {
            skill: "NOTEBOOK_REPAIR".into(),
            level: 3,
            valid_until: None,
        }],
        shifts: (1..=7)
            .map(|weekday| Shift {
                weekday,
                start: 540,
                end: 1080,
            })
            .collect(),
        inactive: false,
        bookings: Vec::new(),
        diary: 1,
    }
}

fn booking(departs: &str, starts: &str, ends: &str, site: Position) -> Booking {
    let (departs, starts, ends) = (instant(departs), instant(starts), instant(ends));
    Booking {
        work_order: Uuid::from_u128(77),
        departs,
        starts,
        ends,
        site,
    }
}

fn start(answer: Result<Slot, Refused>) -> String {
    answer.unwrap().window.start.to_string()
}

#[test]
fn the_way_there_is_part_of_the_shift() {
    // The shift begins at 01:00Z; 17 minutes of travel, then the next five minutes on the grid.
    let slot = feasible(&job(monday()), &technician(1), &rules());
    assert_eq!(start(slot), "2026-03-02T01:20:00Z");
}

#[test]
fn the_work_must_end_within_the_shift_and_the_window() {
    let ends_with_shift = window("2026-03-02T09:00:00Z", "2026-03-02T12:00:00Z");
    let one_minute_less = window("2026-03-02T09:01:00Z", "2026-03-02T12:00:00Z");
    let (technician, rules) = (technician(1), rules());

    let slot = feasible(&job(ends_with_shift), &technician, &rules);
    assert_eq!(start(slot), "2026-03-02T09:00:00Z");
    let refused = feasible(&job(one_minute_less), &technician, &rules);
    assert_eq!(refused, Err(Refused::OutsideShift));
}

#[test]
fn skills_are_needed_at_their_level() {
    let mut novice = technician(1);
    novice.skills[0].level = 1;
    let need = job(monday()).needs.remove(0);
    let low = feasible(&job(monday()), &novice, &rules());
    assert_eq!(
        low,
        Err(Refused::SkillMissing {
            need: need.clone(),
            level: 1
        })
    );

    novice.skills.clear();
    let none = feasible(&job(monday()), &novice, &rules());
    assert_eq!(none, Err(Refused::SkillMissing { need, level: 0 }));

    novice.inactive = true;
    assert_eq!(
        feasible(&job(monday()), &novice, &rules()),
        Err(Refused::Inactive)
    );
}

#[test]
fn a_certificate_counts_on_the_day_of_the_visit_in_the_technicians_zone() {
    let mut technician = technician(1);
    technician.skills[0].valid_until = Some("2026-03-02".parse().unwrap());
    let two_days = window("2026-03-02T00:00:00Z", "2026-03-04T00:00:00Z");
    let tomorrow = window("2026-03-02T16:00:00Z", "2026-03-04T00:00:00Z");

    let last_day = feasible(&job(two_days), &technician, &rules());
    assert_eq!(start(last_day), "2026-03-02T01:20:00Z");
    // 16:00Z on the 2nd is midnight in Hangzhou: the 3rd has begun.
    let refused = feasible(&job(tomorrow), &technician, &rules());
    assert_eq!(
        refused,
        Err(Refused::CertificateExpired(technician.skills[0].clone()))
    );
}

#[test]
fn on_the_day_clocks_change_the_shift_still_begins_at_its_civil_hour() {
    let mut technician = technician(1);
    technician.zone = TimeZone::get("America/New_York").unwrap();
    technician.home = north(0.0);
    let saturday = window("2026-03-07T05:00:00Z", "2026-03-08T04:00:00Z");
    let sunday = window("2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z");

    let before = feasible(&job(saturday), &technician, &rules());
    assert_eq!(start(before), "2026-03-07T14:00:00Z");
    let after = feasible(&job(sunday), &technician, &rules());
    assert_eq!(start(after), "2026-03-08T13:00:00Z");
}

#[test]
fn travel_from_the_visit_before_and_to_the_visit_after_must_fit() {
    let mut technician = technician(1);
    // 40 km from the job: 69 minutes and parking.
    technician.bookings = vec![
        booking(
            "2026-03-02T01:00:00Z",
            "2026-03-02T01:20:00Z",
            "2026-03-02T02:00:00Z",
            north(40.0),
        ),
        booking(
            "2026-03-02T05:30:00Z",
            "2026-03-02T05:35:00Z",
            "2026-03-02T09:30:00Z",
            north(40.0),
        ),
    ];
    let slot = feasible(&job(monday()), &technician, &rules());
    assert_eq!(start(slot), "2026-03-02T03:10:00Z");

    technician.bookings[1].departs = instant("2026-03-02T05:15:00Z");
    technician.bookings[1].starts = instant("2026-03-02T05:15:00Z");
    let refused = feasible(&job(monday()), &technician, &rules());
    let Err(Refused::TravelGap(way)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(way.as_mins(), 69);
}

#[test]
fn a_full_diary_names_the_work_order_in_the_way() {
    let mut technician = technician(1);
    technician.bookings = vec![booking(
        "2026-03-02T00:30:00Z",
        "2026-03-02T01:00:00Z",
        "2026-03-02T09:30:00Z",
        north(1.0),
    )];
    let refused = feasible(&job(monday()), &technician, &rules());
    assert_eq!(refused, Err(Refused::Booked(Uuid::from_u128(77))));
}

#[test]
fn bench_work_is_done_at_the_technicians_own_place_without_travel() {
    let bench = Job {
        site: None,
        ..job(monday())
    };
    let slot = feasible(&bench, &technician(1), &rules()).unwrap();
    assert_eq!(slot.window.start, instant("2026-03-02T01:00:00Z"));
    assert_eq!((slot.leg.time, slot.leg.meters), (SignedDuration::ZERO, 0));
}

#[test]
fn an_exact_start_is_kept_to_the_microsecond() {
    let (job, technician, rules) = (job(monday()), technician(1), rules());
    let odd = instant("2026-03-02T03:01:02.000003Z");
    assert_eq!(
        at(&job, &technician, odd, &rules).unwrap().window.start,
        odd
    );
    let early = instant("2026-03-02T01:10:00Z");
    assert_eq!(
        at(&job, &technician, early, &rules),
        Err(Refused::OutsideShift)
    );
}

#[test]
fn the_nearest_comes_unless_the_customer_would_wait_too_long() {
    let near_but_busy = |until: &str| {
        let mut near = technician(1);
        near.home = north(1.0);
        near.bookings = vec![booking(
            "2026-03-02T01:00:00Z",
            "2026-03-02T01:00:00Z",
            until,
            north(1.0),
        )];
        near
    };
    let far = technician(2);

    let within = near_but_busy("2026-03-02T05:00:00Z");
    let choice = rank(
        &job(monday()),
        "cn-east",
        &[far.clone(), within.clone()],
        &rules(),
    );
    assert_eq!(choice.chosen.unwrap().technician, within.id);
    assert_eq!(choice.findings[0].code, Code::TechnicianChosen);
    assert_eq!(choice.findings[1].code, Code::Farther);

    let beyond = near_but_busy("2026-03-02T06:00:00Z");
    let choice = rank(&job(monday()), "cn-east", &[far.clone(), beyond], &rules());
    assert_eq!(choice.chosen.unwrap().technician, far.id);
    assert_eq!(choice.findings[1].code, Code::Later);
}

#[test]
fn of_equally_near_ones_the_earlier_then_the_lower_id_comes() {
    let mut later = technician(1);
    later.shifts.iter_mut().for_each(|shift| shift.start = 600);
    let crowd = [later, technician(3), technician(2)];
    let choice = rank(&job(monday()), "cn-east", &crowd, &rules());
    assert_eq!(choice.chosen.unwrap().technician, Uuid::from_u128(2));
}

#[test]
fn findings_are_bounded_and_the_rest_is_counted() {
    let crowd: Vec<Candidate> = (0..30).map(technician).collect();
    let choice = rank(&job(monday()), "cn-east", &crowd, &rules());
    assert_eq!(choice.findings.len(), 21);
    assert_eq!(choice.findings[0].technician, Some(Uuid::from_u128(0)));
    let rest = &choice.findings[20];
    assert_eq!(
        (rest.code, rest.numbers[0].value),
        (Code::OthersRefused, 10)
    );

    let nobody = rank(&job(monday()), "cn-east", &[], &rules());
    assert_eq!(
        nobody.findings[0].message(),
        "The region cn-east has no technician."
    );
}

#[test]
fn offers_are_times_each_with_its_nearest_technician() {
    let mut near = technician(1);
    near.home = north(1.0);
    near.shifts.iter_mut().for_each(|shift| shift.start = 660);
    let (offers, findings) = slots(
        &job(monday()),
        "cn-east",
        &[technician(2), near],
        &rules(),
        5,
    );

    let told: Vec<(String, u128)> = offers
        .iter()
        .map(|slot| (slot.window.start.to_string(), slot.technician.as_u128()))
        .collect();
    let expected = [
        ("2026-03-02T01:30:00Z", 2),
        ("2026-03-02T02:00:00Z", 2),
        ("2026-03-02T02:30:00Z", 2),
        ("2026-03-02T03:00:00Z", 2),
        ("2026-03-02T03:30:00Z", 1),
    ];
    assert_eq!(told, expected.map(|(at, who)| (at.to_owned(), who)));
    assert!(findings.is_empty());
}

#[test]
fn a_hundred_and_fifty_full_diaries_are_read_in_milliseconds() {
    let crowd: Vec<Candidate> = (0..150).map(busy).collect();
    let fortnight = window("2026-03-02T00:00:00Z", "2026-03-16T00:00:00Z");
    let begin = std::time::Instant::now();
    let choice = rank(&job(fortnight), "cn-east", &crowd, &rules());
    // Generous for an unoptimised build on a busy machine; far below a scan that is not linear.
    assert!(
        begin.elapsed() < std::time::Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(choice.chosen, None);
}

/// Booked through every shift of two weeks.
fn busy(number: u128) -> Candidate {
    let mut technician = technician(number);
    for day in 0..14 {
        let hour = |h: i64| monday().start + SignedDuration::from_hours(24 * day + h);
        let of = |h: i64| Booking {
            work_order: Uuid::from_u128(9),
            departs: hour(h),
            starts: hour(h),
            ends: hour(h + 1),
            site: north(3.0),
        };
        technician.bookings.extend((1..10).map(of));
    }
    technician
}

/// Names a rule that the slot breaks. Shares no code with the search: plain comparisons, minute
/// by minute where it must look at civil time.
fn broken(job: &Job, who: &Candidate, slot: &Slot, rules: &Rules) -> Option<&'static str> {
    let (start, end) = (slot.window.start, slot.window.end);
    let site = job.site.unwrap_or(who.home);
    let travel = |a: &Position, b: &Position| rules.travel.between(a, b).time;
    let civil = |instant: Timestamp| who.zone.to_datetime(instant);
    let minute = |instant: Timestamp| {
        let time = civil(instant).time();
        f64::from(time.hour()) * 60.0 + f64::from(time.minute()) + f64::from(time.second()) / 60.0
    };
    if who.inactive {
        return Some("inactive");
    }
    if end.duration_since(start) != job.duration || start < job.window.start || end > job.window.end
    {
        return Some("window");
    }
    for need in &job.needs {
        let fits = |s: &&Skill| s.skill == need.skill && s.level >= need.level;
        let Some(skill) = who.skills.iter().find(fits) else {
            return Some("skill");
        };
        if skill
            .valid_until
            .is_some_and(|until| until < civil(start).date())
        {
            return Some("certificate");
        }
    }
    let departs = start - slot.leg.time;
    let same_day = civil(departs).date() == civil(start).date();
    let within = |s: &Shift| {
        s.weekday == civil(start).date().weekday().to_monday_one_offset()
            && f64::from(s.start) <= minute(departs)
            && minute(start) + job.duration.as_secs_f64() / 60.0 <= f64::from(s.end)
    };
    if !same_day || !who.shifts.iter().any(within) {
        return Some("shift");
    }
    let origin = origin(who, start);
    if travel(&origin, &site) != slot.leg.time {
        return Some("leg");
    }
    for other in &who.bookings {
        if other.departs < end && departs < other.ends {
            return Some("overlap");
        }
        let near = other.starts >= end && end + travel(&site, &other.site) > other.starts;
        if near && civil(other.departs).date() == civil(start).date() {
            return Some("travel after");
        }
    }
    None
}

/// Where the technician comes from: the last visit of the civil day, else home. A visit that ends
/// at midnight was yesterday's.
fn origin(who: &Candidate, start: Timestamp) -> Position {
    let date = |instant: Timestamp| who.zone.to_datetime(instant).date();
    let today = |b: &&Booking| {
        b.ends <= start && date(b.ends - SignedDuration::from_micros(1)) == date(start)
    };
    let before = who.bookings.iter().filter(today).max_by_key(|b| b.ends);
    before.map_or(who.home, |b| b.site)
}

prop_compose! {
    fn some_booking()(
        quarter in 0i64..(7 * 96), length in 1i64..12, way in 0i64..5, km in 0.0f64..80.0,
    ) -> Booking {
        let at = |q: i64| monday().start + SignedDuration::from_mins(15 * q);
        Booking {
            work_order: Uuid::from_u128(9),
            departs: at(quarter),
            starts: at(quarter + way),
            ends: at(quarter + way + length),
            site: north(km),
        }
    }
}

prop_compose! {
    fn some_candidate()(
        number in 1u128..1_000, km in 0.0f64..60.0, level in 0i32..4, inactive in prop::bool::weighted(0.1),
        expires in prop::option::of(1i8..9), starts in 0u16..20, hours in 1u16..12,
        zone in prop::sample::select(vec!["Asia/Shanghai", "America/New_York", "Europe/Berlin"]),
        mut bookings in prop::collection::vec(some_booking(), 0..12),
    ) -> Candidate {
        bookings.sort_by_key(|b| b.departs);
        let mut free_from = Timestamp::MIN;
        bookings.retain(|b| {
            let free = b.departs >= free_from;
            if free { free_from = b.ends; }
            free
        });
        let valid_until = expires.map(|day| jiff::civil::date(2026, 3, day));
        let end = (starts * 60 + hours * 60).min(1440);
        let shifts = (1..=5).filter(|_| end > starts * 60);
        Candidate {
            home: north(km),
            zone: TimeZone::get(zone).unwrap(),
            skills: vec![Skill { skill: "NOTEBOOK_REPAIR".into(), level, valid_until }],
            shifts: shifts.map(|weekday| Shift { weekday, start: starts * 60, end }).collect(),
            inactive,
            bookings,
            ..technician(number)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_choice_and_no_offer_breaks_a_rule(
        mut crowd in prop::collection::vec(some_candidate(), 1..8),
        from in 0i64..96, hours in 1i64..150, quarters in 1i64..16, bench in any::<bool>(),
    ) {
        crowd.sort_by_key(|c| c.id);
        crowd.dedup_by_key(|c| c.id);
        let start = monday().start + SignedDuration::from_mins(15 * from);
        let window = Window { start, end: start + SignedDuration::from_hours(hours) };
        let duration = SignedDuration::from_mins(15 * quarters);
        let mut job = Job { duration, ..job(window) };
        if bench { job.site = None; }
        let rules = rules();
        let who = |slot: &Slot| crowd.iter().find(|c| c.id == slot.technician).unwrap();

        let choice = rank(&job, "r", &crowd, &rules);
        if let Some(slot) = &choice.chosen {
            prop_assert_eq!(broken(&job, who(slot), slot, &rules), None);
            // Nobody else is nearer without being later than the tolerance allows.
            for other in &crowd {
                let Ok(theirs) = feasible(&job, other, &rules) else { continue };
                prop_assert_eq!(broken(&job, other, &theirs, &rules), None);
                let waits = slot.window.start.duration_since(theirs.window.start);
                prop_assert!(waits <= rules.tolerance);
                prop_assert!(theirs.leg.time >= slot.leg.time || theirs.window.start > slot.window.start);
            }
        } else {
            prop_assert!(crowd.iter().all(|c| feasible(&job, c, &rules).is_err()));
        }
        for slot in slots(&job, "r", &crowd, &rules, 20).0 {
            prop_assert_eq!(broken(&job, who(&slot), &slot, &rules), None);
        }
    }

    #[test]
    fn what_is_refused_has_no_start_on_the_grid(who in some_candidate(), hours in 1i64..48) {
        let window = Window { start: monday().start, end: monday().start + SignedDuration::from_hours(hours) };
        let (job, rules) = (job(window), rules());
        let found = feasible(&job, &who, &rules);
        let mut first = None;
        let mut start = window.start;
        while start + job.duration <= window.end && first.is_none() {
            let leg = rules.travel.between(&origin(&who, start), &job.site_for(&who));
            let slot = Slot { technician: who.id, window: Window { start, end: start + job.duration }, leg };
            if broken(&job, &who, &slot, &rules).is_none() { first = Some(start); }
            start += rules.grid;
        }
        prop_assert_eq!(found.ok().map(|slot| slot.window.start), first);
    }
}
