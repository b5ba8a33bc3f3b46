//! Processes by their number: a number alone proves nothing, for it may have been given to another since.

use std::process::Command;

/// The command line of a running process; `None` when there is none of that number (or it only waits to be
/// collected by its parent).
pub(crate) fn command_line(pid: u32) -> Option<String> {
    let line = match std::fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(bytes) => bytes,
        Err(_) if std::path::Path::new("/proc/self").exists() => return None,
        Err(_) => {
            let pid = pid.to_string();
            let mut ps = Command::new("ps");
            ps.args(["-ww", "-o", "command=", "-p", &pid]);
            ps.output().ok()?.stdout
        }
    };
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Sends a signal (`TERM`, `INT`, `KILL`, `STOP`, `CONT`). The caller has made sure whose process it is.
pub(crate) fn signal(pid: u32, name: &str) {
    // The shell's own `kill` is there on every system; a failure means that the process is gone.
    let _ = Command::new("sh")
        .args(["-c", "kill -s \"$1\" \"$2\" 2>/dev/null", "sh", name])
        .arg(pid.to_string())
        .status();
}

/// Whether a process of that number runs at all.
pub(crate) fn is_alive(pid: u32) -> bool {
    command_line(pid).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_command_line_until_it_ends() {
        let mut child = Command::new("sleep").arg("300").spawn().unwrap();
        let pid = child.id();
        // Until the new program is loaded the line is still the parent's.
        while command_line(pid).is_none_or(|line| !line.contains("sleep")) {
            std::thread::yield_now();
        }
        assert_eq!(command_line(pid).as_deref(), Some("sleep 300"));

        signal(pid, "TERM");
        child.wait().unwrap();

        assert!(!is_alive(pid));
    }
}
