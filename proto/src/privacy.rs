//! What is known of people stays out of sight: made from the option `fettle.type.v1.personal`.
//!
//! `{:?}` of any message prints `[personal]` in place of a marked field that has a value, at any
//! depth. Where a copy of a message is kept or shown to others, [`Personal::redact`] it first.

use std::fmt::{Debug, Formatter, Result};

/// A message of the contract, whose marked fields can be emptied.
pub trait Personal {
    /// Empties every marked field, also of messages inside; nothing else changes.
    fn redact(&mut self);
}

/// A message of the contract by the resource it is or asks for.
pub trait Named {
    /// Its field `name`: "tickets/{uuid}"; empty where there is none.
    fn resource_name(&self) -> &str;
}

/// Stands for a value that is not to be seen.
struct Hidden;

impl Debug for Hidden {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("[personal]")
    }
}

/// A marked field as `Debug` may print it: that there is a value, and no more.
fn shown<T: Debug + Default + PartialEq>(value: &T) -> &dyn Debug {
    if *value == T::default() {
        value
    } else {
        &Hidden
    }
}

include!(concat!(env!("OUT_DIR"), "/privacy.rs"));

#[cfg(test)]
mod tests {
    use super::{Named, Personal};
    use crate::channel::v1::{CreatePartyRequest, ListPartiesResponse, Party};
    use crate::dispatch::v1::{WorkMode, WorkOrder, work_order::State};
    use crate::kinds::v1::{PostalAddress, Site};
    use crate::ticket::v1::ticket_history::Entry;
    use crate::ticket::v1::{ListTicketsRequest, Ticket, TicketHistory, ticket};

    fn party() -> Party {
        Party {
            name: "parties/1".to_owned(),
            display_name: "CANARY".to_owned(),
            phone: "CANARY".to_owned(),
            region: "cn-east".to_owned(),
            ..Party::default()
        }
    }

    fn visit() -> WorkOrder {
        WorkOrder {
            r#type: "REPAIR".to_owned(),
            mode: WorkMode::OnSite.into(),
            state: State::EnRoute.into(),
            report: "CANARY".to_owned(),
            site: Some(Site {
                address: Some(PostalAddress {
                    locality: "Hangzhou".to_owned(),
                    address_lines: vec!["CANARY".to_owned()],
                    ..PostalAddress::default()
                }),
                latitude: 77.123_456,
                time_zone: "Asia/Shanghai".to_owned(),
                ..Site::default()
            }),
            ..WorkOrder::default()
        }
    }

    #[test]
    fn a_message_prints_that_something_is_known_of_a_person_and_not_what() {
        let printed = format!("{:?}", party());
        assert!(printed.contains("display_name: [personal]"), "{printed}");
        assert!(
            printed.contains(r#"email: "", phone: [personal]"#),
            "{printed}"
        );
        assert!(printed.contains(r#"region: "cn-east""#), "{printed}");
        assert!(!printed.contains("CANARY"), "{printed}");
    }

    #[test]
    fn a_message_within_messages_prints_no_more() {
        let parties = vec![party()];
        let list = ListPartiesResponse {
            parties,
            ..ListPartiesResponse::default()
        };
        let history = TicketHistory {
            entries: vec![Entry {
                text: "CANARY".to_owned(),
                ..Entry::default()
            }],
            ..TicketHistory::default()
        };
        for printed in [
            format!("{:?}", tonic::Request::new(list)),
            format!("{history:#?}"),
            format!("{:?}", visit()),
        ] {
            let told = ["CANARY", "77.12"]
                .iter()
                .any(|secret| printed.contains(secret));
            assert!(printed.contains("[personal]") && !told, "{printed}");
        }
        let printed = format!("{:?}", visit());
        assert!(
            printed.contains("mode: OnSite") && printed.contains("state: EnRoute"),
            "{printed}"
        );
        assert!(printed.contains(r#"locality: "Hangzhou""#), "{printed}");
    }

    #[test]
    fn a_message_without_such_fields_prints_all() {
        let states = vec![ticket::State::Closed.into()];
        let request = ListTicketsRequest {
            states,
            party: "parties/1".to_owned(),
            ..Default::default()
        };
        let printed = format!("{request:?}");
        assert!(
            printed.contains("states: [Closed]") && printed.contains("parties/1"),
            "{printed}"
        );
    }

    #[test]
    fn redacting_empties_what_is_marked_and_nothing_else() {
        let mut request = CreatePartyRequest {
            party: Some(party()),
            request_id: "r1".to_owned(),
        };
        request.redact();
        let left = Party {
            name: "parties/1".to_owned(),
            region: "cn-east".to_owned(),
            ..Party::default()
        };
        assert_eq!(request.party, Some(left));
        assert_eq!(request.request_id, "r1");

        let (mut order, before) = (visit(), visit());
        order.redact();
        let (site, place) = (order.site.as_ref().unwrap(), before.site.as_ref().unwrap());
        let (address, written) = (
            site.address.as_ref().unwrap(),
            place.address.as_ref().unwrap(),
        );
        assert!(address.address_lines.is_empty() && site.latitude == 0.0);
        assert_eq!(
            (&address.locality, &site.time_zone),
            (&written.locality, &place.time_zone)
        );
        assert_eq!((order.report.as_str(), order.state()), ("", State::EnRoute));
    }

    #[test]
    fn a_message_knows_the_resource_it_names() {
        assert_eq!(party().resource_name(), "parties/1");
        let named = Ticket {
            name: "tickets/1".to_owned(),
            ..Ticket::default()
        };
        assert_eq!(named.resource_name(), "tickets/1");
        assert_eq!(ListTicketsRequest::default().resource_name(), "");
    }
}
