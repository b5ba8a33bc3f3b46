//! Between the contract and the domain; the only file that sees both. No violation repeats what
//! was sent: a mistyped mail address is personal too.

use chassis::refusal::to_pb;
use chassis::{Caller, Refusal, Violations, etag, names};
use proto::channel::v1 as pb;
use uuid::Uuid;

use crate::domain::{
    Change, Contact, Unreachable, language, mail_address, mail_for_look_up, phone_number,
};
use crate::store::PartyRow;

/// The collection of parties.
pub(crate) const PARTIES: &str = "parties";
const DEFAULT_LANGUAGE: &str = "en";
const LONGEST_NAME: usize = 200;
const LONGEST_REGION: usize = 100;
/// Paths of one update mask read; there are five to name.
const MOST_PATHS: usize = 20;

/// A party as the contract shows it.
pub(crate) fn party(row: &PartyRow, contact: Contact) -> pb::Party {
    pb::Party {
        name: names::name(PARTIES, row.party_id),
        display_name: contact.display_name,
        email: contact.email,
        phone: contact.phone,
        language: contact.language,
        region: row.region.clone(),
        create_time: Some(to_pb(row.created_at.to_jiff())),
        etag: etag::etag(row.version),
    }
}

/// A party to add: its contact and its region, by default the caller's.
pub(crate) fn new_party(
    party: Option<pb::Party>,
    caller: &Caller,
) -> Result<(Contact, String), Refusal> {
    let mut violations = Violations::new();
    let given = party.is_some();
    if !given {
        violations.add("party", "is required");
    }
    let party = party.unwrap_or_default();
    let contact = given.then(|| Contact {
        display_name: display_name(&mut violations, &party),
        email: email(&mut violations, "party.email", &party.email),
        phone: phone(&mut violations, "party.phone", &party.phone),
        language: preferred_language(&mut violations, &party),
    });
    // Asked of what was sent: one malformed contact is one violation, not two.
    if given && party.email.trim().is_empty() && party.phone.trim().is_empty() {
        unreachable_violation(&mut violations);
    }
    let region = violations.optional_text("party.region", &party.region, LONGEST_REGION);
    let region = region.or_else(|| caller.region.clone()).unwrap_or_default();
    Ok((violations.finish(contact)?, region))
}

/// A change of a party: which one, what, and the etag it rests on (empty: none).
pub(crate) fn change(request: pb::UpdatePartyRequest) -> Result<(Uuid, Change, String), Refusal> {
    let mut violations = Violations::new();
    if request.party.is_none() {
        violations.add("party", "is required");
    }
    let party = request.party.unwrap_or_default();
    let id = violations.resource("party.name", &party.name, PARTIES);
    let paths = request.update_mask.unwrap_or_default().paths;
    if paths.is_empty() {
        violations.add("update_mask", "is required");
    }
    if paths.len() > MOST_PATHS {
        violations.add("update_mask", format!("names more than {MOST_PATHS} paths"));
    }
    let mut change = Change::default();
    for (at, path) in paths.iter().enumerate().take(MOST_PATHS) {
        let v = &mut violations;
        match path.as_str() {
            "display_name" => change.display_name = Some(display_name(v, &party)),
            "email" => change.email = Some(email(v, "party.email", &party.email)),
            "phone" => change.phone = Some(phone(v, "party.phone", &party.phone)),
            "language" => change.language = Some(preferred_language(v, &party)),
            "region" => {
                let region = v.optional_text("party.region", &party.region, LONGEST_REGION);
                change.region = Some(region.unwrap_or_default());
            }
            _ => v.add(
                format!("update_mask.paths[{at}]"),
                "is no path that can be changed",
            ),
        }
    }
    Ok((violations.finish(id)?, change, party.etag))
}

/// The refusal of a change that would leave nobody to reach.
pub(crate) fn unreachable(_: Unreachable) -> Refusal {
    let mut violations = Violations::new();
    unreachable_violation(&mut violations);
    Refusal::invalid(violations)
}

/// Filters of ListParties in their spelling for look-up; empty ones are `None`.
pub(crate) struct Wanted {
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) region: Option<String>,
}

/// Reads the filters of ListParties.
pub(crate) fn wanted(request: &pb::ListPartiesRequest) -> Result<Wanted, Refusal> {
    let mut violations = Violations::new();
    let email = email(&mut violations, "email", &request.email);
    let phone = phone(&mut violations, "phone", &request.phone);
    let region = violations.optional_text("region", &request.region, LONGEST_REGION);
    violations.check()?;
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(Wanted {
        email: some(mail_for_look_up(&email)),
        phone: some(phone),
        region,
    })
}

fn display_name(violations: &mut Violations, party: &pb::Party) -> String {
    violations.text("party.display_name", &party.display_name, 1..=LONGEST_NAME)
}

/// Empty stays empty.
fn email(violations: &mut Violations, field: &str, value: &str) -> String {
    spelled(violations, field, value, mail_address, "is no mail address")
}

/// Empty stays empty.
fn phone(violations: &mut Violations, field: &str, value: &str) -> String {
    let wrong = "is no phone number of the form +8613800000000 (E.164)";
    spelled(violations, field, value, phone_number, wrong)
}

fn preferred_language(violations: &mut Violations, party: &pb::Party) -> String {
    let wrong = "is no language tag of BCP 47";
    let tag = spelled(
        violations,
        "party.language",
        &party.language,
        language,
        wrong,
    );
    Some(tag)
        .filter(|tag| !tag.is_empty())
        .unwrap_or_else(|| DEFAULT_LANGUAGE.to_owned())
}

fn spelled(
    violations: &mut Violations,
    field: &str,
    value: &str,
    spell: impl Fn(&str) -> Option<String>,
    wrong: &str,
) -> String {
    if value.trim().is_empty() {
        return String::new();
    }
    spell(value).unwrap_or_else(|| {
        violations.add(field, wrong);
        String::new()
    })
}

fn unreachable_violation(violations: &mut Violations) {
    violations.add("party.email", "or party.phone is required");
}
