//! A private Redis. It is known by its generated password: who accepts it is ours, and is stopped by asking it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::place::Place;
use super::{Error, choose_port, generate_password, io, last_words};

/// A port chosen free may be taken before the server binds it.
const PORT_TRIES: u32 = 5;

/// A server that is asked on its own machine answers at once or is stuck.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How often to ask while it starts or stops, every 5 ms.
const ASK_TIMES: u32 = 2000;

/// Where it answers.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) port: u16,
    password: String,
}

impl Address {
    /// A free port, `preferred` if that is free, and a new password.
    pub(crate) fn choose(preferred: Option<u16>) -> Result<Self, Error> {
        Ok(Address {
            port: choose_port(preferred)?,
            password: generate_password()?,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/0", self.password, self.port)
    }

    /// Sends one command of one word; `None` when nobody answers or the password is not accepted.
    fn ask(&self, command: &str) -> Option<String> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
        let mut lines = BufReader::new(&stream).lines();
        write!(&stream, "AUTH {}\r\n", self.password).ok()?;
        (lines.next()?.ok()? == "+OK").then_some(())?;
        write!(&stream, "{command}\r\n").ok()?;
        lines.next()?.ok()
    }

    /// Whether it accepts the password and has nothing left to load.
    pub(crate) fn answers(&self) -> bool {
        self.ask("PING").is_some_and(|answer| answer == "+PONG")
    }
}

/// Starts it in its folder, or takes over the one that runs.
pub(super) fn start(place: &Place, program: &Path, home: &Path) -> Result<Address, Error> {
    if let Some(address) = running(home)? {
        return Ok(address);
    }
    let mut preferred = read(home).map(|address| address.port);
    let log = home.join("log");
    for _ in 0..PORT_TRIES {
        let address = Address::choose(preferred.take())?;
        configure(place, home, &address, true)?;
        let _ = fs::remove_file(&log);
        place
            .command(program)
            .arg(home.join("conf"))
            .status()
            .map_err(io("run", program))?;
        // The program has answered with the birth of the server; a port that is taken shows in the log only.
        for _ in 0..ASK_TIMES {
            if address.answers() {
                return Ok(address);
            }
            if last_words(&log).contains("Failed listening") {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        if !last_words(&log).contains("in use") {
            break;
        }
    }
    let words = last_words(&log);
    Err(Error::Failed(format!("Redis does not start:\n{words}")))
}

/// The server that runs in the folder.
pub(super) fn running(home: &Path) -> Result<Option<Address>, Error> {
    Ok(read(home).filter(Address::answers))
}

/// Stops it if it runs; it keeps nothing.
pub(super) fn stop(home: &Path) -> Result<(), Error> {
    let Some(address) = running(home)? else {
        return Ok(());
    };
    // It closes the connection instead of answering.
    address.ask("SHUTDOWN NOSAVE");
    for _ in 0..ASK_TIMES {
        if TcpStream::connect(("127.0.0.1", address.port)).is_err() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(Error::Failed("Redis did not stop within 10 s".to_owned()))
}

/// Starts one that lives and dies with this process, at an address already chosen; the caller waits until it answers.
pub(super) fn spawn(
    place: &Place,
    program: &Path,
    home: &Path,
    address: &Address,
) -> Result<Child, Error> {
    configure(place, home, address, false)?;
    let mut command = place.command(program);
    let child = command.arg(home.join("conf")).stdout(Stdio::null()).spawn();
    child.map_err(io("run", program))
}

fn configure(place: &Place, home: &Path, address: &Address, detached: bool) -> Result<(), Error> {
    let Address { port, password } = address;
    let detached = if detached { "yes" } else { "no" };
    let home_text = home.display();
    let text = format!(
        "port {port}
requirepass {password}
bind 127.0.0.1
daemonize {detached}
dir \"{home_text}\"
logfile \"{home_text}/log\"
pidfile \"{home_text}/pid\"
save \"\"
appendonly no
"
    );
    place.write(&home.join("conf"), &text)
}

/// Reads port and password back from the configuration.
fn read(home: &Path) -> Option<Address> {
    let text = fs::read_to_string(home.join("conf")).ok()?;
    let value = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::to_owned)
    };
    Some(Address {
        port: value("port ")?.parse().ok()?,
        password: value("requirepass ")?,
    })
}
