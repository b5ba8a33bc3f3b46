//! Findings: why a technician was or was not chosen, kept as code and arguments.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::openings::Refused;
use super::plan::Slot;

/// Which rule a finding tells of; the contract's `FindingCode` documents each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the contract documents each")]
pub enum Code {
    TechnicianChosen,
    SkillMissing,
    CertificateExpired,
    OutsideShift,
    TravelGap,
    Booked,
    Farther,
    Inactive,
    Later,
    OthersRefused,
    RegionEmpty,
}

/// A number with its unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// Snake case.
    pub name: String,
    /// Whole number of `unit`.
    pub value: i64,
    /// Plural: `seconds`.
    pub unit: String,
}

/// One technician looked at, or a fact about the whole question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule.
    pub code: Code,
    /// Who; none: the question as a whole.
    pub technician: Option<Uuid>,
    /// Names and values.
    pub arguments: Vec<(String, String)>,
    /// Measured values.
    pub numbers: Vec<Number>,
}

impl Finding {
    fn new(code: Code, technician: Option<Uuid>) -> Finding {
        Finding {
            code,
            technician,
            arguments: Vec::new(),
            numbers: Vec::new(),
        }
    }

    fn argument(mut self, name: &str, value: impl ToString) -> Finding {
        self.arguments.push((name.to_owned(), value.to_string()));
        self
    }

    fn number(mut self, name: &str, value: i64, unit: &str) -> Finding {
        self.numbers.push(Number {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
        });
        self
    }

    fn of_slot(code: Code, slot: &Slot) -> Finding {
        Finding::new(code, Some(slot.technician)).number(
            "travel",
            slot.leg.time.as_secs(),
            "seconds",
        )
    }

    /// This one comes.
    pub fn chosen(slot: &Slot) -> Finding {
        Finding::of_slot(Code::TechnicianChosen, slot).number("distance", slot.leg.meters, "meters")
    }

    /// Could come, but from farther away.
    pub fn farther(slot: &Slot) -> Finding {
        Finding::of_slot(Code::Farther, slot)
    }

    /// Could come, but too long after the earliest of all.
    pub fn later(slot: &Slot, earliest: Option<Timestamp>) -> Finding {
        let earliest = earliest.unwrap_or(slot.window.start);
        let minutes = slot.window.start.duration_since(earliest).as_mins();
        Finding::of_slot(Code::Later, slot).number("delay", minutes, "minutes")
    }

    /// So many more were refused.
    pub fn others(count: usize) -> Finding {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        Finding::new(Code::OthersRefused, None).number("technicians", count, "persons")
    }

    /// There is nobody to ask.
    pub fn region_empty(region: &str) -> Finding {
        Finding::new(Code::RegionEmpty, None).argument("region", region)
    }

    /// Cannot come.
    pub fn refused(technician: Uuid, why: &Refused) -> Finding {
        let new = |code| Finding::new(code, Some(technician));
        match why {
            Refused::Inactive => new(Code::Inactive),
            Refused::SkillMissing { need, level } => new(Code::SkillMissing)
                .argument("skill", &need.skill)
                .number("level", i64::from(*level), "levels")
                .number("needed", i64::from(need.level), "levels"),
            Refused::OutsideShift => new(Code::OutsideShift),
            Refused::CertificateExpired(skill) => {
                let until = skill
                    .valid_until
                    .map(|date| date.to_string())
                    .unwrap_or_default();
                new(Code::CertificateExpired)
                    .argument("skill", &skill.skill)
                    .argument("valid_until", until)
            }
            Refused::Booked(work_order) => {
                new(Code::Booked).argument("work_order", format!("workOrders/{work_order}"))
            }
            Refused::TravelGap(travel) => {
                new(Code::TravelGap).number("travel", travel.as_secs(), "seconds")
            }
        }
    }

    /// Whether the technician passed, was refused, or the finding is a mere note.
    pub fn passed(&self) -> Option<bool> {
        match self.code {
            Code::TechnicianChosen => Some(true),
            Code::OthersRefused | Code::RegionEmpty => None,
            _ => Some(false),
        }
    }

    /// The finding as a sentence in English.
    pub fn message(&self) -> String {
        let argument = |name: &str| {
            let found = self.arguments.iter().find(|(n, _)| n == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        let number = |name: &str| {
            self.numbers
                .iter()
                .find(|n| n.name == name)
                .map_or(0, |n| n.value)
        };
        let minutes = (number("travel") + 59) / 60;
        match self.code {
            Code::TechnicianChosen => format!(
                "Comes: {minutes} minutes and {:.1} km of travel.",
                number("distance") as f64 / 1_000.0
            ),
            Code::SkillMissing if number("level") == 0 => {
                format!("Lacks the skill {}.", argument("skill"))
            }
            Code::SkillMissing => format!(
                "Has {} at level {}; the job needs level {}.",
                argument("skill"),
                number("level"),
                number("needed")
            ),
            Code::CertificateExpired => format!(
                "The certificate for {} is valid until {} only.",
                argument("skill"),
                argument("valid_until")
            ),
            Code::OutsideShift => "Has no shift long enough within the window.".to_owned(),
            Code::TravelGap => {
                format!("Cannot travel {minutes} minutes between the neighbouring visits.")
            }
            Code::Booked => format!("Is booked for {} then.", argument("work_order")),
            Code::Farther => format!("Could come, but from farther away: {minutes} minutes."),
            Code::Inactive => "Is not active.".to_owned(),
            Code::Later => format!(
                "Could come, but {} minutes after the earliest start.",
                number("delay")
            ),
            Code::OthersRefused => {
                format!("{} more technicians were refused.", number("technicians"))
            }
            Code::RegionEmpty => format!("The region {} has no technician.", argument("region")),
        }
    }
}

/// The codes' names, separated by commas, each once.
pub fn codes(findings: &[Finding]) -> String {
    let mut names: Vec<&str> = findings.iter().map(|finding| finding.code.name()).collect();
    names.dedup();
    names.join(",")
}

impl Code {
    /// The name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Code::TechnicianChosen => "TECHNICIAN_CHOSEN",
            Code::SkillMissing => "SKILL_MISSING",
            Code::CertificateExpired => "CERTIFICATE_EXPIRED",
            Code::OutsideShift => "OUTSIDE_SHIFT",
            Code::TravelGap => "TRAVEL_GAP",
            Code::Booked => "BOOKED",
            Code::Farther => "FARTHER",
            Code::Inactive => "INACTIVE",
            Code::Later => "LATER",
            Code::OthersRefused => "OTHERS_REFUSED",
            Code::RegionEmpty => "REGION_EMPTY",
        }
    }
}
