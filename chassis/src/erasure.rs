//! Erasing a person: what a service has to do about it, when, and when it is done.
//!
//! A service hears that a person, or a ticket of theirs, is erased, and [records](record) it in the
//! transaction of the event. One worker then erases what is there, in transactions of its own, and
//! empties the answers that request keys keep of it. A request that began before may still write
//! behind that, so it looks once more, later than any request may run. What is written never waits
//! for an erasure, and no erasure is forgotten. See `docs/decisions/0019-erasure.md`.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::{PgConnection, PgPool};
use tokio::time::sleep;

use crate::caller::TenantId;
use crate::db::{Db, Tx};
use crate::lease;
use crate::refusal::Refusal;
use crate::service::{Shutdown, Worker};

/// Name of the worker and of its lease.
const NAME: &str = "erasure";

/// How long a worker keeps its lease without renewing it.
const LEASE: Duration = Duration::from_secs(10);

/// How often what is due is looked for.
const POLL: Duration = Duration::from_millis(500);

/// Pause after a round that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Subjects taken up in one round.
const BATCH: i64 = 20;

/// Between the two looks; longer than the longest deadline that can be configured (an hour).
pub const LOOKS_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(70);

/// What a service keeps of people, and how it erases that.
#[tonic::async_trait]
pub trait Eraser: Send + Sync + 'static {
    /// Erases, in this transaction, some of what is kept of the subject, and names the resources
    /// that were erased; none when nothing is left. What it erases is locked until the commit and
    /// takes no such content any more.
    async fn erase(&self, tx: &mut Tx, subject: &str) -> Result<Vec<String>, Refusal>;
}

/// Notes that the subject is to be erased; the same again changes nothing.
pub async fn record(tx: &mut Tx, subject: &str) -> Result<(), Refusal> {
    let (tenant, now) = (tx.tenant().clone(), tx.now().to_sqlx());
    sqlx::query!(
        "insert into erasures (tenant_id, subject, recorded_at, look_at) values ($1, $2, $3, $3)
         on conflict (tenant_id, subject) do nothing",
        tenant.as_str(),
        subject,
        now as _,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether the subject is erased, or about to be.
pub async fn is_recorded(
    conn: &mut PgConnection,
    tenant: &TenantId,
    subject: &str,
) -> Result<bool, Refusal> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from erasures where tenant_id = $1 and subject = $2) as "is!""#,
        tenant.as_str(),
        subject,
    );
    Ok(found.fetch_one(conn).await?)
}

/// A place that tells the city and nobody's street: to a tenth of a degree, 11 km at most.
pub fn coarse(degrees: f64) -> f64 {
    (degrees * 10.0).round() / 10.0
}

/// The worker that erases, in one process at a time.
pub fn worker(db: Db, eraser: Arc<dyn Eraser>) -> Worker {
    Worker::new(NAME, move |stop: Shutdown| {
        let (db, eraser) = (db.clone(), Arc::clone(&eraser));
        async move {
            let pool = db.worker_pool().clone();
            let work = |_held| rounds(db.clone(), Arc::clone(&eraser));
            lease::hold(&pool, NAME, LEASE, &stop, work).await;
        }
    })
}

async fn rounds(db: Db, eraser: Arc<dyn Eraser>) {
    loop {
        match round(&db, eraser.as_ref()).await {
            Ok(true) => {}
            Ok(false) => sleep(POLL).await,
            Err(refusal) => {
                tracing::warn!(%refusal, "an erasure failed and is tried again");
                sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// Erases what is due; true when there may be more. Safe to repeat and to run twice at once.
pub async fn round(db: &Db, eraser: &dyn Eraser) -> Result<bool, Refusal> {
    let now = db.clock().now();
    let due = due(db.worker_pool(), now).await?;
    let full = i64::try_from(due.len()) == Ok(BATCH);
    for (tenant, subject) in due {
        let tenant = TenantId::parse(&tenant).map_err(Refusal::internal)?;
        erase(db, eraser, &tenant, &subject).await?;
        looked(db.worker_pool(), &tenant, &subject, now).await?;
    }
    Ok(full)
}

async fn erase(
    db: &Db,
    eraser: &dyn Eraser,
    tenant: &TenantId,
    subject: &str,
) -> Result<(), Refusal> {
    loop {
        let mut tx = db.begin(tenant).await?;
        let erased = eraser.erase(&mut tx, subject).await?;
        if erased.is_empty() {
            return Ok(());
        }
        // Before the commit: after it nobody would know that these answers are still to be erased.
        forget_answers(db.worker_pool(), tenant, &erased).await?;
        tx.commit().await?;
        tracing::info!(subject, count = erased.len(), "erased");
    }
}

async fn due(worker: &PgPool, now: Timestamp) -> Result<Vec<(String, String)>, Refusal> {
    let rows = sqlx::query!(
        "select tenant_id, subject from erasures where look_at <= $1 order by look_at limit $2",
        now.to_sqlx() as _,
        BATCH,
    );
    let rows = rows.fetch_all(worker).await?.into_iter();
    Ok(rows.map(|row| (row.tenant_id, row.subject)).collect())
}

/// Notes a look; after the second one it is done.
async fn looked(
    worker: &PgPool,
    tenant: &TenantId,
    subject: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    sqlx::query!(
        "update erasures set looks = looks + 1,
             look_at = case when looks = 0 then $3::timestamptz end
         where tenant_id = $1 and subject = $2 and look_at is not null",
        tenant.as_str(),
        subject,
        (now + LOOKS_AGAIN_AFTER).to_sqlx() as _,
    )
    .execute(worker)
    .await?;
    Ok(())
}

/// Empties the answers that requests on these resources were given, and the digests of what was
/// asked. Which requests those were, the audit knows.
async fn forget_answers(
    worker: &PgPool,
    tenant: &TenantId,
    resources: &[String],
) -> Result<(), Refusal> {
    sqlx::query!(
        "with asked as (
             select principal, split_part(rpc, '/', 2) as rpc, request_id from audit_entries
             where tenant_id = $1 and resource = any ($2) and request_id <> ''
             union
             select principal, split_part(rpc, '/', 2), request_id from audit_pending
             where tenant_id = $1 and resource = any ($2) and request_id <> ''
         )
         update request_keys k set answer = null, body_hash = decode(repeat('00', 32), 'hex')
         from asked
         where k.tenant_id = $1 and k.principal = asked.principal and k.rpc = asked.rpc
             and k.request_id = asked.request_id",
        tenant.as_str(),
        resources,
    )
    .execute(worker)
    .await?;
    Ok(())
}
