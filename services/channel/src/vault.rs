//! Keeps contact data unreadable to whoever holds the database alone.
//!
//! Each party has a random data key; what is personal is sealed under it with AES-256-GCM. The
//! data key is itself sealed under the tenant's key, which derives from the master key. Each
//! sealed value is bound to format version, tenant, party and what it holds, so that moving it to
//! another row, column or tenant is detected. The decision record is `docs/decisions/0011`.
//!
//! Keys and nonces are drawn from the operating system and not from the service's `Ids`, which may
//! be seeded: a repeated nonce would break the cipher.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead, Generate, Key, KeyInit, Nonce, Payload};
use chassis::TenantId;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// Version of what a sealed value looks like: this byte, nonce, cipher text, tag.
const FORMAT: u8 = 1;
const NONCE: usize = 12;

/// What a sealed value holds; part of what it is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A party's name, mail address, phone number and language.
    Contact,
    /// The answer to a keyed request.
    Answer,
}

impl Holds {
    fn name(self) -> &'static str {
        match self {
            Holds::Contact => "display_name,email,phone,language",
            Holds::Answer => "answer",
        }
    }
}

/// Which blind index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// Of lower-cased mail addresses.
    Mail,
    /// Of E.164 numbers.
    Phone,
}

/// Why something sealed stays closed. Says nothing of what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Not of a format this release reads.
    #[error("a sealed value is of an unknown format")]
    Format,
    /// Wrong key, another row's value, or an edited one: which, nobody can tell.
    #[error("a sealed value does not open with this key in this place")]
    Closed,
    /// Wrapped under another master key than the one in hand.
    #[error("a key is wrapped under another master key")]
    OtherMaster,
    /// The operating system gave no random bits, or a key of the wrong length.
    #[error("the cipher cannot be used")]
    Cipher,
}

/// The master key in use, and what derives from it.
#[derive(Clone)]
pub struct Vault {
    master: [u8; 32],
    id: [u8; 8],
}

/// A party's data key as it is stored.
#[derive(Clone, Debug)]
pub struct WrappedKey {
    /// Names the master key, without telling anything of it.
    pub master_key_id: Vec<u8>,
    /// The data key, sealed.
    pub wrapped: Vec<u8>,
}

/// A party's data key, ready for use.
pub struct DataKey {
    cipher: Aes256Gcm,
    tenant: TenantId,
    party: Uuid,
}

impl Vault {
    /// The vault of a master key.
    pub fn new(master: [u8; 32]) -> Result<Vault, VaultError> {
        let derived = derive(&master, &["master key id"])?;
        let [a, b, c, d, e, f, g, h, ..] = derived;
        let id = [a, b, c, d, e, f, g, h];
        Ok(Vault { master, id })
    }

    /// A new random data key for a party, and how to store it.
    pub fn new_key(
        &self,
        tenant: &TenantId,
        party: Uuid,
    ) -> Result<(DataKey, WrappedKey), VaultError> {
        let key = Key::<Aes256Gcm>::try_generate().map_err(|_| VaultError::Cipher)?;
        let wrapped = seal(
            &self.tenant_cipher(tenant)?,
            &place(tenant, party, "data key"),
            &key,
        )?;
        let stored = WrappedKey {
            master_key_id: self.id.to_vec(),
            wrapped,
        };
        Ok((DataKey::new(&key, tenant, party)?, stored))
    }

    /// The data key of a party.
    pub fn unwrap(
        &self,
        tenant: &TenantId,
        party: Uuid,
        stored: &WrappedKey,
    ) -> Result<DataKey, VaultError> {
        if stored.master_key_id != self.id {
            return Err(VaultError::OtherMaster);
        }
        let place = place(tenant, party, "data key");
        let key = open(&self.tenant_cipher(tenant)?, &place, &stored.wrapped)?;
        DataKey::new(&key, tenant, party)
    }

