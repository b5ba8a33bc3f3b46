//! The serving side: one gRPC listener behind a stack of layers, and one admin listener.
//!
//! From the outside in: [`trace`] (span, latency, in-flight) → [`panic`] → [`caller`] →
//! [`deadline`] → [`load`] → [`size`] → the service's routes. Health and reflection pass the
//! caller and load layers untouched.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

use crate::authz::Unsound;
use crate::config::within;
use crate::identity::Verifier;

pub(crate) mod admin;
mod around;
mod caller;
pub(crate) use caller::{Served, carried, served, serving};
pub mod deadline;
mod load;
mod panic;
pub use panic::log_panics;
pub(crate) use panic::said as panic_text;
mod size;
mod trace;

#[cfg(test)]
mod tests;

/// Section `server` of a service's configuration; the default file documents each key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is their documentation")]
pub struct Settings {
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    pub max_concurrent_requests: usize,
    pub shed_retry_ms: u64,
    pub default_deadline_ms: u64,
    pub max_deadline_ms: u64,
    pub max_request_bytes: usize,
    pub keepalive_interval_ms: u64,
    pub keepalive_timeout_ms: u64,
    pub max_connection_age_ms: u64,
    pub pre_stop_ms: u64,
    pub drain_timeout_ms: u64,
    pub tls_certificate: String,
    pub tls_key: String,
    pub tls_client_ca: String,
}

impl Settings {
    pub(crate) fn check(&self, problems: &mut Vec<String>) {
        let concurrent = self.max_concurrent_requests as u64;
        let bytes = self.max_request_bytes as u64;
        let mut check = |key, value, least, most| {
            within(&format!("server.{key}"), value, least..=most, problems);
        };
        check("max_concurrent_requests", concurrent, 1, 100_000);
        check("shed_retry_ms", self.shed_retry_ms, 1, 60_000);
        check(
            "default_deadline_ms",
            self.default_deadline_ms,
            1,
            3_600_000,
        );
        check("max_deadline_ms", self.max_deadline_ms, 1, 3_600_000);
        check("max_request_bytes", bytes, 1_024, 4_194_304);
        check(
            "keepalive_interval_ms",
            self.keepalive_interval_ms,
            100,
            3_600_000,
        );
        check(
            "keepalive_timeout_ms",
            self.keepalive_timeout_ms,
            100,
            600_000,
        );
        check(
            "max_connection_age_ms",
            self.max_connection_age_ms,
            0,
            86_400_000,
        );
        check("pre_stop_ms", self.pre_stop_ms, 0, 600_000);
        check("drain_timeout_ms", self.drain_timeout_ms, 0, 600_000);
        if self.tls_certificate.is_empty() != self.tls_key.is_empty() {
            problems.push("server.tls_key: a certificate and its key come together".to_owned());
        }
        if self.tls_certificate.is_empty() && !self.tls_client_ca.is_empty() {
            problems.push("server.tls_client_ca: needs server.tls_certificate".to_owned());
        }
    }

    fn tls(&self) -> Result<Option<ServerTlsConfig>, ServeError> {
        if self.tls_certificate.is_empty() {
            return Ok(None);
        }
        let identity = Identity::from_pem(pem(&self.tls_certificate)?, pem(&self.tls_key)?);
        let mut tls = ServerTlsConfig::new().identity(identity);
        if !self.tls_client_ca.is_empty() {
            tls = tls.client_ca_root(Certificate::from_pem(pem(&self.tls_client_ca)?));
        }
        Ok(Some(tls))
    }

    /// The configured age, 80 to 120 % of it; none: for ever.
    fn connection_age(&self) -> Option<Duration> {
        let percent = rand::random_range(80..=120);
        let age = Duration::from_millis(self.max_connection_age_ms) * percent / 100;
        (!age.is_zero()).then_some(age)
    }
}

/// Why a listener could not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A PEM file cannot be read.
    #[error("{path}: {error}")]
    Pem {
        /// The file.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// The policies of who may do what cannot be used.
    #[error(transparent)]
    Policies(#[from] Unsound),
    /// The transport failed.
    #[error("the gRPC listener: {0}")]
    Transport(#[from] tonic::transport::Error),
}

pub(crate) fn pem(path: &str) -> Result<Vec<u8>, ServeError> {
    let path = path.to_owned();
    std::fs::read(&path).map_err(|error| ServeError::Pem { path, error })
}

/// Largest list of headers read, in bytes: much more than any caller may send, so that whoever sends
/// too much is told what is wrong instead of losing the connection.
const MOST_HEADER_BYTES: u32 = 256 << 10;

/// Serves `routes` of `service` to callers whom `verifier` believes, until `stop`, then sends GOAWAY
/// and ends when running calls have been answered. A drain that takes too long is the caller's to cut.
pub async fn serve(
    service: &'static str,
    settings: &Settings,
    verifier: Verifier,
    routes: Routes,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let known = caller::Known::new(verifier)?;
    let mut server = Server::builder()
        .http2_max_header_list_size(MOST_HEADER_BYTES)
        .http2_keepalive_interval(Some(Duration::from_millis(settings.keepalive_interval_ms)))
        .http2_keepalive_timeout(Some(Duration::from_millis(settings.keepalive_timeout_ms)));
    if let Some(age) = settings.connection_age() {
        server = server.max_connection_age(age);
    }
    if let Some(tls) = settings.tls()? {
        server = server.tls_config(tls)?;
    }
    let undelayed = |connection: std::io::Result<tokio::net::TcpStream>| {
        connection.inspect(|stream| drop(stream.set_nodelay(true)))
    };
    server
        .layer(around::wrap(trace::Traced::new(service)))
        .layer(around::wrap(panic::Caught::new(service)))
        .layer(around::wrap(known))
        .layer(around::wrap(deadline::Bounded::new(settings)))
        .layer(around::wrap(load::Limited::new(service, settings)))
        .layer(around::wrap(size::Sized::new(settings)))
        .add_routes(routes)
        .serve_with_incoming_shutdown(
            TcpListenerStream::new(listener).map(undelayed),
            stop.cancelled_owned(),
        )
        .await?;
    Ok(())
}
