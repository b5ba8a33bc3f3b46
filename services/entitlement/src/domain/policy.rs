//! Policies as data: law, vendor terms and contract plans, each a file with a version.
//!
//! What each field means is written in `policies/warranty/README.md`; [`Policy::read`] refuses a
//! file with everything that is wrong in it.

mod read;

use jiff::civil::Date;

use super::asset::Fact;
use super::length::Length;

pub(crate) use read::{
    IDENTIFIER, SERVICE_FIELDS, boolean, code, date, identifier, region, service, text, version,
};

/// The component class that stands for the whole device.
pub const UNIT: &str = "UNIT";

/// Who grants a right. The order is the order findings are told in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The law of the place.
    Statutory,
    /// The vendor's own terms.
    Vendor,
    /// A plan that was sold.
    Contract,
}

/// What a customer may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// Return of the device.
    Return,
    /// Money back.
    Refund,
    /// Exchange for a like device.
    Exchange,
    /// Repair.
    Repair,
    /// A device on loan while it is repaired.
    Loaner,
}

/// How service reaches the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// At the site.
    OnSite,
    /// Brought to a workshop.
    CarryIn,
    /// Sent to a workshop.
    MailIn,
    /// By remote session.
    Remote,
}

/// What an exclusion leaves to the customer to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// Labour and materials: the policy owes nothing.
    All,
    /// Materials; labour is free.
    Materials,
    /// Labour; materials are free.
    Labour,
}

/// A fact that a term may start from, and how long after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The fact.
    pub fact: Fact,
    /// Days or months after it.
    pub plus: Length,
}

/// First days in which more than repair is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rule id.
    pub rule: String,
    /// Last day of the window; the day of the start is day 0.
    pub days: i32,
    /// What is owed in it.
    pub remedies: Vec<Remedy>,
}

/// How long component classes are covered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Rule id.
    pub rule: String,
    /// Component classes; [`UNIT`] also speaks of every class that no other term names.
    pub components: Vec<String>,
    /// How long; none: as long as the contract.
    pub length: Option<Length>,
    /// What is owed in it.
    pub remedies: Vec<Remedy>,
    /// Holds only when the device was registered so soon after the start.
    pub registered_within: Option<Length>,
    /// Least time a repaired part is covered, where it differs from the policy's own rule.
    pub repaired_at_least: Option<Length>,
}

impl Term {
    /// True when the component is named.
    pub fn names(&self, component: &str) -> bool {
        self.components.iter().any(|named| named == component)
    }
}

/// What a repair does to terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Days in repair lengthen the running term of every component.
    ExtendTerm,
    /// The repaired part's term starts anew when it was repaired within it.
    RestartPart,
    /// The repaired part is covered at least so long after the repair, within the term or not.
    PartAtLeast(Length),
}

/// An effect with its rule id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairRule {
    /// Rule id.
    pub rule: String,
    /// What it does.
    pub effect: Effect,
}

/// More is owed when repairs did not help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Rule id.
    pub rule: String,
    /// What is counted over all repairs within the term.
    pub threshold: Threshold,
    /// What is owed from there on.
    pub remedies: Vec<Remedy>,
}

/// When repairs were too many or took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// So many repairs, and the fault is there again.
    Repairs(i32),
    /// More than so many days in repair in total.
    DaysInRepair(i32),
}

/// A cause that takes the right away, in whole or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// Rule id.
    pub rule: String,
    /// Causes: "LIQUID".
    pub causes: Vec<String>,
    /// What the customer pays then.
    pub charge: Charge,
}

/// How service is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Rule id.
    pub rule: String,
    /// Product categories; empty: all.
    pub categories: Vec<String>,
    /// How long from the start; none: as long as the right.
    pub length: Option<Length>,
    /// Modes, the preferred one first.
    pub modes: Vec<Mode>,
    /// SLA policy.
    pub sla_policy: String,
}

/// Something the vendor owes besides, while a right holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obligation {
    /// Rule id.
    pub rule: String,
    /// What: "FREIGHT", "LOANER".
    pub owes: String,
    /// For a loaner: owed when the repair takes longer than so many days.
    pub after_days: Option<i32>,
}

