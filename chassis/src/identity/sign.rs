//! Signing what is no token: words that a service hands out for others to keep and check.

use super::crypto;
use super::keys::{Issuer, Keyring, SigningKey};

impl SigningKey {
    /// The Ed25519 signature of a message that is no token, 64 bytes.
    ///
    /// The key signs tokens too, which are printable text throughout: a message begins with a byte
    /// that no token has, for instance the length of its label in eight bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl Keyring {
    /// Whose key has signed the message ([`SigningKey::sign`]).
    pub fn verify(&self, kid: &str, message: &[u8], signature: &[u8]) -> Result<&Issuer, Unsigned> {
        let (issuer, key) = self.find(kid).ok_or(Unsigned::UnknownKey)?;
        let public = key.try_get_as_bytes().map_err(|_| Unsigned::UnknownKey)?;
        match crypto::has_signed(public, message, signature) {
            true => Ok(issuer),
            false => Err(Unsigned::Signature),
        }
    }
}

/// Why a message is not held to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// The ring has no key of that `kid`.
    #[error("no key has this kid")]
    UnknownKey,
    /// The key has not signed this message.
    #[error("the signature is not of this key over this message")]
    Signature,
}
