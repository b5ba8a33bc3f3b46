//! The service's own settings; `config.default.toml` is their manual.

use std::time::Duration;

use serde::Deserialize;

/// Section `ticket`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is their documentation")]
pub struct Settings {
    pub cell: String,
    pub policies_dir: String,
    pub reopen_days: i64,
    pub progress: Progress,
}

/// Section `ticket.progress`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is their documentation")]
pub struct Progress {
    pub concurrency: usize,
    pub poll_ms: u64,
    pub lease_ms: u64,
    pub attempts_until_attention: i32,
    pub attempts_until_stop: i32,
    pub first_pause_ms: u64,
    pub longest_pause_ms: u64,
}

/// Settings that cannot be, all of them.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct SettingsRefused(Vec<String>);

impl Settings {
    /// Refuses values outside their ranges, all at once.
    pub fn check(&self) -> Result<(), SettingsRefused> {
        let mut problems = Vec::new();
        let fits = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        if !(1..=4).contains(&self.cell.len()) || !self.cell.bytes().all(fits) {
            problems.push("ticket.cell is 1 to 4 of A-Z and 0-9".to_owned());
        }
        if !(0..=3650).contains(&self.reopen_days) {
            problems.push("ticket.reopen_days is 0 to 3650".to_owned());
        }
        let progress = &self.progress;
        let mut range = |key: &str, value: u64, least: u64, most: u64| {
            if !(least..=most).contains(&value) {
                problems.push(format!("ticket.progress.{key} is {least} to {most}"));
            }
        };
        range("concurrency", progress.concurrency as u64, 1, 512);
        range("poll_ms", progress.poll_ms, 10, 60_000);
        range("lease_ms", progress.lease_ms, 200, 600_000);
        range("first_pause_ms", progress.first_pause_ms, 1, 60_000);
        range(
            "longest_pause_ms",
            progress.longest_pause_ms,
            progress.first_pause_ms,
            3_600_000,
        );
        let attention = u64::try_from(progress.attempts_until_attention).unwrap_or(0);
        range("attempts_until_attention", attention, 1, 100);
        let stop = u64::try_from(progress.attempts_until_stop).unwrap_or(0);
        range("attempts_until_stop", stop, attention, 10_000);
        if problems.is_empty() {
            Ok(())
        } else {
            Err(SettingsRefused(problems))
        }
    }
}

impl Progress {
    /// How long a worker keeps a ticket.
    pub fn lease(&self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_millis(i64::try_from(self.lease_ms).unwrap_or(i64::MAX))
    }

    /// Pause after that many failed tries: doubling, with a jitter drawn from `seed`.
    pub fn pause(&self, attempts: i32, seed: u64) -> Duration {
        let doublings = u32::try_from(attempts.clamp(1, 30) - 1).unwrap_or(0);
        let longest = self.longest_pause_ms;
        let whole = self
            .first_pause_ms
            .saturating_mul(1 << doublings)
            .min(longest);
        let jitter = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
        Duration::from_millis(whole / 2 + jitter % (whole / 2 + 1))
    }
}
