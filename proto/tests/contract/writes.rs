//! Writes can be repeated safely and do not overwrite what the caller has not seen.

use prost_reflect::{Kind, MessageDescriptor, MethodDescriptor};

use crate::reading::{Contract, words};
use crate::template::Template;
use crate::{accepts, kept, refuses};

/// First words of RPCs that only read; every other RPC writes.
const READS: [&str; 6] = ["get", "list", "find", "check", "explain", "export"];

/// Writes without `request_id`, and why.
const NOT_REPEATED: [(&str, &str); 1] = [(
    "IssueSurveyLink",
    "an answer kept for a repeat would keep the token, of which only a hash is kept",
)];

/// Verbs on an existing resource without `etag`, and why.
const WHATEVER_IT_IS: [(&str, &str); 5] = [
    (
        "AddTicketNote",
        "adds to the timeline and overwrites nothing",
    ),
    (
        "ExtendReservation",
        "the ticket's process extends what it holds; the state decides",
    ),
    (
        "CommitReservation",
        "settles what happened, whatever was read before",
    ),
    (
        "ReleaseReservation",
        "gives back whatever is held, even what is not known yet",
    ),
    ("IssueSurveyLink", "replaces a token that nobody can read"),
];

fn writes(method: &MethodDescriptor) -> bool {
    !READS.contains(&words(method.name())[0].as_str())
}

fn excepted(list: &[(&str, &str)], method: &MethodDescriptor) -> bool {
    list.iter().any(|(name, _)| *name == method.name())
}

fn has_text(message: &MessageDescriptor, name: &str) -> bool {
    let field = message.get_field_by_name(name);
    field.is_some_and(|f| f.kind() == Kind::String && !f.is_list())
}

/// Every write has a `request_id`; no read has one.
fn keyed(contract: &Contract) -> Vec<String> {
    let mut offences = Vec::new();
    for method in contract.methods() {
        let has = has_text(&method.input(), "request_id");
        let wants = writes(&method) && !excepted(&NOT_REPEATED, &method);
        if wants && !has {
            offences.push(format!(
                "{} writes: give {} a string request_id, or list its first word in READS",
                method.full_name(),
                method.input().full_name()
            ));
        }
        if has && !wants {
            let name = method.full_name();
            offences.push(format!(
                "{name} only reads or is excepted: take request_id out"
            ));
        }
    }
    offences
}

/// Every verb on an existing resource takes an `etag` and names `STALE_ETAG` among its refusals.
fn guarded(contract: &Contract) -> Vec<String> {
    let mut offences = Vec::new();
    for method in contract.methods().filter(writes) {
        let Some(holder) = changes(contract, &method) else {
            continue;
        };
        let name = method.full_name();
        match (
            has_text(&holder, "etag"),
            excepted(&WHATEVER_IT_IS, &method),
        ) {
            (false, false) => offences.push(format!(
                "{name} changes a resource: give {} a string etag, or list it in WHATEVER_IT_IS \
                 with the reason",
                holder.full_name()
            )),
            (true, true) => offences.push(format!("{name}: take it out of WHATEVER_IT_IS")),
            (true, false) if !contract.method_comment(&method).contains("`STALE_ETAG`") => {
                offences.push(format!(
                    "{name} takes an etag: name `STALE_ETAG` as a refusal"
                ));
            }
            _ => {}
        }
    }
    offences
}

/// Where the etag of a change belongs: the request, or the resource within an Update.
fn changes(contract: &Contract, method: &MethodDescriptor) -> Option<MessageDescriptor> {
    let template = Template::parse(&contract.binding(method)?.path).ok()?;
    let named = template.variables.iter();
    let place = named
        .map(String::as_str)
        .find(|v| *v == "name" || v.ends_with(".name"))?;
    match place.split_once('.') {
        None => Some(method.input()),
        Some((resource, _)) => match method.input().get_field_by_name(resource)?.kind() {
            Kind::Message(message) => Some(message),
            _ => None,
        },
    }
}

/// Every Update has an `update_mask`.
fn masked(contract: &Contract) -> Vec<String> {
    let mut offences = Vec::new();
    for method in contract
        .methods()
        .filter(|m| words(m.name())[0] == "update")
    {
        let field = method.input().get_field_by_name("update_mask");
        let mask = "google.protobuf.FieldMask";
        let is_mask = |kind| matches!(kind, Kind::Message(m) if m.full_name() == mask);
        if !field.is_some_and(|f| is_mask(f.kind())) {
            offences.push(format!(
                "{} changes fields: give {} a {mask} update_mask",
                method.full_name(),
                method.input().full_name()
            ));
        }
    }
    offences
}

#[test]
fn every_write_can_be_repeated_under_its_key() {
    kept(keyed);
}

#[test]
fn every_change_of_a_resource_may_name_the_reading_it_is_based_on() {
    kept(guarded);
}

#[test]
fn every_update_names_the_fields_it_changes() {
    kept(masked);
}

#[test]
fn every_exception_is_still_needed() {
    for (name, why) in NOT_REPEATED.iter().chain(&WHATEVER_IT_IS) {
        let known = Contract::ours().methods().any(|m| m.name() == *name);
        assert!(
            known && !why.is_empty(),
            "{name} is gone: take it out of its list"
        );
    }
}

#[test]
fn a_write_without_a_key_is_found() {
    let unkeyed = "service S { rpc CreateM(Q) returns (Q); } message Q { string name = 1; }";
    refuses(keyed, unkeyed, "CreateM request_id");
    let read = "service S { rpc GetM(Q) returns (Q); } message Q { string request_id = 1; }";
    refuses(keyed, read, "GetM only reads");
}

#[test]
fn a_change_that_may_overwrite_is_found() {
    let option = |path: &str| format!("{{ option (google.api.http) = {{post: \"{path}\"}}; }}");
    let cancel = |comment: &str, fields: &str| {
        let option = option("/v1/{name=ms/*}:cancel");
        format!(
            "service S {{ /* {comment} */ rpc CancelM(Q) returns (Q) {option} }} message Q {{ {fields} }}"
        )
    };
    let blind = cancel("Ends it.", "string name = 1;");
    refuses(guarded, &blind, "CancelM string etag");
    let silent = cancel("Ends it.", "string name = 1; string etag = 2;");
    refuses(guarded, &silent, "CancelM name `STALE_ETAG`");
    let sound = cancel(
        "Ends it. Refused: `STALE_ETAG`.",
        "string name = 1; string etag = 2;",
    );
    accepts(guarded, &sound);
    let update = format!(
        "service S {{ rpc UpdateM(Q) returns (M) {} }} message Q {{ M m = 1; }} message M {{ string name = 1; }}",
        option("/v1/{m.name=ms/*}")
    );
    refuses(guarded, &update, "UpdateM tiny.v1.M string etag");
}

#[test]
fn an_update_without_a_mask_is_found() {
    let whole = "service S { rpc UpdateM(Q) returns (Q); } message Q { string update_mask = 1; }";
    refuses(masked, whole, "UpdateM FieldMask");
    let sound = "service S { rpc UpdateM(Q) returns (Q); }
        message Q { google.protobuf.FieldMask update_mask = 1; }";
    accepts(masked, sound);
}
