//! Pages of a list: opaque, sealed tokens.
//!
//! A token holds the cursor (the sort key of the last row shown) and an HMAC-SHA-256, cut to
//! 128 bits, over cursor, RPC, filter and tenant. A token that was edited, or is used with
//! another RPC, filter or tenant, is refused; its content is the service's own affair.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use proto::kinds::v1::ErrorReason;
use sha2::{Digest, Sha256};
use tonic::Code;

use crate::caller::TenantId;
use crate::refusal::{Refusal, TYPE_DOMAIN, Violations};

/// Rows of a page when the request names no size.
pub const DEFAULT_SIZE: i64 = 50;
/// Most rows of a page; a larger request gets this many (AIP-158).
pub const MAX_SIZE: i64 = 1_000;
/// Longest token read, in characters.
const LONGEST_TOKEN: usize = 2_048;
/// Bytes of the seal at the head of a token.
const SEAL: usize = 16;

/// The secret that seals page tokens. Replicas of one service share it by configuration.
#[derive(Clone)]
pub struct PageKey([u8; 32]);

impl PageKey {
    /// A key from the configured secret, of any length.
    pub fn from_secret(secret: &[u8]) -> PageKey {
        PageKey(Sha256::digest(secret).into())
    }

    /// A key that this process alone knows.
    #[expect(clippy::disallowed_methods, reason = "a secret is never seeded")]
    pub fn random() -> PageKey {
        PageKey(rand::random())
    }
}

impl std::fmt::Debug for PageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PageKey(…)")
    }
}

/// The values of the sort key after which the next page begins.
pub type Cursor = Vec<String>;

/// The page a request asks for.
#[derive(Debug)]
pub struct Page {
    /// Rows wanted, 1 to [`MAX_SIZE`]. Read one more to know whether there is a next page.
    pub size: i64,
    /// Where the page before ended; none: the first page.
    pub after: Option<Cursor>,
    binding: [u8; 32],
    key: PageKey,
}

impl Page {
    /// Reads `page_size` (0: the default; negative: refused; too large: the largest) and
    /// `page_token`. `filter` is the fingerprint of everything that selects and sorts rows:
    /// the request's bytes without its paging fields do.
    ///
    /// Refuses `INVALID_ARGUMENT`, reason `PAGE_TOKEN_INVALID`, for a token that was not given
    /// out for this tenant, RPC and filter.
    pub fn parse(
        page_size: i32,
        page_token: &str,
        tenant: &TenantId,
        rpc: &str,
        filter: &[u8],
        key: &PageKey,
    ) -> Result<Page, Refusal> {
        let size = match page_size {
            0 => DEFAULT_SIZE,
            size if size < 0 => {
                let mut violations = Violations::new();
                violations.add("page_size", "is negative");
                return Err(Refusal::invalid(violations));
            }
            size => i64::from(size).min(MAX_SIZE),
        };
        let mut page = Page {
            size,
            after: None,
            binding: binding(tenant, rpc, filter),
            key: key.clone(),
        };
        if !page_token.is_empty() {
            page.after = Some(page.open(page_token).ok_or_else(token_invalid)?);
        }
        Ok(page)
    }

    /// The token of the page that begins after the row with this sort key.
    pub fn next(&self, cursor: Cursor) -> String {
        let body = written(&cursor);
        let Some(mac) = self.mac(&body) else {
            // HMAC takes keys of every length, so this cannot be; no next page is the safe answer.
            return String::new();
        };
        let mut token = mac.finalize().into_bytes()[..SEAL].to_vec();
        token.extend(body);
        BASE64URL_NOPAD.encode(&token)
    }

    fn open(&self, token: &str) -> Option<Cursor> {
        if token.len() > LONGEST_TOKEN {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        let (seal, body) = bytes.split_at_checked(SEAL)?;
        self.mac(body)?.verify_truncated_left(seal).ok()?;
        read(body)
    }

    fn mac(&self, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key.0).ok()?;
        mac.update(&self.binding);
        mac.update(body);
        Some(mac)
    }
}

