//! The customer's link: `svy1.<tenant>.<43 characters>`.
//!
//! The token says its kind and version and whose it is, and 256 random bits only its bearer knows.
//! What is kept is the SHA-256 of the whole text: without the token nobody can make the hash, and
//! the hash leads back to no token. A slow hash would protect nothing here, because random bits
//! cannot be guessed.

use chassis::TenantId;
use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

const PREFIX: &str = "svy1.";
/// 256 bits in base64url without padding.
const SECRET_LENGTH: usize = 43;

/// A token that has its form. Whether it opens anything is the store's to say.
pub struct Link {
    tenant: TenantId,
    text: String,
}

impl Link {
    /// The link of a tenant with this secret.
    pub fn new(tenant: &TenantId, secret: &[u8; 32]) -> Link {
        let text = format!("{PREFIX}{tenant}.{}", BASE64URL_NOPAD.encode(secret));
        let tenant = tenant.clone();
        Link { tenant, text }
    }

    /// Reads a token; none when it has not the form of one. What that costs in time tells a
    /// stranger no more than this file does.
    pub fn parse(text: &str) -> Option<Link> {
        let (tenant, secret) = text.strip_prefix(PREFIX)?.split_once('.')?;
        let tenant = TenantId::parse(tenant).ok()?;
        let whole = secret.len() == SECRET_LENGTH;
        // Decoding also refuses a second spelling of the same bits.
        whole.then_some(())?;
        BASE64URL_NOPAD.decode(secret.as_bytes()).ok()?;
        let text = text.to_owned();
        Some(Link { tenant, text })
    }

    /// Whose survey it leads to.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// What is kept and looked for: equal hashes are found by index, so the time of a look-up
    /// depends on the hash, which nobody can steer towards another's.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }

    /// `text` without this token, should it stand in it: people paste links into comments.
    pub fn removed_from(&self, text: &str) -> String {
        text.replace(&self.text, "[link]")
    }

    /// The token itself, to hand to the customer.
    pub fn into_text(self) -> String {
        self.text
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link({}…)", self.tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme() -> TenantId {
        TenantId::parse("acme").unwrap()
    }

    #[test]
    fn a_link_is_read_back_with_its_tenant_and_hash() {
        let made = Link::new(&acme(), &[7; 32]);
        let hash = made.hash();
        let text = made.into_text();

        let read = Link::parse(&text).unwrap();

        assert_eq!(read.tenant(), &acme());
        assert_eq!(read.hash(), hash);
    }

    #[test]
    fn what_has_not_the_form_is_no_link() {
        let good = Link::new(&acme(), &[7; 32]).into_text();
        assert!(Link::parse(&good).is_some());
        for bad in [
            "",
            "svy1",
            "svy1.acme",
            "svy1.acme.",
            &good[..good.len() - 1],
            &format!("{good}A"),
            &good.replace("svy1", "svy2"),
            &good.replace("acme", "Acme"),
            &good.replace("acme", ""),
            &good.replace("acme", "acme.x"),
            // The last character carries four bits; this spelling sets one of the other two.
            &format!("{}d", &good[..good.len() - 1]),
        ] {
            assert!(Link::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_tenant_is_part_of_what_is_proved() {
        let other = TenantId::parse("other").unwrap();
        let (ours, theirs) = (Link::new(&acme(), &[7; 32]), Link::new(&other, &[7; 32]));
        assert_ne!(ours.hash(), theirs.hash());
    }

    #[test]
    fn a_link_hides_its_secret_when_printed_and_when_pasted() {
        let link = Link::new(&acme(), &[7; 32]);
        assert_eq!(format!("{link:?}"), "Link(acme…)");
        let pasted = format!("see {} please", link.text);
        assert_eq!(link.removed_from(&pasted), "see [link] please");
    }
}
