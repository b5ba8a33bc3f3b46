//! Believing tokens: the signature once per token, the time on every call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use moka::sync::Cache;

use super::claims::Claims;
use super::distrust::Distrust;
use super::keys::Keyring;
use super::{LARGEST, LONGEST_LIFE_S, crypto};
use crate::caller::Caller;
use crate::clock::Clock;

/// What verified tokens may take, in bytes; some ten thousand of them.
const MOST_KEPT: u64 = 16 << 20;
/// What one takes beside its own text, about.
const BESIDE: usize = 512;

const BEARER: &[u8] = b"bearer ";

/// Believes tokens that a key of its ring has signed for its audience. Cheap to clone; clones share
/// what they have verified.
#[derive(Clone)]
pub struct Verifier {
    ring: Arc<Keyring>,
    audience: Arc<str>,
    leeway_s: i64,
    clock: Clock,
    validation: Arc<Validation>,
    /// Tokens whose signature and claims were good: nobody fills it with what is not.
    known: Cache<HeaderValue, Arc<Known>>,
}

/// A verified token.
struct Known {
    caller: Caller,
    /// Seconds since 1970.
    begins: i64,
    expires: i64,
}

impl Verifier {
    /// Believes what the ring's keys sign for `audience`; clocks may differ by `leeway`.
    pub fn new(ring: Keyring, audience: &str, leeway: Duration, clock: Clock) -> Verifier {
        crypto::install();
        let mut validation = Validation::new(Algorithm::EdDSA);
        // The library would ask the machine for the time; times and audience are checked here.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let weigh = |token: &HeaderValue, _: &Arc<Known>| {
            u32::try_from(token.len() + BESIDE).unwrap_or(u32::MAX)
        };
        Verifier {
            ring: Arc::new(ring),
            audience: audience.into(),
            leeway_s: i64::try_from(leeway.as_secs()).unwrap_or(0),
            clock,
            validation: Arc::new(validation),
            known: Cache::builder()
                .weigher(weigh)
                .max_capacity(MOST_KEPT)
                .time_to_live(Duration::from_secs(2 * LONGEST_LIFE_S))
                .build(),
        }
    }

    /// The caller that a value of `authorization` names.
    pub fn believe(&self, authorization: &HeaderValue) -> Result<Caller, Distrust> {
        if let Some(known) = self.known.get(authorization) {
            self.in_time(&known)?;
            return Ok(known.caller.clone());
        }
        let known = self.read(bearer(authorization)?)?;
        let caller = known.caller.clone();
        // A copy of its own: the request's value may be a part of a much larger buffer.
        if let Ok(key) = HeaderValue::from_bytes(authorization.as_bytes()) {
            self.known.insert(key, Arc::new(known));
        }
        Ok(caller)
    }

    fn read(&self, token: &[u8]) -> Result<Known, Distrust> {
        let header = decode_header(token).map_err(|_| Distrust::Header)?;
        let is_ours = header.alg == Algorithm::EdDSA
            && header.typ.as_deref() == Some("JWT")
            && header.crit.is_none();
        let kid = header.kid.filter(|_| is_ours).ok_or(Distrust::Header)?;
        let (issuer, key) = self.ring.find(&kid).ok_or(Distrust::UnknownKey)?;
        let read = decode::<Claims>(token, key, &self.validation);
        let claims = read.map_err(|error| why(&error))?.claims;
        if claims.iss != issuer.to_string() {
            return Err(Distrust::Issuer);
        }
        if *claims.aud != *self.audience {
            return Err(Distrust::Audience);
        }
        let (begins, expires) = claims.life()?;
        let known = Known {
            caller: claims.caller(issuer)?,
            begins,
            expires,
        };
        self.in_time(&known)?;
        Ok(known)
    }

    fn in_time(&self, known: &Known) -> Result<(), Distrust> {
        let now = self.clock.now().as_second();
        if now.saturating_add(self.leeway_s) < known.begins {
            return Err(Distrust::TooEarly);
        }
        if now.saturating_sub(self.leeway_s) >= known.expires {
            return Err(Distrust::Expired);
        }
        Ok(())
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({:?})", self.ring)
    }
}

/// The token in `Bearer <token>`.
fn bearer(authorization: &HeaderValue) -> Result<&[u8], Distrust> {
    if authorization.len() > LARGEST {
        return Err(Distrust::TooLarge);
    }
    let split = authorization.as_bytes().split_at_checked(BEARER.len());
    let (scheme, token) = split.ok_or(Distrust::NotBearer)?;
    match scheme.eq_ignore_ascii_case(BEARER) && !token.is_empty() {
        true => Ok(token),
        false => Err(Distrust::NotBearer),
    }
}

fn why(error: &jsonwebtoken::errors::Error) -> Distrust {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::Json(_) | ErrorKind::Utf8(_) => Distrust::Claims,
        _ => Distrust::Signature,
    }
}
