//! SLA and intake policies as data: what is promised, in which calendar, and whose time a wait is.
//!
//! A policy is a YAML file of `policies/sla/`; `policies/sla/README.md` documents its fields.
//! Nothing of a policy is compiled into a rule.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use calendar::Calendar;
use serde::Deserialize;

use super::ticket::{Kind, PauseReason};

/// What may be promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum Milestone {
    FirstResponse,
    CallBack,
    Quote,
    OnSite,
    Resolution,
    ComplaintOpinion,
    Survey,
}

/// How long a promise gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// That much business time.
    Time(Duration),
    /// That many working days: the same civil time that many working days later.
    WorkingDays(u32),
}

/// One promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// What is promised.
    pub milestone: Milestone,
    /// How soon.
    pub within: Within,
}

/// A policy in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlaPolicy {
    /// Identifier: "standard-onsite".
    pub id: String,
    /// Version, from 1.
    pub version: u32,
    /// Where the promise comes from.
    pub source: String,
    /// Calendars by jurisdiction, each jurisdiction once.
    calendars: Vec<(String, String)>,
    /// Promises, each milestone once.
    pub promises: Vec<Promise>,
    /// Waits that are the customer's time: clocks stop.
    pub pauses: Vec<PauseReason>,
    /// Business time after which a resolved ticket closes by itself.
    pub auto_close_after: Duration,
}

