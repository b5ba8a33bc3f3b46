//! Leases: what only one process may do at a time, and the fence that keeps a late one out.
//!
//! A lease is a row with an end in database time. A holder renews it at a third of its length and
//! stops its work when it cannot. Because a paused process may not notice in time, every write
//! that depends on the lease also calls [`Held::check`] in its own transaction.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::{Clock, Ids};

/// A lease in hand. Cheap to clone; worth nothing once the work it was given to is dropped.
#[derive(Clone, Debug)]
pub struct Held {
    name: Arc<str>,
    holder: Uuid,
    fence: i64,
}

impl Held {
    /// Number of this holding; the next holder's is higher.
    pub fn fence(&self) -> i64 {
        self.fence
    }

    /// Whether this holding still counts, for the rest of the connection's transaction: nobody
    /// can take the lease over until that ends.
    pub async fn check(&self, conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
        let row = sqlx::query!(
            "select fence from leases
             where name = $1 and holder = $2 and fence = $3 and until > clock_timestamp()
             for share",
            &*self.name,
            self.holder,
            self.fence,
        )
        .fetch_optional(conn)
        .await?;
        Ok(row.is_some())
    }

    /// Name, holder and fence, for a statement that looks itself whether this holding counts.
    pub(crate) fn row(&self) -> (&str, Uuid, i64) {
        (&self.name, self.holder, self.fence)
    }

    /// Prolongs by `ttl` from now; false when another has taken it.
    pub async fn renew(&self, pool: &PgPool, ttl: Duration) -> Result<bool, sqlx::Error> {
        let done = sqlx::query!(
            "update leases set until = clock_timestamp() + make_interval(secs => $4)
             where name = $1 and holder = $2 and fence = $3",
            &*self.name,
            self.holder,
            self.fence,
            ttl.as_secs_f64(),
        )
        .execute(pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives it back, so that the next holder need not wait for its end.
    pub async fn release(self, pool: &PgPool) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "update leases set until = '-infinity'
             where name = $1 and holder = $2 and fence = $3",
            &*self.name,
            self.holder,
            self.fence,
        )
        .execute(pool)
        .await?;
        Ok(())
    }
}

/// Takes the lease when nobody holds it.
pub async fn acquire(
    pool: &PgPool,
    name: &str,
    holder: Uuid,
    ttl: Duration,
) -> Result<Option<Held>, sqlx::Error> {
    let row = sqlx::query!(
        "insert into leases as l (name, holder, fence, until)
         values ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
         on conflict (name) do update
             set holder = excluded.holder, fence = l.fence + 1, until = excluded.until
             where l.until <= clock_timestamp()
         returning fence",
        name,
        holder,
        ttl.as_secs_f64(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| Held {
        name: name.into(),
        holder,
        fence: row.fence,
    }))
}

/// Runs `work` whenever this process holds the lease, until `stop`.
///
/// The work is dropped, at its next await, when the lease is lost or cannot be renewed in time;
/// it begins anew with the next holding. Work that ends by itself is begun again after a pause.
pub async fn hold<F>(
    pool: &PgPool,
    name: &str,
    ttl: Duration,
    stop: &CancellationToken,
    mut work: impl FnMut(Held) -> F,
) where
    F: Future<Output = ()>,
{
    let holder = Ids::random(Clock::system()).v7();
    while !stop.is_cancelled() {
        // Asked for before the answer is known: the holder's clock runs from the earlier instant.
        let asked = Instant::now();
        match acquire(pool, name, holder, ttl).await {
            Ok(Some(held)) => {
                tracing::debug!(lease = name, fence = held.fence, "holding");
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = keep(pool, &held, ttl, asked) => {
                        tracing::warn!(lease = name, fence = held.fence, "lost the lease");
                    }
                    () = work(held.clone()) => {}
                }
                if let Err(error) = held.release(pool).await {
                    tracing::warn!(lease = name, %error, "the lease ends by itself");
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(lease = name, %error, "cannot ask for the lease"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(ttl / 4) => {}
        }
    }
}

/// Renews until that fails for good or the lease's length has passed since the last success.
async fn keep(pool: &PgPool, held: &Held, ttl: Duration, since: Instant) {
    let mut good_until = since + ttl;
    loop {
        sleep(ttl / 3).await;
        let asked = Instant::now();
        let left = good_until.saturating_duration_since(asked);
        match timeout(left, held.renew(pool, ttl)).await {
            Ok(Ok(true)) => good_until = asked + ttl,
            Ok(Ok(false)) | Err(_) => return,
            Ok(Err(error)) => {
                tracing::warn!(lease = &*held.name, %error, "cannot renew the lease");
            }
        }
    }
}
