//! Keys: the public ones that are believed, the private one that signs.
//!
//! Public keys stand in a JWK Set (RFC 7517), each with a member `iss` that says whose it is:
//!
//! ```json
//! {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "…", "kid": "…", "iss": "edge"}]}
//! ```
//!
//! A `kid` is the key's thumbprint (RFC 7638), so that one key has one name everywhere. Several
//! keys of one issuer may live at a time: that is how a key is replaced.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use proto::kinds::v1::Role;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::crypto;
use super::mint::Minter;
use crate::clock::Clock;

/// Whom development tokens are meant for.
const AUDIENCE: &str = "fettle";
/// Most keys in a ring; a larger file is a mistake.
const MOST_KEYS: usize = 256;
/// Largest key file read, in bytes.
const LARGEST_FILE: u64 = 256 << 10;

/// Whose key it is, which decides what it may sign.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Issuer {
    /// "edge": people and partners, whom it has authenticated; no service.
    Edge,
    /// "services/ticket": that service itself and nobody else.
    Service(String),
    /// "development": everybody. Production refuses it.
    Development,
}

impl Issuer {
    /// Reads "edge", "services/{a-z0-9-}" or "development".
    pub fn parse(text: &str) -> Option<Issuer> {
        match text {
            "edge" => Some(Issuer::Edge),
            "development" => Some(Issuer::Development),
            other => {
                let name = other.strip_prefix("services/")?;
                let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
                let is_name = (1..=64).contains(&name.len()) && name.bytes().all(allowed);
                is_name.then(|| Issuer::Service(name.to_owned()))
            }
        }
    }

    pub(super) fn may_mint(&self, roles: &[Role], sub: &str) -> bool {
        match self {
            Issuer::Development => true,
            Issuer::Edge => !roles.contains(&Role::Service),
            Issuer::Service(_) => *roles == [Role::Service] && *sub == self.to_string(),
        }
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Issuer::Edge => f.write_str("edge"),
            Issuer::Service(name) => write!(f, "services/{name}"),
            Issuer::Development => f.write_str("development"),
        }
    }
}

/// Why a key file is not usable.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}")]
pub struct KeyRefused {
    path: String,
    why: String,
}

fn refused(path: &Path, why: impl fmt::Display) -> KeyRefused {
    KeyRefused {
        path: path.display().to_string(),
        why: why.to_string(),
    }
}

#[derive(Serialize, Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

#[derive(Serialize, Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    /// The public key, base64url.
    x: String,
    kid: String,
    iss: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    used_for: Option<String>,
}

impl Jwk {
    fn of(public: &[u8], issuer: &Issuer) -> Jwk {
        Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: BASE64URL_NOPAD.encode(public),
            kid: thumbprint(public),
            iss: issuer.to_string(),
            alg: Some("EdDSA".to_owned()),
            used_for: Some("sig".to_owned()),
        }
    }

    /// Whose key it is, and the key; or what is wrong with it.
    fn read(&self) -> Result<(Issuer, [u8; 32]), String> {
        let kid = &self.kid;
        let of_us = self.kty == "OKP" && self.crv == "Ed25519";
        let alg = self.alg.as_deref();
        if !of_us || !matches!(alg, None | Some("EdDSA" | "Ed25519")) {
            return Err(format!("{kid} is not an Ed25519 key for EdDSA"));
        }
        let issuer = Issuer::parse(&self.iss);
        let issuer = issuer.ok_or_else(|| format!("{kid} is of {:?}, no issuer", self.iss))?;
        let public = BASE64URL_NOPAD.decode(self.x.as_bytes()).ok();
        let public: Option<[u8; 32]> = public.and_then(|bytes| bytes.try_into().ok());
        let public = public.ok_or_else(|| format!("{kid} is not 32 bytes of base64url"))?;
        if *kid != thumbprint(&public) {
            return Err(format!("{kid} is not the thumbprint of its key"));
        }
        Ok((issuer, public))
    }
}

/// RFC 7638 by SHA-256: the same for a key wherever it is written.
fn thumbprint(public: &[u8]) -> String {
    let x = BASE64URL_NOPAD.encode(public);
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    BASE64URL_NOPAD.encode(&Sha256::digest(canonical.as_bytes()))
}

