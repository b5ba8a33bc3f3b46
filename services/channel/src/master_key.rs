//! Where the master key comes from: the configuration, or a private file.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Generate, Key};
use data_encoding::HEXLOWER_PERMISSIVE as HEX;
use serde::Deserialize;

/// Section `channel` of the configuration; `config.default.toml` documents each key.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    master_key: String,
    master_key_file: PathBuf,
    make_master_key: bool,
}

/// Why there is no master key. Never shows one.
#[derive(Debug, thiserror::Error)]
pub enum NoMasterKey {
    /// Not 64 hexadecimal digits.
    #[error("{0}: a master key is 64 hexadecimal digits")]
    Malformed(String),
    /// Others than the owner may read the file.
    #[error("{0}: others may read the master key; chmod 600 it")]
    Open(PathBuf),
    /// The file cannot be read or made.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
}

/// The configured key, or the one in the file, which is made where the settings say so.
///
/// Reads and writes files: call it before serving, not while.
pub fn load(settings: &Settings) -> Result<[u8; 32], NoMasterKey> {
    if !settings.master_key.is_empty() {
        return parse(&settings.master_key, || "channel.master_key".to_owned());
    }
    let path = settings.master_key_file.as_path();
    let wrong = |error| NoMasterKey::File(path.to_owned(), error);
    match read(path) {
        Err(NoMasterKey::File(_, error))
            if error.kind() == io::ErrorKind::NotFound && settings.make_master_key =>
        {
            make(path).map_err(wrong)?;
            read(path)
        }
        read => read,
    }
}

fn read(path: &Path) -> Result<[u8; 32], NoMasterKey> {
    let wrong = |error| NoMasterKey::File(path.to_owned(), error);
    let mut file = std::fs::File::open(path).map_err(wrong)?;
    let mode = file.metadata().map_err(wrong)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(NoMasterKey::Open(path.to_owned()));
    }
    let mut text = String::new();
    let read = Read::by_ref(&mut file)
        .take(1_024)
        .read_to_string(&mut text);
    read.map_err(wrong)?;
    parse(text.trim(), || path.display().to_string())
}

fn parse(text: &str, place: impl Fn() -> String) -> Result<[u8; 32], NoMasterKey> {
    let bytes = HEX.decode(text.as_bytes()).ok();
    let key = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    key.ok_or_else(|| NoMasterKey::Malformed(place()))
}

/// Makes the file whole or not at all: of several processes that make it, one wins, and all read
/// the winner's.
fn make(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(folder)?;
    let key = Key::<Aes256Gcm>::try_generate().map_err(io::Error::other)?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let draft = PathBuf::from(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let written = writeln!(file, "{}", HEX.encode(&key)).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| std::fs::hard_link(&draft, path));
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(file: &Path) -> Settings {
        Settings {
            master_key: String::new(),
            master_key_file: file.to_owned(),
            make_master_key: true,
        }
    }

    #[test]
    fn a_missing_file_is_made_private_and_keeps_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state").join("master.key");

        let made = load(&settings(&file)).unwrap();

        assert_eq!(load(&settings(&file)).unwrap(), made);
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let beside = std::fs::read_dir(file.parent().unwrap()).unwrap().count();
        assert_eq!(beside, 1);
    }

    #[test]
    fn a_missing_file_is_refused_where_none_is_to_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(&folder.path().join("master.key"));
        settings.make_master_key = false;
        assert!(matches!(load(&settings), Err(NoMasterKey::File(..))));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("master.key");
        load(&settings(&file)).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
        assert!(matches!(load(&settings(&file)), Err(NoMasterKey::Open(_))));
    }

    #[test]
    fn a_malformed_key_is_refused_without_showing_it() {
        let mut settings = settings(Path::new("unused"));
        for bad in ["abc123", &"g".repeat(64), &"a".repeat(66)] {
            settings.master_key = bad.to_owned();
            let refused = load(&settings).unwrap_err().to_string();
            assert!(!refused.contains(bad), "{refused}");
        }
        settings.master_key = "0A".repeat(32);
        assert_eq!(load(&settings).unwrap(), [10; 32]);
    }
}
