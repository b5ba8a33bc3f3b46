//! Puts the typed caller on each request, as its token says, and refuses at once what none of its
//! roles may call.
//!
//! Health, reflection and the RPCs that the contract calls public are answered to everybody; what
//! they are sent as `authorization` is not looked at.

use std::sync::Arc;

use futures::FutureExt;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Request};
use tonic::body::Body;

use super::around::{Around, Next, Reply, is_infrastructure, refuse};
use crate::authz::{Asking, Authority, Unsound};
use crate::identity::{Distrust, Verifier};
use crate::refusal::Refusal;

tokio::task_local! {
    static CARRIED: HeaderValue;
}

/// The `authorization` of the call being served, to be carried on; none outside of a call, in a
/// public one, and in tasks it spawned.
pub(crate) fn carried() -> Option<HeaderValue> {
    CARRIED.try_with(HeaderValue::clone).ok()
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

    /// Puts on the request who asks; returns its token.
    fn identify(&self, request: &mut Request<Body>) -> Result<HeaderValue, Refusal> {
        let believed = sole(request.headers()).and_then(|authorization| {
            let caller = self.verifier.believe(authorization)?;
            Ok((caller, authorization.clone()))
        });
        let (caller, mut authorization) = believed.inspect_err(|why| {
            tracing::debug!(path = request.uri().path(), %why, "a caller is not believed");
        })?;
        authorization.set_sensitive(true);
        // What is not of the contract has no handler to find it.
        if let Some(rpc) = self.authority.rpc(request.uri().path()) {
            let asking = Asking::begin(caller, rpc, &self.authority)?;
            request.extensions_mut().insert(asking);
        }
        Ok(authorization)
    }

    fn is_public(&self, path: &str) -> bool {
        let rpc = self.authority.rpc(path);
        rpc.is_some_and(|rpc| self.authority.is_public(rpc))
    }
}

impl Around for Known {
    fn around(&self, mut request: Request<Body>, next: Next) -> Reply {
        let path = request.uri().path();
        if is_infrastructure(path) || self.is_public(path) {
            return next(request);
        }
        match self.identify(&mut request) {
            Ok(authorization) => CARRIED
                .scope(authorization, async move { next(request).await })
                .boxed(),
            Err(refusal) => std::future::ready(refuse(refusal)).boxed(),
        }
    }
}
