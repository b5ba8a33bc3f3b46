//! The shipped calendars against what really happened. Needs the data folder (`FETTLE_DATA`, else
//! `shared/data` beside the checkout); without it each test says that it was skipped.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::fs::File;
use std::path::PathBuf;

use calendar::DayKind;
use common::{shipped, workspace, zone};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// The file in the data folder, or `None` and a word about it.
fn data(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("FETTLE_DATA").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| workspace().join("../shared/data"));
    let path = folder.join(file);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: no {}; set FETTLE_DATA", path.display());
    None
}

/// City service requests of a type: when opened and the target date the city gave.
fn requests(path: PathBuf, kind: &str, tz: &TimeZone) -> Vec<(Timestamp, Timestamp)> {
    let rows = zstd::Decoder::new(File::open(path).unwrap()).unwrap();
    let mut rows = csv::Reader::from_reader(rows);
    let headers = rows.headers().unwrap().clone();
    let column = |name| headers.iter().position(|h| h == name).unwrap();
    let (opened, target, type_) = (column("OPEN_DT"), column("TARGET_DT"), column("TYPE"));
    let instant = |text: &str| {
        let civil = DateTime::strptime("%m/%d/%Y %I:%M:%S %p", text).unwrap();
        tz.to_timestamp(civil).unwrap()
    };
    rows.records()
        .map(Result::unwrap)
        .filter(|row| &row[type_] == kind && !row[target].is_empty())
        .map(|row| (instant(&row[opened]), instant(&row[target])))
        .collect()
}

/// Share of the requests whose target date the calendar gives, within the 90 seconds by which the
/// city's own times differ, and their number.
fn reproduced(kind: &str, days: u32) -> Option<(f64, usize)> {
    let path = data("field-service-boston311/boston311_2015H1.csv.zst")?;
    let tz = zone("America/New_York");
    let calendar = shipped("us-ma-municipal");
    let requests = requests(path, kind, &tz);
    let same = requests.iter().filter(|(opened, target)| {
        let due = calendar
            .add_working_days(&tz, *opened, days, false)
            .unwrap();
        due.duration_since(*target).abs().as_secs() <= 90
    });
    let share = same.count() as f64 / requests.len() as f64;
    println!(
        "{kind}: {} requests, {:.2} %",
        requests.len(),
        share * 100.0
    );
    Some((share, requests.len()))
}

#[test]
fn the_target_dates_of_building_inspections_in_boston_are_reproduced() {
    if let Some((share, requests)) = reproduced("Building Inspection Request", 3) {
        assert!(requests > 1_000);
        assert_eq!(share, 1.0);
    }
}

#[test]
fn the_target_dates_of_sign_repairs_in_boston_are_reproduced() {
    if let Some((share, requests)) = reproduced("Sign Repair", 10) {
        assert!(requests > 1_000);
        assert!(share >= 0.99, "{share}");
    }
}

#[test]
fn chinese_working_days_are_those_of_the_notices() {
    let calendar = shipped("cn-workdays");
    let mut days = 0;
    for year in 2013..=2027 {
        let Some(path) = data(&format!("calendars/holiday-cn/{year}.json")) else {
            return;
        };
        let notice: serde_json::Value = serde_json::from_reader(File::open(path).unwrap()).unwrap();
        for listed in notice["days"].as_array().unwrap() {
            let date: Date = listed["date"].as_str().unwrap().parse().unwrap();
            if !calendar.covers(date) {
                continue;
            }
            let kind = calendar.day(date).kind;
            let off = listed["isOffDay"].as_bool().unwrap();
            assert_eq!(kind.is_working_day(), !off, "{date}");
            if let DayKind::Holiday(name) | DayKind::MakeUp(name) = kind {
                assert!(name.starts_with(listed["name"].as_str().unwrap()), "{date}");
                days += 1;
            }
        }
    }
    println!("{days} days of the notices agree");
    assert_eq!(calendar.special_days().count(), days);
}
