//! ProtoJSON for the contract's messages: camelCase names, RFC 3339 instants, int64 as text.

use std::sync::LazyLock;

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};

/// Why a message could not be turned into JSON or back.
#[derive(Debug)]
pub struct ContractError(pub(crate) String);

impl std::fmt::Display for ContractError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ContractError {}

static POOL: LazyLock<Result<DescriptorPool, String>> =
    LazyLock::new(|| DescriptorPool::decode(super::DESCRIPTORS).map_err(|e| e.to_string()));

/// The contract as descriptors, read once.
pub(crate) fn pool() -> Result<&'static DescriptorPool, ContractError> {
    POOL.as_ref().map_err(|e| ContractError(e.clone()))
}

fn blank<M: Name>() -> Result<DynamicMessage, ContractError> {
    let pool = pool()?;
    let name = M::full_name();
    let descriptor = pool
        .get_message_by_name(&name)
        .ok_or_else(|| ContractError(format!("{name} is not of this contract")))?;
    Ok(DynamicMessage::new(descriptor))
}

/// The message as ProtoJSON; fields without a value are left out.
///
/// # Errors
/// When the message is not of this contract.
pub fn to_json<M: Message + Name>(message: &M) -> Result<serde_json::Value, ContractError> {
    let mut dynamic = blank::<M>()?;
    let wrong = |e: &dyn std::fmt::Display| ContractError(e.to_string());
    dynamic.transcode_from(message).map_err(|e| wrong(&e))?;
    dynamic
        .serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new())
        .map_err(|e| wrong(&e))
}

/// The message that a ProtoJSON text says.
///
/// # Errors
/// When a field is unknown or of the wrong type.
pub fn from_json<M: Message + Name + Default>(json: serde_json::Value) -> Result<M, ContractError> {
    let descriptor = prost_reflect::ReflectMessage::descriptor(&blank::<M>()?);
    let dynamic =
        DynamicMessage::deserialize(descriptor, json).map_err(|e| ContractError(e.to_string()))?;
    dynamic
        .transcode_to()
        .map_err(|e| ContractError(e.to_string()))
}
