//! Who is asking, signed: a caller travels as a token of a few minutes, `authorization: Bearer …`.
//!
//! A token is a JWT under Ed25519 ([`crypto`]); its [`claims`] say who asks and obey rules of roles.
//! A [`Verifier`] believes it when a key of its [`Keyring`] signed it, a [`Minter`] makes it.
//! Who may mint what is the issuer's: the edge mints people, a service mints itself, and the
//! development issuer, which production refuses, mints everybody.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::clock::Clock;
use crate::config::{ConfigRefused, within};

mod claims;
mod crypto;
mod distrust;
mod keys;
mod mint;
mod sign;
mod verify;

#[cfg(test)]
mod tests;

pub use distrust::Distrust;
pub use keys::{Development, Issuer, KeyRefused, Keyring, SigningKey, development, write_key_pair};
pub use mint::{MintRefused, Minter};
pub use sign::Unsigned;
pub use verify::Verifier;

/// Largest token that is read or made, in bytes, the word "Bearer" included.
pub(crate) const LARGEST: usize = 4_096;
/// Longest life of a token, from issue to expiry, in seconds.
const LONGEST_LIFE_S: u64 = 900;

/// Section `identity` of a service's configuration; the default file documents each key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is their documentation")]
pub struct Settings {
    pub profile: String,
    pub audience: String,
    pub leeway_s: u64,
    pub keys: String,
    pub signing_key: String,
    pub issuer: String,
    pub token_life_s: u64,
}

/// How a service knows its callers, and how it makes itself known.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Believes or refuses tokens.
    pub verifier: Verifier,
    /// Makes tokens for the calls this service makes itself; none without a signing key.
    pub minter: Option<Minter>,
}

impl Settings {
    pub(crate) fn check(&self, problems: &mut Vec<String>) {
        let mut check = |key, value, least, most| {
            within(&format!("identity.{key}"), value, least..=most, problems);
        };
        check("leeway_s", self.leeway_s, 0, 300);
        check("token_life_s", self.token_life_s, 10, LONGEST_LIFE_S);
        if !["development", "production"].contains(&self.profile.as_str()) {
            let found = &self.profile;
            problems.push(format!(
                "identity.profile: {found:?} is neither \"development\" nor \"production\""
            ));
        }
        if self.audience.is_empty() {
            problems.push("identity.audience: must not be empty".to_owned());
        }
        if !self.issuer.is_empty() && Issuer::parse(&self.issuer).is_none() {
            let found = &self.issuer;
            problems.push(format!(
                "identity.issuer: {found:?} is none of \"edge\", \"services/<name>\", \"development\""
            ));
        }
    }

    /// Reads the keys of a service, or says everything that is wrong with them.
    ///
    /// Refuses a ring without keys and a signing key that the ring does not know; in production also
    /// whatever belongs to the development issuer.
    pub fn open(&self, service: &str, clock: Clock) -> Result<Identity, ConfigRefused> {
        let mut problems = Vec::new();
        self.check(&mut problems);
        let ring = self.ring(&mut problems);
        let signing = self.signing(service, ring.as_ref(), &mut problems);
        let (Some(ring), true) = (ring, problems.is_empty()) else {
            return Err(ConfigRefused { problems });
        };
        let life = Duration::from_secs(self.token_life_s);
        let minter = signing.map(|(issuer, key)| {
            Minter::new(key, issuer, &self.audience, clock.clone()).with_life(life)
        });
        let leeway = Duration::from_secs(self.leeway_s);
        Ok(Identity {
            verifier: Verifier::new(ring, &self.audience, leeway, clock),
            minter,
        })
    }

    fn is_production(&self) -> bool {
        self.profile != "development"
    }

    fn ring(&self, problems: &mut Vec<String>) -> Option<Keyring> {
        let key = "identity.keys";
        if self.keys.is_empty() {
            problems.push(format!(
                "{key}: a service without public keys believes nobody; name a JWK Set"
            ));
            return None;
        }
        let ring = Keyring::read(Path::new(&self.keys));
        let ring = ring.map_err(|why| problems.push(format!("{key}: {why}")));
        let ring = ring.ok()?;
        if ring.is_empty() {
            problems.push(format!("{key}: {} holds no key", self.keys));
        }
        if self.is_production() {
            for kid in ring.kids_of(&Issuer::Development) {
                problems.push(format!(
                    "{key}: {kid} belongs to the development issuer, which production refuses"
                ));
            }
        }
        Some(ring)
    }

    /// The signing key and who it signs as, when there is one.
    fn signing(
        &self,
        service: &str,
        ring: Option<&Keyring>,
        problems: &mut Vec<String>,
    ) -> Option<(Issuer, SigningKey)> {
        let issuer = match Issuer::parse(&self.issuer) {
            Some(issuer) => issuer,
            None if self.is_production() => Issuer::Service(service.to_owned()),
            None => Issuer::Development,
        };
        if self.is_production() && issuer == Issuer::Development {
            problems.push(
                "identity.issuer: production does not sign as the development issuer".to_owned(),
            );
        }
        if self.signing_key.is_empty() {
            return None;
        }
        let key = "identity.signing_key";
        let signing = SigningKey::read(Path::new(&self.signing_key));
        let signing = signing.map_err(|why| problems.push(format!("{key}: {why}")));
        let signing = signing.ok()?;
        if ring.is_some_and(|ring| !ring.kids_of(&issuer).any(|kid| kid == signing.kid())) {
            let kid = signing.kid();
            problems.push(format!(
                "{key}: identity.keys has no key {kid} of {issuer}, so nobody would believe it"
            ));
        }
        Some((issuer, signing))
    }
}
