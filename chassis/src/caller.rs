//! Who is asking: the typed caller that reaches every handler and every store call.
//!
//! Until signed tokens arrive the caller travels as development metadata
//! (`x-fettle-tenant`, `-principal`, `-region`, `-roles`, `-customer`, `-partner`),
//! which a server accepts from loopback peers only.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use proto::kinds::v1::ErrorReason;
use tonic::Code;

use crate::refusal::{Refusal, TYPE_DOMAIN};

const TENANT: &str = "x-fettle-tenant";
const PRINCIPAL: &str = "x-fettle-principal";
const REGION: &str = "x-fettle-region";
const ROLES: &str = "x-fettle-roles";
const CUSTOMER: &str = "x-fettle-customer";
const PARTNER: &str = "x-fettle-partner";

/// Every metadata key that says who is asking; an edge strips them from what strangers send.
pub const METADATA_KEYS: [&str; 6] = [TENANT, PRINCIPAL, REGION, ROLES, CUSTOMER, PARTNER];

/// Longest value of one metadata key, in bytes.
const LONGEST_VALUE: usize = 512;
/// Most roles one caller may carry.
const MOST_ROLES: usize = 32;

/// One tenant's name: 1 to 64 characters of `a-z`, `0-9` and `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Arc<str>);

/// A text that is not a tenant's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a tenant is 1 to 64 characters of a-z, 0-9 and '-'")]
pub struct NotATenant;

impl TenantId {
    /// Reads a tenant's name; refuses anything but 1 to 64 of `[a-z0-9-]`.
    pub fn parse(text: &str) -> Result<TenantId, NotATenant> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > 64 || !text.bytes().all(allowed) {
            return Err(NotATenant);
        }
        Ok(TenantId(text.into()))
    }

    /// The name as text, for SQL and for messages.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({})", self.0)
    }
}

impl AsRef<str> for TenantId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for TenantId {
    type Err = NotATenant;
    fn from_str(text: &str) -> Result<Self, NotATenant> {
        TenantId::parse(text)
    }
}

/// Who is asking, within which tenant, and what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The tenant every key leads with.
    pub tenant: TenantId,
    /// The person, partner key or service: `users/7`, `services/ticket`.
    pub principal: String,
    /// The region the caller is bound to; none: all regions of the tenant.
    pub region: Option<String>,
    /// Roles, sorted and without repeats.
    pub roles: Vec<String>,
    /// The customer the caller speaks for, when it is one.
    pub customer: Option<String>,
    /// The partner organisation the caller belongs to, when it is one.
    pub partner: Option<String>,
}

impl Caller {
    /// The caller of a request, put there by the server's caller layer.
    ///
    /// Refuses `UNAUTHENTICATED`, reason `CALLER_UNKNOWN`, when there is none.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Caller, Refusal> {
        let found = request.extensions().get::<Caller>().cloned();
        found.ok_or_else(|| unknown("nobody said who is asking"))
    }

    /// A service acting for itself in a tenant, as background workers do.
    pub fn service(tenant: TenantId, name: &'static str) -> Caller {
        Caller {
            tenant,
            principal: format!("services/{name}"),
            region: None,
            roles: vec!["service".to_owned()],
            customer: None,
            partner: None,
        }
    }

    /// True when the caller carries the role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }

    /// Reads the development metadata. Whether the sender may be believed is not decided here.
    pub fn from_metadata(headers: &HeaderMap) -> Result<Caller, Refusal> {
        let tenant = text(headers, TENANT)?.ok_or_else(|| unknown("x-fettle-tenant is missing"))?;
        let tenant = TenantId::parse(&tenant).map_err(|refused| unknown(refused.to_string()))?;
        let principal =
            text(headers, PRINCIPAL)?.ok_or_else(|| unknown("x-fettle-principal is missing"))?;
        let named = text(headers, ROLES)?.unwrap_or_default();
        let named = named.split(',').map(str::trim).filter(|r| !r.is_empty());
        let mut roles: Vec<String> = named.map(str::to_owned).collect();
        roles.sort_unstable();
        roles.dedup();
        if roles.len() > MOST_ROLES {
            return Err(unknown("x-fettle-roles names more than 32 roles"));
        }
        Ok(Caller {
            tenant,
            principal,
            region: text(headers, REGION)?,
            roles,
            customer: text(headers, CUSTOMER)?,
            partner: text(headers, PARTNER)?,
        })
    }

    /// The development metadata of this caller.
    ///
    /// A value that cannot travel in a header (control characters, not ASCII) is left out, and
    /// the server then refuses the call instead of mistaking the caller.
    pub fn to_metadata(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(METADATA_KEYS.len());
        let mut put = |key: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value)
                && !value.is_empty()
            {
                headers.insert(HeaderName::from_static(key), value);
            }
        };
        put(TENANT, self.tenant.as_str());
        put(PRINCIPAL, &self.principal);
        put(ROLES, &self.roles.join(","));
        for (key, value) in [
            (REGION, &self.region),
            (CUSTOMER, &self.customer),
            (PARTNER, &self.partner),
        ] {
            if let Some(value) = value {
                put(key, value);
            }
        }
        headers
    }
}

