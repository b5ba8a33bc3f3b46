//! Making tokens: one per caller, used until half of its life is over.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use jsonwebtoken::{Algorithm, Header, encode};
use moka::sync::Cache;

use super::claims::Claims;
use super::keys::{Issuer, SigningKey};
use super::{LARGEST, LONGEST_LIFE_S, crypto};
use crate::caller::Caller;
use crate::clock::Clock;

/// Callers whose token is kept; one more is minted anew each time it is evicted.
const MOST_KEPT: u64 = 10_000;

/// How long a token lives unless told otherwise, in seconds.
const USUAL_LIFE_S: i64 = 300;

/// Why a token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MintRefused {
    /// The claims or the key are not usable.
    #[error("the token cannot be signed: {0}")]
    Signing(#[from] jsonwebtoken::errors::Error),
    /// It would be larger than 4 KiB.
    #[error("the token would be larger than 4 KiB")]
    TooLarge,
}

/// Signs tokens as one issuer. Cheap to clone; clones share what they have made.
///
/// It signs what it is told. Whether an issuer may say so is decided where the token is verified,
/// so that the rule stands once and binds everybody.
#[derive(Clone)]
pub struct Minter {
    key: SigningKey,
    issuer: Issuer,
    audience: Arc<str>,
    life_s: i64,
    clock: Clock,
    made: Cache<Caller, Made>,
}

/// A token in use.
#[derive(Clone)]
struct Made {
    authorization: HeaderValue,
    /// When the next one is made, in seconds since 1970.
    renewed_at: i64,
    made_at: i64,
}

impl Minter {
    /// Signs as `issuer` for `audience`; tokens live 5 minutes.
    pub fn new(key: SigningKey, issuer: Issuer, audience: &str, clock: Clock) -> Minter {
        crypto::install();
        Minter {
            key,
            issuer,
            audience: audience.into(),
            life_s: USUAL_LIFE_S,
            clock,
            made: Cache::new(MOST_KEPT),
        }
    }

    /// The same with tokens of another life, 1 second to 15 minutes.
    #[must_use]
    pub fn with_life(self, life: Duration) -> Minter {
        let life_s = life.as_secs().clamp(1, LONGEST_LIFE_S);
        Minter {
            life_s: i64::try_from(life_s).unwrap_or(USUAL_LIFE_S),
            made: Cache::new(MOST_KEPT),
            ..self
        }
    }

    /// The key it signs with.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The value of `authorization` for calls of this caller, valid for at least half of a life.
    pub fn authorization(&self, caller: &Caller) -> Result<HeaderValue, MintRefused> {
        let now = self.clock.now().as_second();
        if let Some(made) = self.made.get(caller)
            && (made.made_at..made.renewed_at).contains(&now)
        {
            return Ok(made.authorization);
        }
        let authorization = self.sign(caller)?;
        let made = Made {
            authorization: authorization.clone(),
            renewed_at: now.saturating_add((self.life_s / 2).max(1)),
            made_at: now,
        };
        self.made.insert(caller.clone(), made);
        Ok(authorization)
    }

    /// A new token, as text without the word "Bearer".
    pub fn token(&self, caller: &Caller) -> Result<String, MintRefused> {
        let now = self.clock.now().as_second();
        let claims = Claims::of(caller, &self.issuer, &self.audience, now, self.life_s);
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.key.kid().to_owned());
        Ok(encode(&header, &claims, &self.key.key)?)
    }

    fn sign(&self, caller: &Caller) -> Result<HeaderValue, MintRefused> {
        let bearer = format!("Bearer {}", self.token(caller)?);
        if bearer.len() > LARGEST {
            return Err(MintRefused::TooLarge);
        }
        let mut value = HeaderValue::try_from(bearer).map_err(|_| MintRefused::TooLarge)?;
        // Neither printed nor kept in the compression table of a connection.
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Minter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Minter({} as {})", self.key.kid(), self.issuer)
    }
}
