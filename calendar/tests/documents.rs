//! Calendar files: what is read, what is refused, and that nothing is lost on the way.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use calendar::Calendar;
use common::{shipped, with_hours};

const SHIPPED: [&str; 4] = ["always", "cn-business", "cn-workdays", "us-ma-municipal"];

#[test]
fn every_shipped_calendar_is_named_like_its_file() {
    for id in SHIPPED {
        assert_eq!(shipped(id).id(), id);
    }
    assert_eq!(shipped("always"), Calendar::always());
}

#[test]
fn both_chinese_calendars_know_the_same_days() {
    let (one, other) = (shipped("cn-business"), shipped("cn-workdays"));
    let days = |c: &Calendar| -> Vec<String> {
        let told = c.special_days();
        told.map(|(date, day)| format!("{date} {:?}", day.kind))
            .collect()
    };
    assert_eq!(days(&one), days(&other));
    assert!(days(&one).len() > 400);
}

#[test]
fn a_calendar_comes_back_whole_from_json_and_yaml() {
    let odd = "  monday: [00:00-07:15, 22:00-24:00]\n  friday: [10:00-11:00]\nholiday_hours: [08:30-17:30]\nholidays:\n  - {date: 2024-06-10, name: \"yes: 'quoted' \\\"twice\\\"\"}\n  - {date: 2024-06-11, name: 2024, hours: []}\nmake_up:\n  - {date: 2024-06-15, name: Saturday, as: friday}\n";
    let mut calendars: Vec<_> = SHIPPED.into_iter().map(shipped).collect();
    calendars.push(with_hours(odd));

    for calendar in calendars {
        let json = serde_json::to_string(&calendar).unwrap();
        assert_eq!(serde_json::from_str::<Calendar>(&json).unwrap(), calendar);
        let yaml = calendar.to_yaml().unwrap();
        assert_eq!(Calendar::from_yaml(&yaml).unwrap(), calendar);
        assert_eq!(Calendar::from_yaml(&json).unwrap(), calendar);
    }
}

#[test]
fn a_bad_file_tells_everything_that_is_wrong_with_its_line() {
    let text = "\
id: Not Good
version: 0
source: ''
years: {from: 2024, to: 2023}
colour: red
hours:
  monday: [09:00-12:00, 11:00-18:00]
  tuesday: [18:00-09:00, 9-5]
  funday: [09:00-12:00]
  friday: [09:00-24:01]
holiday_hours: closed
holidays:
  - {date: 2024-02-30, name: No such day}
  - {date: 2024-05-01}
  - {date: 2024-06-01, name: One}
  - {date: 2024-06-01, name: Two, color: red}
  - {date: 2024-06-02, name: Three}
make_up:
  - {date: 2024-06-02, name: Four, as: blursday}
  - {date: 2024-06-01, name: Five}
id: again
";
    let violations = Calendar::from_yaml(text).expect_err("everything is wrong with it");
    let told: Vec<_> = violations
        .iter()
        .map(|v| (v.line.unwrap_or(0), v.path.as_str()))
        .collect();

    let expected = [
        (1, "id"),
        (1, "jurisdiction"),
        (2, "version"),
        (3, "source"),
        (4, "years"),
        (5, "colour"),
        (7, "hours.monday"),
        (8, "hours.tuesday"),
        (8, "hours.tuesday"),
        (9, "hours.funday"),
        (10, "hours.friday"),
        (11, "holiday_hours"),
        (13, "holidays[0].date"),
        (14, "holidays[1].name"),
        (16, "holidays[3].color"),
        (16, "holidays[3]"),
        (19, "make_up[0].as"),
        (20, "make_up[1]"),
        (21, "id"),
    ];
    assert_eq!(told, expected, "{violations:#?}");
    let shown = violations[6].to_string();
    assert!(
        shown.starts_with("line 7: hours.monday: 11:00-18:00 overlaps"),
        "{shown}"
    );
}

#[test]
fn dates_and_days_that_make_no_sense_together_are_refused() {
    let head =
        "id: x\nversion: 1\njurisdiction: any\nsource: test\nyears: {from: 2024, to: 2024}\n";
    let table = [
        ("hours: {}\n", "hours", "no weekday ever opens"),
        (
            "hours: {tuesday: [09:00-10:00]}\nmake_up: [{date: 2024-06-01, name: a}]\n",
            "make_up[0].as",
            "opened like a monday, which is closed",
        ),
        (
            "hours: {monday: [09:00-10:00]}\nholidays: [{date: 2025-01-01, name: a}]\n",
            "holidays[0].date",
            "2025-01-01 lies outside the years 2024 to 2024",
        ),
        (
            "hours: {monday: [24:00-24:00]}\n",
            "hours.monday",
            "`24:00-24:00` ends before it starts; hours across midnight are written on both days",
        ),
    ];
    for (body, path, problem) in table {
        let violations = Calendar::from_yaml(&format!("{head}{body}")).expect_err(body);
        let told = |v: &calendar::Violation| v.path == path && v.problem == problem;
        assert!(violations.iter().any(told), "{body}: {violations:#?}");
    }
}

#[test]
fn a_text_that_is_no_yaml_is_one_violation_with_its_line() {
    let violations = Calendar::from_yaml("id: x\nhours: [\n").expect_err("unclosed");
    assert_eq!(violations.len(), 1);
    assert!(violations[0].line.is_some(), "{violations:?}");
    assert_eq!(Calendar::from_yaml("").expect_err("empty").len(), 1);
    assert_eq!(Calendar::from_yaml("- 1\n").expect_err("a list").len(), 1);
}

#[test]
fn json_that_breaks_the_rules_is_refused_with_all_reasons() {
    let error = serde_json::from_str::<Calendar>(r#"{"id": "x", "version": 1, "zone": "UTC"}"#);
    let told = error.expect_err("fields are missing").to_string();
    for field in ["zone", "jurisdiction", "source", "years", "hours"] {
        assert!(told.contains(field), "{told}");
    }
}
