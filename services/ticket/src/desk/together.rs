//! Statements over what many ask at the same time: reads by id, and reports.

use std::collections::HashMap;

use chassis::db::Db;
use chassis::gather::Gather;
use chassis::{Refusal, TenantId};
use uuid::Uuid;

use crate::domain::ticket::Ticket;
use crate::store;
use crate::store::ticket::Reported;

/// Tickets read or inserted by one statement.
const MOST_TOGETHER: usize = 64;

/// Statements of each kind that run side by side for a tenant: enough to keep the database busy, few
/// enough that batches grow.
const READS: usize = 1;
const REPORTS: usize = 2;

/// Reads tickets by their ids.
pub(super) fn reading(db: Db) -> Gather<Uuid, Option<Ticket>> {
    Gather::new(MOST_TOGETHER, READS, move |tenant, ids| {
        let db = db.clone();
        async move { read(&db, &tenant, &ids).await }
    })
}

/// Inserts what is reported; where one stands in the way of the others, each by itself.
pub(super) fn reporting(db: Db) -> Gather<Reported, bool> {
    Gather::new(MOST_TOGETHER, REPORTS, move |tenant, new: Vec<Reported>| {
        let db = db.clone();
        async move {
            if insert(&db, &tenant, &new).await? {
                return Ok(vec![true; new.len()]);
            }
            let mut inserted = vec![false; new.len()];
            if new.len() > 1 {
                for (at, one) in new.chunks(1).enumerate() {
                    inserted[at] = insert(&db, &tenant, one).await?;
                }
            }
            Ok(inserted)
        }
    })
}

async fn read(db: &Db, tenant: &TenantId, ids: &[Uuid]) -> Result<Vec<Option<Ticket>>, Refusal> {
    let mut read = db.read(tenant).await?;
    let found = store::ticket::get_all(&mut read, tenant.as_str(), ids).await?;
    read.done();
    let by_id = found.into_iter().map(|ticket| (ticket.id, ticket));
    let mut by_id: HashMap<Uuid, Ticket> = by_id.collect();
    let answers = ids.iter().enumerate().map(|(at, id)| {
        // Several may ask for the same one.
        match ids[at + 1..].contains(id) {
            true => by_id.get(id).cloned(),
            false => by_id.remove(id),
        }
    });
    Ok(answers.collect())
}

async fn insert(db: &Db, tenant: &TenantId, new: &[Reported]) -> Result<bool, Refusal> {
    let mut single = db.single(tenant).await?;
    let inserted = store::ticket::insert(&mut single, tenant.as_str(), new).await?;
    single.done(inserted).await?;
    Ok(inserted)
}
