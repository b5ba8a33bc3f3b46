//! Metrics: one Prometheus recorder per process, read at every admin listener.
//!
//! Code counts with the macros of the `metrics` crate directly. Labels are bounded: services,
//! methods of the contract, gRPC codes, names of workers; never an id.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tonic::Code;

/// Histogram: seconds an RPC took. Labels `service`, `method`, `code`.
pub const RPC_SECONDS: &str = "fettle_rpc_seconds";
/// Gauge: RPCs being answered. Label `service`.
pub const RPC_IN_FLIGHT: &str = "fettle_rpc_in_flight";
/// Counter: RPCs refused as OVERLOADED. Label `service`.
pub const RPC_SHED: &str = "fettle_rpc_shed_total";
/// Counter: panics caught in handlers. Label `service`.
pub const RPC_PANICS: &str = "fettle_rpc_panics_total";
/// Counter: panics of background workers. Labels `service`, `worker`.
pub const WORKER_PANICS: &str = "fettle_worker_panics_total";

/// Upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 15] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0,
];

/// How often the histograms' buffers are folded in.
pub(crate) const UPKEEP: Duration = Duration::from_secs(5);

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// The process's recorder, installed at the first call; `None` when another recorder of the
/// embedding program came first.
pub(crate) fn recorder() -> Option<PrometheusHandle> {
    RECORDER.get_or_init(install).clone()
}

fn install() -> Option<PrometheusHandle> {
    let matcher = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(matcher, &BUCKETS);
    let installed = builder.map_err(|e| e.to_string());
    let installed = installed.and_then(|b| b.install_recorder().map_err(|e| e.to_string()));
    installed
        .inspect_err(|error| tracing::warn!(%error, "metrics are not recorded here"))
        .ok()
}

/// A gRPC code as a label: `DEADLINE_EXCEEDED`.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
