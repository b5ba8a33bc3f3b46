//! Findings: each rule that was tried, what went in, what came of it, and the sentence for it.

use std::fmt;

use chassis::Money;
use jiff::civil::Date;
use uuid::Uuid;

use super::policy::{Policy, UNIT};

/// Which rule a finding tells of; the names are those of the contract's `FindingCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A term covers the component on that day.
    Term,
    /// The policy applies at that place.
    Jurisdiction,
    /// The policy is in force for that start date.
    Validity,
    /// The policy speaks of that product category.
    Category,
    /// An exclusion holds against the cause.
    Exclusion,
    /// Which fact the term starts from.
    Start,
    /// Within the first days.
    EarlyWindow,
    /// The last day moved off a public holiday.
    HolidayShift,
    /// Days in repair lengthened the term.
    RepairExtension,
    /// The repaired part's own term.
    RepairedPart,
    /// Whose right won.
    Winner,
    /// Price of what is not owed.
    Price,
    /// The mode asked for.
    Mode,
    /// The contract runs on that day.
    Contract,
    /// No start fact is known.
    StartMissing,
    /// Registered in time for the term.
    Registration,
    /// Repairs were too many or took too long.
    RepeatRepair,
    /// What is owed besides.
    Obligation,
}

impl Code {
    /// All codes with their names.
    pub const NAMES: [(Code, &'static str); 18] = [
        (Code::Term, "TERM"),
        (Code::Jurisdiction, "JURISDICTION"),
        (Code::Validity, "VALIDITY"),
        (Code::Category, "CATEGORY"),
        (Code::Exclusion, "EXCLUSION"),
        (Code::Start, "START"),
        (Code::EarlyWindow, "EARLY_WINDOW"),
        (Code::HolidayShift, "HOLIDAY_SHIFT"),
        (Code::RepairExtension, "REPAIR_EXTENSION"),
        (Code::RepairedPart, "REPAIRED_PART"),
        (Code::Winner, "WINNER"),
        (Code::Price, "PRICE"),
        (Code::Mode, "MODE"),
        (Code::Contract, "CONTRACT"),
        (Code::StartMissing, "START_MISSING"),
        (Code::Registration, "REGISTRATION"),
        (Code::RepeatRepair, "REPEAT_REPAIR"),
        (Code::Obligation, "OBLIGATION"),
    ];

    /// The name, as the contract writes it.
    pub fn name(self) -> &'static str {
        let found = Code::NAMES.iter().find(|(code, _)| *code == self);
        found.map_or("", |(_, name)| name)
    }
}

/// What the rule said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It applies.
    Met,
    /// It does not.
    NotMet,
    /// Worth knowing; decided nothing.
    Noted,
}

/// A fact that went in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A word or name.
    Text(&'a str),
    /// A day.
    Date(Date),
    /// An amount.
    Money(Money),
    /// An identifier in a collection.
    Name(&'static str, Uuid),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Date(date) => write!(f, "{date}"),
            Value::Money(money) => write!(f, "{money}"),
            Value::Name(collection, id) => write!(f, "{collection}/{id}"),
        }
    }
}

/// Where a rule stands written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// Rule id within the file; empty: the file as a whole.
    pub rule: &'a str,
    /// File and version.
    pub policy: &'a str,
    /// The public text.
    pub citation: &'a str,
    /// False where it rests on secondary sources.
    pub verified: bool,
}

impl<'a> Source<'a> {
    pub(crate) fn of(policy: &'a Policy, rule: &'a str) -> Source<'a> {
        Source {
            rule,
            policy: &policy.name,
            citation: &policy.source,
            verified: policy.verified,
        }
    }
}

/// A rule that was tried. At most three arguments and one number, so that a decision allocates
/// one list and nothing per finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding<'a> {
    /// Which rule.
    pub code: Code,
    /// What it said.
    pub verdict: Verdict,
    /// Component class it is about; empty: the question as a whole.
    pub subject: &'a str,
    /// Facts that went in.
    pub arguments: [Option<(&'static str, Value<'a>)>; 3],
    /// Name, value and unit of the number that went in or came out.
    pub number: Option<(&'static str, i64, &'static str)>,
    /// Where the rule stands.
    pub source: Option<Source<'a>>,
    /// Place of the policy among those tried; findings are told in this order.
    pub(crate) place: usize,
}

