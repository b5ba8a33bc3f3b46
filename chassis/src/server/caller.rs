//! Puts the typed caller on each request.
//!
//! Development metadata is believed from loopback peers only: who can open a loopback
//! connection is on this machine already.

use std::net::SocketAddr;

use futures::FutureExt;
use http::{Extensions, Request};
use tonic::body::Body;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};

use super::around::{Around, Next, Reply, is_infrastructure, refuse};
use crate::caller::{Caller, unknown};
use crate::refusal::Refusal;

#[derive(Clone)]
pub(super) struct Known;

impl Around for Known {
    fn around(&self, mut request: Request<Body>, next: Next) -> Reply {
        if is_infrastructure(request.uri().path()) {
            return next(request);
        }
        match identify(&request) {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
                next(request)
            }
            Err(refusal) => std::future::ready(refuse(refusal)).boxed(),
        }
    }
}

fn identify(request: &Request<Body>) -> Result<Caller, Refusal> {
    let peer = peer_address(request.extensions());
    if !peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback()) {
        return Err(unknown("development metadata is accepted on loopback only"));
    }
    Caller::from_metadata(request.headers())
}

fn peer_address(extensions: &Extensions) -> Option<SocketAddr> {
    let plain = extensions.get::<TcpConnectInfo>();
    let sealed = extensions.get::<TlsConnectInfo<TcpConnectInfo>>();
    let plain = plain.or_else(|| sealed.map(TlsConnectInfo::get_ref))?;
    plain.remote_addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request_from(peer: Option<&str>) -> Request<Body> {
        let mut request = Request::new(Body::empty());
        for (key, value) in [
            ("x-fettle-tenant", "acme"),
            ("x-fettle-principal", "users/7"),
        ] {
            request.headers_mut().insert(key, value.parse().unwrap());
        }
        if let Some(peer) = peer {
            request.extensions_mut().insert(TcpConnectInfo {
                local_addr: None,
                remote_addr: Some(peer.parse().unwrap()),
            });
        }
        request
    }

    #[test]
    fn development_metadata_is_believed_from_loopback_only() {
        for near in [
            "127.0.0.1:9",
            "127.8.8.8:9",
            "[::1]:9",
            "[::ffff:127.0.0.1]:9",
        ] {
            let caller = identify(&request_from(Some(near))).unwrap();
            assert_eq!(caller.principal, "users/7", "{near}");
        }
        let far = [
            "10.0.0.1:9",
            "192.168.1.1:9",
            "[fe80::1]:9",
            "[::ffff:10.0.0.1]:9",
        ];
        for far in far.map(Some).into_iter().chain([None]) {
            let refused = identify(&request_from(far)).unwrap_err();
            assert_eq!(refused.reason(), "CALLER_UNKNOWN", "{far:?}");
        }
    }
}
