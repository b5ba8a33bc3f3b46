//! ContractService.

use chassis::authz::Sight;
use chassis::keyed::{Keyed, keyed};
use chassis::{Caller, Refusal, names};
use proto::entitlement::v1::contract_service_server::ContractService;
use proto::entitlement::v1::{
    Contract, CreateContractRequest, GetContractRequest, ListContractsRequest,
    ListContractsResponse,
};
use tonic::{Request, Response, Status};

use super::{Rpc, cut};
use crate::store::{asset, contract as store};
use crate::{events, scope, wire};

#[tonic::async_trait]
impl ContractService for Rpc {
    async fn create_contract(
        &self,
        request: Request<CreateContractRequest>,
    ) -> Result<Response<Contract>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (id, now) = (self.db.ids().v7(), self.db.clock().now());
        let (row, occurred) = wire::contract::creation(&request, &caller, &self.rules, id, now)?;
        caller.may(&scope::contract(&row))?;
        let key = &request.request_id;
        let mut tx = match keyed(&self.db, &caller, "CreateContract", key, &request).await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let touched = asset::touch(&mut tx, &row.assets).await?;
        let missing = row
            .assets
            .iter()
            .find(|id| !touched.iter().any(|t| t.id == **id));
        if let Some(missing) = missing {
            return Err(Refusal::not_found(&names::name("assets", *missing)).into());
        }
        // Nobody covers a device behind a wall.
        for asset in &touched {
            caller.reaches(&scope::of(&asset.region, asset.owner), || {
                names::name("assets", asset.id)
            })?;
        }
        store::add(&mut tx, &row, occurred).await?;
        for asset in &touched {
            let subject = names::name("contracts", id);
            events::coverage_changed(&mut tx, asset, occurred, "CONTRACT", subject);
        }
        Ok(Response::new(
            tx.finish(wire::contract::contract(&row)).await?,
        ))
    }

    async fn get_contract(
        &self,
        request: Request<GetContractRequest>,
    ) -> Result<Response<Contract>, Status> {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().name;
        let unknown = || Refusal::not_found(&name);
        let id = names::parse("contracts", &name).ok_or_else(unknown)?;
        let mut read = self.db.read(&caller.tenant).await?;
        let everything = Sight::default();
        let found = store::list(&mut read, Some(id), None, &everything, None, 1).await?;
        read.done();
        let found = found.into_iter().next().ok_or_else(unknown)?;
        caller.reaches(&scope::contract(&found), || name.clone())?;
        Ok(Response::new(wire::contract::contract(&found)))
    }

    async fn list_contracts(
        &self,
        request: Request<ListContractsRequest>,
    ) -> Result<Response<ListContractsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let asset = wire::contract::filter(&request)?;
        let asked = (request.page_size, request.page_token.as_str());
        let bare = ListContractsRequest {
            page_size: 0,
            page_token: String::new(),
            ..request.clone()
        };
        let (page, after) = self.page(&caller, "ListContracts", asked, &bare)?;
        let mut read = self.db.read(&caller.tenant).await?;
        let (sight, limit) = (caller.sight()?, page.size + 1);
        let mut rows = store::list(&mut read, None, asset, &sight, after, limit).await?;
        read.done();
        let next_page_token = cut(&page, &mut rows, |row| row.id.to_string());
        Ok(Response::new(ListContractsResponse {
            contracts: rows.iter().map(wire::contract::contract).collect(),
            next_page_token,
        }))
    }
}
