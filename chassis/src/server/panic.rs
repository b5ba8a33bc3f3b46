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

/// The text of a panic, when it is written in the code. One that was made of values may show what
/// is known of a person (`byte index 3 is not a char boundary; it is inside …`) and is left out.
pub(crate) fn said(panic: &(dyn Any + Send)) -> &'static str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.unwrap_or("a text made of values, which may be personal")
}

/// From now on a panic of this process is a line of the log that says where, and no values.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, said = said(panic.payload()), "a panic");
    }));
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn a_panic_says_what_the_code_says_and_no_values() {
        let caught = |panics: fn()| std::panic::catch_unwind(panics).unwrap_err();
        assert_eq!(said(caught(|| panic!("not so")).as_ref()), "not so");
        let text = std::hint::black_box("Zhang San lives here");
        let sliced = std::panic::catch_unwind(|| text[..99].len()).unwrap_err();
        assert!(!said(sliced.as_ref()).contains("Zhang"));
    }
}
