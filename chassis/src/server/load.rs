//! Sheds load before any work is done for it.
//!
//! A place is held until the head of the answer stands, which for unary calls is the whole
//! work; a stream's later messages are not counted.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use http::Request;
use proto::kinds::v1::ErrorReason;
use tokio::sync::Semaphore;
use tonic::Code;
use tonic::body::Body;

use super::Settings;
use super::around::{Around, Next, Reply, is_infrastructure, refuse};
use crate::metrics::RPC_SHED;
use crate::refusal::{Refusal, TYPE_DOMAIN};

#[derive(Clone)]
pub(super) struct Limited {
    service: &'static str,
    places: Arc<Semaphore>,
    retry_after: Duration,
}

impl Limited {
    pub(super) fn new(service: &'static str, settings: &Settings) -> Self {
        Limited {
            service,
            places: Arc::new(Semaphore::new(settings.max_concurrent_requests)),
            retry_after: Duration::from_millis(settings.shed_retry_ms),
        }
    }
}

impl Around for Limited {
    fn around(&self, request: Request<Body>, next: Next) -> Reply {
        if is_infrastructure(request.uri().path()) {
            return next(request);
        }
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            metrics::counter!(RPC_SHED, "service" => self.service).increment(1);
            return std::future::ready(refuse(overloaded(self.retry_after))).boxed();
        };
        next(request).inspect(move |_| drop(place)).boxed()
    }
}

fn overloaded(retry_after: Duration) -> Refusal {
    Refusal::new(
        Code::ResourceExhausted,
        TYPE_DOMAIN,
        ErrorReason::Overloaded,
        "the service answers as many calls as it can; this one was not begun",
    )
    .retry_after(retry_after)
}
