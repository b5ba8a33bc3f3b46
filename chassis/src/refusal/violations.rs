//! Parsing at the edge: every field is read once, and every violation is collected.

use std::fmt;
use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use proto::kinds::v1 as pb;
use uuid::Uuid;

use crate::clock::truncated;
use crate::money::Money;
use crate::names;
use crate::position::Position;
use crate::refusal::Refusal;

/// Most violations that one refusal lists; the rest are counted in a last one.
const MOST_LISTED: usize = 100;

/// One field and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the request: `site.time_zone`.
    pub field: String,
    /// What is wrong, as the end of a sentence: "is required".
    pub description: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.description)
    }
}

/// Collects all violations of one request.
///
/// Each reading function returns the value (or a harmless stand-in) and notes what is wrong;
/// [`Violations::finish`] or [`Violations::check`] then refuses everything at once.
#[derive(Debug, Default)]
pub struct Violations {
    list: Vec<Violation>,
    unlisted: usize,
}

impl Violations {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes one.
    pub fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        if self.list.len() == MOST_LISTED {
            self.unlisted += 1;
            return;
        }
        let (field, description) = (field.into(), description.into());
        self.list.push(Violation { field, description });
    }

    /// True when nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them.
    pub(super) fn into_list(mut self) -> Vec<Violation> {
        if self.unlisted > 0 {
            let (field, more) = (String::new(), self.unlisted);
            let description = format!("and {more} more");
            self.list.push(Violation { field, description });
        }
        self.list
    }

    /// A text that must be there: trimmed, its length in characters within `length`, without
    /// control characters (line breaks and tabs are allowed).
    pub fn text(
        &mut self,
        field: impl Into<String>,
        value: &str,
        length: RangeInclusive<usize>,
    ) -> String {
        let text = value.trim();
        let characters = text.chars().count();
        let (least, most) = (*length.start(), *length.end());
        if text.is_empty() && least > 0 {
            self.add(field, "is required");
        } else if characters < least {
            self.add(field, format!("is shorter than {least} characters"));
        } else if characters > most {
            self.add(field, format!("is longer than {most} characters"));
        } else if text.chars().any(is_control) {
            self.add(field, "holds control characters");
        }
        text.to_owned()
    }

    /// A text that may be absent: `None` when empty after trimming.
    pub fn optional_text(
        &mut self,
        field: impl Into<String>,
        value: &str,
        most: usize,
    ) -> Option<String> {
        let text = self.text(field, value, 0..=most);
        (!text.is_empty()).then_some(text)
    }

    /// An instant, truncated to microseconds; absent is `None`, out of range is a violation.
    pub fn instant(
        &mut self,
        field: impl Into<String>,
        value: Option<&prost_types::Timestamp>,
    ) -> Option<Timestamp> {
        let value = value?;
        let instant = from_pb(value);
        if instant.is_none() {
            self.add(field, "is no instant of the years 1 to 9999");
        }
        instant
    }

    /// An instant that must be there.
    pub fn required_instant(
        &mut self,
        field: &str,
        value: Option<&prost_types::Timestamp>,
    ) -> Option<Timestamp> {
        if value.is_none() {
            self.add(field, "is required");
        }
        self.instant(field, value)
    }

    /// A required IANA time zone: "Asia/Shanghai".
    pub fn zone(&mut self, field: impl Into<String>, value: &str) -> Option<TimeZone> {
        if value.is_empty() {
            self.add(field, "is required");
            return None;
        }
        let zone = TimeZone::get(value).ok();
        if zone.is_none() {
            self.add(field, "is no IANA time zone");
        }
        zone
    }

    /// A civil date, `YYYY-MM-DD`; empty is `None`.
    pub fn date(&mut self, field: impl Into<String>, value: &str) -> Option<Date> {
        if value.is_empty() {
            return None;
        }
        let written_so = |date: &Date| date.to_string() == value;
        let date = value.parse::<Date>().ok().filter(written_so);
        if date.is_none() {
            self.add(field, "is no date of the form YYYY-MM-DD");
        }
        date
    }

    /// An amount of money; absent is `None`.
    pub fn money(&mut self, field: impl Into<String>, value: Option<&pb::Money>) -> Option<Money> {
        match Money::from_pb(value?) {
            Ok(money) => Some(money),
            Err(refused) => {
                self.add(field, format!("is no amount: {refused}"));
                None
            }
        }
    }

    /// The identifier in a required resource name of `collection`.
    pub fn resource(
        &mut self,
        field: impl Into<String>,
        value: &str,
        collection: &str,
    ) -> Option<Uuid> {
        if value.is_empty() {
            self.add(field, "is required");
            return None;
        }
        self.optional_resource(field, value, collection)
    }

    /// The identifier in a resource name of `collection`; empty is `None`.
    pub fn optional_resource(
        &mut self,
        field: impl Into<String>,
        value: &str,
        collection: &str,
    ) -> Option<Uuid> {
        if value.is_empty() {
            return None;
        }
        let id = names::parse(collection, value);
        if id.is_none() {
            self.add(field, format!("is no name of the form {collection}/{{id}}"));
        }
        id
    }

    /// When what is told happened: `now` unless said; refused when more than `skew` ahead of
    /// `now`.
    pub fn occur_time(
        &mut self,
        value: Option<&prost_types::Timestamp>,
        now: Timestamp,
        skew: SignedDuration,
    ) -> Timestamp {
        let Some(instant) = self.instant("occur_time", value) else {
            return now;
        };
        if instant.duration_since(now) > skew {
            let seconds = skew.as_secs();
            self.add(
                "occur_time",
                format!("is more than {seconds} s ahead of now"),
            );
        }
        instant
    }

    /// A point on the map; absent is `None`.
    pub fn position(
        &mut self,
        field: impl Into<String>,
        value: Option<&pb::LatLng>,
    ) -> Option<Position> {
        let value = value?;
        let position = Position::new(value.latitude, value.longitude);
        if position.is_none() {
            self.add(field, "is not within -90 to 90 and -180 to 180 degrees");
        }
        position
    }

    /// The value when nothing was noted; otherwise everything that was.
    ///
    /// A missing value without a violation is a fault of ours.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Refusal> {
        self.check()?;
        value.ok_or_else(|| Refusal::internal("a required field was missed without a violation"))
    }

    /// Refuses when anything was noted.
    pub fn check(self) -> Result<(), Refusal> {
        if self.is_empty() {
            return Ok(());
        }
        Err(Refusal::invalid(self))
    }
}

fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

/// An instant as the contract writes it.
pub fn to_pb(instant: Timestamp) -> prost_types::Timestamp {
    let nanoseconds = instant.as_nanosecond();
    prost_types::Timestamp {
        seconds: i64::try_from(nanoseconds.div_euclid(1_000_000_000)).unwrap_or(i64::MAX),
        nanos: i32::try_from(nanoseconds.rem_euclid(1_000_000_000)).unwrap_or(0),
    }
}

/// The first second of the year 1, where the contract's instants begin; tables keep no years much
/// before it.
const FIRST_SECOND: i64 = -62_135_596_800;

/// An instant the contract wrote, truncated to microseconds; `None` when it is out of range.
pub fn from_pb(instant: &prost_types::Timestamp) -> Option<Timestamp> {
    if !(0..1_000_000_000).contains(&instant.nanos) || instant.seconds < FIRST_SECOND {
        return None;
    }
    let nanoseconds = i128::from(instant.seconds) * 1_000_000_000 + i128::from(instant.nanos);
    Timestamp::from_nanosecond(nanoseconds).ok().map(truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violated(read: impl FnOnce(&mut Violations)) -> Vec<String> {
        let mut violations = Violations::new();
        read(&mut violations);
        violations
            .into_list()
            .iter()
            .map(Violation::to_string)
            .collect()
    }

    #[test]
    fn a_text_is_trimmed_and_measured_in_characters() {
        let mut violations = Violations::new();
        assert_eq!(violations.text("t", "  屏幕不亮 ", 1..=4), "屏幕不亮");
        assert_eq!(violations.optional_text("t", " ", 4), None);
        assert!(violations.is_empty());

        assert_eq!(violated(|v| _ = v.text("t", " ", 1..=4)), ["t is required"]);
        let long = violated(|v| _ = v.text("t", "12345", 1..=4));
        assert_eq!(long, ["t is longer than 4 characters"]);
        let control = violated(|v| _ = v.optional_text("t", "a\u{7}b", 4));
        assert_eq!(control, ["t holds control characters"]);
        assert!(violated(|v| _ = v.text("t", "a\nb", 1..=4)).is_empty());
    }

    #[test]
    fn instants_survive_the_contract_before_and_after_1970() {
        for text in ["1969-12-31T23:59:59.999999Z", "2026-03-01T08:00:00.000001Z"] {
            let instant: Timestamp = text.parse().unwrap();
            assert_eq!(from_pb(&to_pb(instant)), Some(instant));
        }
        let bad = |seconds, nanos| from_pb(&prost_types::Timestamp { seconds, nanos });
        assert_eq!(bad(i64::MAX, 0), None);
        assert_eq!(bad(FIRST_SECOND - 1, 0), None);
        assert!(bad(FIRST_SECOND, 0).is_some());
        assert_eq!(bad(0, -1), None);
        assert_eq!(bad(0, 1_000_000_000), None);
    }

    #[test]
    fn a_civil_time_needs_a_known_zone_and_a_date_its_form() {
        assert_eq!(violated(|v| _ = v.zone("z", "")), ["z is required"]);
        let mars = violated(|v| _ = v.zone("z", "Mars/Base"));
        assert_eq!(mars, ["z is no IANA time zone"]);
        assert!(violated(|v| _ = v.zone("z", "Asia/Shanghai")).is_empty());
        for bad in ["2026-02-30", "20260301", "2026-03-01T00:00:00", "1/3/2026"] {
            assert_eq!(violated(|v| _ = v.date("d", bad)).len(), 1, "{bad}");
        }
        assert!(violated(|v| assert!(v.date("d", "2026-02-28").is_some())).is_empty());
    }

    #[test]
    fn what_happened_cannot_have_happened_in_the_future() {
        let now: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        let skew = SignedDuration::from_mins(5);
        let told = |seconds| to_pb(now + SignedDuration::from_secs(seconds));
        let at = |seconds| violated(|v| _ = v.occur_time(Some(&told(seconds)), now, skew));
        assert!(at(-86_400).is_empty());
        assert!(at(300).is_empty());
        assert_eq!(at(301), ["occur_time is more than 300 s ahead of now"]);
        let mut violations = Violations::new();
        assert_eq!(violations.occur_time(None, now, skew), now);
    }

    #[test]
    fn a_flood_of_violations_is_counted_and_not_listed() {
        let flood = violated(|v| (0..150).for_each(|i| v.add(format!("f{i}"), "is required")));
        assert_eq!(flood.len(), 101);
        assert_eq!(flood[100], " and 50 more");
    }
}
