//! The private PostgreSQL: its cluster, settings, start and stop.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::place::Place;
use super::programs::Postgres;
use super::{Error, Options, choose_port, generate_password, io, last_words, process};

/// A port chosen free may be taken before the server binds it, and sessions of a killed server take a moment to end.
const TRIES: u32 = 20;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// Who may connect, and how. At the socket, whose folder only the servers' account may enter, the password travels as
/// it is: the client's half of SCRAM is computed in small pieces between other work, so that a busy process takes
/// seconds for it, and unoptimised code 60 ms.
const CALLERS: &str = "# Written at each start; changes do not last.
local all all password
host all all 127.0.0.1/32 scram-sha-256
";

/// Where it answers.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) port: u16,
    pub(super) password: String,
}

/// The files of one cluster, below the place's folder.
struct Files {
    /// Also holds the socket.
    home: PathBuf,
    data: PathBuf,
    log: PathBuf,
    password: PathBuf,
}

impl Files {
    fn of(place: &Place) -> Self {
        let home = place.dir.join("pg");
        Files {
            data: home.join("data"),
            log: home.join("log"),
            password: home.join("password"),
            home,
        }
    }
}

/// Starts it, or takes over the one that runs.
pub(super) fn start(
    place: &Place,
    installed: &[Postgres],
    options: &Options,
) -> Result<Address, Error> {
    if let Some(address) = running(place)? {
        return Ok(address);
    }
    place.folder("pg")?;
    let files = Files::of(place);
    let postgres = match fs::read_to_string(files.data.join("PG_VERSION")) {
        Ok(version) => matching(installed, version.trim(), &files)?,
        Err(_) => {
            let newest = installed
                .first()
                .ok_or_else(|| Error::Missing("PostgreSQL".to_owned()))?;
            initialise(place, newest, &files, options)?;
            newest
        }
    };
    forget_the_dead(&files);

    let mut preferred = last_port(&files);
    for _ in 0..TRIES {
        let port = choose_port(preferred.take())?;
        let _ = fs::remove_file(&files.log);
        place.write(
            &files.data.join("postgresql.conf"),
            &settings(&files, options, port),
        )?;
        place.write(&files.data.join("pg_hba.conf"), CALLERS)?;
        if launch(place, postgres, &files)? {
            return running(place)?
                .ok_or_else(|| Error::Failed("PostgreSQL started and ended at once".to_owned()));
        }
        let words = last_words(&files.log);
        if !words.contains("could not bind") && !words.contains("is still in use") {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    let words = last_words(&files.log);
    Err(Error::Failed(format!(
        "PostgreSQL does not start:\n{words}"
    )))
}

/// The server that runs in the place, told by the process file it keeps and by its command line.
pub(super) fn running(place: &Place) -> Result<Option<Address>, Error> {
    let files = Files::of(place);
    let Some(pid) = server(&files)? else {
        return Ok(None);
    };
    let port = last_port(&files).unwrap_or_default();
    let password = fs::read_to_string(&files.password).map_err(io("read", &files.password))?;
    if TcpStream::connect(("127.0.0.1", port)).is_err() {
        return Err(Error::Failed(format!(
            "PostgreSQL runs in {} (process {pid}) but does not answer on port {port}",
            files.data.display()
        )));
    }
    Ok(Some(Address { port, password }))
}

/// Stops it if it runs: sessions are ended, open transactions rolled back.
pub(super) fn stop(place: &Place) -> Result<(), Error> {
    let files = Files::of(place);
    let Some(pid) = server(&files)? else {
        return Ok(());
    };
    process::signal(pid, "INT");
    for _ in 0..6000 {
        if server(&files)?.is_none() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let words = last_words(&files.log);
    Err(Error::Failed(format!(
        "PostgreSQL did not stop within 60 s:\n{words}"
    )))
}

/// Removes what a killed server left. It no longer runs (`running` has made sure), but its number may be another
/// process' by now, which PostgreSQL would take for a live server. Sessions that outlive it are still noticed, by the
/// memory they share.
fn forget_the_dead(files: &Files) {
    let _ = fs::remove_file(files.data.join("postmaster.pid"));
    for entry in fs::read_dir(&files.home).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(".s.PGSQL.") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The live server's process number. A number that now belongs to another program counts as no server; another
/// PostgreSQL that holds the folder is an error, because only its owner knows what it is for.
fn server(files: &Files) -> Result<Option<u32>, Error> {
    let Some(pid) = process_file(files, 0) else {
        return Ok(None);
    };
    let Some(line) = process::command_line(pid) else {
        return Ok(None);
    };
    if line.contains(&*files.data.to_string_lossy()) {
        return Ok(Some(pid));
    }
    let program = line.split(' ').next().unwrap_or_default();
    if program.ends_with("postgres") && working_folder(pid).is_none_or(|it| it == files.data) {
        return Err(Error::Foreign(format!(
            "{} is used by a PostgreSQL started elsewhere (process {pid})",
            files.data.display()
        )));
    }
    Ok(None)
}

/// PostgreSQL's processes work in their data folder. `None` where the system does not tell.
fn working_folder(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

/// One line of `postmaster.pid`: 0 is the process number, 3 the port.
fn process_file<T: std::str::FromStr>(files: &Files, line: usize) -> Option<T> {
    let text = fs::read_to_string(files.data.join("postmaster.pid")).ok()?;
    text.lines().nth(line)?.trim().parse().ok()
}

/// The port of the last start, kept in our own settings file so that it stays the same from day to day.
fn last_port(files: &Files) -> Option<u16> {
    let text = fs::read_to_string(files.data.join("postgresql.conf")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("port = "))?;
    line.parse().ok()
}

fn matching<'a>(
    installed: &'a [Postgres],
    version: &str,
    files: &Files,
) -> Result<&'a Postgres, Error> {
    installed
        .iter()
        .find(|postgres| postgres.major.to_string() == version)
        .ok_or_else(|| {
            Error::Failed(format!(
                "{} was made by PostgreSQL {version}, which is not installed. Install it, or remove that folder and \
                 the data in it to begin anew",
                files.home.display()
            ))
        })
}

/// Creates the cluster. Text sorts by bytes (fast, the same everywhere) but letters of all languages are known, which
/// text search needs; not every system has the first locale.
fn initialise(
    place: &Place,
    postgres: &Postgres,
    files: &Files,
    options: &Options,
) -> Result<(), Error> {
    let password = generate_password()?;
    place.write(&files.password, &password)?;
    let mut words = String::new();
    // A first start that is interrupted leaves half a cluster, which must not be taken for a whole one.
    let half = files.home.join("new");
    for letters in ["C.UTF-8", "en_US.UTF-8", "C"] {
        let _ = fs::remove_dir_all(&half);
        let answer = place
            .command(&postgres.bin.join("initdb"))
            .args(["--username=postgres", "--encoding=UTF8", "--locale=C"])
            .args((!options.fsync).then_some("--no-sync"))
            .arg("--auth=scram-sha-256")
            .arg(format!("--lc-ctype={letters}"))
            .arg(with_path("--pwfile=", &files.password))
            .arg(with_path("--pgdata=", &half))
            .output()
            .map_err(io("run", &postgres.bin.join("initdb")))?;
        if answer.status.success() {
            return fs::rename(&half, &files.data).map_err(io("create", &files.data));
        }
        words = String::from_utf8_lossy(&answer.stderr).into_owned();
    }
    Err(Error::Failed(format!(
        "PostgreSQL's initdb failed:\n{words}"
    )))
}

fn with_path(option: &str, path: &Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from(option);
    argument.push(path);
    argument
}

/// `pg_ctl` puts the server into a session of its own, so that a terminal's Ctrl-C does not reach it, and waits until
/// it answers. `false` when it did not start; the log says why.
fn launch(place: &Place, postgres: &Postgres, files: &Files) -> Result<bool, Error> {
    let program = postgres.bin.join("pg_ctl");
    let status = place
        .command(&program)
        .args(["start", "--wait", "--timeout=60", "--silent"])
        .arg(with_path("--pgdata=", &files.data))
        .arg(with_path("--log=", &files.log))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .map_err(io("run", &program))?;
    Ok(status.success())
}

/// The whole of `postgresql.conf`, written anew at each start: for two cores and a few gigabytes.
fn settings(files: &Files, options: &Options, port: u16) -> String {
    let socket = files.home.to_string_lossy().replace('\'', "''");
    let name = options.name.replace('\'', "''");
    let mut text = format!(
        "# Written at each start; changes do not last.
port = {port}
listen_addresses = '127.0.0.1'
unix_socket_directories = '{socket}'
cluster_name = '{name}'
password_encryption = 'scram-sha-256'
max_connections = 300
shared_buffers = '256MB'
max_wal_size = '2GB'
checkpoint_timeout = '15min'
random_page_cost = 1.1
jit = off
max_parallel_workers_per_gather = 0
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
# Details repeat values of rows, which may be personal.
log_error_verbosity = 'terse'
"
    );
    if !options.fsync {
        text.push_str(
            "fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
",
        );
    }
    text
}
