//! The calling side: a [`Peer`] is another service, wherever its replicas are.
//!
//! A peer balances over all addresses it has, leaves out those that fail until they answer
//! again, pings every connection, shrinks the deadline on each hop and carries trace and caller.
//! It never retries: that is decided where the call is known to be keyed or idempotent.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response};
use serde::Deserialize;
use tonic::body::Body;
use tonic::metadata::{KeyAndValueRef, MetadataMap};
use tonic::{Code, Status, TimeoutExpired};
use tower::{Service, ServiceExt};

use crate::caller::{Caller, METADATA_KEYS};
use crate::config::within;
use crate::refusal::Refusal;
use crate::server::deadline::{self, GRPC_TIMEOUT};
use crate::telemetry;

mod ends;

use ends::Ends;
pub use ends::PeerRefused;

/// Section `client` of a service's configuration; the default file documents each key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is their documentation")]
pub struct Settings {
    pub deadline_ms: u64,
    pub deadline_margin_ms: u64,
    pub connect_timeout_ms: u64,
    pub keepalive_interval_ms: u64,
    pub keepalive_timeout_ms: u64,
    pub resolve_interval_ms: u64,
    pub tls_ca: String,
    pub tls_certificate: String,
    pub tls_key: String,
    pub tls_domain: String,
}

impl Settings {
    pub(crate) fn check(&self, problems: &mut Vec<String>) {
        let mut check = |key, value, least, most| {
            within(&format!("client.{key}"), value, least..=most, problems);
        };
        check("deadline_ms", self.deadline_ms, 1, 600_000);
        check("deadline_margin_ms", self.deadline_margin_ms, 0, 10_000);
        check("connect_timeout_ms", self.connect_timeout_ms, 1, 60_000);
        check(
            "keepalive_interval_ms",
            self.keepalive_interval_ms,
            10,
            3_600_000,
        );
        check(
            "keepalive_timeout_ms",
            self.keepalive_timeout_ms,
            10,
            600_000,
        );
        check("resolve_interval_ms", self.resolve_interval_ms, 10, 600_000);
        if self.tls_certificate.is_empty() != self.tls_key.is_empty() {
            problems.push("client.tls_key: a certificate and its key come together".to_owned());
        }
    }
}

/// A peer by its addresses, `http://host:port`, separated by commas.
///
/// Connects when first used, so a peer that is down does not keep a service from starting.
/// Must be called within a Tokio runtime.
pub fn channel(addresses: &str, settings: &Settings) -> Result<Peer, PeerRefused> {
    Ok(Peer {
        ends: Ends::open(addresses, settings)?,
        caller: None,
        own_limit: Duration::from_millis(settings.deadline_ms),
        margin: Duration::from_millis(settings.deadline_margin_ms),
    })
}

/// Another service, as the transport of a generated client: `TicketServiceClient::new(peer)`.
/// Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Peer {
    ends: Arc<Ends>,
    caller: Option<Arc<HeaderMap>>,
    own_limit: Duration,
    margin: Duration,
}

impl Peer {
    /// The same peer, called on behalf of `caller`. A request that says who is asking itself
    /// (see [`As`]) keeps what it says.
    #[must_use]
    pub fn acting_as(&self, caller: &Caller) -> Peer {
        let caller = Some(Arc::new(caller.to_metadata()));
        Peer {
            caller,
            ..self.clone()
        }
    }

    /// How long this call may take: what the request asks, our own limit where it asks nothing,
    /// and never more than what is left of the call we are in, less the margin.
    fn limit(&self, headers: &HeaderMap) -> Duration {
        let asked = deadline::asked(headers).unwrap_or(self.own_limit);
        match deadline::remaining() {
            Some(left) => asked.min(left.saturating_sub(self.margin)),
            None => asked,
        }
    }

    fn prepare(&self, headers: &mut HeaderMap, limit: Duration) {
        let says_itself = METADATA_KEYS.iter().any(|key| headers.contains_key(*key));
        if let Some(caller) = &self.caller
            && !says_itself
        {
            headers.extend(caller.as_ref().clone());
        }
        if let Ok(limit) = HeaderValue::from_str(&deadline::written(limit)) {
            headers.insert(GRPC_TIMEOUT, limit);
        }
        telemetry::inject(headers);
    }
}

impl Service<Request<Body>> for Peer {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let limit = self.limit(request.headers());
        if limit.is_zero() {
            return std::future::ready(Ok(refused(Refusal::deadline_passed()))).boxed();
        }
        self.prepare(request.headers_mut(), limit);
        let end = self.ends.choose();
        let answer = async move {
            let Some(end) = end else {
                return Ok(refused(Refusal::unavailable("the peer")));
            };
            let answer = end.channel().oneshot(request);
            Ok(match tokio::time::timeout(limit, answer).await {
                Ok(Ok(response)) => timed_out_to_deadline(response),
                Ok(Err(error)) if is_timeout(&error) => refused(Refusal::deadline_passed()),
                Ok(Err(error)) => {
                    end.failed(&error);
                    refused(Refusal::unavailable("the peer"))
                }
                Err(_) => refused(Refusal::deadline_passed()),
            })
        };
        answer.boxed()
    }
}

fn refused(refusal: Refusal) -> Response<Body> {
    Status::from(refusal).into_http()
}

/// tonic says CANCELLED where it gave up on a deadline, on either side of the wire.
fn timed_out_to_deadline(response: Response<Body>) -> Response<Body> {
    let status = Status::from_header_map(response.headers());
    let gave_up = status.is_some_and(|status| {
        status.code() == Code::Cancelled && status.message() == TimeoutExpired(()).to_string()
    });
    if gave_up {
        return refused(Refusal::deadline_passed());
    }
    response
}

fn is_timeout(error: &(dyn std::error::Error + 'static)) -> bool {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.into_iter().any(|error| error.is::<TimeoutExpired>())
}

/// Says on single requests on whose behalf they are made.
#[derive(Clone, Debug)]
pub struct As(pub Caller);

impl As {
    /// The message as a request of this caller.
    pub fn request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        let metadata = MetadataMap::from_headers(self.0.to_metadata());
        for pair in metadata.iter() {
            if let KeyAndValueRef::Ascii(key, value) = pair {
                request.metadata_mut().insert(key, value.clone());
            }
        }
        request
    }
}
