//! From a document to a calendar: every rule a calendar file must keep.

use jiff::civil::Date;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_saphyr::DuplicateKeyPolicy;

use crate::document::{Complaints, Fields, Node, Violation};
use crate::hours::{Hours, MAX_OPENINGS_PER_DAY, Opening};
use crate::index::{Class, Index, Special, day_number};
use crate::{Calendar, Years};

/// First year a calendar may cover.
pub(crate) const FIRST_YEAR: i16 = 1900;
/// Last year a calendar may cover.
pub(crate) const LAST_YEAR: i16 = 2200;
/// Longer texts are refused unread.
const MAX_BYTES: usize = 1 << 20;
const MAX_SPECIAL_DAYS: usize = 10_000;
const MAX_NAME: usize = 200;

pub(crate) const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
const HOURS_FIELDS: [&str; 8] = [
    "every_day",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
const CALENDAR_FIELDS: [&str; 9] = [
    "id",
    "version",
    "jurisdiction",
    "source",
    "years",
    "hours",
    "holiday_hours",
    "holidays",
    "make_up",
];

impl Calendar {
    /// Reads a calendar from YAML (or JSON, which is YAML).
    ///
    /// ```
    /// # let text = r#"
    /// id: cn-service            # lower case letters, digits, hyphens
    /// version: 1
    /// jurisdiction: CN
    /// source: State Council holiday notices
    /// years: {from: 2024, to: 2024}
    /// hours:                    # weekdays that are left out are closed
    ///   monday: [09:00-12:00, 13:00-18:00]
    ///   friday: [09:00-12:00, 13:00-17:00]
    ///   saturday: []
    /// holiday_hours: [08:30-17:30]     # optional; holidays are closed without it
    /// holidays:
    ///   - {date: 2024-02-10, name: 春节 Spring Festival}
    ///   - {date: 2024-02-11, name: 春节 Spring Festival, hours: [10:00-12:00]}
    /// make_up:                  # opened like a Monday, or like the weekday named
    ///   - {date: 2024-02-04, name: 春节 Spring Festival, as: friday}
    /// # "#;
    /// # let calendar = calendar::Calendar::from_yaml(text).unwrap();
    /// # assert_eq!(calendar.special_days().count(), 3);
    /// ```
    ///
    /// `every_day: [00:00-24:00]` under `hours` stands for all seven weekdays; a weekday named beside
    /// it has its own hours.
    ///
    /// # Errors
    /// All violations in order of line: unknown, missing, repeated and malformed fields, hours
    /// that overlap or end before they start, dates listed twice or outside `years`, a make-up day
    /// like a weekday that is closed, a week that never opens. A text that is not YAML at all
    /// gives one violation; at most 200 are told.
    pub fn from_yaml(text: &str) -> Result<Self, Vec<Violation>> {
        let whole = |line, problem: String| {
            let path = "calendar".to_owned();
            vec![Violation {
                line,
                path,
                problem,
            }]
        };
        if text.len() > MAX_BYTES {
            return Err(whole(None, format!("longer than {MAX_BYTES} bytes")));
        }
        let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::PassThrough };
        match serde_saphyr::from_str_with_options::<Node>(text, options) {
            Ok(document) => calendar(&document),
            Err(error) => {
                let line = error.location().map(|l| l.line()).filter(|l| *l > 0);
                let problem = error.without_snippet().to_string();
                Err(whole(line, problem))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Calendar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        calendar(&Node::deserialize(deserializer)?).map_err(|violations| {
            let told: Vec<_> = violations.iter().map(Violation::to_string).collect();
            D::Error::custom(told.join("; "))
        })
    }
}

fn calendar(document: &Node) -> Result<Calendar, Vec<Violation>> {
    let mut complaints = Complaints::default();
    let read = calendar_fields(document, &mut complaints);
    match read {
        Some(calendar) if complaints.is_empty() => Ok(calendar),
        _ => Err(complaints.into_violations()),
    }
}

/// Reads every field before it gives up, so that one reading tells all violations.
fn calendar_fields(document: &Node, complaints: &mut Complaints) -> Option<Calendar> {
    let fields = document.fields("", &CALENDAR_FIELDS, complaints)?;
    let id = fields.required("id", complaints);
    let id = id.and_then(|node| identifier(node, complaints));
    let version = fields.required("version", complaints);
    let version = version.and_then(|node| version_number(node, complaints));
    let jurisdiction = name(&fields, "jurisdiction", complaints);
    let source = name(&fields, "source", complaints);
    let years = fields.required("years", complaints);
    let years = years.and_then(|node| covered_years(node, complaints));
    let week = fields.required("hours", complaints);
    let week = week.and_then(|node| weekly_hours(node, complaints));
    let holiday_hours = match fields.optional("holiday_hours") {
        Some(node) => hours(node, "holiday_hours", complaints),
        None => Some(Hours::default()),
    };

    let mut special = SpecialDays {
        years,
        holiday_hours: holiday_hours.clone().unwrap_or_default(),
        week: week.clone(),
        read: Vec::new(),
    };
    special.read_list(&fields, "holidays", complaints);
    special.read_list(&fields, "make_up", complaints);
    let special = special.in_order(complaints);

    Some(Calendar {
        id: id?,
        version: version?,
        jurisdiction: jurisdiction?,
        source: source?,
        years: years?,
        holiday_hours: holiday_hours?,
        index: Index::new(week?, special),
    })
}

fn identifier(node: &Node, complaints: &mut Complaints) -> Option<String> {
    let text = node.text("id", complaints)?;
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let starts = text.bytes().next().is_some_and(|b| b != b'-');
    if !starts || text.len() > 63 || !text.bytes().all(allowed) {
        let problem = "expected 1 to 63 lower case letters, digits or hyphens";
        complaints.add(node, "id", problem);
        return None;
    }
    Some(text.to_owned())
}

fn version_number(node: &Node, complaints: &mut Complaints) -> Option<u32> {
    let number = node.text("version", complaints)?.parse().ok();
    let number = number.filter(|n| *n > 0);
    if number.is_none() {
        complaints.add(node, "version", "expected a whole number from 1");
    }
    number
}

fn name(fields: &Fields<'_>, field: &str, complaints: &mut Complaints) -> Option<String> {
    let node = fields.required(field, complaints)?;
    let path = fields.path_of(field);
    let text = node.text(&path, complaints)?.trim();
    if text.is_empty() || text.chars().count() > MAX_NAME {
        let problem = format!("expected 1 to {MAX_NAME} characters");
        complaints.add(node, &path, problem);
        return None;
    }
    Some(text.to_owned())
}

fn covered_years(node: &Node, complaints: &mut Complaints) -> Option<Years> {
    let fields = node.fields("years", &["from", "to"], complaints)?;
    let mut year = |field: &str| {
        let node = fields.required(field, complaints)?;
        let path = fields.path_of(field);
        let year = node.text(&path, complaints)?.parse().ok();
        let year = year.filter(|y| (FIRST_YEAR..=LAST_YEAR).contains(y));
        if year.is_none() {
            let problem = format!("expected a year from {FIRST_YEAR} to {LAST_YEAR}");
            complaints.add(node, &path, problem);
        }
        year
    };
    let (from, to) = (year("from"), year("to"));
    let years = Years {
        from: from?,
        to: to?,
    };
    if years.to < years.from {
        complaints.add(node, "years", "`to` comes before `from`");
        return None;
    }
    Some(years)
}

fn weekly_hours(node: &Node, complaints: &mut Complaints) -> Option<[Hours; 7]> {
    let fields = node.fields("hours", &HOURS_FIELDS, complaints)?;
    let mut read = |field: &str| match fields.optional(field) {
        Some(node) => hours(node, &fields.path_of(field), complaints).map(Some),
        None => Some(None),
    };
    let usual = read("every_day");
    let named = WEEKDAYS.map(&mut read);
    let usual = usual?.unwrap_or_default();
    let mut week: [Hours; 7] = Default::default();
    for (day, named) in week.iter_mut().zip(named) {
        *day = named?.unwrap_or_else(|| usual.clone());
    }
    if week.iter().all(Hours::is_closed) {
        complaints.add(node, "hours", "no weekday ever opens");
    }
    Some(week)
}

fn hours(node: &Node, path: &str, complaints: &mut Complaints) -> Option<Hours> {
    let items = node.list(path, complaints);
    if items.len() > MAX_OPENINGS_PER_DAY {
        let problem = format!("more than {MAX_OPENINGS_PER_DAY} intervals");
        complaints.add(node, path, problem);
        return None;
    }
    let mut openings = Vec::with_capacity(items.len());
    for item in items {
        match item.text(path, complaints).map(str::parse::<Opening>) {
            Some(Ok(opening)) => openings.push(opening),
            Some(Err(problem)) => complaints.add(item, path, problem),
            None => {}
        }
    }
    let whole = openings.len() == items.len();
    match Hours::new(openings) {
        Ok(hours) => whole.then_some(hours),
        Err(problem) => {
            complaints.add(node, path, problem);
            None
        }
    }
}

/// The special days read so far, and what they refer to.
struct SpecialDays {
    years: Option<Years>,
    holiday_hours: Hours,
    week: Option<[Hours; 7]>,
    read: Vec<(Option<u64>, String, Special)>,
}

impl SpecialDays {
    fn read_list(&mut self, fields: &Fields<'_>, list: &str, complaints: &mut Complaints) {
        let Some(node) = fields.optional(list) else {
            return;
        };
        let items = node.list(list, complaints);
        if items.len() > MAX_SPECIAL_DAYS {
            complaints.add(node, list, format!("more than {MAX_SPECIAL_DAYS} days"));
            return;
        }
        for (n, item) in items.iter().enumerate() {
            let path = format!("{list}[{n}]");
            let special = match list {
                "holidays" => self.holiday(item, &path, complaints),
                _ => self.make_up(item, &path, complaints),
            };
            if let Some(special) = special {
                self.read.push((item.line, path, special));
            }
        }
    }

    fn holiday(&self, item: &Node, path: &str, complaints: &mut Complaints) -> Option<Special> {
        let fields = item.fields(path, &["date", "name", "hours"], complaints)?;
        let date = self.date(&fields, complaints);
        let name = name(&fields, "name", complaints);
        let hours = match fields.optional("hours") {
            Some(node) => hours(node, &fields.path_of("hours"), complaints),
            None => Some(self.holiday_hours.clone()),
        };
        Some(Special {
            day: day_number(date?),
            name: name?,
            class: Class::Holiday,
            hours: hours?,
        })
    }

    fn make_up(&self, item: &Node, path: &str, complaints: &mut Complaints) -> Option<Special> {
        let fields = item.fields(path, &["date", "name", "as"], complaints)?;
        let date = self.date(&fields, complaints);
        let name = name(&fields, "name", complaints);
        let like = match fields.optional("as") {
            Some(node) => weekday_named(node, &fields.path_of("as"), complaints),
            None => Some(0),
        }?;
        let hours = self.week.as_ref().map(|week| &week[like]);
        if hours.is_some_and(Hours::is_closed) {
            let problem = format!("opened like a {}, which is closed", WEEKDAYS[like]);
            complaints.add(item, &fields.path_of("as"), problem);
        }
        Some(Special {
            day: day_number(date?),
            name: name?,
            class: Class::MakeUp(like),
            hours: hours.cloned().unwrap_or_default(),
        })
    }

    fn date(&self, fields: &Fields<'_>, complaints: &mut Complaints) -> Option<Date> {
        let node = fields.required("date", complaints)?;
        let path = fields.path_of("date");
        let text = node.text(&path, complaints)?;
        let plain = text.len() == "2024-02-10".len();
        let Some(date) = text.parse::<Date>().ok().filter(|_| plain) else {
            let problem = format!("`{text}` is not a date such as 2024-02-10");
            complaints.add(node, &path, problem);
            return None;
        };
        if let Some(Years { from, to }) = self.years
            && !(from..=to).contains(&date.year())
        {
            let problem = format!("{date} lies outside the years {from} to {to}");
            complaints.add(node, &path, problem);
        }
        Some(date)
    }

    /// Sorted by date; a date listed twice is a violation.
    fn in_order(mut self, complaints: &mut Complaints) -> Vec<Special> {
        self.read.sort_by_key(|(_, _, special)| special.day);
        for pair in self.read.windows(2) {
            let ((_, earlier, one), (line, path, other)) = (&pair[0], &pair[1]);
            if one.day == other.day {
                complaints.add_at(*line, path, format!("same date as {earlier}"));
            }
        }
        self.read
            .into_iter()
            .map(|(_, _, special)| special)
            .collect()
    }
}

fn weekday_named(node: &Node, path: &str, complaints: &mut Complaints) -> Option<usize> {
    let text = node.text(path, complaints)?;
    let found = WEEKDAYS.iter().position(|weekday| *weekday == text);
    if found.is_none() {
        let problem = format!("`{text}` is not a weekday such as monday");
        complaints.add(node, path, problem);
    }
    found
}
