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
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Request, Response};
use serde::Deserialize;
use tonic::body::Body;
use tonic::{Code, Status, TimeoutExpired};
use tower::{Service, ServiceExt};

use crate::caller::Caller;
use crate::config::within;
use crate::identity::Minter;
use crate::refusal::Refusal;
use crate::server::carried;
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
        minter: None,
        own_limit: Duration::from_millis(settings.deadline_ms),
        margin: Duration::from_millis(settings.deadline_margin_ms),
    })
}

/// Another service, as the transport of a generated client: `TicketServiceClient::new(peer)`.
/// Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Peer {
    ends: Arc<Ends>,
    caller: Option<Arc<Caller>>,
    minter: Option<Minter>,
    own_limit: Duration,
    margin: Duration,
}

impl Peer {
    /// The same peer with tokens made by `minter` for the callers that requests or
    /// [`Peer::acting_as`] name. Without a minter such a call is sent without a token.
    #[must_use]
    pub fn with_minter(self, minter: Minter) -> Peer {
        Peer {
            minter: Some(minter),
            ..self
        }
    }

    /// The same peer, called on behalf of `caller`. A request that says who is asking itself
    /// (see [`As`]) keeps what it says.
    #[must_use]
    pub fn acting_as(&self, caller: &Caller) -> Peer {
        let caller = Some(Arc::new(caller.clone()));
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

    fn prepare(&self, request: &mut Request<Body>, limit: Duration) {
        if !request.headers().contains_key(AUTHORIZATION)
            && let Some(authorization) = self.authorization(request)
        {
            request.headers_mut().insert(AUTHORIZATION, authorization);
        }
        let headers = request.headers_mut();
        if let Ok(limit) = HeaderValue::from_str(&deadline::written(limit)) {
            headers.insert(GRPC_TIMEOUT, limit);
        }
        telemetry::inject(headers);
    }

    /// The token of whom the request names, or else the peer; where nobody is named, the token of
    /// the call we are in, unchanged.
    fn authorization(&self, request: &Request<Body>) -> Option<HeaderValue> {
        let named = request.extensions().get::<Caller>();
        let Some(caller) = named.or(self.caller.as_deref()) else {
            return carried();
        };
        let made = self.minter.as_ref()?.authorization(caller);
        let refused = |why: &crate::identity::MintRefused| {
            tracing::error!(%why, principal = caller.principal, "a call is sent without a token");
        };
        made.inspect_err(refused).ok()
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
        self.prepare(&mut request, limit);
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

/// Says on single requests on whose behalf they are made; the [`Peer`] makes the token.
#[derive(Clone, Debug)]
pub struct As(pub Caller);

impl As {
    /// The message as a request of this caller.
    pub fn request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        request.extensions_mut().insert(self.0.clone());
        request
    }
}
