//! TechnicianService.

use chassis::db::Tx;
use chassis::keyed::{Keyed, keyed};
use chassis::page::Page;
use chassis::{Caller, Refusal, TenantId, Violations, etag, names};
use prost::Message;
use proto::dispatch::v1 as pb;
use proto::dispatch::v1::technician_service_server::TechnicianService;
use tonic::{Request, Response, Status};

use crate::store::{technicians, work_orders};
use crate::{Dispatch, error, scope, wire};

#[tonic::async_trait]
impl TechnicianService for Dispatch {
    async fn create_technician(
        &self,
        request: Request<pb::CreateTechnicianRequest>,
    ) -> Result<Response<pb::Technician>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (id, now) = (self.db.ids().v7(), self.db.clock().now());
        let new = wire::technician::create(&request, id, now)?;
        caller.may(&scope::technician(&new))?;
        let key = &request.request_id;
        let mut tx = match keyed(&self.db, &caller, "CreateTechnician", key, &request).await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let added = technicians::insert(&mut tx, &caller.tenant, &new).await;
        if !added.map_err(Refusal::from)? {
            return Err(code_taken(&mut tx, &caller.tenant, &new.code).await.into());
        }
        let answer = tx.finish(wire::technician::technician(&new)).await?;
        self.hurry(&caller.tenant, &[&new.region]).await;
        Ok(Response::new(answer))
    }

    async fn get_technician(
        &self,
        request: Request<pb::GetTechnicianRequest>,
    ) -> Result<Response<pb::Technician>, Status> {
        let caller = Caller::of(&request)?;
        let name = request.into_inner().name;
        let mut v = Violations::new();
        let id = v.resource("name", &name, "technicians");
        let id = v.finish(id)?;
        let mut read = self.db.read(&caller.tenant).await?;
        let found = technicians::get(&mut read, &caller.tenant, id)
            .await
            .map_err(Refusal::from)?;
        read.done();
        let technician = found.ok_or_else(|| Refusal::not_found(&name))?;
        caller.reaches(&scope::technician(&technician), || name)?;
        Ok(Response::new(wire::technician::technician(&technician)))
    }

    async fn list_technicians(
        &self,
        request: Request<pb::ListTechniciansRequest>,
    ) -> Result<Response<pb::ListTechniciansResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut filter = request.into_inner();
        let token = std::mem::take(&mut filter.page_token);
        let size = std::mem::take(&mut filter.page_size);
        let (bytes, key) = (filter.encode_to_vec(), &self.page_key);
        let page = Page::parse(size, &token, &caller.tenant, "ListTechnicians", &bytes, key)?;
        let after = page.after.as_ref().and_then(|cursor| cursor.first());
        let after = after.map_or("", String::as_str);
        let some = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned());
        let (region, skill) = (some(&filter.region), some(&filter.skill));
        let mut read = self.db.read(&caller.tenant).await?;
        let (region, skill) = (region.as_deref(), skill.as_deref());
        let (tenant, sight, limit) = (&caller.tenant, caller.sight()?, page.size + 1);
        let found = technicians::list(&mut read, tenant, region, skill, &sight, after, limit).await;
        read.done();
        let mut found = found?;
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        let more = found.len() > size;
        found.truncate(size);
        let last = found.last().filter(|_| more);
        Ok(Response::new(pb::ListTechniciansResponse {
            next_page_token: last.map_or_else(String::new, |t| page.next(vec![t.code.clone()])),
            technicians: found.iter().map(wire::technician::technician).collect(),
        }))
    }

    async fn update_technician(
        &self,
        request: Request<pb::UpdateTechnicianRequest>,
    ) -> Result<Response<pb::Technician>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let patch = wire::technician::patch(&request)?;
        let key = &request.request_id;
        let mut tx = match keyed(&self.db, &caller, "UpdateTechnician", key, &request).await? {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let name = names::name("technicians", patch.id);
        let found = technicians::lock(&mut tx, &caller.tenant, patch.id).await;
        let old = found
            .map_err(Refusal::from)?
            .ok_or_else(|| Refusal::not_found(&name))?;
        caller.reaches(&scope::technician(&old), || name.clone())?;
        let tag = request
            .technician
            .as_ref()
            .map_or("", |technician| &technician.etag);
        if !tag.is_empty() && !etag::matches(tag, old.version) {
            return Err(Refusal::stale_etag(&name).into());
        }
        tx.was(&wire::technician::technician(&old));
        let region = old.region.clone();
        let mut new = patch.apply(old);
        caller.may(&scope::technician(&new))?;
        let now = tx.now();
        let saved = technicians::update(&mut tx, &caller.tenant, &new, now).await;
        if !saved.map_err(Refusal::from)? {
            return Err(Refusal::stale_etag(&name).into());
        }
        new.version += 1;
        let answer = tx.finish(wire::technician::technician(&new)).await?;
        self.hurry(&caller.tenant, &[&region, &new.region]).await;
        Ok(Response::new(answer))
    }
}

impl Dispatch {
    /// Searches again for the regions' open work orders, at once. After the commit and in a
    /// transaction of its own, so that nobody waits for the rows; if it fails they are due later.
    async fn hurry(&self, tenant: &TenantId, regions: &[&str]) {
        let now = self.db.clock().now();
        for region in regions {
            let hurried = async {
                let mut tx = self.db.begin(tenant).await?;
                tx.follows();
                work_orders::hurry(&mut tx, tenant, region, now).await?;
                tx.commit().await
            };
            if let Err(refused) = hurried.await {
                tracing::warn!(region, error = %refused, "open work orders wait for their turn");
            }
        }
        self.hurried.notify_one();
    }
}

async fn code_taken(tx: &mut Tx, tenant: &TenantId, code: &str) -> Refusal {
    match technicians::by_code(tx, tenant, code).await {
        Ok(Some(id)) => error::technician_exists(id),
        Ok(None) => Refusal::contention(),
        Err(error) => error.into(),
    }
}
