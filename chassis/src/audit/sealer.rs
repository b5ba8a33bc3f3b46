//! Numbers and chains what was changed, one process at a time (lease `audit`).

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use sqlx::PgConnection;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Row;
use super::heads::Head;
use crate::chain::{Hash, START};
use crate::db::{self, Db};
use crate::identity::SigningKey;
use crate::lease::{self, Held};
use crate::streams::Settings;

/// Rows sealed in one transaction, at most.
const BATCH: i64 = 2_000;

/// Pause while there is nothing more to seal.
const PAUSE: Duration = Duration::from_millis(500);

/// Seals until `stop`, whenever this process holds the lease; heads are signed by `signer`.
pub async fn run(db: Db, settings: Settings, signer: Option<SigningKey>, stop: CancellationToken) {
    let pool = db.worker_pool().clone();
    let ttl = settings.lease_ttl();
    lease::hold(&pool, "audit", ttl, &stop, |held| {
        let (db, signer) = (db.clone(), signer.clone());
        async move {
            let mut troubled = false;
            loop {
                match seal(&db, &held, signer.as_ref()).await {
                    Ok(Some(sealed)) => {
                        troubled = false;
                        if sealed == BATCH {
                            continue;
                        }
                    }
                    Ok(None) => return,
                    Err(error) if !troubled => {
                        troubled = true;
                        tracing::warn!(%error, "the audit chain waits; tries again");
                    }
                    Err(_) => {}
                }
                sleep(PAUSE).await;
            }
        }
    })
    .await;
}

/// Seals what waits, up to a batch; gives how many rows it was. None: the lease is another's.
async fn seal(
    db: &Db,
    held: &Held,
    signer: Option<&SigningKey>,
) -> Result<Option<i64>, sqlx::Error> {
    let pool = db.worker_pool();
    let waiting = sqlx::query_scalar!("select exists (select from audit_pending)");
    if waiting.fetch_one(pool).await? != Some(true) {
        return Ok(Some(0));
    }
    let mut tx = db::begin(pool, "begin").await?;
    if !held.check(&mut tx).await? {
        return Ok(None);
    }
    let rows = waiting_rows(&mut tx).await?;
    let mut heads = standing(&mut tx, &rows).await?;
    let (mut ids, mut numbers, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let head = heads.entry(&row.tenant).or_insert((0, START));
        let number = head.0 + 1;
        *head = (number, row.seal(number, &head.1));
        ids.push(row.id);
        numbers.push(number);
        hashes.push(head.1.to_vec());
    }
    move_rows(&mut tx, &ids, &numbers, &hashes).await?;
    let now = db.clock().now();
    let heads = heads.into_iter().map(|(tenant, (number, hash))| {
        let head = Head {
            service: db.service().to_owned(),
            tenant: tenant.to_owned(),
            number,
            hash,
            signed_at: now,
            key: String::new(),
            signature: Vec::new(),
        };
        head.signed(signer)
    });
    keep_heads(&mut tx, &heads.collect::<Vec<_>>(), now).await?;
    tx.commit().await?;
    Ok(Some(i64::try_from(rows.len()).unwrap_or(i64::MAX)))
}

async fn waiting_rows(conn: &mut PgConnection) -> Result<Vec<Row>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select tenant_id, id, recorded_at as "recorded_at: SqlTimestamp", principal, rpc,
            origin, request_id, resource, before, after
        from audit_pending order by id limit $1"#,
        BATCH,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    let row = rows.map(|row| Row {
        tenant: row.tenant_id,
        id: row.id,
        recorded_at: row.recorded_at.to_jiff(),
        principal: row.principal,
        rpc: row.rpc,
        origin: row.origin,
        request_id: row.request_id,
        resource: row.resource,
        before: row.before,
        after: row.after,
    });
    Ok(row.collect())
}

/// Where the chains of these rows' tenants stand.
async fn standing<'r>(
    conn: &mut PgConnection,
    rows: &'r [Row],
) -> Result<BTreeMap<&'r str, (i64, Hash)>, sqlx::Error> {
    let mut tenants: Vec<&str> = rows.iter().map(|row| row.tenant.as_str()).collect();
    tenants.sort_unstable();
    tenants.dedup();
    let stand = sqlx::query!(
        "select tenant_id, number, hash from audit_heads where tenant_id = any($1)",
        &tenants[..] as _,
    );
    let mut heads = BTreeMap::new();
    for head in stand.fetch_all(conn).await? {
        let short = |_| sqlx::Error::Protocol("a hash is not 32 bytes".to_owned());
        let hash = Hash::try_from(head.hash).map_err(short)?;
        if let Ok(at) = tenants.binary_search(&head.tenant_id.as_str()) {
            heads.insert(tenants[at], (head.number, hash));
        }
    }
    Ok(heads)
}

async fn move_rows(
    conn: &mut PgConnection,
    ids: &[Uuid],
    numbers: &[i64],
    hashes: &[Vec<u8>],
) -> Result<(), sqlx::Error> {
    let moved = sqlx::query!(
        "with taken as (
            delete from audit_pending where id = any($1)
            returning id, tenant_id, recorded_at, principal, rpc, origin, request_id, resource,
                before, after
        )
        insert into audit_entries (tenant_id, number, id, recorded_at, principal, rpc, origin,
            request_id, resource, before, after, hash)
        select t.tenant_id, n.number, t.id, t.recorded_at, t.principal, t.rpc, t.origin,
            t.request_id, t.resource, t.before, t.after, n.hash
        from taken t
        join unnest($1::uuid[], $2::bigint[], $3::bytea[]) as n (id, number, hash) on n.id = t.id",
        ids,
        numbers,
        hashes,
    );
    let moved = moved.execute(conn).await?.rows_affected();
    match usize::try_from(moved) == Ok(ids.len()) {
        true => Ok(()),
        false => Err(sqlx::Error::Protocol(
            "what waits for the audit changed under the sealer's fence".to_owned(),
        )),
    }
}

async fn keep_heads(
    conn: &mut PgConnection,
    heads: &[Head],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let tenants: Vec<&str> = heads.iter().map(|head| head.tenant.as_str()).collect();
    let numbers: Vec<i64> = heads.iter().map(|head| head.number).collect();
    let hashes: Vec<&[u8]> = heads.iter().map(|head| &head.hash[..]).collect();
    let keys: Vec<&str> = heads.iter().map(|head| head.key.as_str()).collect();
    let signatures: Vec<&[u8]> = heads.iter().map(|head| &head.signature[..]).collect();
    sqlx::query!(
        "insert into audit_heads as h (tenant_id, number, hash, signed_at, key_id, signature)
        select u.tenant_id, u.number, u.hash, $6, u.key_id, u.signature
        from unnest($1::text[], $2::bigint[], $3::bytea[], $4::text[], $5::bytea[])
            as u (tenant_id, number, hash, key_id, signature)
        on conflict (tenant_id) do update
            set number = excluded.number, hash = excluded.hash, signed_at = excluded.signed_at,
                key_id = excluded.key_id, signature = excluded.signature",
        &tenants[..] as _,
        &numbers,
        &hashes[..] as _,
        &keys[..] as _,
        &signatures[..] as _,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}
