//! Where a tenant's chain stands, signed: kept outside, it shows later that nothing was cut off.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::chain::{Hash, statement};
use crate::identity::{Issuer, Keyring, SigningKey, Unsigned};

/// What the signature begins with, so that nothing else the key signs is taken for a head.
const LABEL: &str = "fettle-audit-head-1";

/// The last entry of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Which service's chain.
    pub service: String,
    /// Whose.
    pub tenant: String,
    /// Number of the last entry.
    pub number: i64,
    /// Its hash.
    #[serde(with = "hex")]
    pub hash: Hash,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// `kid` of the key that signed; empty: the service has none.
    pub key: String,
    /// Ed25519 over all of that.
    #[serde(with = "hex")]
    pub signature: Vec<u8>,
}

/// Why a head proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// The service has no key to sign with.
    #[error("it is not signed: the service has no identity.signing_key")]
    Unsigned,
    /// The key set has no such key.
    #[error("it is signed by the key {0:?}, which the key set does not have")]
    UnknownKey(String),
    /// The key did not sign this.
    #[error("the signature is not of this entry and time")]
    Signature,
    /// The key is another service's.
    #[error("it is signed by {0}, whose chain it is not")]
    Signer(Issuer),
}

impl Head {
    /// The same, signed where there is a key.
    pub(super) fn signed(mut self, key: Option<&SigningKey>) -> Head {
        if let Some(key) = key {
            key.kid().clone_into(&mut self.key);
            self.signature = key.sign(&self.statement());
        }
        self
    }

    fn statement(&self) -> Vec<u8> {
        statement(&[
            LABEL.as_bytes(),
            self.service.as_bytes(),
            self.tenant.as_bytes(),
            &self.number.to_be_bytes(),
            &self.hash,
            &self.signed_at.as_microsecond().to_be_bytes(),
        ])
    }

    /// Whether the service itself, or the development issuer, has signed it.
    pub fn check(&self, ring: &Keyring) -> Result<(), Doubt> {
        if self.key.is_empty() {
            return Err(Doubt::Unsigned);
        }
        match ring.verify(&self.key, &self.statement(), &self.signature) {
            Ok(Issuer::Development) => Ok(()),
            Ok(Issuer::Service(name)) if *name == self.service => Ok(()),
            Ok(other) => Err(Doubt::Signer(other.clone())),
            Err(Unsigned::UnknownKey) => Err(Doubt::UnknownKey(self.key.clone())),
            Err(Unsigned::Signature) => Err(Doubt::Signature),
        }
    }
}

/// Bytes as hexadecimal text.
mod hex {
    use data_encoding::HEXLOWER;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        bytes: &impl AsRef<[u8]>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&HEXLOWER.encode(bytes.as_ref()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, B: TryFrom<Vec<u8>>>(
        from: D,
    ) -> Result<B, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(Error::custom)?;
        B::try_from(bytes).map_err(|_| Error::custom("not as many bytes as it should be"))
    }
}
