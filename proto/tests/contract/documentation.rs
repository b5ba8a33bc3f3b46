//! Every element says what it is.

use prost_reflect::FileDescriptor;

use crate::reading::{Contract, words};
use crate::{accepts, kept, refuses};

/// Every message, field, enum, value, service and RPC has a comment that says more than its name.
fn documented(contract: &Contract) -> Vec<String> {
    let mut offences = Vec::new();
    let mut look = |file: &FileDescriptor, path: &[i32], full_name: &str| {
        let comment = contract.comment(file, path);
        let name = full_name.rsplit('.').next().unwrap_or(full_name);
        if comment.is_empty() {
            offences.push(format!(
                "{full_name} has no comment: say in front of it what it is, its unit, range, \
                 default and what is refused"
            ));
        } else if repeats(comment, name) {
            offences.push(format!(
                "{full_name} is documented as {comment:?}, which repeats its name: say what the \
                 name does not"
            ));
        }
    };
    for message in contract.messages() {
        look(&message.parent_file(), message.path(), message.full_name());
    }
    for field in contract.fields() {
        let file = field.parent_message().parent_file();
        look(&file, field.path(), field.full_name());
    }
    for an_enum in contract.enums() {
        let file = an_enum.parent_file();
        look(&file, an_enum.path(), an_enum.full_name());
        for value in an_enum.values() {
            look(&file, value.path(), value.full_name());
        }
    }
    for service in contract.services() {
        look(&service.parent_file(), service.path(), service.full_name());
        for method in service.methods() {
            look(&service.parent_file(), method.path(), method.full_name());
        }
    }
    offences
}

/// Whether the comment has the name's words in the name's order, articles aside, and no others.
/// A single word may stand for itself where there is nothing to add: `RETURN`, "Return."
fn repeats(comment: &str, name: &str) -> bool {
    let said: Vec<String> = comment
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| !word.is_empty() && !["the", "a", "an"].contains(&word.as_str()))
        .collect();
    said == words(name)
}

#[test]
fn every_element_says_what_it_is() {
    kept(documented);
}

#[test]
fn an_element_without_a_comment_or_with_its_bare_name_is_found() {
    refuses(documented, "message Bare {}", "Bare no comment");
    let field = "/* A device. */ message Device { string name = 1; }";
    refuses(documented, field, "Device.name no comment");
    let named =
        "/* A device. */ message Device { /* The serial number. */ string serial_number = 1; }";
    refuses(documented, named, "serial_number repeats");
    let value = "/* A mode. */ enum Mode { /* Never sent. */ MODE_UNSPECIFIED = 0; ON_SITE = 1; }";
    refuses(documented, value, "ON_SITE no comment");
    let service =
        "/* Keeps. */ service Keeper { rpc Keep(M) returns (M); } /* All. */ message M {}";
    refuses(documented, service, "Keeper.Keep no comment");
    accepts(documented, "/* A device as sold. */ message Device {}");
}