/// Public keys by `kid`, each with its issuer.
#[derive(Clone, Debug, Default)]
pub struct Keyring(BTreeMap<String, (Issuer, DecodingKey)>);

impl Keyring {
    /// Reads a JWK Set; refuses a file with a key that is not of ours, or is there twice.
    pub fn read(path: &Path) -> Result<Keyring, KeyRefused> {
        let text = text_of(path)?;
        Keyring::parse(&text).map_err(|why| refused(path, why))
    }

    /// The same from a text.
    fn parse(text: &str) -> Result<Keyring, String> {
        let set: JwkSet = serde_json::from_str(text).map_err(|why| why.to_string())?;
        if set.keys.len() > MOST_KEYS {
            return Err(format!("more than {MOST_KEYS} keys"));
        }
        let mut ring = Keyring::default();
        for jwk in set.keys {
            let (issuer, public) = jwk.read()?;
            let key = DecodingKey::from_ed_der(&public);
            if ring.0.insert(jwk.kid.clone(), (issuer, key)).is_some() {
                return Err(format!("{} is there twice", jwk.kid));
            }
        }
        Ok(ring)
    }

    pub(super) fn find(&self, kid: &str) -> Option<&(Issuer, DecodingKey)> {
        self.0.get(kid)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn kids_of<'a>(&'a self, issuer: &'a Issuer) -> impl Iterator<Item = &'a str> {
        let of = self.0.iter().filter(move |(_, (owner, _))| owner == issuer);
        of.map(|(kid, _)| kid.as_str())
    }
}

/// A private key; prints as its `kid`. Cheap to clone.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    public: Vec<u8>,
    pub(super) pair: Arc<Ed25519KeyPair>,
    pub(super) key: EncodingKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

impl SigningKey {
    /// Reads a PKCS#8 key in PEM, as [`write_key_pair`] and `openssl genpkey -algorithm ed25519`
    /// write it. A file that others may read is refused.
    pub fn read(path: &Path) -> Result<SigningKey, KeyRefused> {
        let metadata = std::fs::metadata(path).map_err(|why| refused(path, why))?;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let why = format!("others may read it (mode {mode:o}); 600 is needed");
            return Err(refused(path, why));
        }
        let text = text_of(path)?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes());
        // Whatever the reader says of a private key stays here.
        let der = der.map_err(|_| refused(path, "not a PKCS#8 key in PEM"))?;
        let key = SigningKey::from_pkcs8(der.secret_pkcs8_der());
        key.ok_or_else(|| refused(path, "not an Ed25519 key"))
    }

    pub(super) fn from_pkcs8(der: &[u8]) -> Option<SigningKey> {
        let pair = crypto::key_pair(der)?;
        let public = pair.public_key().as_ref().to_vec();
        Some(SigningKey {
            kid: thumbprint(&public),
            public,
            pair: Arc::new(pair),
            key: EncodingKey::from_ed_der(der),
        })
    }

    /// The name of the key: its thumbprint.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The ring of this one key.
    pub fn ring(&self, issuer: &Issuer) -> Keyring {
        let key = DecodingKey::from_ed_der(&self.public);
        Keyring([(self.kid.clone(), (issuer.clone(), key))].into())
    }
}

fn text_of(path: &Path) -> Result<String, KeyRefused> {
    let size = std::fs::metadata(path)
        .map_err(|why| refused(path, why))?
        .len();
    if size > LARGEST_FILE {
        return Err(refused(path, format!("larger than {LARGEST_FILE} bytes")));
    }
    std::fs::read_to_string(path).map_err(|why| refused(path, why))
}

/// Makes a key pair: the private key into a new file that only its owner reads, the public one
/// into a JWK Set beside what stands there. Gives the `kid`.
///
/// Refuses to overwrite a private key, and a set that cannot be read.
pub fn write_key_pair(private: &Path, set: &Path, issuer: &Issuer) -> Result<String, KeyRefused> {
    let mut keys = match set.exists() {
        true => {
            let text = text_of(set)?;
            Keyring::parse(&text).map_err(|why| refused(set, why))?;
            serde_json::from_str(&text).map_err(|why| refused(set, why))?
        }
        false => JwkSet { keys: Vec::new() },
    };
    let der = generated().ok_or_else(|| refused(private, "no key could be drawn"))?;
    let key = SigningKey::from_pkcs8(&der).ok_or_else(|| refused(private, "no key was drawn"))?;
    let mut file = owners_only(private).map_err(|why| refused(private, why))?;
    let written = file.write_all(pem(&der).as_bytes());
    written
        .and_then(|()| file.sync_all())
        .map_err(|why| refused(private, why))?;
    keys.keys.push(Jwk::of(&key.public, issuer));
    write_set(set, &keys)?;
    Ok(key.kid)
}

