//! A caller in the middle of a call, and what it may do in it.

use std::ops::Deref;
use std::sync::Arc;

use proto::kinds::v1::ErrorReason;
use tonic::Code;

use super::{Authority, Rpc, Scope, Sight};
use crate::caller::Caller;
use crate::refusal::{Refusal, TYPE_DOMAIN};

/// Who asks, and for what: put on each request by the server, found there by [`Caller::of`].
#[derive(Clone)]
pub struct Asking {
    caller: Caller,
    rpc: Rpc,
    authority: Arc<Authority>,
}

impl Asking {
    /// The caller of an RPC that its roles may call at all.
    ///
    /// Refuses `PERMISSION_DENIED`, reason `NOT_PERMITTED`, before anything is looked at.
    pub(crate) fn begin(
        caller: Caller,
        rpc: Rpc,
        authority: &Arc<Authority>,
    ) -> Result<Asking, Refusal> {
        if !authority.may_call(&caller, rpc) {
            return Err(not_permitted(authority.path(rpc)));
        }
        let authority = Arc::clone(authority);
        Ok(Asking {
            caller,
            rpc,
            authority,
        })
    }

    /// Refuses what the caller may not make, or make of it: a resource that belongs there.
    /// `PERMISSION_DENIED`, reason `NOT_PERMITTED`.
    pub fn may(&self, scope: &Scope) -> Result<(), Refusal> {
        match self.authority.permits(&self.caller, self.rpc, scope) {
            true => Ok(()),
            false => Err(self.not_permitted()),
        }
    }

    /// Refuses a resource that is there and not for this caller, as if it were not there:
    /// `NOT_FOUND` with the name it was asked by.
    pub fn reaches(&self, scope: &Scope, name: impl FnOnce() -> String) -> Result<(), Refusal> {
        match self.authority.permits(&self.caller, self.rpc, scope) {
            true => Ok(()),
            false => Err(Refusal::not_found(&name())),
        }
    }

    /// Which rows of the collection that this RPC lists the caller sees.
    pub fn sight(&self) -> Result<Sight, Refusal> {
        let sight = self.authority.sight(&self.caller, self.rpc);
        sight.ok_or_else(|| self.not_permitted())
    }

    /// The refusal of fields that somebody else may set by this RPC and not this caller:
    /// `PERMISSION_DENIED`, reason `NOT_PERMITTED`, metadata `fields`.
    pub fn not_permitted_fields(&self, fields: &[&str]) -> Refusal {
        let (path, fields) = (self.authority.path(self.rpc), fields.join(","));
        let message = format!("none of the caller's roles allows setting {fields} by {path}");
        let reason = ErrorReason::NotPermitted;
        Refusal::new(Code::PermissionDenied, TYPE_DOMAIN, reason, message).with("fields", fields)
    }

    fn not_permitted(&self) -> Refusal {
        not_permitted(self.authority.path(self.rpc))
    }
}

impl Deref for Asking {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

fn not_permitted(path: &str) -> Refusal {
    Refusal::new(
        Code::PermissionDenied,
        TYPE_DOMAIN,
        ErrorReason::NotPermitted,
        format!("none of the caller's roles allows {path} here"),
    )
}
