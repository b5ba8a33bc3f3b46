//! Chains of hashes: each link covers its content and the link before, so that a change, a gap and
//! a swap are seen.

use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// What a chain starts from.
pub const START: Hash = [0; 32];

/// A hash being made of fields, each behind its length, so that none runs into its neighbour.
pub struct Link(Sha256);

impl Link {
    /// The link after `previous`; `format` names how the links of this chain are made.
    pub fn after(format: &str, previous: &Hash) -> Link {
        let mut hasher = Sha256::new();
        hasher.update(format.as_bytes());
        hasher.update(previous);
        Link(hasher)
    }

    /// A hash of fields that is no link.
    pub fn alone() -> Link {
        Link(Sha256::new())
    }

    /// Adds a field.
    pub fn field(&mut self, bytes: &[u8]) -> &mut Link {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    /// The hash of what was added.
    pub fn seal(self) -> Hash {
        self.0.finalize().into()
    }
}

/// The fields as one message to be signed: each behind its length in eight bytes.
pub fn statement(fields: &[&[u8]]) -> Vec<u8> {
    let mut message = Vec::new();
    for field in fields {
        message.extend_from_slice(&(field.len() as u64).to_be_bytes());
        message.extend_from_slice(field);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(previous: &Hash, fields: &[&[u8]]) -> Hash {
        let mut link = Link::after("test-1", previous);
        for field in fields {
            link.field(field);
        }
        link.seal()
    }

    #[test]
    fn a_link_differs_with_its_place_its_content_and_where_its_fields_end() {
        let first = link(&START, &[b"a", b"b"]);
        assert_ne!(first, link(&first, &[b"a", b"b"]));
        assert_ne!(first, link(&START, &[b"ab", b""]));
        assert_ne!(first, link(&START, &[b"b", b"a"]));
        assert_eq!(first, link(&START, &[b"a", b"b"]));
    }

    #[test]
    fn no_two_statements_of_different_fields_are_the_same() {
        assert_ne!(statement(&[b"a", b"bc"]), statement(&[b"ab", b"c"]));
        assert_eq!(statement(&[b"a"]), [0, 0, 0, 0, 0, 0, 0, 1, b'a']);
    }
}
