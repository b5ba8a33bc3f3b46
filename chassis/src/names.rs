//! Resource names: `tickets/0190a1b2-…`, a collection and an identifier.

use uuid::Uuid;

use crate::refusal::Refusal;

/// The name of a resource in a collection.
pub fn name(collection: &str, id: Uuid) -> String {
    format!("{collection}/{id}")
}

/// The identifier in a name of that collection. Only the canonical spelling is accepted
/// (lower case, hyphens), so that one resource has one name.
pub fn parse(collection: &str, name: &str) -> Option<Uuid> {
    let id = name.strip_prefix(collection)?.strip_prefix('/')?;
    let parsed = Uuid::try_parse(id).ok()?;
    let mut canonical = Uuid::encode_buffer();
    (*parsed.hyphenated().encode_lower(&mut canonical) == *id).then_some(parsed)
}

/// The identifier of a resource name that is given, as that of whom a caller is; `NOT_FOUND` where
/// no such resource can exist.
pub fn parse_given(collection: &str, name: Option<&str>) -> Result<Option<Uuid>, Refusal> {
    let parsed = name.map(|name| parse(collection, name).ok_or_else(|| Refusal::not_found(name)));
    parsed.transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_back_its_identifier() {
        let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_abcd);
        assert_eq!(parse("tickets", &name("tickets", id)), Some(id));
    }

    #[test]
    fn other_collections_and_other_spellings_are_not_names() {
        let id = Uuid::from_u128(0xabcd);
        for bad in [
            name("parts", id),
            format!("tickets/{}", id.to_string().to_uppercase()),
            format!("tickets/{}", id.simple()),
            format!("tickets{id}"),
            format!("tickets/{id}/"),
            "tickets/".to_owned(),
            String::new(),
        ] {
            assert_eq!(parse("tickets", &bad), None, "{bad}");
        }
    }
}
