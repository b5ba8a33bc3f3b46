//! From a file to a policy: every rule a policy file must keep.

use jiff::civil::Date;

use super::{
    Charge, Effect, Exclusion, Layer, Obligation, Policy, Remedy, RepairRule, Repeat, Service,
    Start, Term, Threshold, Window, Word,
};
use crate::domain::asset::Fact;
use crate::domain::length::Length;
use crate::domain::reading::Reading;
use calendar::document::Violation;

const FIELDS: [&str; 23] = [
    "id",
    "version",
    "layer",
    "jurisdictions",
    "categories",
    "valid_from",
    "valid_to",
    "source",
    "verified",
    "default",
    "supplements",
    "start",
    "start_not_after",
    "windows",
    "terms",
    "repairs",
    "repeats",
    "exclusions",
    "service",
    "obligations",
    "last_day_calendar",
    "precedence",
    "notes",
];
const REMEDY: &str = "one of RETURN, REFUND, EXCHANGE, REPAIR, LOANER";
const LENGTH: &str = "a length such as 12 months, 2 years or 30 days";
const CODE: &str = "an upper case word such as POWER_SUPPLY";
const TEXT: &str = "a text of 1 to 500 characters";

impl Policy {
    /// Reads a policy from YAML.
    ///
    /// # Errors
    /// All violations in order of line: unknown, missing, repeated and malformed fields, a rule id
    /// used twice, a term without a start, a layer that may not have what the file says.
    pub fn read(content: &str) -> Result<Policy, Vec<Violation>> {
        Reading::file(content, &FIELDS, |file| policy(file, content))
    }
}

fn policy(file: &mut Reading<'_, '_>, content: &str) -> Option<Policy> {
    let id = file.required("id", IDENTIFIER, identifier);
    let version = file.required("version", "a whole number from 1", version);
    let layer = file.required("layer", "STATUTORY, VENDOR or CONTRACT", Layer::of);
    let source = file.required("source", TEXT, text);
    let verified = file.required("verified", "true or false", boolean);
    file.optional("notes", "a text of 1 to 2,000 characters", |t| {
        (t.len() <= 8_000).then_some(())
    });
    let read = Policy {
        name: String::new(),
        id: String::new(),
        version: 0,
        layer: layer.unwrap_or(Layer::Statutory),
        jurisdictions: file.list(
            "jurisdictions",
            "an ISO 3166 code such as CN or CN-ZJ",
            region,
        ),
        categories: file.list("categories", CODE, code),
        valid_from: file.optional("valid_from", "a date such as 2024-02-10", date),
        valid_to: file.optional("valid_to", "a date such as 2024-02-10", date),
        source: source.unwrap_or_default(),
        verified: verified.unwrap_or_default(),
        default: file
            .optional("default", "true or false", boolean)
            .unwrap_or(false),
        supplements: file
            .optional("supplements", "true or false", boolean)
            .unwrap_or(false),
        starts: file.list(
            "start",
            "a fact such as SALE or MANUFACTURE + 90 days",
            start,
        ),
        start_not_after: file.optional(
            "start_not_after",
            "SALE, DELIVERY, ACCEPTANCE or MANUFACTURE",
            Fact::of,
        ),
        windows: file.each("windows", &["rule", "days", "remedies"], window),
        terms: file.each(
            "terms",
            &[
                "rule",
                "components",
                "for",
                "remedies",
                "registered_within",
                "repaired_at_least",
            ],
            term,
        ),
        repairs: file.each("repairs", &["rule", "effect", "for"], repair_rule),
        repeats: file.each(
            "repeats",
            &["rule", "repairs", "days_in_repair", "remedies"],
            repeat,
        ),
        exclusions: file.each("exclusions", &["rule", "causes", "charge"], exclusion),
        service: file.each("service", &SERVICE_FIELDS, service),
        obligations: file.each("obligations", &["rule", "owes", "after_days"], obligation),
        last_day_calendar: file.optional("last_day_calendar", IDENTIFIER, identifier),
        precedence: file
            .optional("precedence", "a whole number", |t| t.parse().ok())
            .unwrap_or(0),
        content: content.to_owned(),
    };
    whole(file, &read);
    let (id, version) = (id?, version?);
    let name = format!("{id}@{version}");
    Some(Policy {
        name,
        id,
        version,
        ..read
    })
}

