//! How long events take from commit at the producer to effect at the consumer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Samples kept; beyond that a uniform choice of all is kept.
const KEPT: usize = 1_000_000;

static SAMPLES: Mutex<Reservoir> = Mutex::new(Reservoir {
    seen: 0,
    micros: Vec::new(),
});

struct Reservoir {
    seen: usize,
    micros: Vec<u32>,
}

/// Lags of the process's consumers since its start or the last [`clear_lag_samples`], in no order:
/// all of the first million, a uniform choice of more.
pub fn lag_samples() -> Vec<Duration> {
    let samples = SAMPLES.lock().unwrap_or_else(PoisonError::into_inner);
    samples
        .micros
        .iter()
        .map(|micros| Duration::from_micros(u64::from(*micros)))
        .collect()
}

/// Begins a new measurement.
pub fn clear_lag_samples() {
    let mut samples = SAMPLES.lock().unwrap_or_else(PoisonError::into_inner);
    samples.seen = 0;
    samples.micros.clear();
}

/// Counts one effect.
pub(super) fn record(consumer: &'static str, kind: &str, lag: Duration) {
    metrics::histogram!("fettle_event_lag_seconds", "consumer" => consumer, "kind" => kind.to_owned())
        .record(lag.as_secs_f64());
    let micros = u32::try_from(lag.as_micros()).unwrap_or(u32::MAX);
    let mut samples = SAMPLES.lock().unwrap_or_else(PoisonError::into_inner);
    samples.seen += 1;
    if samples.micros.len() < KEPT {
        samples.micros.push(micros);
        return;
    }
    let place = rand::random_range(0..samples.seen);
    if let Some(slot) = samples.micros.get_mut(place) {
        *slot = micros;
    }
}
