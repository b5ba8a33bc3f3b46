//! A private PostgreSQL and Redis for one checkout, so that one command gives a working system.
//!
//! Both listen on 127.0.0.1 only, on ports of their own, behind generated passwords. They are detached from the
//! terminal: Ctrl-C reaches the command that started them, which then stops its services first and the servers last
//! ([`Local::stop`]). When that command is killed instead, the servers stay, and the next start takes them over.
//! A server that was not started here is never stopped, signalled or written to.
//!
//! All functions block, for seconds at the first start; from asynchronous code call them in `spawn_blocking`.

mod place;
mod postgres;
pub(crate) mod process;
mod programs;
pub(crate) mod redis;

use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Child;

use percent_encoding::NON_ALPHANUMERIC;
use place::Place;

/// What went wrong, in words for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A server's programs are not installed; says which packages bring them.
    #[error("this machine lacks\n  {0}\n(scripts/prerequisites installs what is missing)")]
    Missing(String),
    /// The folder is in use by something that was not started here.
    #[error("{0}; it is left alone")]
    Foreign(String),
    /// A server did not start or stop; carries its own last words.
    #[error("{0}")]
    Failed(String),
    /// A file could not be used.
    #[error("cannot {what} {path}: {source}")]
    File {
        /// The verb.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// Names the file in an error of the system.
fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::File { what, path, source }
}

/// What to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of the servers' files, created when missing: `.fettle` of the checkout.
    pub dir: PathBuf,
    /// Whether a commit survives a power cut. `false` is for tests: many times faster, data lost with the machine.
    pub fsync: bool,
    /// Shown in the names of PostgreSQL's processes.
    pub name: String,
}

/// Two running servers.
#[derive(Debug, Clone)]
pub struct Local {
    place: Place,
    postgres: postgres::Address,
    redis: redis::Address,
}

impl Local {
    /// Starts both servers, or takes over those that already run in the folder. Calls at the same time, also from
    /// other processes, wait for each other and get the same servers.
    ///
    /// Refuses when programs are missing ([`Error::Missing`]), when the folder's data were made by a PostgreSQL that
    /// is not installed, and when another server uses the folder ([`Error::Foreign`]).
    pub fn start(options: &Options) -> Result<Self, Error> {
        let place = Place::settle(&options.dir)?;
        let _turn = turn(&place)?;
        let programs = programs::find()?;
        let postgres = postgres::start(&place, &programs.postgres, options)?;
        let redis = redis::start(&place, &programs.redis, &place.folder("redis")?)?;
        Ok(Local {
            place,
            postgres,
            redis,
        })
    }

    /// The servers that run in the folder; `None` unless both do. Starts nothing.
    pub fn attach(dir: &Path) -> Result<Option<Self>, Error> {
        if !dir.is_dir() {
            return Ok(None);
        }
        let place = Place::settle(dir)?;
        let _turn = turn(&place)?;
        let postgres = postgres::running(&place)?;
        let redis = redis::running(&place.dir.join("redis"))?;
        Ok(postgres.zip(redis).map(|(postgres, redis)| Local {
            place,
            postgres,
            redis,
        }))
    }

    /// Stops both servers, open transactions rolled back, and waits until they are gone. What is already gone, or
    /// was replaced by another server meanwhile, is left alone.
    pub fn stop(&self) -> Result<(), Error> {
        let _turn = turn(&self.place)?;
        let redis = redis::stop(&self.place.dir.join("redis"));
        postgres::stop(&self.place)?;
        redis
    }

    /// Where PostgreSQL answers for this database and user: at its socket, which costs half of what a connection
    /// over 127.0.0.1 does. Every user that logs in shares [`Self::password`].
    pub fn pg_url(&self, database: &str, user: &str) -> String {
        let postgres::Address { port, password } = &self.postgres;
        let folder = self.place.dir.join("pg");
        let socket =
            percent_encoding::utf8_percent_encode(&folder.to_string_lossy(), NON_ALPHANUMERIC)
                .to_string();
        format!("postgres://{user}:{password}@{socket}:{port}/{database}")
    }

    /// As [`Self::pg_url`], for the database `postgres` and the superuser of the same name.
    pub fn admin_url(&self) -> String {
        self.pg_url("postgres", "postgres")
    }

    /// The generated password of PostgreSQL's superuser, hexadecimal; whoever creates a role that logs in gives it
    /// the same one.
    pub fn password(&self) -> &str {
        &self.postgres.password
    }

    /// Where Redis answers.
    pub fn redis_url(&self) -> String {
        self.redis.url()
    }

    /// PostgreSQL's port.
    pub fn pg_port(&self) -> u16 {
        self.postgres.port
    }

    /// Starts one more Redis, in the foreground and as a child of this process; `home` names its folder.
    pub(crate) fn spawn_redis(&self, home: &str, address: &redis::Address) -> Result<Child, Error> {
        let program = programs::find_redis()?;
        redis::spawn(&self.place, &program, &self.place.folder(home)?, address)
    }

    /// The folder that holds the files, which may be another than asked for (see [`Self::notice`]).
    pub fn dir(&self) -> &Path {
        &self.place.dir
    }

    /// A sentence for the person when the files lie elsewhere than asked for.
    pub fn notice(&self) -> Option<&str> {
        self.place.notice.as_deref()
    }
}

/// Waits until no other process starts or stops the servers of this folder.
fn turn(place: &Place) -> Result<File, Error> {
    let path = place.dir.join("lock");
    let mut options = File::options();
    let file = options.create(true).append(true).open(&path);
    let file = file.map_err(io("open", &path))?;
    file.lock().map_err(io("lock", &path))?;
    Ok(file)
}

/// 24 random bytes of the system in hexadecimal: fit for an URL and for configuration files alike.
fn generate_password() -> Result<String, Error> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0; 24];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(io("read", path))?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

/// A port of 127.0.0.1 that nobody listens on; `preferred` when that is free.
fn choose_port(preferred: Option<u16>) -> Result<u16, Error> {
    let bound = preferred
        .and_then(|port| TcpListener::bind(("127.0.0.1", port)).ok())
        .map_or_else(|| TcpListener::bind(("127.0.0.1", 0)), Ok);
    bound
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|why| Error::Failed(format!("no port of 127.0.0.1 is free: {why}")))
}

/// The end of a server's log, which says best why it did not start.
fn last_words(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
