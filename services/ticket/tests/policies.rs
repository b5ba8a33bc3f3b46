//! The policy files of the repository: read, and complete.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use ticket::domain::policy::{Policies, Promise, Within};
use ticket::domain::ticket::Kind;

fn files(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../policies")
        .join(folder);
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let yaml = paths.filter(|path| path.extension().is_some_and(|kind| kind == "yaml"));
    let named = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    yaml.map(|path| (named(&path), fs::read_to_string(&path).unwrap()))
        .collect()
}

fn policies() -> Policies {
    let (sla, calendars, intake) = (files("sla"), files("calendars"), files("intake"));
    let texts =
        |list: &'static [(String, String)]| list.iter().map(|(n, t)| (n.as_str(), t.as_str()));
    Policies::load(texts(sla.leak()), texts(calendars.leak()), &intake[0].1).unwrap()
}

#[test]
fn every_file_is_named_like_its_policy() {
    let policies = policies();
    for (file, _) in files("sla") {
        assert_eq!(
            policies.find(&file).map(|policy| policy.id.as_str()),
            Some(file.as_str())
        );
    }
}

#[test]
fn every_kind_of_ticket_has_a_policy_and_a_queue_of_its_own() {
    use Kind::*;
    let policies = policies();
    for kind in [
        HardwareFault,
        SoftwareSupport,
        Inquiry,
        Complaint,
        ReturnExchange,
        Installation,
        Preventive,
        Proactive,
        DataService,
        Retirement,
        Recall,
    ] {
        assert_ne!(policies.intake(kind).queue, "general", "{kind:?}");
    }
}

#[test]
fn every_policy_that_a_warranty_names_is_there() {
    let policies = policies();
    let mut named = 0;
    for (file, text) in files("warranty") {
        let names = text.split("sla_policy: ").skip(1);
        for name in names.filter_map(|rest| rest.split(['}', ',', '\n']).next()) {
            named += 1;
            assert!(policies.find(name.trim()).is_some(), "{file} names {name}");
        }
    }
    assert!(named > 0);
}

#[test]
fn sites_in_china_count_in_chinese_working_time_and_others_in_their_own() {
    let policies = policies();
    let on_site = policies.policy("standard-onsite");
    let of = |place: &str| policies.calendar(on_site, place).id().to_owned();
    assert_eq!(of("CN-ZJ"), "cn-business");
    assert_eq!(of("US-MA"), "us-ma-municipal");
    assert_eq!(of("US-NY"), "weekdays");

    let inquiry = policies.policy("inquiry");
    assert_eq!(policies.calendar(inquiry, "CN").id(), "always");
}

#[test]
fn an_opinion_on_a_complaint_takes_two_working_days_at_most() {
    let policies = policies();
    let complaint = policies.policy("complaint");
    let within = |promise: &Promise| promise.within;
    let promised: Vec<_> = complaint.promises.iter().map(within).collect();
    let ten_minutes = Within::Time(std::time::Duration::from_secs(600));
    assert_eq!(promised, [ten_minutes, Within::WorkingDays(2)]);
}
