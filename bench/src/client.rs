//! Calls on behalf of a tenant, spread over some connections.

use chassis::identity::Minter;
use chassis::{Caller, TenantId};
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;

/// Connections to one service, and who calls over them.
#[derive(Clone)]
pub(crate) struct Line {
    channels: Vec<Channel>,
    who: Caller,
    minter: Minter,
}

impl Line {
    /// Calls of `tenant` over these connections.
    pub(crate) fn new(
        channels: Vec<Channel>,
        tenant: &str,
        minter: &Minter,
    ) -> anyhow::Result<Line> {
        let tenant = TenantId::parse(tenant)?;
        let who = Caller {
            roles: vec!["admin".to_owned()],
            ..Caller::service(tenant, "bench")
        };
        // Whatever is wrong with it shows now, and not under load.
        minter.authorization(&who)?;
        Ok(Line {
            channels,
            who,
            minter: minter.clone(),
        })
    }

    /// The connection of a caller: each keeps to one.
    pub(crate) fn channel(&self, caller: usize) -> Channel {
        self.channels[caller % self.channels.len()].clone()
    }

    /// The message as this tenant's request.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let made = self.minter.authorization(&self.who).ok();
        let made = made.and_then(|made| MetadataValue::try_from(made.as_bytes()).ok());
        // Without it the call is refused, which is counted.
        if let Some(authorization) = made {
            request
                .metadata_mut()
                .insert("authorization", authorization);
        }
        request
    }
}