impl SlaPolicy {
    /// Identifier and version: "standard-onsite@1".
    pub fn reference(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// Calendar that counts at a place; `jurisdiction` is "US-MA" or "CN". The row of the place
    /// comes before that of its country, and that before the row without a jurisdiction.
    pub fn calendar(&self, jurisdiction: &str) -> &str {
        let country = jurisdiction.split('-').next().unwrap_or("");
        let of = |code: &str| self.calendars.iter().find(|(known, _)| known == code);
        let found = of(jurisdiction).or_else(|| of(country)).or_else(|| of(""));
        found.map_or(ALWAYS, |(_, calendar)| calendar.as_str())
    }
}

/// Identifier of the calendar that never closes.
const ALWAYS: &str = "always";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    id: String,
    version: u32,
    source: String,
    calendars: Vec<CalendarRow>,
    milestones: Vec<MilestoneRow>,
    #[serde(default)]
    pauses: Vec<PauseReason>,
    auto_close_after: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalendarRow {
    #[serde(default)]
    jurisdiction: String,
    calendar: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MilestoneRow {
    milestone: Milestone,
    #[serde(default)]
    within: Option<String>,
    #[serde(default)]
    working_days: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IntakeFile {
    kinds: BTreeMap<Kind, IntakeRow>,
}

/// What holds for a kind before its coverage is known.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntakeRow {
    /// SLA policy.
    pub sla_policy: String,
    /// Queue.
    pub queue: String,
}

/// Everything that is wrong with the policy files.
#[derive(Debug, PartialEq, Eq)]
pub struct PolicyErrors(pub Vec<String>);

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for PolicyErrors {}

/// The policies and calendars a service computes with.
#[derive(Clone, Debug)]
pub struct Policies {
    sla: BTreeMap<String, SlaPolicy>,
    calendars: BTreeMap<String, Calendar>,
    intake: BTreeMap<Kind, IntakeRow>,
    fallback: SlaPolicy,
    always: Calendar,
}

impl Policies {
    /// Reads all files (name, text) of the three kinds; every error at once.
    pub fn load<'a>(
        sla: impl Iterator<Item = (&'a str, &'a str)>,
        calendars: impl Iterator<Item = (&'a str, &'a str)>,
        intake: &str,
    ) -> Result<Policies, PolicyErrors> {
        let mut errors = Vec::new();
        let mut known = BTreeMap::new();
        for (file, text) in calendars {
            match Calendar::from_yaml(text) {
                Ok(calendar) => drop(known.insert(calendar.id().to_owned(), calendar)),
                Err(found) => errors.extend(found.iter().map(|v| format!("{file}: {v}"))),
            }
        }
        let mut policies = BTreeMap::new();
        for (file, text) in sla {
            match parse_policy(text, &known) {
                Ok(policy) if policies.contains_key(&policy.id) => {
                    errors.push(format!("{file}: SLA policy {} is there twice", policy.id));
                }
                Ok(policy) => drop(policies.insert(policy.id.clone(), policy)),
                Err(found) => errors.extend(found.into_iter().map(|e| format!("{file}: {e}"))),
            }
        }
        let rows = match serde_saphyr::from_str::<IntakeFile>(intake) {
            Ok(file) => file.kinds,
            Err(error) => {
                errors.push(format!("intake: {error}"));
                BTreeMap::new()
            }
        };
        for (kind, row) in &rows {
            if !policies.contains_key(&row.sla_policy) {
                errors.push(format!(
                    "intake: {kind:?} names unknown SLA policy {}",
                    row.sla_policy
                ));
            }
        }
        let fallback = policies.get("standard-onsite").cloned();
        match fallback {
            Some(fallback) if errors.is_empty() => Ok(Policies {
                sla: policies,
                calendars: known,
                intake: rows,
                fallback,
                always: Calendar::always(),
            }),
            Some(_) => Err(PolicyErrors(errors)),
            None => {
                errors.push("no SLA policy \"standard-onsite\"".to_owned());
                Err(PolicyErrors(errors))
            }
        }
    }

    /// What holds for a kind before its coverage is known.
    pub fn intake(&self, kind: Kind) -> IntakeRow {
        let general = IntakeRow {
            sla_policy: self.fallback.id.clone(),
            queue: "general".to_owned(),
        };
        self.intake.get(&kind).cloned().unwrap_or(general)
    }

    /// The policy of that name ("standard-onsite" or "standard-onsite@1").
    pub fn find(&self, name: &str) -> Option<&SlaPolicy> {
        self.sla.get(name.split('@').next().unwrap_or(name))
    }

    /// The policy of that name, or the general one.
    pub fn policy(&self, name: &str) -> &SlaPolicy {
        self.find(name).unwrap_or(&self.fallback)
    }

    /// The calendar in which a policy counts at a place.
    pub fn calendar(&self, policy: &SlaPolicy, jurisdiction: &str) -> &Calendar {
        self.calendars
            .get(policy.calendar(jurisdiction))
            .unwrap_or(&self.always)
    }
}

fn parse_policy(
    text: &str,
    calendars: &BTreeMap<String, Calendar>,
) -> Result<SlaPolicy, Vec<String>> {
    let file: PolicyFile = serde_saphyr::from_str(text).map_err(|e| vec![e.to_string()])?;
    let mut errors = Vec::new();
    let mut promises = Vec::new();
    for row in &file.milestones {
        let within = match (&row.within, row.working_days) {
            (Some(text), None) => duration(text).map(Within::Time),
            (None, Some(days)) if days > 0 => Ok(Within::WorkingDays(days)),
            _ => Err("needs either `within` or `working_days`".to_owned()),
        };
        if promises
            .iter()
            .any(|p: &Promise| p.milestone == row.milestone)
        {
            errors.push(format!("{:?}: promised twice", row.milestone));
        }
        match within {
            Ok(within) => promises.push(Promise {
                milestone: row.milestone,
                within,
            }),
            Err(error) => errors.push(format!("{:?}: {error}", row.milestone)),
        }
    }
    for (place, row) in file.calendars.iter().enumerate() {
        if file.calendars[..place]
            .iter()
            .any(|known| known.jurisdiction == row.jurisdiction)
        {
            errors.push(format!(
                "jurisdiction \"{}\" has two calendars",
                row.jurisdiction
            ));
        }
        if row.calendar != ALWAYS && !calendars.contains_key(&row.calendar) {
            errors.push(format!("unknown calendar {}", row.calendar));
        }
    }
    if file.version == 0 {
        errors.push("version starts at 1".to_owned());
    }
    let auto_close_after = duration(&file.auto_close_after).unwrap_or_else(|error| {
        errors.push(format!("auto_close_after: {error}"));
        Duration::ZERO
    });
    if !errors.is_empty() {
        return Err(errors);
    }
    let calendars = file
        .calendars
        .into_iter()
        .map(|r| (r.jurisdiction, r.calendar))
        .collect();
    Ok(SlaPolicy {
        id: file.id,
        version: file.version,
        source: file.source,
        calendars,
        promises,
        pauses: file.pauses,
        auto_close_after,
    })
}

/// "30m", "8h", "72h": positive business time.
fn duration(text: &str) -> Result<Duration, String> {
    let read: jiff::SignedDuration = text
        .parse()
        .map_err(|_| format!("\"{text}\" is no duration such as 30m or 8h"))?;
    let length = Duration::try_from(read)
        .ok()
        .filter(|length| !length.is_zero());
    length.ok_or_else(|| format!("\"{text}\" is not above zero"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
id: standard-onsite
version: 1
source: test
calendars: [{calendar: always}]
milestones:
  - {milestone: ON_SITE, within: 8h}
  - {milestone: RESOLUTION, working_days: 3}
pauses: [WAITING_CUSTOMER]
auto_close_after: 72h
";

    #[test]
    fn a_policy_file_says_what_is_promised() {
        let policy = parse_policy(GOOD, &BTreeMap::new()).unwrap();
        assert_eq!(policy.reference(), "standard-onsite@1");
        assert_eq!(
            policy.promises[0].within,
            Within::Time(Duration::from_secs(8 * 3600))
        );
        assert_eq!(policy.promises[1].within, Within::WorkingDays(3));
    }

    #[test]
    fn every_mistake_of_a_file_is_told_at_once() {
        let bad = GOOD
            .replace("within: 8h", "within: soon")
            .replace("working_days: 3", "working_days: 3, within: 1h")
            .replace("calendar: always", "calendar: mars")
            .replace("version: 1", "version: 0");
        let errors = parse_policy(&bad, &BTreeMap::new()).unwrap_err();
        assert_eq!(errors.len(), 4, "{errors:?}");
    }

    #[test]
    fn the_most_fitting_calendar_row_counts_wherever_it_stands() {
        let hours = |id: &str| {
            format!(
                "{{id: {id}, version: 1, jurisdiction: any, source: test, years: {{from: 2020, to: 2030}}, hours: {{monday: [09:00-17:00]}}}}"
            )
        };
        let read = |id: &str| (id.to_owned(), Calendar::from_yaml(&hours(id)).unwrap());
        let known = ["general", "china", "boston"]
            .map(read)
            .into_iter()
            .collect();
        let rows = "[{calendar: general}, {jurisdiction: US-MA, calendar: boston}, {jurisdiction: CN, calendar: china}]";

        let text = GOOD.replace("[{calendar: always}]", rows);
        let policy = parse_policy(&text, &known).unwrap();

        let places = ["CN-ZJ", "CN", "US-MA", "US-NY", "DE", ""];
        let found = places.map(|place| policy.calendar(place));
        assert_eq!(
            found,
            ["china", "china", "boston", "general", "general", "general"]
        );
    }

    #[test]
    fn a_promise_of_no_time_is_refused() {
        let text = GOOD.replace("within: 8h", "within: 0h");
        assert_eq!(parse_policy(&text, &BTreeMap::new()).unwrap_err().len(), 1);
    }
}