    /// The blind index of a contact in its spelling for look-up: equal contacts of one tenant
    /// have equal indexes, and nobody without the master key can make one.
    pub fn index(
        &self,
        tenant: &TenantId,
        index: Index,
        contact: &str,
    ) -> Result<[u8; 32], VaultError> {
        let kind = match index {
            Index::Mail => "mail",
            Index::Phone => "phone",
        };
        let key = derive(&self.master, &["blind index", tenant.as_str(), kind])?;
        mac(&key, &[contact.as_bytes()])
    }

    /// Stands for a request's bytes where they are compared and must not be kept: a plain hash
    /// of a phone number could be found by trying all numbers.
    pub fn fingerprint(&self, tenant: &TenantId, request: &[u8]) -> Result<[u8; 32], VaultError> {
        let key = derive(&self.master, &["request fingerprint", tenant.as_str()])?;
        mac(&key, &[request])
    }

    fn tenant_cipher(&self, tenant: &TenantId) -> Result<Aes256Gcm, VaultError> {
        let key = derive(&self.master, &["tenant key", tenant.as_str()])?;
        Aes256Gcm::new_from_slice(&key).map_err(|_| VaultError::Cipher)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(…)")
    }
}

impl DataKey {
    fn new(key: &[u8], tenant: &TenantId, party: Uuid) -> Result<DataKey, VaultError> {
        let cipher = Aes256Gcm::new_from_slice(key).map_err(|_| VaultError::Cipher)?;
        let tenant = tenant.clone();
        Ok(DataKey {
            cipher,
            tenant,
            party,
        })
    }

    /// Whose party it is.
    pub(crate) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Seals a value of this party; the same value looks different each time.
    pub fn seal(&self, holds: Holds, value: &[u8]) -> Result<Vec<u8>, VaultError> {
        let place = place(&self.tenant, self.party, holds.name());
        seal(&self.cipher, &place, value)
    }

    /// Opens what [`DataKey::seal`] sealed for the same party as the same thing.
    pub fn open(&self, holds: Holds, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let place = place(&self.tenant, self.party, holds.name());
        open(&self.cipher, &place, sealed)
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataKey(parties/{})", self.party)
    }
}

/// What a sealed value is bound to (the cipher's associated data).
fn place(tenant: &TenantId, party: Uuid, holds: &str) -> Vec<u8> {
    let mut place = vec![FORMAT];
    for part in [
        tenant.as_str().as_bytes(),
        party.as_bytes(),
        holds.as_bytes(),
    ] {
        place.extend((part.len() as u64).to_be_bytes());
        place.extend(part);
    }
    place
}

fn seal(cipher: &Aes256Gcm, aad: &[u8], value: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce = Nonce::<Aes256Gcm>::try_generate().map_err(|_| VaultError::Cipher)?;
    let payload = Payload { msg: value, aad };
    let sealed = cipher
        .encrypt(&nonce, payload)
        .map_err(|_| VaultError::Cipher)?;
    Ok([&[FORMAT], nonce.as_slice(), &sealed].concat())
}

fn open(cipher: &Aes256Gcm, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    let (format, rest) = sealed.split_first().ok_or(VaultError::Format)?;
    if *format != FORMAT {
        return Err(VaultError::Format);
    }
    let (nonce, msg) = rest.split_at_checked(NONCE).ok_or(VaultError::Format)?;
    let nonce = Nonce::<Aes256Gcm>::try_from(nonce).map_err(|_| VaultError::Format)?;
    let opened = cipher.decrypt(&nonce, Payload { msg, aad });
    opened.map_err(|_| VaultError::Closed)
}

/// A key for one purpose. HKDF-Expand of RFC 5869 for one block: the master key is uniformly
/// random, so nothing is to be extracted.
fn derive(master: &[u8; 32], purpose: &[&str]) -> Result<[u8; 32], VaultError> {
    let mut info = vec!["fettle.channel.v1".as_bytes()];
    info.extend(purpose.iter().map(|part| part.as_bytes()));
    let mut written = Vec::new();
    for part in info {
        written.extend((part.len() as u64).to_be_bytes());
        written.extend(part);
    }
    mac(master, &[&written, &[1]])
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> Result<[u8; 32], VaultError> {
    let mut mac =
        <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).map_err(|_| VaultError::Cipher)?;
    for part in parts {
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests;