/// What a token is bound to, each part with its length so that none runs into the next.
fn binding(tenant: &TenantId, rpc: &str, filter: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [tenant.as_str().as_bytes(), rpc.as_bytes(), filter] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Each value after its length.
fn written(cursor: &[String]) -> Vec<u8> {
    let mut body = Vec::new();
    for value in cursor {
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
        body.extend(length.to_be_bytes());
        body.extend(value.as_bytes());
    }
    body
}

fn read(mut body: &[u8]) -> Option<Cursor> {
    let mut cursor = Cursor::new();
    while !body.is_empty() {
        let (length, rest) = body.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (value, rest) = rest.split_at_checked(length)?;
        cursor.push(String::from_utf8(value.to_vec()).ok()?);
        body = rest;
    }
    Some(cursor)
}

fn token_invalid() -> Refusal {
    Refusal::new(
        Code::InvalidArgument,
        TYPE_DOMAIN,
        ErrorReason::PageTokenInvalid,
        "the page token is damaged, or of another RPC, filter or tenant",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> TenantId {
        TenantId::parse("acme").unwrap()
    }

    fn page(token: &str, key: &PageKey) -> Result<Page, Refusal> {
        Page::parse(10, token, &tenant(), "ListTickets", b"state=OPEN", key)
    }

    #[test]
    fn a_token_leads_to_the_row_it_was_given_for() {
        let key = PageKey::random();
        let cursor = vec!["2026-03-01T00:00:00Z".to_owned(), "é,\u{0}".to_owned()];

        let token = page("", &key).unwrap().next(cursor.clone());

        assert_eq!(page(&token, &key).unwrap().after, Some(cursor));
    }

    #[test]
    fn every_edit_of_a_token_is_refused() {
        let key = PageKey::random();
        let token = page("", &key).unwrap().next(vec!["7".into()]);

        for at in 0..token.len() {
            let mut edited = token.clone().into_bytes();
            edited[at] = if edited[at] == b'A' { b'B' } else { b'A' };
            let edited = String::from_utf8(edited).unwrap();
            let refused = page(&edited, &key).unwrap_err();
            assert_eq!(refused.reason(), "PAGE_TOKEN_INVALID", "edit at {at}");
        }
        for cut in 1..token.len() {
            assert!(page(&token[..cut], &key).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_token_of_another_list_is_refused() {
        let key = PageKey::random();
        let token = page("", &key).unwrap().next(vec!["7".into()]);
        let other = TenantId::parse("other").unwrap();
        let with = |tenant: &TenantId, rpc, filter: &[u8], key: &PageKey| {
            Page::parse(10, &token, tenant, rpc, filter, key)
        };

        assert!(with(&tenant(), "ListTickets", b"state=OPEN", &key).is_ok());
        assert!(with(&other, "ListTickets", b"state=OPEN", &key).is_err());
        assert!(with(&tenant(), "ListParts", b"state=OPEN", &key).is_err());
        assert!(with(&tenant(), "ListTickets", b"state=HELD", &key).is_err());
        assert!(with(&tenant(), "ListTicketss", b"tate=OPEN", &key).is_err());
        let stranger = PageKey::from_secret(b"another");
        assert!(with(&tenant(), "ListTickets", b"state=OPEN", &stranger).is_err());
    }

    #[test]
    fn sizes_have_a_default_and_a_limit() {
        let key = PageKey::random();
        let size = |asked| Page::parse(asked, "", &tenant(), "L", b"", &key).map(|p| p.size);
        assert_eq!(size(0).unwrap(), DEFAULT_SIZE);
        assert_eq!(size(7).unwrap(), 7);
        assert_eq!(size(5_000).unwrap(), MAX_SIZE);
        assert_eq!(size(-1).unwrap_err().reason(), "INVALID_FIELDS");
    }
}
