//! EntitlementService.

use chassis::{Caller, Refusal, names};
use proto::entitlement::v1::entitlement_service_server::EntitlementService;
use proto::entitlement::v1::{CheckEntitlementRequest, EntitlementDecision};
use tonic::{Request, Response, Status};

use super::Rpc;
use crate::domain::{Asset, decide};
use crate::wire::decision::{Check, decision};
use crate::{error, store};

#[tonic::async_trait]
impl EntitlementService for Rpc {
    async fn check_entitlement(
        &self,
        request: Request<CheckEntitlementRequest>,
    ) -> Result<Response<EntitlementDecision>, Status> {
        let caller = Caller::of(&request)?;
        let check = Check::read(&request.into_inner(), self.db.clock().now())?;
        let product = check.product.as_deref();
        // What is somebody else's is as unknown to a customer as what is not there.
        let customer = names::parse_given("parties", caller.customer.as_deref())?;
        let mut read = self.db.read(&caller.tenant).await?;
        let serial_number = &check.serial_number;
        let found = store::standing::standing(&mut read, serial_number, product, customer).await?;
        read.done();
        let asset = only(&check, &found)?;
        let question = check.question(asset)?;
        let decided = decide(&question, asset, &self.rules);
        Ok(Response::new(decision(&question, asset, &decided)))
    }
}

/// The one device that was meant.
fn only<'a>(check: &Check, found: &'a [Asset]) -> Result<&'a Asset, Refusal> {
    match found {
        [] => Err(error::asset_unknown(
            &check.serial_number,
            check.product.as_deref(),
        )),
        [asset] => Ok(asset),
        several => {
            let products: Vec<&str> = several.iter().map(|asset| asset.product.as_str()).collect();
            Err(error::serial_ambiguous(&check.serial_number, &products))
        }
    }
}