/// Rules between fields.
fn whole(file: &mut Reading<'_, '_>, policy: &Policy) {
    if let (Some(from), Some(to)) = (policy.valid_from, policy.valid_to)
        && to < from
    {
        file.complain("valid_to", "comes before `valid_from`");
    }
    let contract = policy.layer == Layer::Contract;
    if contract && (file.has("start") || file.has("windows")) {
        file.complain(
            "start",
            "a contract starts on its own first day and has no windows",
        );
    }
    if !contract && policy.starts.is_empty() {
        file.complain("start", "missing: the facts its terms start from");
    }
    if !contract && policy.terms.iter().any(|term| term.length.is_none()) {
        file.complain("terms", "only a contract's term may go without `for`");
    }
    if policy.default && policy.layer != Layer::Vendor {
        file.complain("default", "only a vendor policy can be the default");
    }
    if policy.supplements && contract {
        file.complain("supplements", "a contract supplements nothing but itself");
    }
    if policy.terms.is_empty() && policy.windows.is_empty() && !policy.supplements {
        file.complain(
            "terms",
            "the policy grants nothing: no term, no window, no supplement",
        );
    }
    let mut rules: Vec<&str> = rules_of(policy).collect();
    rules.sort_unstable();
    for pair in rules.windows(2) {
        if pair[0] == pair[1] {
            file.complain("", format!("rule `{}` is there twice", pair[0]));
        }
    }
}

fn rules_of(policy: &Policy) -> impl Iterator<Item = &str> {
    let windows = policy.windows.iter().map(|r| r.rule.as_str());
    let terms = policy.terms.iter().map(|r| r.rule.as_str());
    let repairs = policy.repairs.iter().map(|r| r.rule.as_str());
    let repeats = policy.repeats.iter().map(|r| r.rule.as_str());
    let exclusions = policy.exclusions.iter().map(|r| r.rule.as_str());
    let service = policy.service.iter().map(|r| r.rule.as_str());
    let obligations = policy.obligations.iter().map(|r| r.rule.as_str());
    let owed = windows.chain(terms).chain(repairs).chain(repeats);
    owed.chain(exclusions).chain(service).chain(obligations)
}

fn window(item: &mut Reading<'_, '_>) -> Option<Window> {
    let rule = rule(item);
    let days = item.required("days", "1 to 366", |t| number(t, 366));
    let remedies = remedies(item, &[]);
    Some(Window {
        rule: rule?,
        days: days?,
        remedies,
    })
}

fn term(item: &mut Reading<'_, '_>) -> Option<Term> {
    let rule = rule(item);
    let components = item.list("components", CODE, code);
    if components.is_empty() {
        item.complain("components", "missing: component classes, or UNIT");
    }
    let length = item.optional("for", LENGTH, Length::parse);
    let remedies = remedies(item, &[Remedy::Repair]);
    let registered_within = item.optional("registered_within", LENGTH, Length::parse);
    let repaired_at_least = item.optional("repaired_at_least", LENGTH, Length::parse);
    Some(Term {
        rule: rule?,
        components,
        length,
        remedies,
        registered_within,
        repaired_at_least,
    })
}

fn repair_rule(item: &mut Reading<'_, '_>) -> Option<RepairRule> {
    let rule = rule(item);
    let length = item.optional("for", LENGTH, Length::parse);
    let expected = "EXTEND_TERM, RESTART_PART or PART_AT_LEAST";
    let effect = item.required("effect", expected, |t| match t {
        "EXTEND_TERM" => Some(Effect::ExtendTerm),
        "RESTART_PART" => Some(Effect::RestartPart),
        "PART_AT_LEAST" => Some(Effect::PartAtLeast(length.unwrap_or_default())),
        _ => None,
    });
    if matches!(effect, Some(Effect::PartAtLeast(_))) != length.is_some() {
        item.complain("for", "goes with PART_AT_LEAST, and only with it");
    }
    Some(RepairRule {
        rule: rule?,
        effect: effect?,
    })
}

fn repeat(item: &mut Reading<'_, '_>) -> Option<Repeat> {
    let rule = rule(item);
    let repairs = item.optional("repairs", "1 to 20", |t| number(t, 20));
    let days = item.optional("days_in_repair", "1 to 366", |t| number(t, 366));
    let threshold = match (repairs, days) {
        (Some(repairs), None) => Some(Threshold::Repairs(repairs)),
        (None, Some(days)) => Some(Threshold::DaysInRepair(days)),
        _ => {
            item.complain("", "expected either `repairs` or `days_in_repair`");
            None
        }
    };
    let remedies = remedies(item, &[]);
    Some(Repeat {
        rule: rule?,
        threshold: threshold?,
        remedies,
    })
}

