//! The contract: every message, service and error reason that parties share.
//!
//! The files under `proto/fettle/<domain>/v1` are the contract's text; this crate is
//! that text as Rust types. [`DESCRIPTORS`] is the same contract as data, with
//! its comments and HTTP mapping, for reflection and tools.

#![allow(missing_docs, unreachable_pub, rustdoc::all, clippy::all)]

mod access;
mod json;
pub mod privacy;

pub use access::public_rpcs;
pub use json::{ContractError, from_json, to_json};

/// The whole contract as an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

macro_rules! package {
    ($module:ident, $package:literal) => {
        #[doc = concat!("`fettle.", stringify!($module), "`")]
        pub mod $module {
            pub mod v1 {
                tonic::include_proto!($package);
            }
        }
    };
}

/// `fettle.type`: values, findings and reasons that every domain speaks of.
pub mod kinds {
    pub mod v1 {
        tonic::include_proto!("fettle.r#type.v1");
    }
}
/// The same under its own name, for generated code.
pub use kinds as r#type;

package!(ticket, "fettle.ticket.v1");
package!(entitlement, "fettle.entitlement.v1");
package!(inventory, "fettle.inventory.v1");
package!(dispatch, "fettle.dispatch.v1");
package!(feedback, "fettle.feedback.v1");
package!(channel, "fettle.channel.v1");
