//! Findings: what a rule looked at and what came of it, stored as code and arguments.

use serde::{Deserialize, Serialize};

/// Which rule a finding tells of; the names are those of the contract's `FindingCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// The location was chosen.
    LocationChosen,
    /// The location holds too few.
    StockShort,
    /// A nearer or better location was chosen.
    LocationFarther,
    /// Nobody holds enough; the reservation waits.
    Backorder,
    /// Parts arrived and the waiting reservation was served.
    Promoted,
    /// Others wait for this part and come first.
    OthersFirst,
    /// A used part was not held by the reservation.
    UsedNotHeld,
    /// A serial number built in was not held by the reservation.
    SerialNotHeld,
}

impl Code {
    /// All codes, for tests against the contract.
    pub const ALL: [Code; 8] = [
        Code::LocationChosen,
        Code::StockShort,
        Code::LocationFarther,
        Code::Backorder,
        Code::Promoted,
        Code::OthersFirst,
        Code::UsedNotHeld,
        Code::SerialNotHeld,
    ];

    /// The name as the contract writes it.
    pub fn name(self) -> &'static str {
        match self {
            Code::LocationChosen => "LOCATION_CHOSEN",
            Code::StockShort => "STOCK_SHORT",
            Code::LocationFarther => "LOCATION_FARTHER",
            Code::Backorder => "BACKORDER",
            Code::Promoted => "PROMOTED",
            Code::OthersFirst => "OTHERS_FIRST",
            Code::UsedNotHeld => "USED_NOT_HELD",
            Code::SerialNotHeld => "SERIAL_NOT_HELD",
        }
    }
}

/// What the rule said of the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// The candidate passed.
    Met,
    /// The candidate was refused; the code says why.
    NotMet,
    /// A fact that decided nothing.
    Noted,
}

/// One rule that a decision tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule.
    pub code: Code,
    /// What it said.
    pub verdict: Verdict,
    /// Resource name it is about.
    pub subject: String,
    /// Named facts in a stable order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<(String, String)>,
    /// Numbers with units in a stable order: name, value, unit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<(String, i64, String)>,
}

impl Finding {
    /// A finding about a subject, without facts yet.
    pub fn new(code: Code, verdict: Verdict, subject: impl Into<String>) -> Finding {
        Finding {
            code,
            verdict,
            subject: subject.into(),
            arguments: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// Adds a named fact.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<String>) -> Finding {
        self.arguments.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a number of pieces.
    #[must_use]
    pub fn pieces(self, name: &str, value: i64) -> Finding {
        self.number(name, value, "pieces")
    }

    /// Adds a number with its unit.
    #[must_use]
    pub fn number(mut self, name: &str, value: i64, unit: &str) -> Finding {
        self.numbers.push((name.to_owned(), value, unit.to_owned()));
        self
    }

    /// The finding as an English sentence.
    pub fn sentence(&self) -> String {
        let number = |name| self.numbers.iter().find(|n| n.0 == name).map_or(0, |n| n.1);
        let fact = |name: &str| {
            let found = self.arguments.iter().find(|a| a.0 == name);
            found.map_or("", |a| a.1.as_str())
        };
        let subject = &self.subject;
        let part = fact("part");
        match self.code {
            Code::LocationChosen => {
                format!(
                    "{subject} gives {} of {part}{}.",
                    number("pieces"),
                    self.away()
                )
            }
            Code::StockShort => format!(
                "{subject} has {} of {part} where {} are wanted.",
                number("available"),
                number("wanted")
            ),
            Code::LocationFarther => {
                format!(
                    "{subject} has {part} too, but a better one was chosen{}.",
                    self.away()
                )
            }
            Code::Backorder => format!(
                "{subject} waits for stock: {} wanted, {} available.",
                number("wanted"),
                number("available")
            ),
            Code::Promoted => "Parts arrived, and the waiting reservation was served.".to_owned(),
            Code::OthersFirst => format!("Others wait for {subject} and come first."),
            Code::UsedNotHeld => format!(
                "{} of {subject} are said to be used that were not held; they were not settled.",
                number("pieces")
            ),
            Code::SerialNotHeld => format!(
                "Serial number {} of {subject} is said to be built in but was not held; it was not settled.",
                fact("serial_number")
            ),
        }
    }

    fn away(&self) -> String {
        let distance = self.numbers.iter().find(|n| n.0 == "distance");
        distance.map_or(String::new(), |d| format!(", {} km away", d.1 / 1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_survives_storage_and_reads_as_a_sentence() {
        let finding = Finding::new(Code::StockShort, Verdict::NotMet, "stockLocations/SH")
            .fact("part", "parts/BAT-1")
            .pieces("available", 1)
            .pieces("wanted", 2);

        let stored = serde_json::to_string(&finding).unwrap();

        assert!(stored.contains("STOCK_SHORT"));
        assert_eq!(serde_json::from_str::<Finding>(&stored).unwrap(), finding);
        assert_eq!(
            finding.sentence(),
            "stockLocations/SH has 1 of parts/BAT-1 where 2 are wanted."
        );
    }
}
