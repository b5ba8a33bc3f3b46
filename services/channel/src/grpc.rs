//! PartyService, in the contract's order.

mod sealing;

use chassis::db::Db;
use chassis::keyed::{Keyed, keyed};
use chassis::page::{Page, PageKey};
use chassis::refusal::to_pb;
use chassis::{Asking, Caller, Refusal, Violations, etag, names};
use jiff_sqlx::ToSqlx;
use prost::Message;
use proto::channel::v1::party_service_server::PartyService;
use proto::channel::v1::{
    CreatePartyRequest, ErasePartyRequest, ErasePartyResponse, GetPartyRequest, ListPartiesRequest,
    ListPartiesResponse, Party, UpdatePartyRequest,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::store::{self, PartyRow};
use crate::vault::Vault;
use crate::{error, events, scope, wire};

/// What every RPC works with.
#[derive(Clone)]
pub(crate) struct Channel {
    pub(crate) db: Db,
    pub(crate) page_key: PageKey,
    pub(crate) vault: Vault,
}

#[tonic::async_trait]
impl PartyService for Channel {
    async fn create_party(
        &self,
        request: Request<CreatePartyRequest>,
    ) -> Result<Response<Party>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let request_id = request.request_id.clone();
        let print = self.fingerprint(&caller, &request)?;
        let (contact, region) = wire::new_party(request.party, &caller)?;
        let party = self.db.ids().v7();
        caller.may(&scope::party(party, &region))?;
        let (key, stored) = self.new_key(&caller.tenant, party)?;
        let sealed = self.seal(&key, party, &contact)?;

        let mut tx = match self
            .keyed(&caller, "CreateParty", &request_id, &print)
            .await?
        {
            Keyed::Replay(answer) => return Ok(Response::new(self.replay(&caller, answer).await?)),
            Keyed::Fresh(tx) => tx,
        };
        let now = tx.now();
        let writing = sealed.writing(party, &region, now);
        let tenant = caller.tenant.as_str();
        let added = store::add(
            &mut tx,
            tenant,
            &writing,
            &stored.master_key_id,
            &stored.wrapped,
        )
        .await;
        added.map_err(Refusal::from)?;
        let row = sealed.row(party, region, 1, now.to_sqlx());
        let answer = wire::party(&row, contact);
        Ok(Response::new(self.finish(tx, &key, party, answer).await?))
    }

    async fn get_party(
        &self,
        request: Request<GetPartyRequest>,
    ) -> Result<Response<Party>, Status> {
        let caller = Caller::of(&request)?;
        let mut violations = Violations::new();
        let id = violations.resource("name", &request.get_ref().name, wire::PARTIES);
        let id = violations.finish(id)?;

        let mut read = self.db.read(&caller.tenant).await?;
        let row = store::by_id(&mut read, caller.tenant.as_str(), id).await;
        read.done();
        let row = found(row, id)?;
        caller.reaches(&scope::party(id, &row.region), || {
            names::name(wire::PARTIES, id)
        })?;
        Ok(Response::new(self.open_party(&caller.tenant, &row)?))
    }

    async fn list_parties(
        &self,
        request: Request<ListPartiesRequest>,
    ) -> Result<Response<ListPartiesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let wanted = wire::wanted(&request)?;
        let page = self.page(&caller, &request)?;

        let mut rows = self.rows(&caller, &wanted, &page).await?;
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let last = rows.last().filter(|_| more);
        let next = last.map(|row| page.next(vec![row.party_id.to_string()]));
        let parties: Result<Vec<Party>, Refusal> = rows
            .iter()
            .map(|row| self.open_party(&caller.tenant, row))
            .collect();
        Ok(Response::new(ListPartiesResponse {
            parties: parties?,
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn update_party(
        &self,
        request: Request<UpdatePartyRequest>,
    ) -> Result<Response<Party>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let request_id = request.request_id.clone();
        let print = self.fingerprint(&caller, &request)?;
        let (id, mut change, tag) = wire::change(request)?;
        let mut tx = match self
            .keyed(&caller, "UpdateParty", &request_id, &print)
            .await?
        {
            Keyed::Replay(answer) => return Ok(Response::new(self.replay(&caller, answer).await?)),
            Keyed::Fresh(tx) => tx,
        };
        let tenant = caller.tenant.as_str();
        let row = found(store::to_change(&mut tx, tenant, id).await, id)?;
        caller.reaches(&scope::party(id, &row.region), || {
            names::name(wire::PARTIES, id)
        })?;
        let key = self.key_of(&caller.tenant, &row)?;
        if !tag.is_empty() && !etag::matches(&tag, row.version) {
            return Err(Refusal::stale_etag(&names::name(wire::PARTIES, id)).into());
        }

        let region = change.region.take().unwrap_or_else(|| row.region.clone());
        caller.may(&scope::party(id, &region))?;
        let stands = self.open(&key, &row)?;
        tx.was(&wire::party(&row, stands.clone()));
        let contact = change.apply(stands).map_err(wire::unreachable)?;
        let sealed = self.seal(&key, id, &contact)?;
        let writing = sealed.writing(id, &region, tx.now());
        let changed = store::change(&mut tx, tenant, &writing, row.version).await;
        if !changed.map_err(Refusal::from)? {
            return Err(error::erased(id).into());
        }
        let row = sealed.row(id, region, row.version + 1, row.created_at);
        let answer = wire::party(&row, contact);
        Ok(Response::new(self.finish(tx, &key, id, answer).await?))
    }

    async fn erase_party(
        &self,
        request: Request<ErasePartyRequest>,
    ) -> Result<Response<ErasePartyResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let mut violations = Violations::new();
        let id = violations.resource("name", &request.name, wire::PARTIES);
        let id = violations.finish(id)?;
        let key = &request.request_id;
        let mut tx = match keyed(&self.db, &caller, "EraseParty", key, &request).await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let tenant = caller.tenant.as_str();
        let row = found(store::to_change(&mut tx, tenant, id).await, id)?;
        caller.reaches(&scope::party(id, &row.region), || {
            names::name(wire::PARTIES, id)
        })?;
        let (is_erased, now) = (row.master_key_id.is_none(), tx.now());
        if !is_erased && !request.etag.is_empty() && !etag::matches(&request.etag, row.version) {
            return Err(Refusal::stale_etag(&request.name).into());
        }
        if !is_erased {
            let erased = store::erase(&mut tx, tenant, id, now).await;
            erased.map_err(Refusal::from)?;
            tx.tell(events::erased(id, row.version + 1, now));
        }
        let at = row.erased_at.map_or(now, |at| at.to_jiff());
        let answer = ErasePartyResponse {
            name: request.name,
            erase_time: Some(to_pb(at)),
        };
        Ok(Response::new(tx.finish(answer).await?))
    }
}

impl Channel {
    fn page(&self, caller: &Caller, request: &ListPartiesRequest) -> Result<Page, Refusal> {
        let filter = ListPartiesRequest {
            page_size: 0,
            page_token: String::new(),
            ..request.clone()
        };
        Page::parse(
            request.page_size,
            &request.page_token,
            &caller.tenant,
            "ListParties",
            &filter.encode_to_vec(),
            &self.page_key,
        )
    }

    /// The rows of a page and one more.
    async fn rows(
        &self,
        caller: &Asking,
        wanted: &wire::Wanted,
        page: &Page,
    ) -> Result<Vec<PartyRow>, Refusal> {
        let after = page.after.as_ref().and_then(|cursor| cursor.first());
        let after = after.and_then(|id| id.parse().ok()).unwrap_or(Uuid::nil());
        let (tenant, region) = (caller.tenant.as_str(), wanted.region.as_deref());
        let contact = self.look_up(&caller.tenant, wanted)?;
        let mut read = self.db.read(&caller.tenant).await?;
        let (sight, limit) = (caller.sight()?, page.size + 1);
        let rows = match contact {
            None => store::list(&mut read, tenant, region, &sight, after, limit).await,
            Some(contact) => {
                store::look_up(&mut read, tenant, &contact, region, &sight, after, limit).await
            }
        };
        read.done();
        rows
    }
}

fn found(row: Result<Option<PartyRow>, sqlx::Error>, id: Uuid) -> Result<PartyRow, Refusal> {
    row?.ok_or_else(|| Refusal::not_found(&names::name(wire::PARTIES, id)))
}
