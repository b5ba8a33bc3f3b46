//! Load: many callers for some seconds, and what came of it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::cpu::{Reading, Used};

/// What one run of a side gave.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sample {
    /// Operations that were answered, and answered rightly.
    pub(crate) operations: u64,
    /// Seconds it took.
    pub(crate) seconds: f64,
    /// Operations per second.
    pub(crate) rate: f64,
    /// Processor time of services and client per operation, microseconds.
    pub(crate) process_cpu_micros: f64,
    /// Processor time of PostgreSQL per operation, microseconds.
    pub(crate) postgres_cpu_micros: f64,
    /// Share of the machine that others used meanwhile.
    pub(crate) others_cpu_share: f64,
    /// How long callers waited; absent where the tool does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wait: Option<Wait>,
}

/// How long callers waited, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Wait {
    /// Half waited no longer.
    pub(crate) p50_ms: f64,
    /// 99 of 100 waited no longer.
    pub(crate) p99_ms: f64,
    /// Nobody waited longer.
    pub(crate) longest_ms: f64,
}

impl Sample {
    pub(crate) fn new(operations: u64, seconds: f64, used: Used, wait: Option<Wait>) -> Sample {
        let per_operation = |cpu: f64| cpu * 1e6 / operations.max(1) as f64;
        Sample {
            operations,
            seconds,
            rate: operations as f64 / seconds,
            process_cpu_micros: per_operation(used.own),
            postgres_cpu_micros: per_operation(used.postgres),
            others_cpu_share: used.others,
            wait,
        }
    }
}

impl Wait {
    /// Of waits in any order; none of nothing.
    pub(crate) fn of(mut waits: Vec<Duration>) -> Option<Wait> {
        waits.sort_unstable();
        let longest = waits.last()?;
        let at = |share: f64| {
            let place = (waits.len() as f64 * share) as usize;
            waits
                .get(place.min(waits.len() - 1))
                .copied()
                .unwrap_or_default()
        };
        let millis = |wait: Duration| wait.as_secs_f64() * 1e3;
        Some(Wait {
            p50_ms: millis(at(0.5)),
            p99_ms: millis(at(0.99)),
            longest_ms: millis(*longest),
        })
    }
}

/// When callers call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// The next call as soon as the last one is answered.
    Closed,
    /// That many calls per second of all callers together, whether or not earlier ones lag.
    /// A wait is counted from when the call was due.
    Open(f64),
}

/// How hard is worked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Callers at the same time.
    pub(crate) callers: usize,
    /// How long.
    pub(crate) span: Duration,
    /// When they call.
    pub(crate) pace: Pace,
    /// PostgreSQL's first process.
    pub(crate) postmaster: u32,
}

/// Lets every caller call until the time is over. `call` gets the caller's place and the number of
/// the call, unique in this run; an error ends the run, because a wrong answer is no fast answer.
pub(crate) async fn run<F, C>(load: Load, call: F) -> anyhow::Result<Sample>
where
    F: Fn(usize, u64) -> C + Send + Sync + 'static,
    C: Future<Output = anyhow::Result<()>> + Send,
{
    let (call, numbers) = (Arc::new(call), Arc::new(AtomicU64::new(0)));
    let before = Reading::take(load.postmaster)?;
    let begin = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..load.callers {
        let (call, numbers) = (Arc::clone(&call), Arc::clone(&numbers));
        callers.spawn(async move {
            let mut waits = Vec::with_capacity(1 << 16);
            while begin.elapsed() < load.span {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                let due = match load.pace {
                    Pace::Closed => Instant::now(),
                    Pace::Open(rate) => begin + Duration::from_secs_f64(number as f64 / rate),
                };
                if due > begin + load.span {
                    break;
                }
                tokio::time::sleep_until(due.into()).await;
                call(caller, number).await?;
                waits.push(due.elapsed());
            }
            anyhow::Ok(waits)
        });
    }
    let mut waits = Vec::new();
    while let Some(done) = callers.join_next().await {
        waits.extend(done.context("a caller died")??);
    }
    let seconds = begin.elapsed().as_secs_f64();
    let used = before.until(&Reading::take(load.postmaster)?);
    if waits.is_empty() {
        bail!("nothing was answered in time");
    }
    Ok(Sample::new(
        waits.len() as u64,
        seconds,
        used,
        Wait::of(waits),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_nine_of_a_hundred_waited_no_longer_than_the_p99() {
        let waits = (1..=1_000).rev().map(Duration::from_millis).collect();

        let wait = Wait::of(waits).unwrap();

        assert_eq!(
            (wait.p50_ms, wait.p99_ms, wait.longest_ms),
            (501.0, 991.0, 1_000.0)
        );
        assert!(Wait::of(Vec::new()).is_none());
    }
}
