//! Puts the typed caller on each request, as its token says, and refuses at once what none of its
//! roles may call.
//!
//! Health, reflection and the RPCs that the contract calls public are answered to everybody; what
//! they are sent as `authorization` is not looked at.

use std::net::SocketAddr;
use std::sync::Arc;

use futures::FutureExt;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Request};
use tonic::body::Body;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};

use super::around::{Around, Next, Reply, is_infrastructure, refuse};
use crate::authz::{Asking, Authority, Unsound};
use crate::identity::{Distrust, Verifier};
use crate::refusal::Refusal;

tokio::task_local! {
    static SERVED: Arc<Served>;
}

/// The call being served, for what every call has part in and no handler should have to hand on.
pub(crate) struct Served {
    /// Who asks; empty in a public call.
    pub(crate) principal: String,
    /// "fettle.ticket.v1.TicketService/CreateTicket".
    pub(crate) rpc: String,
    /// Address of whoever is connected, without the port.
    pub(crate) origin: String,
    /// It changes nothing.
    pub(crate) reads: bool,
    /// None in a public call.
    pub(crate) authorization: Option<HeaderValue>,
}

/// The call being served; none outside of one, and in tasks it spawned.
pub(crate) fn served() -> Option<Arc<Served>> {
    SERVED.try_with(Arc::clone).ok()
}

/// Does `work` as what serves the call does it.
pub(crate) async fn serving<F: Future>(served: Served, work: F) -> F::Output {
    SERVED.scope(Arc::new(served), work).await
}

/// The `authorization` of the call being served, to be carried on; none outside of a call, in a
/// public one, and in tasks it spawned.
pub(crate) fn carried() -> Option<HeaderValue> {
    let carried = SERVED.try_with(|served| served.authorization.clone());
    carried.ok().flatten()
}

fn origin(request: &Request<Body>) -> String {
    let extensions = request.extensions();
    let plain = || extensions.get::<TcpConnectInfo>()?.remote_addr();
    let secured = || {
        let info = extensions.get::<TlsConnectInfo<TcpConnectInfo>>()?;
        info.get_ref().remote_addr()
    };
    let address: Option<SocketAddr> = plain().or_else(secured);
    address.map_or(String::new(), |address| {
        address.ip().to_canonical().to_string()
    })
}

/// The one `authorization` of a request.
fn sole(headers: &HeaderMap) -> Result<&HeaderValue, Distrust> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        (None, _) => Err(Distrust::Missing),
        (Some(_), Some(_)) => Err(Distrust::Several),
    }
}

#[derive(Clone)]
pub(super) struct Known {
    verifier: Verifier,
    authority: Arc<Authority>,
}

impl Known {
    pub(super) fn new(verifier: Verifier) -> Result<Self, Unsound> {
        let authority = Authority::compiled()?;
        Ok(Known {
            verifier,
            authority,
        })
    }

    /// Puts on the request who asks; returns the call.
    fn identify(&self, request: &mut Request<Body>) -> Result<Served, Refusal> {
        let believed = sole(request.headers()).and_then(|authorization| {
            let caller = self.verifier.believe(authorization)?;
            Ok((caller, authorization.clone()))
        });
        let (caller, mut authorization) = believed.inspect_err(|why| {
            tracing::debug!(path = request.uri().path(), %why, "a caller is not believed");
        })?;
        authorization.set_sensitive(true);
        let mut served = self.served(request);
        caller.principal.clone_into(&mut served.principal);
        served.authorization = Some(authorization);
        // What is not of the contract has no handler to find it.
        if let Some(rpc) = self.authority.rpc(request.uri().path()) {
            let asking = Asking::begin(caller, rpc, &self.authority)?;
            request.extensions_mut().insert(asking);
        }
        Ok(served)
    }

    /// The call of a request, before it is known who asks.
    fn served(&self, request: &Request<Body>) -> Served {
        let path = request.uri().path();
        let rpc = self.authority.rpc(path);
        Served {
            principal: String::new(),
            rpc: path.strip_prefix('/').unwrap_or(path).to_owned(),
            origin: origin(request),
            reads: rpc.is_some_and(|rpc| self.authority.reads(rpc)),
            authorization: None,
        }
    }

    fn is_public(&self, path: &str) -> bool {
        let rpc = self.authority.rpc(path);
        rpc.is_some_and(|rpc| self.authority.is_public(rpc))
    }
}

impl Around for Known {
    fn around(&self, mut request: Request<Body>, next: Next) -> Reply {
        let path = request.uri().path();
        if is_infrastructure(path) {
            return next(request);
        }
        let served = match self.is_public(path) {
            true => Ok(self.served(&request)),
            false => self.identify(&mut request),
        };
        match served {
            Ok(served) => serving(served, async move { next(request).await }).boxed(),
            Err(refusal) => std::future::ready(refuse(refusal)).boxed(),
        }
    }
}