/// One metadata value as text; a repeated, overlong or unreadable one is refused.
fn text(headers: &HeaderMap, key: &'static str) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(key).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(unknown(format!("{key} is given twice")));
    }
    let readable = value.to_str().ok().filter(|v| v.len() <= LONGEST_VALUE);
    let readable = readable.ok_or_else(|| unknown(format!("{key} cannot be read")))?;
    Ok(Some(readable.trim().to_owned()).filter(|v| !v.is_empty()))
}

/// `UNAUTHENTICATED`, reason `CALLER_UNKNOWN`.
pub(crate) fn unknown(why: impl Into<String>) -> Refusal {
    Refusal::new(
        Code::Unauthenticated,
        TYPE_DOMAIN,
        ErrorReason::CallerUnknown,
        why,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_survives_the_wire() {
        let caller = Caller {
            tenant: TenantId::parse("acme").unwrap(),
            principal: "users/7".into(),
            region: Some("cn-east".into()),
            roles: vec!["agent".into(), "planner".into()],
            customer: Some("customers/1".into()),
            partner: None,
        };

        let read = Caller::from_metadata(&caller.to_metadata()).unwrap();

        assert_eq!(read, caller);
    }

    #[test]
    fn roles_are_sorted_and_named_once() {
        let mut headers = HeaderMap::new();
        headers.insert(TENANT, HeaderValue::from_static("acme"));
        headers.insert(PRINCIPAL, HeaderValue::from_static("users/7"));
        headers.insert(ROLES, HeaderValue::from_static("planner, agent,,planner"));

        let caller = Caller::from_metadata(&headers).unwrap();

        assert_eq!(caller.roles, ["agent", "planner"]);
    }

    #[test]
    fn a_caller_without_a_tenant_or_with_two_is_unknown() {
        let mut headers = HeaderMap::new();
        headers.insert(PRINCIPAL, HeaderValue::from_static("users/7"));
        assert!(Caller::from_metadata(&headers).is_err());

        headers.append(TENANT, HeaderValue::from_static("acme"));
        assert!(Caller::from_metadata(&headers).is_ok());

        headers.append(TENANT, HeaderValue::from_static("other"));
        let refused = Caller::from_metadata(&headers).unwrap_err();
        assert_eq!(refused.reason(), "CALLER_UNKNOWN");
    }

    #[test]
    fn a_tenant_is_lower_case_letters_digits_and_hyphens() {
        let longest = "a".repeat(64);
        for good in ["a", "acme-2", longest.as_str()] {
            assert!(TenantId::parse(good).is_ok(), "{good}");
        }
        let too_long = "a".repeat(65);
        for bad in ["", "Acme", "a b", "a/b", "é", too_long.as_str()] {
            assert_eq!(TenantId::parse(bad), Err(NotATenant), "{bad}");
        }
    }
}
