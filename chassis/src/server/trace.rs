//! Span, latency and in-flight gauge of each RPC; continues the caller's trace.

use std::time::Instant;

use futures::FutureExt;
use http::{Request, Response};
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
}

impl Traced {
    pub(super) fn new(service: &'static str) -> Self {
        Traced { service }
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
        let in_flight = InFlight::begin(service);
        // `next` may open spans while it is called, so the call belongs into the span as well.
        let answer = async move { next(request).await }.instrument(span.clone());
        let finish = move |response: Response<Body>| {
            let code = code_of(&response);
            span.record("rpc.grpc.status_code", i32::from(code));
            // Strangers may name any path: only methods that exist become labels.
            let method = if code == Code::Unimplemented {
                "unknown".to_owned()
            } else {
                method
            };
            let seconds = begun.elapsed().as_secs_f64();
            let labels = [
                ("service", service.to_owned()),
                ("method", method),
                ("code", code_name(code).to_owned()),
            ];
            metrics::histogram!(RPC_SECONDS, &labels).record(seconds);
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
struct InFlight(&'static str);

impl InFlight {
    fn begin(service: &'static str) -> Self {
        metrics::gauge!(RPC_IN_FLIGHT, "service" => service).increment(1.0);
        InFlight(service)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!(RPC_IN_FLIGHT, "service" => self.0).decrement(1.0);
    }
}
