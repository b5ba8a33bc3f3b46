//! The service's own settings; `config.default.toml` is their manual.

use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

use crate::domain::plan::Rules;
use crate::domain::travel::{Band, Travel};

/// Section `dispatch`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is their documentation")]
pub struct Settings {
    pub grid_minutes: u32,
    pub offer_grid_minutes: u32,
    pub tolerance_minutes: u32,
    pub default_window_days: u32,
    pub longest_window_days: u32,
    pub findings: usize,
    pub attempts: u32,
    pub retry_seconds: u32,
    pub retry_poll_ms: u64,
    pub retry_batch: i64,
    pub retry_lease_ms: u64,
    pub travel: TravelSettings,
}

/// Section `dispatch.travel`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is their documentation")]
pub struct TravelSettings {
    pub detour: f64,
    pub parking_minutes: u32,
    pub town_km: f64,
    pub country_km: f64,
    pub town_kmh: f64,
    pub country_kmh: f64,
    pub motorway_kmh: f64,
}

/// A setting out of its range.
#[derive(Debug, thiserror::Error)]
#[error("dispatch.{key} is not within {least} to {most}")]
pub struct OutOfRange {
    key: &'static str,
    least: f64,
    most: f64,
}

impl Settings {
    /// Refuses the first setting that is out of its range.
    pub fn check(&self) -> Result<(), OutOfRange> {
        let travel = &self.travel;
        let longest = f64::from(self.longest_window_days);
        let ranges = [
            ("grid_minutes", f64::from(self.grid_minutes), 1.0, 60.0),
            (
                "offer_grid_minutes",
                f64::from(self.offer_grid_minutes),
                1.0,
                240.0,
            ),
            (
                "tolerance_minutes",
                f64::from(self.tolerance_minutes),
                0.0,
                10_080.0,
            ),
            ("longest_window_days", longest, 1.0, 366.0),
            (
                "default_window_days",
                f64::from(self.default_window_days),
                1.0,
                longest,
            ),
            ("findings", self.findings as f64, 1.0, 100.0),
            ("attempts", f64::from(self.attempts), 1.0, 50.0),
            (
                "retry_seconds",
                f64::from(self.retry_seconds),
                1.0,
                86_400.0,
            ),
            ("retry_poll_ms", self.retry_poll_ms as f64, 10.0, 60_000.0),
            ("retry_batch", self.retry_batch as f64, 1.0, 1_000.0),
            (
                "retry_lease_ms",
                self.retry_lease_ms as f64,
                100.0,
                600_000.0,
            ),
            ("travel.detour", travel.detour, 1.0, 3.0),
            (
                "travel.parking_minutes",
                f64::from(travel.parking_minutes),
                0.0,
                120.0,
            ),
            ("travel.town_km", travel.town_km, 0.0, 1_000.0),
            ("travel.country_km", travel.country_km, 0.0, 1_000.0),
            ("travel.town_kmh", travel.town_kmh, 1.0, 150.0),
            ("travel.country_kmh", travel.country_kmh, 1.0, 150.0),
            ("travel.motorway_kmh", travel.motorway_kmh, 1.0, 150.0),
        ];
        for (key, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return Err(OutOfRange { key, least, most });
            }
        }
        Ok(())
    }

    /// The parameters of every choice.
    pub fn rules(&self) -> Rules {
        let minutes = |minutes: u32| SignedDuration::from_mins(i64::from(minutes));
        let travel = &self.travel;
        let band = |below_km, kmh| Band { below_km, kmh };
        Rules {
            travel: Travel {
                detour: travel.detour,
                bands: vec![
                    band(travel.town_km, travel.town_kmh),
                    band(travel.town_km + travel.country_km, travel.country_kmh),
                    band(f64::INFINITY, travel.motorway_kmh),
                ],
                parking: minutes(travel.parking_minutes),
            },
            grid: minutes(self.grid_minutes),
            offer_grid: minutes(self.offer_grid_minutes),
            tolerance: minutes(self.tolerance_minutes),
            findings: self.findings,
        }
    }

    /// The search window of a request that names none.
    pub fn default_window(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.default_window_days))
    }

    /// The longest search window.
    pub fn longest_window(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.longest_window_days))
    }

    /// Time between two searches for one open work order.
    pub fn retry(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.retry_seconds))
    }

    /// Time between two looks for work orders that are due.
    pub fn retry_poll(&self) -> Duration {
        Duration::from_millis(self.retry_poll_ms)
    }

    /// Length of the searching process's lease.
    pub fn retry_lease(&self) -> Duration {
        Duration::from_millis(self.retry_lease_ms)
    }
}
