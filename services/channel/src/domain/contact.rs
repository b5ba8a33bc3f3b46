//! How a person is addressed and reached.

use std::fmt;

/// The personal part of a party: what is sealed under its key.
///
/// Its encoding is what is encrypted, so tags are never given a new meaning. Printing it shows
/// nothing of the person.
#[derive(Clone, PartialEq, Eq, prost::Message)]
#[prost(skip_debug)]
pub struct Contact {
    /// Name to address them by.
    #[prost(string, tag = "1")]
    pub display_name: String,
    /// Mail address; empty: none.
    #[prost(string, tag = "2")]
    pub email: String,
    /// E.164 number; empty: none.
    #[prost(string, tag = "3")]
    pub phone: String,
    /// BCP 47 language to write in.
    #[prost(string, tag = "4")]
    pub language: String,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contact(…)")
    }
}

/// A party that can be reached neither by mail nor by phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

impl Contact {
    /// Refuses one without a mail address and a phone number.
    pub fn reachable(&self) -> Result<(), Unreachable> {
        match self.email.is_empty() && self.phone.is_empty() {
            true => Err(Unreachable),
            false => Ok(()),
        }
    }
}

/// New values for some parts of a party; `None` leaves a part as it is, an empty text removes it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Name to address them by.
    pub display_name: Option<String>,
    /// Mail address.
    pub email: Option<String>,
    /// E.164 number.
    pub phone: Option<String>,
    /// BCP 47 language.
    pub language: Option<String>,
    /// Region.
    pub region: Option<String>,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Change(…)")
    }
}

impl Change {
    /// The contact after the change; refused when nobody could be reached by it.
    pub fn apply(self, contact: Contact) -> Result<Contact, Unreachable> {
        let contact = Contact {
            display_name: self.display_name.unwrap_or(contact.display_name),
            email: self.email.unwrap_or(contact.email),
            phone: self.phone.unwrap_or(contact.phone),
            language: self.language.unwrap_or(contact.language),
        };
        contact.reachable()?;
        Ok(contact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn li() -> Contact {
        Contact {
            display_name: "Li Wei".into(),
            email: "li@example.com".into(),
            phone: "+8613800000000".into(),
            language: "zh-Hans".into(),
        }
    }

    #[test]
    fn a_change_touches_what_it_names_alone() {
        let change = Change {
            phone: Some(String::new()),
            ..Change::default()
        };
        let changed = change.apply(li()).unwrap();
        assert_eq!(changed.phone, "");
        assert_eq!(changed.email, li().email);
    }

    #[test]
    fn the_last_way_to_reach_a_party_cannot_be_removed() {
        let change = Change {
            email: Some(String::new()),
            phone: Some(String::new()),
            ..Change::default()
        };
        assert_eq!(change.apply(li()), Err(Unreachable));
    }

    #[test]
    fn a_printed_contact_or_change_shows_nothing_of_the_person() {
        let change = Change {
            email: Some(li().email),
            ..Change::default()
        };
        let printed = format!("{:?} {:?}", li(), change);
        for secret in ["Li", "example", "138", "zh"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}
