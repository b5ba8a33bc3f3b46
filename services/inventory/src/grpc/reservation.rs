//! ReservationService.

use chassis::db::Tx;
use chassis::keyed::{Keyed, keyed};
use chassis::page::Page;
use chassis::{Asking, Caller, Refusal};
use jiff::Timestamp;
use prost::Message;
use proto::inventory::v1::reservation_service_server::ReservationService;
use proto::inventory::v1::{
    CommitReservationRequest, ExtendReservationRequest, GetReservationRequest,
    ListReservationsRequest, ListReservationsResponse, ReleaseReservationRequest, Reservation,
    ReservePartsRequest,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Inventory, cut};
use crate::closing::{self, Ending};
use crate::domain::reservation::Verb;
use crate::error;
use crate::reserving;
use crate::scope;
use crate::store::reservations;
use crate::wire::reservation as wire;

#[tonic::async_trait]
impl ReservationService for Inventory {
    async fn reserve_parts(
        &self,
        request: Request<ReservePartsRequest>,
    ) -> Result<Response<Reservation>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let ask = wire::ask(&asked, &caller, self.db.clock().now())?;
        caller.may(&scope::in_region(&ask.place.region))?;
        let mut guess = reserving::guess(&self.db, &caller.tenant, &ask).await?;
        // A guess may be wrong once; without one there is always an answer.
        for _ in 0..2 {
            let tx = keyed(&self.db, &caller, "ReserveParts", &asked.request_id, &asked).await?;
            let mut tx = match tx {
                Keyed::Replay(answer) => return Ok(Response::new(answer)),
                Keyed::Fresh(tx) => tx,
            };
            let made = reserving::reserve(&mut tx, &ask, guess.take(), self.hold_for).await?;
            if let Some(reservation) = made {
                // The step may have had its answer before, from another region.
                caller.may(&scope::in_region(&reservation.place.region))?;
                return Ok(Response::new(tx.finish(wire::to_pb(&reservation)).await?));
            }
        }
        Err(Refusal::contention().into())
    }

    async fn get_reservation(
        &self,
        request: Request<GetReservationRequest>,
    ) -> Result<Response<Reservation>, Status> {
        let caller = Caller::of(&request)?;
        let name = &request.get_ref().name;
        let id = wire::id(name)?;
        let mut read = self.db.read(&caller.tenant).await?;
        let found = reservations::get(&mut read, &caller.tenant, id).await;
        read.done();
        let found = found
            .map_err(Refusal::from)?
            .ok_or_else(|| Refusal::not_found(name))?;
        caller.reaches(&scope::in_region(&found.place.region), || name.clone())?;
        Ok(Response::new(wire::to_pb(&found)))
    }

    async fn list_reservations(
        &self,
        request: Request<ListReservationsRequest>,
    ) -> Result<Response<ListReservationsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut asked = request.into_inner();
        let (size, token) = (asked.page_size, std::mem::take(&mut asked.page_token));
        asked.page_size = 0;
        let (ticket, states) = wire::filter(&asked)?;
        let (filter, tenant) = (asked.encode_to_vec(), &caller.tenant);
        let page = Page::parse(
            size,
            &token,
            tenant,
            "ListReservations",
            &filter,
            &self.page_key,
        )?;
        let before: Option<(Timestamp, Uuid)> = match page.after.as_deref() {
            Some([created, id]) => created.parse().ok().zip(id.parse().ok()),
            _ => None,
        };
        let mut read = self.db.read(tenant).await?;
        let (sight, limit) = (caller.sight()?, page.size + 1);
        let rows =
            reservations::newest(&mut read, tenant, ticket, &states, &sight, before, limit).await;
        read.done();
        let mut rows = rows.map_err(Refusal::from)?;
        let last = cut(&mut rows, page.size);
        let next_page_token = last.map_or(String::new(), |r| {
            page.next(vec![r.created_at.to_string(), r.id.to_string()])
        });
        let reservations = rows.iter().map(wire::to_pb).collect();
        Ok(Response::new(ListReservationsResponse {
            reservations,
            next_page_token,
        }))
    }

    async fn extend_reservation(
        &self,
        request: Request<ExtendReservationRequest>,
    ) -> Result<Response<Reservation>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let (id, expire_at) = wire::extended(&asked, self.db.clock().now())?;
        let tx = keyed(
            &self.db,
            &caller,
            "ExtendReservation",
            &asked.request_id,
            &asked,
        )
        .await?;
        let mut tx = match tx {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let tenant = &caller.tenant;
        let found = reservations::lock(&mut tx, tenant, id)
            .await
            .map_err(Refusal::from)?;
        let mut reservation = found.ok_or_else(|| Refusal::not_found(&asked.name))?;
        let of = scope::in_region(&reservation.place.region);
        caller.reaches(&of, || asked.name.clone())?;
        tx.was(&wire::to_pb(&reservation));
        if reservation.state.after(Verb::Extend).is_none() {
            return Err(error::illegal_move(reservation.state, Verb::Extend).into());
        }
        let version = reservations::extend(&mut tx, tenant, id, expire_at).await;
        reservation.version = version.map_err(Refusal::from)?;
        reservation.expire_at = Some(expire_at);
        Ok(Response::new(tx.finish(wire::to_pb(&reservation)).await?))
    }

    async fn commit_reservation(
        &self,
        request: Request<CommitReservationRequest>,
    ) -> Result<Response<Reservation>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let (id, used, occurred_at) = wire::committed(&asked, self.db.clock().now())?;
        let tx = keyed(
            &self.db,
            &caller,
            "CommitReservation",
            &asked.request_id,
            &asked,
        )
        .await?;
        let mut tx = match tx {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        reaches(&caller, &mut tx, id, &asked.name).await?;
        let hold_for = self.hold_for;
        let ending = Ending {
            verb: Verb::Commit,
            work_order: "",
            occurred_at,
            hold_for,
        };
        let reservation = closing::commit(&mut tx, id, &used, ending).await?;
        Ok(Response::new(tx.finish(wire::to_pb(&reservation)).await?))
    }

    async fn release_reservation(
        &self,
        request: Request<ReleaseReservationRequest>,
    ) -> Result<Response<Reservation>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let (id, occurred_at) = wire::released(&asked, self.db.clock().now())?;
        let tx = keyed(
            &self.db,
            &caller,
            "ReleaseReservation",
            &asked.request_id,
            &asked,
        )
        .await?;
        let mut tx = match tx {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        reaches(&caller, &mut tx, id, &asked.name).await?;
        let reservation = closing::release(&mut tx, id, occurred_at, self.hold_for).await?;
        Ok(Response::new(tx.finish(wire::to_pb(&reservation)).await?))
    }
}

/// Refuses what the caller may not end. An identifier that is not known yet is nobody's.
async fn reaches(caller: &Asking, tx: &mut Tx, id: Uuid, name: &str) -> Result<(), Refusal> {
    let tenant = tx.tenant().clone();
    match reservations::region(tx, &tenant, id).await? {
        Some(region) => caller.reaches(&scope::in_region(&region), || name.to_owned()),
        None => Ok(()),
    }
}