/// One policy in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Identifier and version: "xiaomi-notebook@1".
    pub name: String,
    /// Identifier.
    pub id: String,
    /// Version, from 1.
    pub version: u32,
    /// Who grants it.
    pub layer: Layer,
    /// ISO 3166 codes it applies in, subdivisions included; empty: everywhere.
    pub jurisdictions: Vec<String>,
    /// Product categories; empty: all.
    pub categories: Vec<String>,
    /// First start date of a term it governs; none: always.
    pub valid_from: Option<Date>,
    /// Last start date of a term it governs; none: open.
    pub valid_to: Option<Date>,
    /// The public text it restates.
    pub source: String,
    /// False where it rests on secondary sources.
    pub verified: bool,
    /// A vendor policy for devices that name none.
    pub default: bool,
    /// Its repair rules, repeats and obligations hold for every term of law and vendor at the place.
    pub supplements: bool,
    /// Facts its terms start from, the first known one.
    pub starts: Vec<Start>,
    /// The start is never later than this fact.
    pub start_not_after: Option<Fact>,
    /// First days.
    pub windows: Vec<Window>,
    /// Terms.
    pub terms: Vec<Term>,
    /// What repairs do to terms.
    pub repairs: Vec<RepairRule>,
    /// Rights after repairs that did not help.
    pub repeats: Vec<Repeat>,
    /// Exclusions.
    pub exclusions: Vec<Exclusion>,
    /// How service is given; the first that fits.
    pub service: Vec<Service>,
    /// What is owed besides.
    pub obligations: Vec<Obligation>,
    /// Calendar whose public holidays move a last day to the next working day.
    pub last_day_calendar: Option<String>,
    /// Between policies of one layer, the higher one's SLA policy governs.
    pub precedence: i32,
    /// The file as loaded.
    pub content: String,
}

impl Policy {
    /// True when it applies in a region: its own jurisdictions and their subdivisions.
    pub fn reaches(&self, region: &str) -> bool {
        reaches(&self.jurisdictions, region)
    }

    /// True when it speaks of the category.
    pub fn speaks_of(&self, category: &str) -> bool {
        speaks_of(&self.categories, category)
    }
}

/// Whether one of the ISO 3166 codes is the region or holds it; no codes hold everything.
pub(crate) fn reaches(jurisdictions: &[String], region: &str) -> bool {
    jurisdictions.is_empty()
        || jurisdictions.iter().any(|code| {
            let rest = region.strip_prefix(code.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
}

/// Whether the category is listed; no list means all.
pub(crate) fn speaks_of(categories: &[String], category: &str) -> bool {
    categories.is_empty() || categories.iter().any(|listed| listed == category)
}

/// A closed set of words that files and the wire write in capitals.
pub trait Word: Sized + Copy + 'static {
    /// Each value with its word.
    const WORDS: &'static [(&'static str, Self)];

    /// The value of a word.
    fn of(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, value)| *value)
    }
}

impl Word for Layer {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("STATUTORY", Layer::Statutory),
        ("VENDOR", Layer::Vendor),
        ("CONTRACT", Layer::Contract),
    ];
}

impl Word for Remedy {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("RETURN", Remedy::Return),
        ("REFUND", Remedy::Refund),
        ("EXCHANGE", Remedy::Exchange),
        ("REPAIR", Remedy::Repair),
        ("LOANER", Remedy::Loaner),
    ];
}

impl Word for Mode {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("ON_SITE", Mode::OnSite),
        ("CARRY_IN", Mode::CarryIn),
        ("MAIL_IN", Mode::MailIn),
        ("REMOTE", Mode::Remote),
    ];
}

impl Word for Charge {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("ALL", Charge::All),
        ("MATERIALS", Charge::Materials),
        ("LABOUR", Charge::Labour),
    ];
}

macro_rules! named {
    ($($kind:ty),+) => {
        $(impl $kind {
            /// The word, in capitals.
            pub fn name(self) -> &'static str {
                let words = <$kind as Word>::WORDS.iter();
                words.copied().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
            }
        })+
    };
}

named!(Layer, Remedy, Mode, Charge);
