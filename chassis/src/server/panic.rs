//! A handler that panics answers INTERNAL with the trace id; what it said stays in the log.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use http::Request;
use tonic::body::Body;

use super::around::{Around, Next, Reply, refuse};
use crate::metrics::RPC_PANICS;
use crate::refusal::Refusal;
use crate::telemetry::current_trace_id;

#[derive(Clone)]
pub(super) struct Caught {
    service: &'static str,
}

impl Caught {
    pub(super) fn new(service: &'static str) -> Self {
        Caught { service }
    }
}

impl Around for Caught {
    fn around(&self, request: Request<Body>, next: Next) -> Reply {
        let service = self.service;
        let answer = async move {
            let answer = AssertUnwindSafe(async move { next(request).await });
            match answer.catch_unwind().await {
                Ok(response) => response,
                Err(panic) => {
                    let trace_id = current_trace_id();
                    let said = said(panic.as_ref());
                    tracing::error!(%trace_id, said, "a handler panicked");
                    metrics::counter!(RPC_PANICS, "service" => service).increment(1);
                    refuse(Refusal::fault(&trace_id))
                }
            }
        };
        answer.boxed()
    }
}

/// The text of a panic, when it has one.
pub(crate) fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no text")
}
