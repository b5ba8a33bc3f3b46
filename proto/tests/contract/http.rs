//! Every RPC has an address over HTTP, by the same conventions.

use prost_reflect::{Kind, MessageDescriptor, MethodDescriptor};

use crate::reading::{Binding, Contract, words};
use crate::template::Template;
use crate::{accepts, kept, refuses};

/// RPCs whose address does not end in their verb, and why.
const NAMED_OTHERWISE: [(&str, &str); 8] = [
    (
        "RegisterAsset",
        "registering makes an asset: a create by the field's word",
    ),
    ("ReserveParts", "reserving makes a reservation"),
    ("BookAppointment", "booking makes an appointment"),
    ("AddTicketNote", "a note is added to a collection"),
    (
        "SubmitSurvey",
        "the customer's page posts to the address it was read from",
    ),
    (
        "ExplainClocks",
        "the clocks are a part of the ticket that is read",
    ),
    (
        "FindPartsForAsset",
        "`:forAsset` completes the sentence that `parts` begins",
    ),
    (
        "GetStockLevels",
        "the levels are the collection `stock` itself",
    ),
];

/// Every RPC is mapped, its template can be read, binds text fields of the request, and begins
/// with the version of the package.
fn mapped(contract: &Contract) -> Vec<String> {
    let mut offences = Vec::new();
    for method in contract.methods() {
        let name = method.full_name();
        let Some(binding) = contract.binding(&method) else {
            offences.push(format!("{name} has no google.api.http option: give it one"));
            continue;
        };
        let template = match Template::parse(&binding.path) {
            Ok(template) => template,
            Err(wrong) => {
                offences.push(format!(
                    "{name}: the path {} is wrong: {wrong}",
                    binding.path
                ));
                continue;
            }
        };
        let version = method
            .parent_service()
            .package_name()
            .rsplit('.')
            .next()
            .map(str::to_owned);
        if template.segments.first() != version.as_ref() {
            offences.push(format!(
                "{name}: begin its path with the version of its package"
            ));
        }
        for variable in &template.variables {
            if !binds_text(&method.input(), variable) {
                offences.push(format!(
                    "{name}: {variable} of its path is no text field of {}",
                    method.input().full_name()
                ));
            }
        }
    }
    offences
}

/// Whether the field path leads through messages to one text.
fn binds_text(message: &MessageDescriptor, path: &str) -> bool {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(field) = message.get_field_by_name(first) else {
        return false;
    };
    match (field.kind(), rest) {
        (Kind::String, "") => !field.is_list(),
        (Kind::Message(inner), rest) if !rest.is_empty() => binds_text(&inner, rest),
        _ => false,
    }
}

/// Standard methods have their HTTP verb, reads no body, and other RPCs end in their verb.
fn conventional(contract: &Contract) -> Vec<String> {
    let mut offences = Vec::new();
    for method in contract.methods() {
        let Some(binding) = contract.binding(&method) else {
            continue;
        };
        let Ok(template) = Template::parse(&binding.path) else {
            continue;
        };
        let advice = advice(&method, &binding, &template);
        offences.extend(advice.map(|advice| format!("{}: {advice}", method.full_name())));
    }
    offences
}

fn advice(method: &MethodDescriptor, binding: &Binding, template: &Template) -> Option<String> {
    let words = words(method.name());
    let standard = ["get", "list", "create", "update", "delete"].contains(&words[0].as_str());
    let wanted = match words[0].as_str() {
        "get" | "list" => "GET",
        "update" => "PATCH",
        "delete" => "DELETE",
        "create" => "POST",
        _ if binding.verb == "GET" => "GET",
        _ => "POST",
    };
    if binding.verb != wanted {
        return Some(format!(
            "a method of this kind is a {wanted}, not a {}",
            binding.verb
        ));
    }
    let body = if ["GET", "DELETE"].contains(&wanted) {
        ""
    } else {
        "*"
    };
    if binding.body != body {
        return Some(format!(
            "the body of a {wanted} is {body:?}, not {:?}",
            binding.body
        ));
    }
    if wanted == "PATCH" && !template.variables.iter().any(|v| v.ends_with(".name")) {
        return Some("an Update is addressed by the name within its resource".to_owned());
    }
    let otherwise = NAMED_OTHERWISE
        .iter()
        .any(|(name, _)| *name == method.name());
    let begins = template.verb.starts_with(words[0].as_str());
    match (standard, otherwise, template.verb.is_empty()) {
        (true, _, false) => Some(format!("a standard method has no verb :{}", template.verb)),
        (false, false, _) if !begins => Some(format!(
            "end its path in :{}, or list it in NAMED_OTHERWISE with the reason",
            words[0]
        )),
        (false, true, _) if begins => Some("take it out of NAMED_OTHERWISE".to_owned()),
        _ => None,
    }
}

