//! Who is asking: the typed caller that reaches every handler and every store call.
//!
//! It travels as a signed token ([`crate::identity`]); a server puts it on each request.

use std::fmt;
use std::sync::Arc;

use crate::authz::Asking;
use crate::identity::Distrust;
use crate::refusal::Refusal;

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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The tenant every key leads with.
    pub tenant: TenantId,
    /// The person, partner key or service: `users/7`, `services/ticket`.
    pub principal: String,
    /// The region the caller is bound to; none: all regions of the tenant.
    pub region: Option<String>,
    /// Roles as tokens write them ("stock_keeper"), sorted and without repeats.
    pub roles: Vec<String>,
    /// The customer the caller is, when it is one: "parties/{uuid}".
    pub customer: Option<String>,
    /// The partner organisation the caller belongs to, when it is one.
    pub partner: Option<String>,
}

impl Caller {
    /// The caller of a request and what it may do in it, put there by the server's caller layer.
    ///
    /// Refuses `UNAUTHENTICATED`, reason `CALLER_UNKNOWN`, when there is none.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Asking, Refusal> {
        let found = request.extensions().get::<Asking>().cloned();
        found.ok_or_else(|| Distrust::Missing.into())
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
