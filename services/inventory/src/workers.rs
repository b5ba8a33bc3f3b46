//! Background work: expiry of holds, and the sweep of queues that a turn left behind.
//!
//! Each runs in one process at a time (a lease) and does its work tenant by tenant in short
//! transactions of its own.

use std::time::Duration;

use chassis::db::Db;
use chassis::service::{Shutdown, Worker};
use chassis::{Refusal, TenantId, lease};
use jiff::SignedDuration;
use uuid::Uuid;

use crate::Settings;
use crate::closing;
use crate::promotion::Turn;
use crate::store::{reservations, waiting};

/// Reservations expired, or queues swept, in one round.
const BATCH: i64 = 100;

/// How long a worker keeps its lease without renewing it.
const LEASE: Duration = Duration::from_secs(10);

/// What a worker does again and again.
#[derive(Clone, Copy, Debug)]
enum Chore {
    /// Give back what was held too long.
    Expire,
    /// Serve queues whose parts are free although nobody's turn came.
    Sweep,
}

/// Gives back what was held too long.
pub fn expiry(db: Db, settings: Settings) -> Worker {
    worker("inventory.expiry", Chore::Expire, db, settings)
}

/// Serves queues whose parts are free although nobody's turn came.
pub fn sweep(db: Db, settings: Settings) -> Worker {
    worker("inventory.sweep", Chore::Sweep, db, settings)
}

fn worker(name: &'static str, chore: Chore, db: Db, settings: Settings) -> Worker {
    Worker::new(name, move |stop: Shutdown| {
        let (db, settings) = (db.clone(), settings.clone());
        async move {
            let pool = db.worker_pool().clone();
            let work = |_held| rounds(chore, db.clone(), settings.clone());
            lease::hold(&pool, name, LEASE, &stop, work).await;
        }
    })
}

/// Works until dropped: at once again while there is something to do, else after a pause.
async fn rounds(chore: Chore, db: Db, settings: Settings) {
    let hold_for = settings.hold_for();
    loop {
        let (done, pause_ms) = match chore {
            Chore::Expire => (expire_due(&db, hold_for).await, settings.expiry_poll_ms),
            Chore::Sweep => (serve_awaited(&db, hold_for).await, settings.sweep_poll_ms),
        };
        let more = done.unwrap_or_else(|refusal| {
            tracing::warn!(%refusal, ?chore, "background work failed and is tried again");
            false
        });
        if !more {
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
    }
}

/// Expires what is due by the clock, at most [`BATCH`]; true when there may be more.
pub async fn expire_due(db: &Db, hold_for: SignedDuration) -> Result<bool, Refusal> {
    let mut worker = db.worker_pool().acquire().await?;
    let due = reservations::expired(&mut worker, db.clock().now(), BATCH).await?;
    drop(worker);
    let full = i64::try_from(due.len()) == Ok(BATCH);
    let mut failed = false;
    for (tenant, id) in due {
        // One that cannot be expired now must not keep the others.
        if let Err(refusal) = expire_one(db, &tenant, id, hold_for).await {
            tracing::warn!(%refusal, reservation = %id, "cannot be expired now");
            failed = true;
        }
    }
    Ok(full && !failed)
}

async fn expire_one(
    db: &Db,
    tenant: &str,
    id: Uuid,
    hold_for: SignedDuration,
) -> Result<(), Refusal> {
    let tenant = TenantId::parse(tenant).map_err(Refusal::internal)?;
    let mut tx = db.begin(&tenant).await?;
    if closing::expire(&mut tx, id, hold_for).await?.is_some() {
        tx.commit().await?;
        metrics::counter!("inventory_reservations_expired_total").increment(1);
    }
    Ok(())
}

/// Gives every awaited part with free pieces a turn. Never asks to be called again at once: a
/// queue whose first wants more than is free stays as it is.
pub async fn serve_awaited(db: &Db, hold_for: SignedDuration) -> Result<bool, Refusal> {
    let mut after = (String::new(), String::new());
    loop {
        let mut worker = db.worker_pool().acquire().await?;
        let from = (after.0.as_str(), after.1.as_str());
        let awaited = waiting::awaited_with_stock(&mut worker, from, BATCH).await?;
        drop(worker);
        let Some(last) = awaited.last().cloned() else {
            return Ok(false);
        };
        for (tenant, part) in awaited {
            let tenant = TenantId::parse(&tenant).map_err(Refusal::internal)?;
            let mut tx = db.begin(&tenant).await?;
            let now = tx.now();
            let turn = Turn::begin(&mut tx, &[part], &[]).await?;
            turn.serve(&mut tx, now, hold_for, None).await?;
            tx.commit().await?;
        }
        after = last;
    }
}