/// The development issuer of a suite on one machine: its files.
#[derive(Clone, Debug)]
pub struct Development {
    /// The JWK Set with its public key.
    pub keys: PathBuf,
    /// Its private key.
    pub signing_key: PathBuf,
}

impl Development {
    /// What a service on this machine is configured with, as (key, value).
    pub fn settings(&self) -> [(&'static str, String); 5] {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        [
            ("identity.profile", "development".to_owned()),
            ("identity.audience", AUDIENCE.to_owned()),
            ("identity.issuer", Issuer::Development.to_string()),
            ("identity.keys", text(&self.keys)),
            ("identity.signing_key", text(&self.signing_key)),
        ]
    }

    /// The private key.
    pub fn signing(&self) -> Result<SigningKey, KeyRefused> {
        SigningKey::read(&self.signing_key)
    }

    /// Makes tokens for everybody whom the suite shall believe.
    pub fn minter(&self, clock: Clock) -> Result<Minter, KeyRefused> {
        let (key, issuer) = (self.signing()?, Issuer::Development);
        Ok(Minter::new(key, issuer, AUDIENCE, clock))
    }
}

/// The development issuer of a folder, made on first need; whoever comes at the same time gets
/// the same key.
pub fn development(dir: &Path) -> Result<Development, KeyRefused> {
    std::fs::create_dir_all(dir).map_err(|why| refused(dir, why))?;
    let dir = dir.canonicalize().map_err(|why| refused(dir, why))?;
    let files = Development {
        keys: dir.join("keys.json"),
        signing_key: dir.join("development.pem"),
    };
    if !files.signing_key.exists() {
        let der = generated().ok_or_else(|| refused(&dir, "no key could be drawn"))?;
        // Only its owner reads such a file.
        let half = tempfile::NamedTempFile::new_in(&dir);
        let mut half = half.map_err(|why| refused(&dir, why))?;
        let written = half.write_all(pem(&der).as_bytes());
        written.map_err(|why| refused(&dir, why))?;
        // It appears whole or not at all; when it is there already, another was faster.
        if let Err(why) = half.persist_noclobber(&files.signing_key)
            && why.error.kind() != std::io::ErrorKind::AlreadyExists
        {
            return Err(refused(&files.signing_key, why.error));
        }
    }
    let key = files.signing()?;
    let set = JwkSet {
        keys: vec![Jwk::of(&key.public, &Issuer::Development)],
    };
    write_set(&files.keys, &set)?;
    Ok(files)
}

/// What stands before the 32 secret bytes of a key in PKCS#8, version 1 (RFC 8410): the form that
/// every tool reads. The one with the public half in it is refused by older OpenSSL.
const BEFORE_SECRET: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A new private key in PKCS#8.
fn generated() -> Option<Vec<u8>> {
    let mut secret = [0; 32];
    SystemRandom::new().fill(&mut secret).ok()?;
    Some([&BEFORE_SECRET[..], &secret].concat())
}

fn pem(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}

fn owners_only(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

/// A reader never sees half of a set.
fn write_set(path: &Path, set: &JwkSet) -> Result<(), KeyRefused> {
    let text = serde_json::to_string_pretty(set).map_err(|why| refused(path, why))?;
    if std::fs::read_to_string(path).is_ok_and(|stands| stands == text) {
        return Ok(());
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut half = tempfile::NamedTempFile::new_in(folder).map_err(|why| refused(path, why))?;
    let open = std::fs::Permissions::from_mode(0o644);
    let written = half.write_all(text.as_bytes());
    written
        .and_then(|()| half.as_file().set_permissions(open))
        .and_then(|()| half.persist(path).map_err(|why| why.error))
        .map_err(|why| refused(path, why))?;
    Ok(())
}
