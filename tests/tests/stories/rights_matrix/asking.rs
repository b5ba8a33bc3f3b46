//! Any RPC of the contract, asked with ProtoJSON.

use std::sync::LazyLock;

use chassis::Caller;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor};
use serde_json::Value;
use stories::world::World;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic::{Request, Status};
use tonic_prost::ProstEncoder;

use crate::rights::place_of;

static CONTRACT: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(proto::DESCRIPTORS).unwrap());

/// What an RPC answers, read by its description.
struct Described(MessageDescriptor);

impl Codec for Described {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = ProstEncoder<DynamicMessage>;
    type Decoder = Described;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        Described(self.0.clone())
    }
}

impl Decoder for Described {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.0.clone(), bytes);
        message
            .map(Some)
            .map_err(|wrong| Status::internal(wrong.to_string()))
    }
}

fn method(rpc: &str) -> MethodDescriptor {
    let services = CONTRACT.services();
    let mut methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    let found = methods.find(|m| rpc == format!("{}/{}", m.parent_service().name(), m.name()));
    found.unwrap_or_else(|| panic!("{rpc} is not in the contract"))
}

/// Asks "TicketService/GetTicket" as that caller; a request that the contract cannot say is a
/// mistake of the test.
pub(super) async fn ask(
    world: &mut World,
    caller: &Caller,
    rpc: &str,
    body: &Value,
) -> Result<Value, Status> {
    let method = method(rpc);
    let request = DynamicMessage::deserialize(method.input(), body)
        .unwrap_or_else(|wrong| panic!("{rpc} {body}: {wrong}"));
    let (service, path) = place_of(rpc);
    let mut client = tonic::client::Grpc::new(world.suite().peer_as(service, caller));
    client.ready().await.unwrap();
    let codec = Described(method.output());
    let answer = client.unary(Request::new(request), path, codec).await?;
    Ok(serde_json::to_value(answer.into_inner()).unwrap())
}
