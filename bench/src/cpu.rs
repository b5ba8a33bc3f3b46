//! What work costs in processor time, as the system's process table tells it.
//!
//! Rates move with whoever else uses the machine; processor time per operation hardly does.

use std::fs;

use anyhow::Context;

/// Clock ticks per second in `/proc`: fixed at 100 on Linux, whatever the kernel's own rate.
const TICKS_PER_SECOND: f64 = 100.0;

/// A reading of the processor time used so far, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// By this process and by the children it has waited for: services and client.
    pub(crate) own: f64,
    /// By PostgreSQL with all its sessions.
    pub(crate) postgres: f64,
    /// By everything on the machine.
    machine: f64,
    /// What the machine's processors could have done.
    possible: f64,
}

/// What was used between two readings, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// Services and client.
    pub(crate) own: f64,
    /// PostgreSQL.
    pub(crate) postgres: f64,
    /// Share of the machine that others used: 0 is a quiet machine, 1 leaves nothing.
    pub(crate) others: f64,
}

impl Reading {
    /// Reads now; `postmaster` is PostgreSQL's first process.
    pub(crate) fn take(postmaster: u32) -> anyhow::Result<Reading> {
        let (machine, possible) = machine()?;
        Ok(Reading {
            own: process("self")?.all(),
            postgres: postgres(postmaster)?,
            machine,
            possible,
        })
    }

    /// From `self` until `later`.
    pub(crate) fn until(&self, later: &Reading) -> Used {
        let (own, postgres) = (later.own - self.own, later.postgres - self.postgres);
        let possible = later.possible - self.possible;
        let others = later.machine - self.machine - own - postgres;
        let share = if possible > 0.0 {
            others / possible
        } else {
            0.0
        };
        Used {
            own,
            postgres,
            others: share.clamp(0.0, 1.0),
        }
    }
}

/// A line of the process table.
struct Process {
    parent: u32,
    itself: f64,
    waited_for: f64,
}

impl Process {
    fn all(&self) -> f64 {
        self.itself + self.waited_for
    }
}

fn process(id: &str) -> anyhow::Result<Process> {
    let path = format!("/proc/{id}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    parse(&text).with_context(|| format!("{path} is not understood"))
}

/// The name in parentheses may hold blanks, so fields are counted behind it: the parent is the
/// second, the four times begin at the twelfth.
fn parse(text: &str) -> Option<Process> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    let seconds = |first: usize| Some((ticks(first)? + ticks(first + 1)?) / TICKS_PER_SECOND);
    Some(Process {
        parent: fields.get(1)?.parse().ok()?,
        itself: seconds(11)?,
        waited_for: seconds(13)?,
    })
}

/// The first process, what it has waited for, and its living children.
fn postgres(postmaster: u32) -> anyhow::Result<f64> {
    let mut seconds = process(&postmaster.to_string())?.all();
    for entry in fs::read_dir("/proc").context("reading /proc")?.flatten() {
        let name = entry.file_name();
        let id = name.to_string_lossy();
        if !id.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        // A process may end between the listing and the reading.
        if let Ok(child) = process(&id)
            && child.parent == postmaster
        {
            seconds += child.itself;
        }
    }
    Ok(seconds)
}

/// Seconds that the processors worked, and seconds that they could have.
fn machine() -> anyhow::Result<(f64, f64)> {
    let text = fs::read_to_string("/proc/stat").context("reading /proc/stat")?;
    let line = text.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line
        .split_whitespace()
        .skip(1)
        .flat_map(str::parse)
        .collect();
    // user nice system idle iowait irq softirq steal; guests are counted in user already.
    let all: f64 = ticks.iter().take(8).sum();
    let idle: f64 = ticks.iter().skip(3).take(2).sum();
    Ok(((all - idle) / TICKS_PER_SECOND, all / TICKS_PER_SECOND))
}

/// Resident memory of a process in bytes.
pub(crate) fn resident(process: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    Ok(kib.with_context(|| format!("{path} tells no VmRSS"))? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_whose_name_holds_blanks_and_parentheses_is_read() {
        let line = "42 (postgres: a) b) S 7 42 42 0 -1 0 1 2 3 4 150 50 300 100 20 0 1 0 99";

        let process = parse(line).unwrap();

        assert_eq!(
            (process.parent, process.itself, process.waited_for),
            (7, 2.0, 4.0)
        );
    }

    #[test]
    fn what_others_used_is_what_remains_of_the_machine() {
        let before = Reading {
            own: 1.0,
            postgres: 1.0,
            machine: 10.0,
            possible: 100.0,
        };
        let after = Reading {
            own: 2.0,
            postgres: 2.0,
            machine: 14.0,
            possible: 108.0,
        };

        let used = before.until(&after);

        assert_eq!((used.own, used.postgres, used.others), (1.0, 1.0, 0.25));
    }
}
