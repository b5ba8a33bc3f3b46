//! Clocks by table: make-up days, holidays, clock changes, whose time a wait is, reopening; and
//! what holds for any history.

#![allow(clippy::unwrap_used)]

#[path = "clocks/laws.rs"]
mod laws;
#[path = "clocks/tables.rs"]
mod tables;

use std::fmt;
use std::sync::LazyLock;

use calendar::Calendar;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ticket::domain::clocks::{Clock, Counting, read};
use ticket::domain::policy::{Policies, SlaPolicy};
use ticket::domain::ticket::{Moment, What};

/// China, 09:00-18:00 on working days. In 2021 Saturday 18 September made up for 20 September,
/// and Saturday 9 October for the National Day week of 1 to 7 October.
static CN_WORKDAYS: LazyLock<Calendar> = LazyLock::new(|| {
    Calendar::from_yaml(include_str!("../../../policies/calendars/cn-workdays.yaml")).unwrap()
});

/// Boston, Monday to Friday 08:30-17:00.
static US_MA: LazyLock<Calendar> = LazyLock::new(|| {
    Calendar::from_yaml(include_str!(
        "../../../policies/calendars/us-ma-municipal.yaml"
    ))
    .unwrap()
});

/// One promise in one calendar at one place.
struct Desk {
    policies: Policies,
    calendar: Calendar,
    zone: TimeZone,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {}", self.policy().promises, self.calendar.id())
    }
}

impl Desk {
    /// `promise` is "ON_SITE, within: 4h"; waits for the customer are the customer's time.
    fn new(promise: &str, calendar: Calendar, zone: &str) -> Desk {
        let policy = format!(
            "{{id: standard-onsite, version: 1, source: test, calendars: [],
            milestones: [{{milestone: {promise}}}],
            pauses: [WAITING_CUSTOMER, WAITING_SITE_ACCESS], auto_close_after: 72h}}"
        );
        let files = [("policy", policy.as_str())];
        let policies = Policies::load(files.into_iter(), std::iter::empty(), "kinds: {}").unwrap();
        Desk {
            policies,
            calendar,
            zone: TimeZone::get(zone).unwrap(),
        }
    }

    fn china(promise: &str) -> Desk {
        Desk::new(promise, CN_WORKDAYS.clone(), "Asia/Shanghai")
    }

    fn boston(promise: &str) -> Desk {
        Desk::new(promise, US_MA.clone(), "America/New_York")
    }

    fn always(promise: &str) -> Desk {
        Desk::new(promise, Calendar::always(), "America/New_York")
    }

    fn policy(&self) -> &SlaPolicy {
        self.policies.policy("standard-onsite")
    }

    fn counting(&self) -> Counting<'_> {
        Counting {
            calendar: &self.calendar,
            zone: &self.zone,
            policy: self.policy(),
        }
    }

    /// "2021-09-17 15:00" at the desk.
    fn at(&self, civil: &str) -> Timestamp {
        let civil: DateTime = civil.parse().unwrap();
        civil.to_zoned(self.zone.clone()).unwrap().timestamp()
    }

    fn civil(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone())
            .strftime("%Y-%m-%d %H:%M")
            .to_string()
    }

    fn history(&self, moments: &[(&str, What)]) -> Vec<Moment> {
        moments
            .iter()
            .map(|(at, what)| Moment {
                at: self.at(at),
                what: *what,
            })
            .collect()
    }

    /// The clock as it stands at `now`.
    fn clock(&self, moments: &[(&str, What)], now: &str) -> Clock {
        self.read(&self.history(moments), self.at(now)).unwrap()
    }

    fn read(&self, moments: &[Moment], now: Timestamp) -> Option<Clock> {
        read(self.counting(), moments, now).into_iter().next()
    }
}

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}
