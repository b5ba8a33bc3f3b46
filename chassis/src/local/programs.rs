//! Where PostgreSQL's and Redis' programs are on this machine, and what to install when they are not.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Error;

/// The oldest PostgreSQL that the suite runs on.
const OLDEST_POSTGRES: u32 = 14;

const INSTALL_POSTGRES: &str = "PostgreSQL 14 or newer:
    Debian, Ubuntu   apt-get install postgresql
    Fedora           dnf install postgresql-server postgresql-contrib
    Alpine           apk add postgresql postgresql-contrib
    macOS            brew install postgresql@17";

const INSTALL_REDIS: &str = "Redis (or Valkey):
    Debian, Ubuntu   apt-get install redis-server
    Fedora           dnf install valkey
    Alpine           apk add redis
    macOS            brew install redis";

/// One installation of PostgreSQL.
#[derive(Debug, Clone)]
pub(super) struct Postgres {
    /// The folder that holds `initdb`, `pg_ctl` and `postgres`.
    pub(super) bin: PathBuf,
    /// Major version, such as 17.
    pub(super) major: u32,
}

/// The programs a private pair of servers is started with.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    /// Every PostgreSQL found, newest first; never empty.
    pub(super) postgres: Vec<Postgres>,
    /// `redis-server` or `valkey-server`.
    pub(super) redis: PathBuf,
}

/// Looks for both servers and names everything that is missing in one error.
pub(super) fn find() -> Result<Programs, Error> {
    let postgres = find_postgres();
    match (postgres.is_empty(), find_redis()) {
        (false, redis) => Ok(Programs {
            postgres,
            redis: redis?,
        }),
        (true, Ok(_)) => Err(Error::Missing(INSTALL_POSTGRES.to_owned())),
        (true, Err(_)) => Err(Error::Missing(format!(
            "{INSTALL_POSTGRES}\n  {INSTALL_REDIS}"
        ))),
    }
}

/// Every folder that may hold PostgreSQL's programs; the same folder may come twice.
fn postgres_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for folder in path_folders() {
        // A link in the search path leads to the folder with the other programs.
        if let Ok(program) = folder.join("postgres").canonicalize() {
            folders.extend(program.parent().map(Path::to_path_buf));
        }
    }
    if let Ok(answer) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(
            String::from_utf8_lossy(&answer.stdout).trim(),
        ));
    }
    for (parent, prefix, below) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/usr/libexec", "postgresql", ""),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
    ] {
        let Ok(entries) = std::fs::read_dir(parent) else {
            continue;
        };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                folders.push(entry.path().join(below));
            }
        }
    }
    folders
}

fn find_postgres() -> Vec<Postgres> {
    let mut found: Vec<Postgres> = Vec::new();
    for bin in postgres_folders() {
        let Ok(bin) = bin.canonicalize() else {
            continue;
        };
        let whole = ["initdb", "pg_ctl", "postgres"]
            .iter()
            .all(|program| bin.join(program).is_file());
        if !whole || found.iter().any(|known| known.bin == bin) {
            continue;
        }
        if let Some(major) = major_version(&bin.join("postgres"))
            && major >= OLDEST_POSTGRES
        {
            found.push(Postgres { bin, major });
        }
    }
    found.sort_by_key(|postgres| std::cmp::Reverse(postgres.major));
    found
}

/// Reads `postgres (PostgreSQL) 17.2 (Debian …)`.
fn major_version(program: &Path) -> Option<u32> {
    let answer = Command::new(program).arg("--version").output().ok()?;
    parse_major(&String::from_utf8_lossy(&answer.stdout))
}

fn parse_major(answer: &str) -> Option<u32> {
    let version = answer.split("(PostgreSQL)").nth(1)?.trim_start();
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Looks for Redis alone.
pub(super) fn find_redis() -> Result<PathBuf, Error> {
    let usual = ["/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"];
    let folders: Vec<PathBuf> = path_folders()
        .into_iter()
        .chain(usual.map(PathBuf::from))
        .collect();
    ["redis-server", "valkey-server"]
        .iter()
        .find_map(|name| {
            folders
                .iter()
                .map(|folder| folder.join(name))
                .find(|path| path.is_file())
        })
        .ok_or_else(|| Error::Missing(INSTALL_REDIS.to_owned()))
}

fn path_folders() -> Vec<PathBuf> {
    std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_distributions_print() {
        for (answer, major) in [
            (
                "postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n",
                Some(15),
            ),
            ("postgres (PostgreSQL) 17.2\n", Some(17)),
            ("postgres (PostgreSQL) 18beta1\n", Some(18)),
            ("postgres: command not found", None),
            ("", None),
        ] {
            assert_eq!(parse_major(answer), major, "{answer:?}");
        }
    }
}
