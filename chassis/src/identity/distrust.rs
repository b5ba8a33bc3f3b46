//! Why a token is not believed: exactly for us, vaguely for whoever sent it.

use proto::kinds::v1::ErrorReason;
use tonic::Code;

use crate::refusal::{Refusal, TYPE_DOMAIN};

/// Why a caller is refused. The text is for logs and for whoever mints; the caller is told less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// There is no `authorization`.
    #[error("there is no authorization")]
    Missing,
    /// There are several.
    #[error("there is more than one authorization")]
    Several,
    /// It is not `Bearer` and a token.
    #[error("authorization is not Bearer and a token")]
    NotBearer,
    /// It is larger than 4 KiB.
    #[error("the token is larger than 4 KiB")]
    TooLarge,
    /// The header is no JSON, or is not what is wanted: `alg` EdDSA, `typ` JWT, a `kid`, no `crit`.
    #[error("the token's header is not that of a caller token")]
    Header,
    /// No key of the ring has this `kid`.
    #[error("no key has the token's kid")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("the signature is not the key's")]
    Signature,
    /// A claim is missing, repeated or of another type.
    #[error("a claim is missing, repeated or of another type")]
    Claims,
    /// The key belongs to another issuer than the token names.
    #[error("the key belongs to another issuer than the token names")]
    Issuer,
    /// It is meant for somebody else.
    #[error("the token is meant for another audience")]
    Audience,
    /// It lives longer than 15 minutes, or ends before it begins.
    #[error("the token lives longer than 15 minutes or ends before it begins")]
    Life,
    /// It begins later.
    #[error("the token is not valid yet")]
    TooEarly,
    /// It is over.
    #[error("the token has expired")]
    Expired,
    /// The tenant, principal, region, customer or partner is malformed.
    #[error("tenant, sub, region, customer or partner is malformed")]
    Malformed,
    /// There is no role, or one that does not exist.
    #[error("there is no role, or one that does not exist")]
    Role,
    /// Roles that do not go together.
    #[error("roles that do not go together")]
    MixedRoles,
    /// A role without what it needs (customer, partner, a technician's principal), or the reverse.
    #[error("customer, partner or sub do not fit the role")]
    Misfit,
    /// The issuer may not mint this role or principal.
    #[error("the issuer may not mint this role or principal")]
    Overreach,
}

/// `UNAUTHENTICATED`, without what would help to forge.
impl From<Distrust> for Refusal {
    fn from(why: Distrust) -> Refusal {
        let (reason, message) = match why {
            Distrust::Missing => (
                ErrorReason::CallerUnknown,
                "nobody said who is asking: a caller token is needed",
            ),
            Distrust::Expired => (ErrorReason::TokenExpired, "the token has expired"),
            Distrust::TooEarly => (ErrorReason::CallerUnknown, "the token is not valid yet"),
            Distrust::Role | Distrust::MixedRoles | Distrust::Misfit => (
                ErrorReason::CallerUnknown,
                "the token's roles are not acceptable",
            ),
            _ => (ErrorReason::CallerUnknown, "the token is not believed"),
        };
        Refusal::new(Code::Unauthenticated, TYPE_DOMAIN, reason, message)
    }
}
