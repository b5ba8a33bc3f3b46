//! Opening hours of one day: sorted civil intervals with minute precision.

use std::fmt;
use std::str::FromStr;

/// Minutes from 00:00 to 24:00.
pub(crate) const MINUTES_PER_DAY: u16 = 24 * 60;

/// More intervals than this in one day are refused.
pub(crate) const MAX_OPENINGS_PER_DAY: usize = 48;

/// One civil interval of a day, `opens` inclusive to `closes` exclusive, in minutes after 00:00.
///
/// Always `opens < closes ≤ 1440`. Written `08:30-17:00`; the end may be `24:00`. An interval
/// does not cross midnight: a night shift is two intervals on two days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opening {
    opens: u16,
    closes: u16,
}

impl Opening {
    /// First open minute after 00:00, 0–1439.
    pub fn opens(self) -> u16 {
        self.opens
    }

    /// First closed minute after 00:00, 1–1440.
    pub fn closes(self) -> u16 {
        self.closes
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (opens, closes) = (self.opens, self.closes);
        write!(f, "{:02}:{:02}-", opens / 60, opens % 60)?;
        write!(f, "{:02}:{:02}", closes / 60, closes % 60)
    }
}

impl FromStr for Opening {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || format!("`{text}` is not an interval such as 08:30-17:00");
        let (opens, closes) = text.split_once('-').ok_or_else(shape)?;
        let opens = minute_of_day(opens.trim()).ok_or_else(shape)?;
        let closes = minute_of_day(closes.trim()).ok_or_else(shape)?;
        if closes <= opens {
            return Err(format!(
                "`{text}` ends before it starts; hours across midnight are written on both days"
            ));
        }
        Ok(Self { opens, closes })
    }
}

/// `HH:MM` from 00:00 to 24:00.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    if !two_digits(hour) || !two_digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= MINUTES_PER_DAY).then_some(total)
}

/// The opening hours of one day: sorted and free of overlap; empty means closed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hours {
    openings: Vec<Opening>,
    minutes: u16,
}

impl Hours {
    /// Refuses intervals that overlap or are out of order, naming the first such one.
    pub(crate) fn new(openings: Vec<Opening>) -> Result<Self, String> {
        for pair in openings.windows(2) {
            if pair[1].opens < pair[0].closes {
                return Err(format!(
                    "{} overlaps or comes before {}; intervals are sorted and apart",
                    pair[1], pair[0]
                ));
            }
        }
        let minutes = openings.iter().map(|o| o.closes - o.opens).sum();
        Ok(Self { openings, minutes })
    }

    /// 00:00–24:00.
    pub(crate) fn whole_day() -> Self {
        Self {
            openings: vec![Opening {
                opens: 0,
                closes: MINUTES_PER_DAY,
            }],
            minutes: MINUTES_PER_DAY,
        }
    }

    /// The intervals in order.
    pub fn openings(&self) -> &[Opening] {
        &self.openings
    }

    /// Whether the day never opens.
    pub fn is_closed(&self) -> bool {
        self.openings.is_empty()
    }

    /// Civil minutes open, 0–1440.
    pub fn minutes(&self) -> u16 {
        self.minutes
    }
}
