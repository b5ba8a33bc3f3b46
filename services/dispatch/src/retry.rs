//! Searches again for open work orders: every `retry_seconds` of system time, and at once when a
//! technician was added or changed. One process does it at a time, by a lease; a row lock keeps
//! even a late one from booking twice.

use std::sync::Arc;

use chassis::db::Tx;
use chassis::service::{Shutdown, Worker};
use chassis::{Refusal, TenantId, lease};
use uuid::Uuid;

use crate::domain::work_order::WorkOrder;
use crate::store::work_orders;
use crate::{Dispatch, events};

const NAME: &str = "dispatch.retry";

/// The background worker.
pub(crate) fn worker(dispatch: Arc<Dispatch>) -> Worker {
    Worker::new(NAME, move |stop: Shutdown| {
        let dispatch = Arc::clone(&dispatch);
        async move {
            let pool = dispatch.db.worker_pool().clone();
            let ttl = dispatch.settings.retry_lease();
            let work = |_held| search(Arc::clone(&dispatch));
            lease::hold(&pool, NAME, ttl, &stop, work).await;
        }
    })
}

/// Looks for what is due until it is dropped.
async fn search(dispatch: Arc<Dispatch>) {
    loop {
        let waited = tokio::time::sleep(dispatch.settings.retry_poll());
        match dispatch.retry_due().await {
            Ok(full) if full => continue,
            Ok(_) => {}
            Err(refused) => tracing::warn!(error = %refused, "cannot search for open work orders"),
        }
        tokio::select! {
            () = waited => {}
            () = dispatch.hurried.notified() => {}
        }
    }
}

impl Dispatch {
    /// Tries what is due; true when there may be more.
    pub(crate) async fn retry_due(&self) -> Result<bool, Refusal> {
        let batch = self.settings.retry_batch;
        let now = self.db.clock().now();
        let due = work_orders::due(self.db.worker_pool(), now, batch).await?;
        let full = i64::try_from(due.len()).is_ok_and(|count| count == batch);
        for (tenant, id) in due {
            let tenant = TenantId::parse(&tenant).map_err(Refusal::internal)?;
            if let Err(refused) = self.retry(&tenant, id).await {
                tracing::warn!(work_order = %id, error = %refused, "stays open for now");
                self.postpone(&tenant, id).await?;
            }
        }
        Ok(full)
    }

    async fn retry(&self, tenant: &TenantId, id: Uuid) -> Result<(), Refusal> {
        let mut tx = self.db.begin(tenant).await?;
        let Some(mut order) = work_orders::lock_open(&mut tx, tenant, id).await? else {
            return Ok(());
        };
        let choice = self.book_nearest(&mut tx, &order).await?;
        match &choice.chosen {
            Some(slot) => {
                order.schedule(slot, choice.findings);
                self.save(&mut tx, &mut order).await?;
                // An automatic step happens when its cause did.
                let at = order.occurred_at;
                events::tell(&mut tx, events::SCHEDULED, &order, at);
            }
            None => {
                let at = tx.now() + self.settings.retry();
                work_orders::retry_at(&mut tx, tenant, id, at).await?;
            }
        }
        tx.commit().await
    }

    async fn postpone(&self, tenant: &TenantId, id: Uuid) -> Result<(), Refusal> {
        let mut tx = self.db.begin(tenant).await?;
        let at = tx.now() + self.settings.retry();
        work_orders::retry_at(&mut tx, tenant, id, at).await?;
        tx.commit().await
    }

    /// Saves the next version of a work order that this transaction has locked.
    pub(crate) async fn save(&self, tx: &mut Tx, order: &mut WorkOrder) -> Result<(), Refusal> {
        let (tenant, now) = (tx.tenant().clone(), tx.now());
        if !work_orders::save(tx, &tenant, order, now).await? {
            return Err(Refusal::contention());
        }
        order.version += 1;
        Ok(())
    }
}