impl<'a> Finding<'a> {
    pub(crate) fn new(code: Code, verdict: Verdict) -> Finding<'a> {
        Finding {
            code,
            verdict,
            subject: "",
            arguments: [None; 3],
            number: None,
            source: None,
            place: usize::MAX,
        }
    }

    pub(crate) fn about(mut self, subject: &'a str) -> Finding<'a> {
        self.subject = subject;
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: Value<'a>) -> Finding<'a> {
        if let Some(free) = self.arguments.iter_mut().find(|slot| slot.is_none()) {
            *free = Some((name, value));
        }
        self
    }

    pub(crate) fn number(mut self, name: &'static str, value: i32, unit: &'static str) -> Self {
        self.number = Some((name, i64::from(value), unit));
        self
    }

    pub(crate) fn source(mut self, policy: &'a Policy, rule: &'a str) -> Finding<'a> {
        self.source = Some(Source::of(policy, rule));
        self
    }

    pub(crate) fn at(mut self, place: usize) -> Finding<'a> {
        self.place = place;
        self
    }

    /// The value of an argument.
    pub fn argument(&self, name: &str) -> Option<Value<'a>> {
        let mut known = self.arguments.iter().flatten();
        known.find(|(n, _)| *n == name).map(|(_, value)| *value)
    }

    /// The finding as one English sentence.
    pub fn message(&self) -> String {
        let argument = |name| self.argument(name).map_or(String::new(), |v| v.to_string());
        let policy = self.source.map_or("", |source| source.policy);
        let number = self.number.map_or(0, |(_, value, _)| value);
        let met = self.verdict == Verdict::Met;
        let what = match self.subject {
            "" | UNIT => "the device",
            component => component,
        };
        match (self.code, met) {
            (Code::Term, true) => format!(
                "{policy} covers {what} until {}; {number} days are left.",
                argument("end")
            ),
            (Code::Term, false) if number >= 0 => {
                format!("{policy} covers {what} only from {}.", argument("start"))
            }
            (Code::Term, false) if self.argument("end").is_none() => {
                format!("{policy} has no term for {what}.")
            }
            (Code::Term, false) => format!(
                "{policy} covered {what} until {}; that is {} days ago.",
                argument("end"),
                -number
            ),
            (Code::Jurisdiction, true) => format!("{policy} applies in {}.", argument("region")),
            (Code::Jurisdiction, false) => {
                format!("{policy} does not apply in {}.", argument("region"))
            }
            (Code::Validity, _) => format!(
                "{policy} is not in force for a term that starts on {}.",
                argument("start")
            ),
            (Code::Category, _) => format!("{policy} does not speak of {}.", argument("category")),
            (Code::Exclusion, true) => format!(
                "{policy} excludes {}; the customer pays {}.",
                argument("cause"),
                argument("charge")
            ),
            (Code::Exclusion, false) => format!("{policy} does not exclude {}.", argument("cause")),
            (Code::Start, _) => format!(
                "The term of {policy} starts on {} ({}).",
                argument("date"),
                argument("fact")
            ),
            (Code::EarlyWindow, true) => format!(
                "Day {number} is within the first days of {policy}, until {}.",
                argument("end")
            ),
            (Code::EarlyWindow, false) => format!(
                "Day {number} is not within the first days of {policy}, which ended on {}.",
                argument("end")
            ),
            (Code::HolidayShift, true) => format!(
                "The last day {} is a public holiday; it moves to {}.",
                argument("from"),
                argument("to")
            ),
            (Code::HolidayShift, false) => format!(
                "Public holidays of {} are not listed yet; the last day stays.",
                argument("from")
            ),
            (Code::RepairExtension, _) => {
                format!(
                    "{number} days in repair lengthen the term of {what} under {} ({policy}).",
                    argument("policy")
                )
            }
            (Code::RepairedPart, _) => format!(
                "{what} was repaired on {}; {policy} covers the repair until {}.",
                argument("repaired_on"),
                argument("end")
            ),
            (Code::Winner, _) => format!(
                "The best right is {} of layer {}, until {}.",
                argument("policy"),
                argument("layer"),
                argument("end")
            ),
            (Code::Price, true) => format!("{what} costs {} net by {policy}.", argument("amount")),
            (Code::Price, false) => "No price is known for it at this place.".to_owned(),
            (Code::Mode, true) => format!("{} service is part of the right.", argument("mode")),
            (Code::Mode, false) => {
                format!("{} service is not part of the right.", argument("mode"))
            }
            (Code::Contract, true) => format!(
                "{} runs from {} to {}.",
                argument("contract"),
                argument("start"),
                argument("end")
            ),
            (Code::Contract, false) => format!(
                "{} does not run on that day; it runs from {} to {}.",
                argument("contract"),
                argument("start"),
                argument("end")
            ),
            (Code::StartMissing, _) => {
                format!("No date that a term of {policy} starts from is known.")
            }
            (Code::Registration, true) => format!(
                "Registered on {}, in time for {policy}.",
                argument("registered")
            ),
            (Code::Registration, false) => format!(
                "Registered on {}, too late for this term of {policy} ({}).",
                argument("registered"),
                argument("until")
            ),
            (Code::RepeatRepair, true) => format!(
                "{number} {} within the term: {policy} owes more than repair.",
                argument("counted")
            ),
            (Code::RepeatRepair, false) => format!(
                "{number} {} within the term: not enough for {policy}.",
                argument("counted")
            ),
            (Code::Obligation, _) => format!("{policy} also owes {}.", argument("owes")),
        }
    }
}
