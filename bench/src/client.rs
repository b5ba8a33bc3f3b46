//! Calls on behalf of a tenant, spread over some connections.

use chassis::client::As;
use chassis::{Caller, TenantId};
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Extensions, Request};

/// Connections to one service, and who calls over them.
#[derive(Clone)]
pub(crate) struct Line {
    channels: Vec<Channel>,
    who: MetadataMap,
}

impl Line {
    /// Calls of `tenant` over these connections.
    pub(crate) fn new(channels: Vec<Channel>, tenant: &str) -> anyhow::Result<Line> {
        let tenant = TenantId::parse(tenant)?;
        let caller = Caller {
            principal: "users/bench".to_owned(),
            region: Some("cn-north".to_owned()),
            ..Caller::service(tenant, "bench")
        };
        Ok(Line {
            channels,
            who: As(caller).request(()).metadata().clone(),
        })
    }

    /// The connection of a caller: each keeps to one.
    pub(crate) fn channel(&self, caller: usize) -> Channel {
        self.channels[caller % self.channels.len()].clone()
    }

    /// The message as this tenant's request.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        Request::from_parts(self.who.clone(), Extensions::new(), message)
    }
}
