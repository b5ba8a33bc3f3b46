//! Puts the typed caller on each request, as its token says.
//!
//! Health, reflection and the RPCs that the contract calls public are answered to everybody; what
//! they are sent as `authorization` is not looked at.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::FutureExt;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Request};
use tonic::body::Body;

use super::around::{Around, Next, Reply, is_infrastructure, refuse};
use crate::caller::Caller;
use crate::identity::{Distrust, Verifier};

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
    public: Arc<BTreeSet<String>>,
}

impl Known {
    pub(super) fn new(verifier: Verifier) -> Self {
        // A contract that cannot be read opens nothing.
        let public = Arc::new(proto::public_rpcs().unwrap_or_default());
        Known { verifier, public }
    }

    fn identify(&self, request: &Request<Body>) -> Result<(Caller, HeaderValue), Distrust> {
        let authorization = sole(request.headers())?;
        let caller = self.verifier.believe(authorization)?;
        let mut authorization = authorization.clone();
        authorization.set_sensitive(true);
        Ok((caller, authorization))
    }
}

impl Around for Known {
    fn around(&self, mut request: Request<Body>, next: Next) -> Reply {
        let path = request.uri().path();
        if is_infrastructure(path) || self.public.contains(path) {
            return next(request);
        }
        match self.identify(&request) {
            Ok((caller, authorization)) => {
                request.extensions_mut().insert(caller);
                CARRIED
                    .scope(authorization, async move { next(request).await })
                    .boxed()
            }
            Err(why) => {
                tracing::debug!(path, %why, "a caller is not believed");
                std::future::ready(refuse(why.into())).boxed()
            }
        }
    }
}
