//! Names that programs outside this tree rely on: JSON fields and states.

use prost_reflect::{Kind, MessageDescriptor};

use crate::reading::Contract;

/// Message, and JSON paths of its fields separated by spaces.
///
/// A survey's `token` is not here: it is the key to the survey and stands in links and in the
/// answer of IssueSurveyLink, never in the resource, so that no list, event or log shows one.
const FIELDS: [(&str, &str); 12] = [
    (
        "ticket.v1.Ticket",
        "name number kind title description serialNumber product asset party region \
         site.latitude site.longitude site.timeZone impact urgency priority state step queue \
         assignee entitlement.outcome entitlement.remedies entitlement.findings reservation \
         workOrder appointment externalKey createTime updateTime etag allowedVerbs",
    ),
    ("ticket.v1.CreateTicketRequest", "ticket requestId"),
    (
        "ticket.v1.TicketEvent",
        "sequence time verb actor summary hash",
    ),
    (
        "ticket.v1.Clock",
        "milestone startTime dueTime stopTime breached countedSeconds intervals",
    ),
    (
        "entitlement.v1.CheckEntitlementRequest",
        "serialNumber product fault.component fault.symptom fault.cause on site.region site.city \
         mode",
    ),
    (
        "entitlement.v1.EntitlementDecision",
        "outcome remedies modes slaPolicy obligations price findings.code findings.subject \
         findings.message findings.numbers findings.source policyVersions decisionDigest",
    ),
    (
        "entitlement.v1.Asset",
        "name serialNumber product owner components facts.saleDate facts.deliveryDate \
         facts.acceptanceDate facts.manufactureDate",
    ),
    (
        "inventory.v1.ReservePartsRequest",
        "ticket step lines.part lines.quantity near.latitude near.longitude neededBy",
    ),
    (
        "inventory.v1.Reservation",
        "name state expireTime lines.part lines.location lines.quantity lines.serialNumbers \
         findings",
    ),
    (
        "dispatch.v1.WorkOrder",
        "name ticket mode type requiredSkills parts technician window.start window.end state",
    ),
    (
        "dispatch.v1.CompleteWorkOrderRequest",
        "partsUsed.part partsUsed.newSerial partsUsed.oldSerial outcome report signature",
    ),
    ("feedback.v1.Survey", "ticket kind expireTime score comment"),
];

/// Enum, and its values beside the zero, in the order of their numbers.
const VALUES: [(&str, &str); 9] = [
    (
        "ticket.v1.Ticket.State",
        "ACKNOWLEDGED IN_PROGRESS PENDING HELD RESOLVED CLOSED CANCELLED REJECTED",
    ),
    (
        "ticket.v1.Ticket.Kind",
        "HARDWARE_FAULT SOFTWARE_SUPPORT INQUIRY COMPLAINT RETURN_EXCHANGE INSTALLATION \
         PREVENTIVE PROACTIVE DATA_SERVICE RETIREMENT RECALL",
    ),
    (
        "ticket.v1.Clock.Milestone",
        "FIRST_RESPONSE CALL_BACK QUOTE ON_SITE RESOLUTION COMPLAINT_OPINION SURVEY",
    ),
    (
        "entitlement.v1.EntitlementDecision.Outcome",
        "FREE_OF_CHARGE DISCOUNTED CHARGEABLE REFUSED",
    ),
    (
        "entitlement.v1.EntitlementDecision.Remedy",
        "REPAIR EXCHANGE RETURN REFUND LOANER",
    ),
    (
        "inventory.v1.Reservation.State",
        "HELD BACKORDERED COMMITTED RELEASED EXPIRED",
    ),
    (
        "dispatch.v1.WorkOrder.State",
        "OPEN OFFERED SCHEDULED EN_ROUTE ON_SITE IN_PROGRESS COMPLETED INCOMPLETE CANCELLED",
    ),
    ("dispatch.v1.WorkMode", "ON_SITE BENCH REMOTE PICK_UP"),
    ("feedback.v1.Survey.Kind", "CSAT NPS CES"),
];

/// The paths of `fields` that `message` does not have.
fn missing(contract: &Contract, message: &str, fields: &str) -> Vec<String> {
    let Some(found) = contract.message(message) else {
        return vec![message.to_owned()];
    };
    let absent = fields
        .split_whitespace()
        .filter(|path| !leads(&found, path));
    absent.map(|path| format!("{message}.{path}")).collect()
}

fn leads(message: &MessageDescriptor, path: &str) -> bool {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let field = message.get_field_by_json_name(first);
    match (field.map(|f| f.kind()), rest) {
        (Some(_), "") => true,
        (Some(Kind::Message(inner)), rest) => leads(&inner, rest),
        _ => false,
    }
}

/// The values of an enum beside the zero; none when there is no such enum.
fn values(contract: &Contract, name: &str) -> Option<Vec<String>> {
    let mut values: Vec<_> = contract.find_enum(name)?.values().collect();
    values.sort_by_key(|v| v.number());
    let told = values.iter().filter(|v| v.number() != 0);
    Some(told.map(|v| v.name().to_owned()).collect())
}

#[test]
fn the_fields_that_others_rely_on_are_there() {
    for (message, fields) in FIELDS {
        let missing = missing(Contract::ours(), &format!("fettle.{message}"), fields);
        assert!(
            missing.is_empty(),
            "others rely on these fields by their JSON names, put them back: {missing:?}"
        );
    }
}

#[test]
fn the_states_and_kinds_that_others_rely_on_are_exactly_these() {
    for (name, wanted) in VALUES {
        let found = values(Contract::ours(), &format!("fettle.{name}"));
        let wanted: Vec<String> = wanted.split_whitespace().map(str::to_owned).collect();
        assert_eq!(
            found,
            Some(wanted),
            "others rely on the values of {name}: a change of them is a decision record"
        );
    }
}

#[test]
fn a_field_or_value_that_is_gone_is_found() {
    let tiny = Contract::tiny(
        "message Survey { Site site = 1; } message Site { string time_zone = 1; }
         enum State { STATE_UNSPECIFIED = 0; OPEN = 1; }",
    );

    let gone = missing(
        &tiny,
        "fettle.tiny.v1.Survey",
        "site.timeZone site.zone ticket",
    );

    assert_eq!(
        gone,
        [
            "fettle.tiny.v1.Survey.site.zone",
            "fettle.tiny.v1.Survey.ticket"
        ]
    );
    assert_eq!(missing(&tiny, "fettle.tiny.v1.Gone", "name").len(), 1);
    assert_eq!(
        values(&tiny, "fettle.tiny.v1.State"),
        Some(vec!["OPEN".to_owned()])
    );
    assert_eq!(values(&tiny, "fettle.tiny.v1.Gone"), None);
}

#[test]
fn no_survey_shows_its_token() {
    let survey = Contract::ours()
        .message("fettle.feedback.v1.Survey")
        .unwrap();
    assert!(
        survey.get_field_by_name("token").is_none(),
        "a token in the resource would stand in lists and events; see the note on FIELDS"
    );
}
