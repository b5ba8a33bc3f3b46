//! Keyed writes: a request id takes effect at most once within seven days.
//!
//! Key row, effect, events and stored answer are one transaction. The key is inserted first, so a
//! duplicate waits at the unique index for the first one and then gets its answer; when the first
//! one rolls back, the duplicate becomes the first.

use std::ops::{Deref, DerefMut};

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use prost::Message;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, PgPool, Postgres};
use tonic::Code;

use crate::audit::Told;
use crate::caller::Caller;
use crate::db::{Db, Tx};
use crate::refusal::{Refusal, Violations};

/// How long a key replays its first answer.
pub const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Longest request id, in characters.
const MAX_ID: usize = 64;

/// A request that is to take effect now, or the answer it had before.
#[expect(
    clippy::large_enum_variant,
    reason = "lives for one match in a handler"
)]
pub enum Keyed<R> {
    /// First of its key (or not keyed): do the work, then [`KeyedTx::finish`].
    Fresh(KeyedTx),
    /// Done before, with this answer.
    Replay(R),
}

/// The transaction of a keyed write; the answer is stored by its commit.
pub struct KeyedTx {
    tx: Tx,
    key: Option<Key>,
}

/// What a keyed request is known by.
#[derive(Clone, Debug)]
pub struct Key {
    /// Whose request it is.
    pub tenant: String,
    /// Who asks.
    pub principal: String,
    /// Name of the RPC.
    pub rpc: &'static str,
    /// The request id.
    pub id: String,
    /// SHA-256 of the request.
    pub body_hash: Vec<u8>,
}

impl Key {
    /// The key of a request, or none where it has no request id. For a statement that writes key,
    /// answer and effect at once: where it meets a key that is there already, [`keyed`] says what
    /// that means. Refuses a malformed id (`INVALID_FIELDS`).
    pub fn of<Q: Message>(
        caller: &Caller,
        rpc: &'static str,
        request_id: &str,
        request: &Q,
    ) -> Result<Option<Key>, Refusal> {
        if request_id.is_empty() {
            return Ok(None);
        }
        check_id(request_id)?;
        Ok(Some(Key {
            tenant: caller.tenant.as_str().to_owned(),
            principal: caller.principal.clone(),
            rpc,
            id: request_id.to_owned(),
            body_hash: Sha256::digest(request.encode_to_vec()).to_vec(),
        }))
    }
}

/// A key of this transaction and its answer, to be stored by the commit.
pub(crate) struct Answered {
    key: Key,
    answer: Vec<u8>,
}

impl Answered {
    /// Binds tenant, principal, RPC, id and answer, in this order.
    pub(crate) fn bind<'q>(
        &self,
        query: Query<'q, Postgres, PgArguments>,
    ) -> Query<'q, Postgres, PgArguments> {
        query
            .bind(self.key.tenant.clone())
            .bind(self.key.principal.clone())
            .bind(self.key.rpc)
            .bind(self.key.id.clone())
            .bind(self.answer.clone())
    }

    /// Stores the answer alone.
    pub(crate) async fn store(&self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let query = sqlx::query(
            "update request_keys set answer = $5
             where tenant_id = $1 and principal = $2 and rpc = $3 and request_id = $4",
        );
        self.bind(query).execute(conn).await?;
        Ok(())
    }
}

