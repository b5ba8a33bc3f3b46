//! Stops the test servers when no test needs them any more.
//!
//! Every test process leaves its number in `users/`. A small shell loop, detached and shared by all, looks each
//! second; after 20 s without a live user it announces the end by creating `stopping`, looks once more, and stops the
//! servers. A process registers first and looks for `stopping` second, so one of the two always sees the other.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::local::process;

/// Also the watchdog's name in the list of processes.
const NAME: &str = "fettle-test-watchdog";

/// The servers' own limit for an orderly end is below this.
const STOPPING_TAKES_AT_MOST: Duration = Duration::from_secs(90);

/// Registers this process and waits out servers that are just being stopped.
pub(super) fn enter(dir: &Path) -> std::io::Result<()> {
    let users = dir.join("users");
    fs::create_dir_all(&users)?;
    File::create(users.join(std::process::id().to_string()))?;
    let pause = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    while dir.join("stopping").exists() {
        if !is_awake(dir) || waited > STOPPING_TAKES_AT_MOST {
            // It was killed in the middle.
            let _ = fs::remove_dir(dir.join("stopping"));
        }
        std::thread::sleep(pause);
        waited += pause;
    }
    Ok(())
}

/// Starts the watchdog unless it runs. `servers` is the folder in which the servers' files lie.
pub(super) fn ensure(dir: &Path, servers: &Path) -> std::io::Result<()> {
    let lock = File::create(dir.join("watchdog.lock"))?;
    lock.lock()?;
    if is_awake(dir) {
        return Ok(());
    }
    let watchdog = Command::new("sh")
        .args(["-c", include_str!("watchdog.sh"), NAME])
        .args([dir, servers])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    fs::write(dir.join("watchdog.pid"), watchdog.id().to_string())
}

/// Whether a process of that number uses the test servers.
pub(super) fn is_user(pid: u32) -> bool {
    process::is_alive(pid)
}

fn is_awake(dir: &Path) -> bool {
    let pid = fs::read_to_string(dir.join("watchdog.pid")).ok();
    let pid = pid.and_then(|text| text.trim().parse().ok());
    let line = pid.and_then(process::command_line);
    line.is_some_and(|line| line.contains(NAME))
}
