//! Where the servers' files lie and as whom the servers run.
//!
//! PostgreSQL refuses to run as root. Started by root, both servers run as an ordinary account (`postgres`, else
//! `nobody`). When that account cannot enter the folder that was asked for – a checkout under root's home – or the
//! folder's name is too long for a socket, a short private folder in the system's temporary directory is used.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::{Error, io};

/// A socket's whole path fits 107 bytes; `/pg/.s.PGSQL.65535` takes 18 of them.
const LONGEST_FOLDER: usize = 107 - 18;

/// An ordinary account that root lends the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
}

/// A folder that the servers can use.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Absolute.
    pub(super) dir: PathBuf,
    /// `None`: the servers run as whoever started them.
    pub(super) account: Option<Account>,
    /// Said to the person when the folder is not the one that was asked for.
    pub(super) notice: Option<String>,
}

impl Place {
    /// Settles folder and account; creates the folder.
    pub(super) fn settle(wanted: &Path) -> Result<Self, Error> {
        let wanted = std::path::absolute(wanted).map_err(io("resolve", wanted))?;
        create(&wanted)?;
        let me = myself()?;
        let account = match me {
            0 => Some(ordinary_account()?),
            _ => None,
        };
        let place = Place {
            dir: wanted.clone(),
            account,
            notice: None,
        };
        let reason = if wanted.as_os_str().len() > LONGEST_FOLDER {
            "its path is too long for a socket"
        } else if !place.can_be_entered() {
            "the account the database runs as cannot enter it"
        } else {
            return Ok(place);
        };
        let dir = elsewhere(&wanted, me)?;
        let notice = format!(
            "{} cannot hold the database ({reason}); it lies in {}",
            wanted.display(),
            dir.display()
        );
        Ok(Place {
            dir,
            account,
            notice: Some(notice),
        })
    }

    /// A command that runs as the servers' account, with nothing on its standard input.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null());
        if let Some(account) = self.account {
            // The standard library also drops root's supplementary groups when a user is set.
            command.uid(account.uid).gid(account.gid);
        }
        command
    }

    /// Creates a folder below that only the servers' account may read.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.dir.join(name);
        if !path.is_dir() {
            fs::DirBuilder::new()
                .mode(0o700)
                .create(&path)
                .map_err(io("create", &path))?;
        }
        self.give(&path)?;
        Ok(path)
    }

    /// Writes a file that only the servers' account may read.
    pub(super) fn write(&self, path: &Path, text: &str) -> Result<(), Error> {
        // Removed first, so that the new file is created with its mode and never briefly readable.
        let _ = fs::remove_file(path);
        let mut options = fs::OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600);
        let mut file = options.open(path).map_err(io("create", path))?;
        std::io::Write::write_all(&mut file, text.as_bytes()).map_err(io("write", path))?;
        self.give(path)
    }

    fn give(&self, path: &Path) -> Result<(), Error> {
        match self.account {
            Some(account) => {
                chown(path, Some(account.uid), Some(account.gid)).map_err(io("give away", path))
            }
            None => Ok(()),
        }
    }

    fn can_be_entered(&self) -> bool {
        self.command(Path::new("/bin/sh"))
            .args(["-c", "cd \"$1\"", "sh"])
            .arg(&self.dir)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// Creates the folder so that others may pass through it but not list it.
fn create(dir: &Path) -> Result<(), Error> {
    if !dir.is_dir() {
        fs::create_dir_all(dir).map_err(io("create", dir))?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o711)).map_err(io("open", dir))?;
    }
    Ok(())
}

/// The number of the account this process runs as.
fn myself() -> Result<u32, Error> {
    let place = std::env::temp_dir();
    let file = tempfile::tempfile().map_err(io("write to", &place))?;
    Ok(file.metadata().map_err(io("read", &place))?.uid())
}

/// The same folder for the same wish and person, so that a later start finds what an earlier one left.
fn elsewhere(wanted: &Path, owner: u32) -> Result<PathBuf, Error> {
    let digest = Sha256::digest(wanted.as_os_str().as_encoded_bytes());
    let name = data_encoding::HEXLOWER.encode(&digest[..5]);
    let dir = std::env::temp_dir().join(format!("fettle-{owner}-{name}"));
    create(&dir)?;
    // The temporary directory is everybody's: a folder or link that another person laid there is refused.
    let found = fs::symlink_metadata(&dir).map_err(io("read", &dir))?;
    if !found.is_dir() || found.uid() != owner || found.mode() & 0o022 != 0 {
        return Err(Error::Foreign(format!(
            "{} belongs to somebody else",
            dir.display()
        )));
    }
    Ok(dir)
}

fn ordinary_account() -> Result<Account, Error> {
    let path = Path::new("/etc/passwd");
    let accounts = fs::read_to_string(path).map_err(io("read", path))?;
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| account_in(&accounts, name))
        .ok_or_else(|| {
            Error::Failed(
                "PostgreSQL refuses to run as root, and there is neither an account 'postgres' nor 'nobody'"
                    .to_owned(),
            )
        })
}

fn account_in(accounts: &str, name: &str) -> Option<Account> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_from_the_list_of_accounts() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104:,,,:/var/lib:/bin/sh\n";

        assert_eq!(
            account_in(accounts, "postgres"),
            Some(Account { uid: 101, gid: 104 })
        );
        assert_eq!(account_in(accounts, "nobody"), None);
    }

    #[test]
    fn a_folder_with_too_long_a_name_is_replaced_by_the_same_short_one_each_time() {
        let parent = tempfile::tempdir().unwrap();
        let wanted = parent.path().join("x".repeat(100)).join(".fettle");

        let first = Place::settle(&wanted).unwrap();
        let second = Place::settle(&wanted).unwrap();

        assert_eq!(first.dir, second.dir);
        assert!(first.dir.as_os_str().len() <= LONGEST_FOLDER);
        assert!(first.notice.unwrap().contains("too long"));
        fs::remove_dir(&first.dir).unwrap();
    }
}
