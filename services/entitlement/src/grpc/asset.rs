//! AssetService.

use chassis::keyed::{Keyed, keyed};
use chassis::{Caller, Refusal, names};
use proto::entitlement::v1::asset_service_server::AssetService;
use proto::entitlement::v1::{
    Asset, GetAssetRequest, ListAssetsRequest, ListAssetsResponse, RegisterAssetRequest,
};
use tonic::{Request, Response, Status};

use super::{Rpc, cut};
use crate::store::asset::{self as store, AssetFilter, Touched};
use crate::{error, events, scope, wire};

#[tonic::async_trait]
impl AssetService for Rpc {
    async fn register_asset(
        &self,
        request: Request<RegisterAssetRequest>,
    ) -> Result<Response<Asset>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (id, now) = (self.db.ids().v7(), self.db.clock().now());
        let (row, occurred) = wire::asset::registration(&request, &caller, &self.rules, id, now)?;
        caller.may(&scope::asset(&row))?;
        let key = &request.request_id;
        let mut tx = match keyed(&self.db, &caller, "RegisterAsset", key, &request).await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        if !store::add(&mut tx, &row, occurred).await? {
            let other = store::id_of(&mut tx, &row.serial_number, &row.product).await?;
            let other = other.ok_or_else(Refusal::contention)?;
            return Err(error::asset_exists(&names::name("assets", other)).into());
        }
        let touched = Touched {
            id,
            region: row.region.clone(),
            owner: row.owner,
            serial_number: row.serial_number.clone(),
            product: row.product.clone(),
            version: row.version,
        };
        events::registered(&mut tx, &touched, occurred);
        Ok(Response::new(tx.finish(wire::asset::asset(&row)).await?))
    }

    async fn get_asset(
        &self,
        request: Request<GetAssetRequest>,
    ) -> Result<Response<Asset>, Status> {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().name;
        let unknown = || Refusal::not_found(&name);
        let id = names::parse("assets", &name).ok_or_else(unknown)?;
        let mut read = self.db.read(&caller.tenant).await?;
        let filter = AssetFilter {
            id: Some(id),
            ..Default::default()
        };
        let found = store::list(&mut read, &filter, None, 1).await?.pop();
        read.done();
        let found = found.ok_or_else(unknown)?;
        caller.reaches(&scope::asset(&found), || name.clone())?;
        Ok(Response::new(wire::asset::asset(&found)))
    }

    async fn list_assets(
        &self,
        request: Request<ListAssetsRequest>,
    ) -> Result<Response<ListAssetsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let filter = AssetFilter {
            sight: caller.sight()?,
            ..wire::asset::filter(&request)?
        };
        let asked = (request.page_size, request.page_token.as_str());
        let bare = ListAssetsRequest {
            page_size: 0,
            page_token: String::new(),
            ..request.clone()
        };
        let (page, after) = self.page(&caller, "ListAssets", asked, &bare)?;
        let mut read = self.db.read(&caller.tenant).await?;
        let mut rows = store::list(&mut read, &filter, after, page.size + 1).await?;
        read.done();
        let next_page_token = cut(&page, &mut rows, |row| row.id.to_string());
        Ok(Response::new(ListAssetsResponse {
            assets: rows.iter().map(wire::asset::asset).collect(),
            next_page_token,
        }))
    }
}
