//! The admin listener: `/metrics`, `/livez`, `/readyz`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::db::Db;
use crate::metrics::{UPKEEP, recorder};

/// How long the database may take to answer before the service is not ready.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether the service should be sent calls.
#[derive(Clone)]
pub(crate) struct Readiness {
    draining: Arc<AtomicBool>,
    db: Db,
}

impl Readiness {
    pub(crate) fn new(db: Db) -> Self {
        let draining = Arc::new(AtomicBool::new(false));
        Readiness { draining, db }
    }

    /// From now on not ready.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Why the service is not ready; the schema was checked before it began to serve.
    async fn obstacle(&self) -> Option<&'static str> {
        if self.draining.load(Ordering::Relaxed) {
            return Some("draining");
        }
        match tokio::time::timeout(PATIENCE, self.db.ping()).await {
            Ok(Ok(())) => None,
            _ => Some("the database does not answer"),
        }
    }
}

/// Serves until `stop`. Liveness says that the process turns, and touches nothing else.
pub(crate) async fn serve(
    listener: TcpListener,
    readiness: Readiness,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let ready = move || async move {
        match readiness.obstacle().await {
            None => (StatusCode::OK, "ready\n".to_owned()),
            Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        }
    };
    let metrics = || async {
        recorder()
            .map(|recorder| recorder.render())
            .unwrap_or_default()
    };
    let routes = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics));
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    let upkeep = async {
        let mut tick = tokio::time::interval(UPKEEP);
        loop {
            tick.tick().await;
            if let Some(recorder) = recorder() {
                recorder.run_upkeep();
            }
        }
    };
    tokio::select! {
        served = axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()) => served,
        () = upkeep => Ok(()),
    }
}
