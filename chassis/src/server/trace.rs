//! Span, latency and in-flight gauge of each RPC; continues the caller's trace.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use futures::FutureExt;
use http::{Request, Response};
use metrics::{Gauge, Histogram};
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Instrument;
use tracing::field::Empty;

use super::around::{Around, Next, Reply};
use crate::metrics::{RPC_IN_FLIGHT, RPC_SECONDS, code_name};
use crate::telemetry;

#[derive(Clone)]
pub(super) struct Traced {
    service: &'static str,
    in_flight: Gauge,
    seconds: Seconds,
}

impl Traced {
    pub(super) fn new(service: &'static str) -> Self {
        Traced {
            service,
            in_flight: metrics::gauge!(RPC_IN_FLIGHT, "service" => service),
            seconds: Seconds {
                service,
                known: Arc::default(),
            },
        }
    }
}

/// Latencies by method and code; each is looked up by its labels once.
#[derive(Clone)]
struct Seconds {
    service: &'static str,
    known: Arc<RwLock<HashMap<String, HashMap<i32, Histogram>>>>,
}

impl Seconds {
    fn record(&self, method: &str, code: Code, seconds: f64) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(method).and_then(|codes| codes.get(&code.into()));
        if let Some(histogram) = found {
            histogram.record(seconds);
            return;
        }
        drop(known);
        let labels = [
            ("service", self.service.to_owned()),
            ("method", method.to_owned()),
            ("code", code_name(code).to_owned()),
        ];
        let histogram = metrics::histogram!(RPC_SECONDS, &labels);
        histogram.record(seconds);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let codes = known.entry(method.to_owned()).or_default();
        codes.insert(code.into(), histogram);
    }
}

impl Around for Traced {
    fn around(&self, request: Request<Body>, next: Next) -> Reply {
        let service = self.service;
        let begun = Instant::now();
        let method = request.uri().path().trim_start_matches('/').to_owned();
        let span = tracing::info_span!(
            "rpc",
            otel.name = method,
            otel.kind = "server",
            rpc.system = "grpc",
            service,
            method,
            trace_id = Empty,
            rpc.grpc.status_code = Empty,
        );
        telemetry::continue_trace(&span, request.headers());
        if let Some(trace_id) = telemetry::trace_id_of(&span) {
            span.record("trace_id", trace_id);
        }
        let in_flight = InFlight::begin(self.in_flight.clone());
        let latencies = self.seconds.clone();
        // `next` may open spans while it is called, so the call belongs into the span as well.
        let answer = async move { next(request).await }.instrument(span.clone());
        let finish = move |response: Response<Body>| {
            let code = code_of(&response);
            span.record("rpc.grpc.status_code", i32::from(code));
            // Strangers may name any path: only methods that exist become labels.
            let method = match code {
                Code::Unimplemented => "unknown",
                _ => &method,
            };
            latencies.record(method, code, begun.elapsed().as_secs_f64());
            drop(in_flight);
            response
        };
        answer.map(finish).boxed()
    }
}

/// The code in the head of the answer. Unary calls that fail say so there; a stream that fails
/// midway says so in trailers and counts as OK here.
fn code_of(response: &Response<Body>) -> Code {
    Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code())
}

/// Counts down also when the call is dropped because the caller went away.
struct InFlight(Gauge);

impl InFlight {
    fn begin(gauge: Gauge) -> Self {
        gauge.increment(1.0);
        InFlight(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
