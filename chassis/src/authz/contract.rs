//! The RPCs of the contract.

use prost::Message as _;
use prost_types::FileDescriptorSet;

/// One RPC as the contract has it.
pub(super) struct Method {
    /// "fettle.ticket.v1.TicketService/CreateTicket".
    pub(super) path: String,
    /// "TicketService.CreateTicket".
    pub(super) action: String,
}

/// Every RPC of the services in an encoded descriptor set.
pub(super) fn methods(descriptors: &[u8]) -> Result<Vec<Method>, prost::DecodeError> {
    let set = FileDescriptorSet::decode(descriptors)?;
    let mut methods = Vec::new();
    for file in &set.file {
        for service in &file.service {
            for method in &service.method {
                let (service, method) = (service.name(), method.name());
                methods.push(Method {
                    path: format!("{}.{service}/{method}", file.package()),
                    action: format!("{service}.{method}"),
                });
            }
        }
    }
    Ok(methods)
}