/// Opens the transaction of a mutating request, or finds the answer it had before.
///
/// An empty `request_id` is not keyed. Refuses a malformed id (`INVALID_FIELDS`), an id that came
/// with another body before (`REQUEST_ID_REUSED`), one whose answer was erased since
/// (`ANSWER_ERASED`), and one whose first request still holds it
/// when the lock timeout ends (`ABORTED`, worth a retry).
pub async fn keyed<Q: Message, R: Message + Default>(
    db: &Db,
    caller: &Caller,
    rpc: &'static str,
    request_id: &str,
    request: &Q,
) -> Result<Keyed<R>, Refusal> {
    let Some(key) = Key::of(caller, rpc, request_id, request)? else {
        let mut tx = db.begin(&caller.tenant).await?;
        tx.asked_by(caller, request_id);
        return Ok(Keyed::Fresh(KeyedTx { tx, key: None }));
    };
    let mut tx = db.begin(&caller.tenant).await?;
    tx.asked_by(caller, request_id);
    if claim(&mut tx, &key).await.map_err(Refusal::from)? {
        return Ok(Keyed::Fresh(KeyedTx { tx, key: Some(key) }));
    }
    let (first_hash, answer) = first(&mut tx, &key).await.map_err(Refusal::from)?;
    let Some(answer) = answer else {
        return Err(Refusal::new(
            Code::FailedPrecondition,
            "type.fettle",
            "ANSWER_ERASED",
            "what this request was answered was erased with the person it spoke of",
        )
        .with("request_id", request_id));
    };
    if first_hash != key.body_hash {
        return Err(Refusal::new(
            Code::InvalidArgument,
            "type.fettle",
            "REQUEST_ID_REUSED",
            "this request id came with another request before",
        )
        .with("request_id", request_id));
    }
    R::decode(answer.as_slice())
        .map(Keyed::Replay)
        .map_err(Refusal::internal)
}

impl KeyedTx {
    /// Stores the answer with the key, writes what was told, commits. The audit takes the answer
    /// for how the changed resource stands now.
    pub async fn finish<R: Told>(mut self, answer: R) -> Result<R, Refusal> {
        self.tx.became(&answer);
        self.finish_as(answer.encode_to_vec()).await?;
        Ok(answer)
    }

    /// As [`finish`](KeyedTx::finish), with an answer that is kept in a form of its own; the audit
    /// is told apart from it.
    pub async fn finish_as(self, kept: Vec<u8>) -> Result<(), Refusal> {
        let answered = self.key.map(|key| Answered { key, answer: kept });
        self.tx.commit_with(answered).await
    }
}

impl Deref for KeyedTx {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        &self.tx
    }
}

impl DerefMut for KeyedTx {
    fn deref_mut(&mut self) -> &mut Tx {
        &mut self.tx
    }
}

/// Deletes at most `limit` keys that no longer replay; returns how many it deleted.
pub async fn forget_old(worker: &PgPool, now: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "with old as (
             select tenant_id, principal, rpc, request_id from request_keys
             where created_at < $1 order by created_at limit $2
             for update skip locked
         )
         delete from request_keys k using old
         where (k.tenant_id, k.principal, k.rpc, k.request_id)
             = (old.tenant_id, old.principal, old.rpc, old.request_id)",
    )
    .bind((now - KEPT).to_sqlx())
    .bind(limit)
    .execute(worker)
    .await?;
    Ok(done.rows_affected())
}

/// Takes the key; false when another request has it. Waits while that one is running. A key past
/// its week is taken over in place.
async fn claim(tx: &mut Tx, key: &Key) -> Result<bool, sqlx::Error> {
    let now = tx.now();
    let done = sqlx::query(
        "insert into request_keys as k (tenant_id, principal, rpc, request_id, body_hash, created_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant_id, principal, rpc, request_id) do update
             set body_hash = excluded.body_hash, answer = null, created_at = excluded.created_at
             where k.created_at < $7",
    )
    .bind(&key.tenant)
    .bind(&key.principal)
    .bind(key.rpc)
    .bind(&key.id)
    .bind(&key.body_hash)
    .bind(now.to_sqlx())
    .bind((now - KEPT).to_sqlx())
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Body hash and answer of the request that has the key.
async fn first(tx: &mut Tx, key: &Key) -> Result<(Vec<u8>, Option<Vec<u8>>), sqlx::Error> {
    sqlx::query_as(
        "select body_hash, answer from request_keys
         where tenant_id = $1 and principal = $2 and rpc = $3 and request_id = $4",
    )
    .bind(&key.tenant)
    .bind(&key.principal)
    .bind(key.rpc)
    .bind(&key.id)
    .fetch_one(&mut **tx)
    .await
}

fn check_id(id: &str) -> Result<(), Refusal> {
    let printable = id.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if printable && id.len() <= MAX_ID {
        return Ok(());
    }
    let mut violations = Violations::new();
    violations.add(
        "request_id",
        format!("must be 1 to {MAX_ID} printable ASCII characters"),
    );
    violations.check()
}
