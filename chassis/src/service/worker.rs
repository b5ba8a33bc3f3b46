//! Background work that lives as long as the service.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics::WORKER_PANICS;
use crate::server::panic_text;

/// Cancelled when the service drains: finish the step at hand and return.
pub type Shutdown = CancellationToken;

/// First pause after a panic; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between restarts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A run of this length counts as healthy: the pauses begin anew.
const HEALTHY: Duration = Duration::from_secs(60);

/// A background task by name.
#[derive(Clone)]
pub struct Worker {
    /// Names it in logs and metrics.
    pub name: &'static str,
    run: Arc<dyn Fn(Shutdown) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl Worker {
    /// Work that runs until its [`Shutdown`]; called again when it panicked.
    pub fn new<F, W>(name: &'static str, run: F) -> Worker
    where
        F: Fn(Shutdown) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let run = Arc::new(move |shutdown| run(shutdown).boxed());
        Worker { name, run }
    }

    /// Runs, and runs again after a panic, until it returns or is told to stop.
    pub(super) async fn keep_running(self, service: &'static str, stop: Shutdown) {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = Instant::now();
            let (run, token) = (Arc::clone(&self.run), stop.clone());
            let once = AssertUnwindSafe(async move { run(token).await });
            let Err(panic) = once.catch_unwind().await else {
                return;
            };
            let (worker, said) = (self.name, panic_text(panic.as_ref()));
            tracing::error!(service, worker, said, "a worker panicked");
            metrics::counter!(WORKER_PANICS, "service" => service, "worker" => worker).increment(1);
            if begun.elapsed() >= HEALTHY {
                pause = FIRST_PAUSE;
            }
            let jittered = pause.mul_f64(rand::random_range(0.5..1.0));
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(jittered) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_worker_that_panics_is_run_again_until_it_ends() {
        let runs = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&runs);
        let worker = Worker::new("brittle", move |_| {
            let run = seen.fetch_add(1, Ordering::Relaxed);
            async move { assert!(run >= 2, "not yet") }
        });

        worker.keep_running("test", Shutdown::new()).await;

        assert_eq!(runs.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_worker_that_keeps_panicking_stops_when_told() {
        let stop = Shutdown::new();
        let told = stop.clone();
        let worker = Worker::new("broken", move |_| {
            let told = told.clone();
            async move {
                told.cancel();
                panic!("for ever")
            }
        });

        worker.keep_running("test", stop.clone()).await;

        assert!(stop.is_cancelled());
    }
}
