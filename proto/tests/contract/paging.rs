//! Whatever grows is read in pages.

use prost_reflect::{Kind, MessageDescriptor, MethodDescriptor};

use crate::reading::{Contract, words};
use crate::{accepts, kept, refuses};

/// RPCs that answer with a collection have `page_size` and `page_token`, their answers one
/// repeated field and `next_page_token`.
fn paged(contract: &Contract) -> Vec<String> {
    let mut offences = Vec::new();
    for method in contract.methods().filter(answers_with_a_collection) {
        let (request, answer) = (method.input(), method.output());
        for (message, field, kind) in [
            (&request, "page_size", Kind::Int32),
            (&request, "page_token", Kind::String),
            (&answer, "next_page_token", Kind::String),
        ] {
            if !has(message, field, &kind) {
                offences.push(format!(
                    "{} answers with a collection: give {} a {kind:?} field {field}",
                    method.full_name(),
                    message.full_name(),
                ));
            }
        }
        if answer.fields().filter(|f| f.is_list()).count() != 1 {
            offences.push(format!(
                "{} is a page: give it exactly one repeated field, the items",
                answer.full_name()
            ));
        }
    }
    offences
}

/// List… and Search…, and a Get… whose answer is not a resource but a message of its own.
fn answers_with_a_collection(method: &MethodDescriptor) -> bool {
    let own = method.output().name() == format!("{}Response", method.name());
    match words(method.name())[0].as_str() {
        "list" | "search" => true,
        "get" => own && method.output().fields().any(|f| f.is_list()),
        _ => false,
    }
}

fn has(message: &MessageDescriptor, name: &str, kind: &Kind) -> bool {
    let field = message.get_field_by_name(name);
    field.is_some_and(|f| f.kind() == *kind && !f.is_list())
}

#[test]
fn every_collection_is_read_in_pages() {
    kept(paged);
}

#[test]
fn a_collection_without_pages_is_found() {
    let endless = "service S { rpc ListDevices(ListDevicesRequest) returns (ListDevicesResponse); }
        message ListDevicesRequest { int32 page_size = 1; }
        message ListDevicesResponse { repeated string devices = 1; }";
    refuses(paged, endless, "ListDevicesRequest page_token");
    refuses(paged, endless, "ListDevicesResponse next_page_token");
    let levels = "service S { rpc GetLevels(GetLevelsRequest) returns (GetLevelsResponse); }
        message GetLevelsRequest {}
        message GetLevelsResponse { repeated string levels = 1; }";
    refuses(paged, levels, "GetLevelsRequest page_size");
    let two = "service S { rpc ListDevices(Q) returns (A); }
        message Q { int32 page_size = 1; string page_token = 2; }
        message A { repeated string a = 1; repeated string b = 2; string next_page_token = 3; }";
    refuses(paged, two, "exactly one repeated");
    let one = "service S { rpc GetDevice(Q) returns (Device); }
        message Q {} message Device { repeated string parts = 1; }";
    accepts(paged, one);
}