/// No address may mean two RPCs.
fn unambiguous(contract: &Contract) -> Vec<String> {
    let mut offences = Vec::new();
    let mut seen: Vec<(String, &'static str, Template)> = Vec::new();
    for method in contract.methods() {
        let Some(binding) = contract.binding(&method) else {
            continue;
        };
        let Ok(template) = Template::parse(&binding.path) else {
            continue;
        };
        for (other, verb, before) in &seen {
            if *verb == binding.verb && template.overlaps(before) {
                offences.push(format!(
                    "{} and {other} may both be meant by {} {}: change one path",
                    method.full_name(),
                    binding.verb,
                    binding.path
                ));
            }
        }
        seen.push((method.full_name().to_owned(), binding.verb, template));
    }
    offences
}

#[test]
fn every_rpc_has_an_address() {
    kept(mapped);
}

#[test]
fn every_address_follows_the_conventions() {
    kept(conventional);
    let contract = Contract::ours();
    for (name, _) in NAMED_OTHERWISE {
        let known = contract.methods().any(|m| m.name() == name);
        assert!(known, "{name} is gone: take it out of NAMED_OTHERWISE");
    }
}

#[test]
fn no_address_means_two_rpcs() {
    kept(unambiguous);
}

/// A service with one RPC over `message Q { string name = 1; M m = 2; }`.
fn one(rpc: &str, option: &str) -> String {
    format!(
        "service S {{ rpc {rpc}(Q) returns (M) {{ {option} }} }}
         message Q {{ string name = 1; M m = 2; int32 n = 3; }} message M {{ string name = 1; }}"
    )
}

fn http(rule: &str) -> String {
    format!("option (google.api.http) = {{{rule}}};")
}

#[test]
fn an_rpc_without_a_sound_address_is_found() {
    refuses(mapped, &one("GetM", ""), "GetM no google.api.http");
    let unread = one("GetM", &http("get: \"/v1/{name=ms/*\""));
    refuses(mapped, &unread, "path wrong");
    let unversioned = one("GetM", &http("get: \"/{name=ms/*}\""));
    refuses(mapped, &unversioned, "version");
    for unknown in ["{title=ms/*}", "{n}", "{m}", "{m.title}"] {
        let unbound = one("GetM", &http(&format!("get: \"/v1/{unknown}\"")));
        refuses(mapped, &unbound, "no text field");
    }
    accepts(
        mapped,
        &one("UpdateM", &http("patch: \"/v1/{m.name=ms/*}\" body: \"*\"")),
    );
}

#[test]
fn an_unconventional_address_is_found() {
    for (rpc, rule, words) in [
        ("GetM", "post: \"/v1/{name=ms/*}\" body: \"*\"", "is a GET"),
        ("CreateM", "put: \"/v1/ms\" body: \"*\"", "is a POST"),
        ("CreateM", "post: \"/v1/ms\"", "body"),
        (
            "UpdateM",
            "patch: \"/v1/{name=ms/*}\" body: \"*\"",
            "addressed by the name",
        ),
        ("GetM", "get: \"/v1/{name=ms/*}:get\"", "no verb"),
        (
            "CancelM",
            "post: \"/v1/{name=ms/*}:stop\" body: \"*\"",
            "end its path in :cancel",
        ),
        (
            "CancelM",
            "post: \"/v1/{name=ms/*}\" body: \"*\"",
            "end its path in :cancel",
        ),
        (
            "ReserveParts",
            "post: \"/v1/parts:reserve\" body: \"*\"",
            "take it out",
        ),
    ] {
        refuses(conventional, &one(rpc, &http(rule)), words);
    }
    accepts(
        conventional,
        &one(
            "CancelM",
            &http("post: \"/v1/{name=ms/*}:cancel\" body: \"*\""),
        ),
    );
}

#[test]
fn an_ambiguous_address_is_found() {
    let two = "service S {
          rpc GetM(Q) returns (Q) { option (google.api.http) = {get: \"/v1/{name=ms/*}\"}; }
          rpc GetBest(Q) returns (Q) { option (google.api.http) = {get: \"/v1/ms/best\"}; } }
        message Q { string name = 1; }";
    refuses(unambiguous, two, "GetM GetBest change");
}
