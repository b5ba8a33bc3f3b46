//! StockService.

use chassis::db::Tx;
use chassis::keyed::{Keyed, keyed};
use chassis::page::Page;
use chassis::{Asking, Caller, Refusal};
use prost::Message;
use proto::inventory::v1::stock_service_server::StockService;
use proto::inventory::v1::{
    AdjustStockRequest, CreateStockLocationRequest, GetStockLevelsRequest, GetStockLevelsResponse,
    ListStockLocationsRequest, ListStockLocationsResponse, ListStockMovementsRequest,
    ListStockMovementsResponse, ReceiveStockRequest, StockLocation, StockMovement,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Inventory, cut};
use crate::domain::stock::location_name;
use crate::error;
use crate::receiving;
use crate::scope;
use crate::store::{catalogue, ledger, levels};
use crate::wire;

#[tonic::async_trait]
impl StockService for Inventory {
    async fn create_stock_location(
        &self,
        request: Request<CreateStockLocationRequest>,
    ) -> Result<Response<StockLocation>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let location = wire::stock::location(asked.stock_location.as_ref())?;
        caller.may(&scope::in_region(&location.region))?;
        let id = &asked.request_id;
        let mut tx = match keyed(&self.db, &caller, "CreateStockLocation", id, &asked).await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let now = tx.now();
        let added = catalogue::add_location(&mut tx, &caller.tenant, &location, now).await;
        if !added.map_err(Refusal::from)? {
            return Err(error::location_exists(&location.code).into());
        }
        Ok(Response::new(
            tx.finish(wire::stock::location_to_pb(location)).await?,
        ))
    }

    async fn list_stock_locations(
        &self,
        request: Request<ListStockLocationsRequest>,
    ) -> Result<Response<ListStockLocationsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let (size, token, tenant) = (asked.page_size, &asked.page_token, &caller.tenant);
        let page = Page::parse(
            size,
            token,
            tenant,
            "ListStockLocations",
            &[],
            &self.page_key,
        )?;
        let after = page.after.as_ref().and_then(|cursor| cursor.first());
        let after = after.map_or("", String::as_str);
        let mut read = self.db.read(tenant).await?;
        let (sight, limit) = (caller.sight()?, page.size + 1);
        let rows = catalogue::locations(&mut read, tenant, &sight, after, limit).await;
        read.done();
        let mut rows = rows.map_err(Refusal::from)?;
        let last = cut(&mut rows, page.size);
        let next_page_token = last.map_or(String::new(), |l| page.next(vec![l.code.clone()]));
        let stock_locations = rows.into_iter().map(wire::stock::location_to_pb).collect();
        Ok(Response::new(ListStockLocationsResponse {
            stock_locations,
            next_page_token,
        }))
    }

    async fn receive_stock(
        &self,
        request: Request<ReceiveStockRequest>,
    ) -> Result<Response<StockMovement>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let supply = wire::stock::receipt(&asked, self.db.clock().now())?;
        let tx = keyed(&self.db, &caller, "ReceiveStock", &asked.request_id, &asked).await?;
        let mut tx = match tx {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        reaches(&caller, &mut tx, &supply.location).await?;
        let (id, movement) = receiving::receive(&mut tx, &supply, self.hold_for).await?;
        let answer = wire::stock::movement_to_pb(id, &movement, &supply);
        Ok(Response::new(tx.finish(answer).await?))
    }

    async fn adjust_stock(
        &self,
        request: Request<AdjustStockRequest>,
    ) -> Result<Response<StockMovement>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let supply = wire::stock::correction(&asked, self.db.clock().now())?;
        let tx = keyed(&self.db, &caller, "AdjustStock", &asked.request_id, &asked).await?;
        let mut tx = match tx {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        reaches(&caller, &mut tx, &supply.location).await?;
        let (id, movement) = receiving::adjust(&mut tx, &supply, self.hold_for).await?;
        let answer = wire::stock::movement_to_pb(id, &movement, &supply);
        Ok(Response::new(tx.finish(answer).await?))
    }

    async fn get_stock_levels(
        &self,
        request: Request<GetStockLevelsRequest>,
    ) -> Result<Response<GetStockLevelsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut asked = request.into_inner();
        let (size, token) = (asked.page_size, std::mem::take(&mut asked.page_token));
        asked.page_size = 0;
        let (part, location) = wire::stock::level_filter(&asked)?;
        let (filter, tenant) = (asked.encode_to_vec(), &caller.tenant);
        let page = Page::parse(
            size,
            &token,
            tenant,
            "GetStockLevels",
            &filter,
            &self.page_key,
        )?;
        let after = match page.after.as_deref() {
            Some([part, location]) => (part.as_str(), location.as_str()),
            _ => ("", ""),
        };
        let mut read = self.db.read(tenant).await?;
        let (sight, limit) = (caller.sight()?, page.size + 1);
        let rows =
            levels::balances(&mut read, tenant, &part, &location, &sight, after, limit).await;
        read.done();
        let mut rows = rows.map_err(Refusal::from)?;
        let next = |l: &levels::Balance| page.next(vec![l.part.clone(), l.location.clone()]);
        let next_page_token = cut(&mut rows, page.size).map_or(String::new(), next);
        let levels = rows.iter().map(wire::stock::level_to_pb).collect();
        Ok(Response::new(GetStockLevelsResponse {
            levels,
            next_page_token,
        }))
    }

    async fn list_stock_movements(
        &self,
        request: Request<ListStockMovementsRequest>,
    ) -> Result<Response<ListStockMovementsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut asked = request.into_inner();
        let (size, token) = (asked.page_size, std::mem::take(&mut asked.page_token));
        asked.page_size = 0;
        let (part, subject) = wire::stock::movement_filter(&asked)?;
        let (filter, tenant) = (asked.encode_to_vec(), &caller.tenant);
        let page = Page::parse(
            size,
            &token,
            tenant,
            "ListStockMovements",
            &filter,
            &self.page_key,
        )?;
        let before = page
            .after
            .as_ref()
            .and_then(|cursor| cursor.first()?.parse::<Uuid>().ok());
        let mut read = self.db.read(tenant).await?;
        let (sight, limit) = (caller.sight()?, page.size + 1);
        let rows =
            ledger::movements(&mut read, tenant, &part, &subject, &sight, before, limit).await;
        read.done();
        let mut rows = rows.map_err(Refusal::from)?;
        let last = cut(&mut rows, page.size);
        let next_page_token = last.map_or(String::new(), |m| page.next(vec![m.id.to_string()]));
        let movements = rows.into_iter().map(wire::stock::booked_to_pb).collect();
        Ok(Response::new(ListStockMovementsResponse {
            movements,
            next_page_token,
        }))
    }
}

/// Refuses a location that is not there or not the caller's.
async fn reaches(caller: &Asking, tx: &mut Tx, location: &str) -> Result<(), Refusal> {
    let (tenant, name) = (tx.tenant().clone(), || location_name(location));
    let region = catalogue::region(tx, &tenant, location).await?;
    let region = region.ok_or_else(|| Refusal::not_found(&name()))?;
    caller.reaches(&scope::in_region(&region), name)
}
