//! The addresses of a peer, and which of them answer.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use http::Uri;
use http::uri::{Authority, Scheme};
use tokio::net::TcpStream;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use super::Settings;
use crate::server::{ServeError, pem};

/// Most addresses one peer may have.
const MOST_ENDS: usize = 64;

/// Why a peer's addresses cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PeerRefused {
    /// One of the addresses is not `http(s)://host:port`.
    #[error("{0:?} is not of the form http://host:port")]
    Address(String),
    /// A PEM file cannot be read.
    #[error(transparent)]
    Pem(#[from] ServeError),
    /// The transport refuses the settings.
    #[error("the transport refuses {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// All addresses of a peer.
pub(super) struct Ends {
    hosts: Vec<Host>,
    settings: Settings,
    tls: Option<ClientTlsConfig>,
    list: RwLock<Vec<Arc<End>>>,
    turn: AtomicUsize,
}

/// A configured address: its scheme, and the host and port that are resolved.
struct Host {
    scheme: Scheme,
    authority: Authority,
}

/// One resolved address with its connection.
pub(super) struct End {
    uri: Uri,
    dial: String,
    channel: Channel,
    down: AtomicBool,
}

impl End {
    /// The connection; it reconnects by itself.
    pub(super) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Leaves this address out until it accepts connections again.
    pub(super) fn failed(&self, error: &tonic::transport::Error) {
        if !self.down.swap(true, Ordering::Relaxed) {
            tracing::warn!(address = %self.uri, %error, "a peer's address failed");
        }
    }
}

impl Ends {
    /// Reads the addresses and begins to watch them; the watch ends with the last clone.
    pub(super) fn open(addresses: &str, settings: &Settings) -> Result<Arc<Ends>, PeerRefused> {
        let hosts: Result<Vec<Host>, PeerRefused> = addresses.split(',').map(host).collect();
        let hosts = hosts?;
        let sealed = hosts.iter().any(|host| host.scheme == Scheme::HTTPS);
        let ends = Arc::new(Ends {
            tls: if sealed { Some(tls(settings)?) } else { None },
            hosts,
            settings: settings.clone(),
            list: RwLock::default(),
            turn: AtomicUsize::new(0),
        });
        // Until names are resolved each host is one address, so that the first call can go.
        let first = ends
            .hosts
            .iter()
            .map(|host| ends.end(host, host.authority.as_str()));
        ends.replace(first.collect::<Result<_, _>>()?);
        tokio::spawn(watch(Arc::downgrade(&ends)));
        Ok(ends)
    }

    /// The next address in turn that is up; when all are down, the next one anyway.
    pub(super) fn choose(&self) -> Option<Arc<End>> {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let in_turn = || (0..list.len()).filter_map(|i| list.get((turn + i) % list.len()));
        let up = in_turn().find(|end| !end.down.load(Ordering::Relaxed));
        up.or_else(|| in_turn().next()).cloned()
    }

    fn replace(&self, ends: Vec<Arc<End>>) {
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = ends;
    }

    fn current(&self) -> Vec<Arc<End>> {
        self.list
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn end(&self, host: &Host, dial: &str) -> Result<Arc<End>, PeerRefused> {
        let refused = || PeerRefused::Address(dial.to_owned());
        let uri = Uri::builder()
            .scheme(host.scheme.clone())
            .authority(dial)
            .path_and_query("/");
        let uri = uri.build().map_err(|_| refused())?;
        let settings = &self.settings;
        let mut endpoint = Endpoint::from(uri.clone())
            .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
            .http2_keep_alive_interval(Duration::from_millis(settings.keepalive_interval_ms))
            .keep_alive_timeout(Duration::from_millis(settings.keepalive_timeout_ms))
            .keep_alive_while_idle(true)
            .tcp_nodelay(true);
        if host.scheme == Scheme::HTTPS
            && let Some(tls) = &self.tls
        {
            // The certificate names the host, whatever address it resolved to.
            let tls = match settings.tls_domain.as_str() {
                "" => tls.clone().domain_name(host.authority.host()),
                domain => tls.clone().domain_name(domain),
            };
            endpoint = endpoint.tls_config(tls)?;
        }
        Ok(Arc::new(End {
            dial: dial.to_owned(),
            channel: endpoint.connect_lazy(),
            uri,
            down: AtomicBool::new(false),
        }))
    }

    /// Resolves all hosts again. A host that cannot be resolved keeps the addresses it had, and
    /// an address that stays keeps its connection.
    async fn resolve(&self) {
        let before = self.current();
        let mut after: Vec<Arc<End>> = Vec::new();
        for host in &self.hosts {
            let found = lookup(host).await;
            if found.is_empty() {
                tracing::warn!(host = %host.authority, "a peer's host cannot be resolved");
                return;
            }
            for address in found {
                let dial = address.to_string();
                let known = before.iter().find(|end| end.dial == dial).cloned();
                match known.map_or_else(|| self.end(host, &dial), Ok) {
                    Ok(end) => after.push(end),
                    Err(error) => tracing::warn!(%address, %error, "a peer's address is unusable"),
                }
            }
        }
        after.truncate(MOST_ENDS);
        self.replace(after);
    }

    /// Tries the addresses that failed; one that accepts a connection is used again.
    async fn probe(&self) {
        let limit = Duration::from_millis(self.settings.connect_timeout_ms);
        let down = self.current();
        let down = down.iter().filter(|end| end.down.load(Ordering::Relaxed));
        let probes = down.map(|end| async move {
            let connected = tokio::time::timeout(limit, TcpStream::connect(&end.dial)).await;
            if matches!(connected, Ok(Ok(_))) {
                end.down.store(false, Ordering::Relaxed);
                tracing::info!(address = %end.uri, "a peer's address answers again");
            }
        });
        futures::future::join_all(probes).await;
    }
}

/// Keeps the addresses of a peer fresh for as long as somebody uses it.
async fn watch(ends: Weak<Ends>) {
    loop {
        let pause = match ends.upgrade() {
            Some(ends) => {
                ends.resolve().await;
                ends.probe().await;
                Duration::from_millis(ends.settings.resolve_interval_ms)
            }
            None => return,
        };
        tokio::time::sleep(pause).await;
    }
}

fn host(address: &str) -> Result<Host, PeerRefused> {
    let refused = || PeerRefused::Address(address.to_owned());
    let uri: Uri = address.trim().parse().map_err(|_| refused())?;
    let parts = uri.into_parts();
    let scheme = parts.scheme.ok_or_else(refused)?;
    let authority = parts.authority.ok_or_else(refused)?;
    let known = scheme == Scheme::HTTP || scheme == Scheme::HTTPS;
    if !known || authority.port().is_none() || authority.as_str().contains('@') {
        return Err(refused());
    }
    Ok(Host { scheme, authority })
}

async fn lookup(host: &Host) -> Vec<SocketAddr> {
    let found = tokio::net::lookup_host(host.authority.as_str()).await;
    found.map(Iterator::collect).unwrap_or_default()
}

fn tls(settings: &Settings) -> Result<ClientTlsConfig, PeerRefused> {
    let mut tls = match settings.tls_ca.as_str() {
        "" => ClientTlsConfig::new().with_native_roots(),
        path => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem(path)?)),
    };
    if !settings.tls_certificate.is_empty() {
        let certificate = pem(&settings.tls_certificate)?;
        tls = tls.identity(Identity::from_pem(certificate, pem(&settings.tls_key)?));
    }
    Ok(tls)
}
