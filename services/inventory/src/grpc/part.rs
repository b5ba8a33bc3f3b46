//! PartService.

use chassis::keyed::{Keyed, keyed};
use chassis::page::Page;
use chassis::{Caller, Refusal};
use prost::Message;
use proto::inventory::v1::part_service_server::PartService;
use proto::inventory::v1::{
    CreatePartRequest, FindPartsForAssetRequest, FindPartsForAssetResponse, GetPartRequest,
    ListPartsRequest, ListPartsResponse, Part,
};
use tonic::{Request, Response, Status};

use super::{Inventory, cut};
use crate::error;
use crate::store::catalogue;
use crate::wire;

/// Parts of one answer of FindPartsForAsset, at most.
const MOST_FITTING: i64 = 20;

#[tonic::async_trait]
impl PartService for Inventory {
    async fn create_part(
        &self,
        request: Request<CreatePartRequest>,
    ) -> Result<Response<Part>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let part = wire::part::read(asked.part.as_ref(), self.db.clock().now())?;
        let tx = keyed(&self.db, &caller, "CreatePart", &asked.request_id, &asked).await?;
        let mut tx = match tx {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let added = catalogue::add_part(&mut tx, &caller.tenant, &part).await;
        if !added.map_err(Refusal::from)? {
            return Err(error::part_exists(&part.number).into());
        }
        Ok(Response::new(tx.finish(wire::part::to_pb(part)).await?))
    }

    async fn get_part(&self, request: Request<GetPartRequest>) -> Result<Response<Part>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let number = wire::part::number(&asked.name)?;
        let mut read = self.db.read(&caller.tenant).await?;
        let found = catalogue::part(&mut read, &caller.tenant, &number).await;
        read.done();
        let part = found
            .map_err(Refusal::from)?
            .ok_or_else(|| Refusal::not_found(&asked.name))?;
        Ok(Response::new(wire::part::to_pb(part)))
    }

    async fn list_parts(
        &self,
        request: Request<ListPartsRequest>,
    ) -> Result<Response<ListPartsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut asked = request.into_inner();
        let (size, token) = (asked.page_size, std::mem::take(&mut asked.page_token));
        asked.page_size = 0;
        let filter = asked.encode_to_vec();
        let page = Page::parse(
            size,
            &token,
            &caller.tenant,
            "ListParts",
            &filter,
            &self.page_key,
        )?;
        let after = page.after.as_ref().and_then(|cursor| cursor.first());
        let after = after.map_or("", String::as_str);
        let mut read = self.db.read(&caller.tenant).await?;
        let (component, product) = (&asked.component, &asked.product);
        let tenant = &caller.tenant;
        let rows =
            catalogue::parts(&mut read, tenant, component, product, after, page.size + 1).await;
        read.done();
        let mut rows = rows.map_err(Refusal::from)?;
        let last = cut(&mut rows, page.size);
        let next_page_token = last.map_or(String::new(), |p| page.next(vec![p.number.clone()]));
        let parts = rows.into_iter().map(wire::part::to_pb).collect();
        Ok(Response::new(ListPartsResponse {
            parts,
            next_page_token,
        }))
    }

    async fn find_parts_for_asset(
        &self,
        request: Request<FindPartsForAssetRequest>,
    ) -> Result<Response<FindPartsForAssetResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (product, component) = wire::part::fitting(request.get_ref())?;
        let mut read = self.db.read(&caller.tenant).await?;
        let tenant = &caller.tenant;
        let found =
            catalogue::parts_for(&mut read, tenant, &product, &component, MOST_FITTING).await;
        read.done();
        let parts = found
            .map_err(Refusal::from)?
            .into_iter()
            .map(wire::part::to_pb)
            .collect();
        Ok(Response::new(FindPartsForAssetResponse { parts }))
    }
}
