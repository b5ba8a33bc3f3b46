//! Processes that this program started, known by more than their number: a number alone may have
//! been given to another process since.

use std::process::{Command, Stdio};

/// What tells this process from any other that ever has its number; `None`: there is none.
pub(crate) fn identity(pid: u32) -> Option<String> {
    if let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        // The name in parentheses may contain blanks; fields are counted behind it: the state is
        // the first, the start in ticks since boot the twentieth.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace();
        let state = fields.next()?;
        let started = fields.nth(18)?;
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        return (state != "Z").then(|| format!("{}:{started}", boot.trim()));
    }
    if std::path::Path::new("/proc/self").exists() {
        return None;
    }
    let mut ps = Command::new("ps");
    let answer = ps
        .args(["-o", "lstart=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let started = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    (!started.is_empty()).then_some(started)
}

/// Asks a process to end. The caller has made sure whose it is.
pub(crate) fn ask_to_end(pid: u32) {
    let mut kill = Command::new("sh");
    kill.args(["-c", "kill -s TERM \"$1\"", "sh", &pid.to_string()]);
    // A failure means that the process is gone already.
    let _ = kill.stderr(Stdio::null()).status();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_keeps_its_identity_until_it_ends() {
        let mut child = Command::new("sleep").arg("300").spawn().unwrap();

        let known = identity(child.id()).unwrap();
        assert_eq!(identity(child.id()), Some(known));
        assert_ne!(identity(child.id()), identity(std::process::id()));

        ask_to_end(child.id());
        child.wait().unwrap();
        assert_eq!(identity(child.id()), None);
    }
}
