//! What is known of people is marked, and no event carries it.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::reading::{Contract, words};
use crate::{accepts, kept, refuses};

/// Words of a field's name that speak of people or of what people wrote.
const TELLING: [&str; 24] = [
    "address",
    "comment",
    "contact",
    "description",
    "display",
    "email",
    "latitude",
    "longitude",
    "mail",
    "message",
    "near",
    "note",
    "phone",
    "postal",
    "reason",
    "reference",
    "remark",
    "report",
    "resolution",
    "signature",
    "summary",
    "text",
    "title",
    "token",
];

/// Fields so named that say nothing of a person, and what they say.
const HARMLESS: [(&str, &str); 9] = [
    (
        "type.v1.Finding.message",
        "a sentence of ours about codes, dates and numbers",
    ),
    (
        "type.v1.LatLng.latitude",
        "a point; the field that holds a person's is marked",
    ),
    (
        "type.v1.LatLng.longitude",
        "a point; the field that holds a person's is marked",
    ),
    ("inventory.v1.Part.title", "what the vendor calls a part"),
    (
        "inventory.v1.StockLocation.latitude",
        "a place of the vendor",
    ),
    (
        "inventory.v1.StockLocation.longitude",
        "a place of the vendor",
    ),
    (
        "ticket.v1.TicketHistory.signature",
        "made by the service's key",
    ),
    (
        "ticket.v1.TicketHistory.Entry.text_hash",
        "says nothing without the salt, which is marked",
    ),
    (
        "ticket.v1.TicketEventPayload.reason",
        "the name of a Ticket.PauseReason",
    ),
];

/// A text, bytes or coordinate whose name speaks of people is marked.
fn marked(contract: &Contract) -> Vec<String> {
    let telling = contract.fields().filter(|field| {
        let speaks = words(field.name());
        can_tell(field) && speaks.iter().any(|word| TELLING.contains(&word.as_str()))
    });
    let bare = telling.filter(|field| !contract.personal(field) && !harmless(field));
    bare.map(|field| {
        format!(
            "{} speaks of a person by its name: mark it [(fettle.type.v1.personal) = true], or \
             list it in HARMLESS with what it says",
            field.full_name()
        )
    })
    .collect()
}

fn can_tell(field: &FieldDescriptor) -> bool {
    matches!(
        field.kind(),
        Kind::String | Kind::Bytes | Kind::Double | Kind::Float
    )
}

fn harmless(field: &FieldDescriptor) -> bool {
    let paging = ["page_token", "next_page_token"].contains(&field.name());
    paging || HARMLESS.iter().any(|(name, _)| is(field, name))
}

fn is(field: &FieldDescriptor, name: &str) -> bool {
    field.full_name().strip_prefix("fettle.") == Some(name)
}

/// Nothing that a message of an `events.proto` leads to is marked.
fn events(contract: &Contract) -> Vec<String> {
    let told = contract.messages().filter(|message| {
        let file = message.parent_file();
        file.name().ends_with("/events.proto") || message.name().ends_with("EventPayload")
    });
    told.flat_map(|message| carried(contract, &message, message.full_name(), &[]))
        .map(|path| {
            format!(
                "{path} is personal and told as an event: tell the resource's name, and let who \
                 hears it read the rest"
            )
        })
        .collect()
}

/// Paths to marked fields; `above` are the messages that the path leads through.
fn carried(
    contract: &Contract,
    message: &MessageDescriptor,
    path: &str,
    above: &[MessageDescriptor],
) -> Vec<String> {
    if above.contains(message) {
        return Vec::new();
    }
    let above = [above, std::slice::from_ref(message)].concat();
    let mut found = Vec::new();
    for field in message.fields() {
        let path = format!("{path}.{}", field.name());
        match field.kind() {
            _ if contract.personal(&field) => found.push(path),
            Kind::Message(inner) => found.extend(carried(contract, &inner, &path, &above)),
            _ => {}
        }
    }
    found
}

#[test]
fn what_speaks_of_a_person_is_marked() {
    kept(marked);
}

#[test]
fn no_event_carries_what_is_known_of_a_person() {
    kept(events);
}

#[test]
fn every_exception_is_still_needed() {
    let contract = Contract::ours();
    for (name, _) in HARMLESS {
        let unmarked = |f: &FieldDescriptor| is(f, name) && !contract.personal(f);
        let known = contract.fields().any(|f| unmarked(&f));
        assert!(known, "{name} is gone or marked: take it out of HARMLESS");
    }
}

#[test]
fn an_unmarked_field_is_found() {
    for field in [
        "string email",
        "repeated string address_lines",
        "string decline_reason",
        "double home_latitude",
        "bytes signature",
    ] {
        let name = field.rsplit(' ').next().unwrap();
        let bare = format!("message M {{ {field} = 1; }}");
        refuses(marked, &bare, &format!("M.{name} personal"));
        let option = "[(fettle.type.v1.personal) = true]";
        accepts(marked, &format!("message M {{ {field} = 1 {option}; }}"));
    }
    accepts(marked, "message M { string name = 1; int32 note = 2; }");
}

#[test]
fn an_event_that_carries_a_marked_field_is_found() {
    let mail = "message P { string email = 1 [(fettle.type.v1.personal) = true]; }";
    let deep =
        format!("message AnEventPayload {{ M m = 1; }} message M {{ repeated P p = 1; }} {mail}");
    refuses(events, &deep, "AnEventPayload.m.p.email resource's");
    accepts(
        events,
        &format!("message AnEventPayload {{ M m = 1; }} message M {{ M m = 1; }} {mail}"),
    );
}