fn exclusion(item: &mut Reading<'_, '_>) -> Option<Exclusion> {
    let rule = rule(item);
    let causes = item.list("causes", CODE, code);
    if causes.is_empty() {
        item.complain("causes", "missing: at least one cause");
    }
    let charge = item.optional("charge", "ALL, MATERIALS or LABOUR", Charge::of);
    Some(Exclusion {
        rule: rule?,
        causes,
        charge: charge.unwrap_or(Charge::All),
    })
}

/// The fields of one way to give service.
pub(crate) const SERVICE_FIELDS: [&str; 5] = ["rule", "categories", "for", "modes", "sla_policy"];

/// One way to give service, in policies and in price lists.
pub(crate) fn service(item: &mut Reading<'_, '_>) -> Option<Service> {
    let rule = rule(item);
    let modes = item.list(
        "modes",
        "ON_SITE, CARRY_IN, MAIL_IN or REMOTE",
        super::Mode::of,
    );
    if modes.is_empty() {
        item.complain("modes", "missing: at least one mode");
    }
    let categories = item.list("categories", CODE, code);
    let length = item.optional("for", LENGTH, Length::parse);
    let sla_policy = item.required("sla_policy", IDENTIFIER, identifier);
    Some(Service {
        rule: rule?,
        categories,
        length,
        modes,
        sla_policy: sla_policy?,
    })
}

fn obligation(item: &mut Reading<'_, '_>) -> Option<Obligation> {
    let rule = rule(item);
    let owes = item.required("owes", CODE, code);
    let after_days = item.optional("after_days", "1 to 366", |t| number(t, 366));
    Some(Obligation {
        rule: rule?,
        owes: owes?,
        after_days,
    })
}

fn remedies(item: &mut Reading<'_, '_>, usual: &[Remedy]) -> Vec<Remedy> {
    let read = item.list("remedies", REMEDY, Remedy::of);
    if !read.is_empty() || item.has("remedies") {
        return read;
    }
    if usual.is_empty() {
        item.complain("remedies", "missing: what is owed");
    }
    usual.to_vec()
}

fn rule(item: &mut Reading<'_, '_>) -> Option<String> {
    item.required("rule", IDENTIFIER, identifier)
}

fn start(text: &str) -> Option<Start> {
    let (fact, plus) = match text.split_once('+') {
        Some((fact, plus)) => (fact.trim(), Length::parse(plus.trim())?),
        None => (text, Length::default()),
    };
    Some(Start {
        fact: Fact::of(fact)?,
        plus,
    })
}

pub(crate) const IDENTIFIER: &str = "1 to 63 lower case letters, digits and hyphens";

/// 1 to 63 lower case letters, digits and hyphens.
pub(crate) fn identifier(text: &str) -> Option<String> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let fits = (1..=63).contains(&text.len()) && text.bytes().all(allowed);
    (fits && !text.starts_with('-')).then(|| text.to_owned())
}

/// An upper case word of at most 40 characters.
pub(crate) fn code(text: &str) -> Option<String> {
    let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    let begins = text.bytes().next().is_some_and(|b| b.is_ascii_uppercase());
    (begins && text.len() <= 40 && text.bytes().all(allowed)).then(|| text.to_owned())
}

/// An ISO 3166-1 country, or a 3166-2 subdivision of one.
pub(crate) fn region(text: &str) -> Option<String> {
    let (country, rest) = text
        .split_once('-')
        .map_or((text, None), |(c, r)| (c, Some(r)));
    let country = country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
    let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    let rest = rest.is_none_or(|r| (1..=3).contains(&r.len()) && r.bytes().all(allowed));
    (country && rest).then(|| text.to_owned())
}

pub(crate) fn version(text: &str) -> Option<u32> {
    text.parse().ok().filter(|n| (1..=1_000_000).contains(n))
}

pub(crate) fn boolean(text: &str) -> Option<bool> {
    text.parse().ok()
}

pub(crate) fn text(text: &str) -> Option<String> {
    (1..=500)
        .contains(&text.chars().count())
        .then(|| text.to_owned())
}

pub(crate) fn date(text: &str) -> Option<Date> {
    let date: Date = text.parse().ok()?;
    (date.to_string() == text).then_some(date)
}

fn number(text: &str, most: i32) -> Option<i32> {
    text.parse().ok().filter(|n| (1..=most).contains(n))
}
