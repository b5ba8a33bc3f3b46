//! Entries as they stand in the tables.

use futures::TryStreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Entry, Row};

/// What is looked for; none: all.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Whose chain.
    pub tenant: Option<String>,
    /// Name of what was changed.
    pub resource: Option<String>,
    /// Who asked.
    pub principal: Option<String>,
    /// Not recorded before.
    pub since: Option<Timestamp>,
    /// Most entries.
    pub limit: i64,
}

/// An entry as the table keeps it.
struct Kept {
    tenant_id: String,
    number: i64,
    id: Uuid,
    recorded_at: SqlTimestamp,
    principal: String,
    rpc: String,
    origin: String,
    request_id: String,
    resource: String,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
    hash: Vec<u8>,
}

impl From<Kept> for Entry {
    fn from(kept: Kept) -> Entry {
        Entry {
            number: kept.number,
            row: Row {
                tenant: kept.tenant_id,
                id: kept.id,
                recorded_at: kept.recorded_at.to_jiff(),
                principal: kept.principal,
                rpc: kept.rpc,
                origin: kept.origin,
                request_id: kept.request_id,
                resource: kept.resource,
                before: kept.before,
                after: kept.after,
            },
            hash: kept.hash,
        }
    }
}

/// The newest entries of the connection's schema, tenant by tenant.
pub async fn list(conn: &mut PgConnection, wanted: &Wanted) -> Result<Vec<Entry>, sqlx::Error> {
    let found = sqlx::query_as!(
        Kept,
        r#"select tenant_id, number, id, recorded_at as "recorded_at: SqlTimestamp", principal,
            rpc, origin, request_id, resource, before, after, hash
        from audit_entries
        where ($1::text is null or tenant_id = $1) and ($2::text is null or resource = $2)
            and ($3::text is null or principal = $3)
            and ($4::timestamptz is null or recorded_at >= $4)
        order by tenant_id, number desc limit $5"#,
        wanted.tenant.as_deref(),
        wanted.resource.as_deref(),
        wanted.principal.as_deref(),
        wanted.since.map(ToSqlx::to_sqlx) as _,
        wanted.limit,
    );
    let found = found.fetch_all(conn).await?;
    Ok(found.into_iter().map(Entry::from).collect())
}

/// Every entry, tenant by tenant in the order of its numbers.
pub(super) fn all(conn: &mut PgConnection) -> BoxStream<'_, Result<Entry, sqlx::Error>> {
    let rows = sqlx::query_as!(
        Kept,
        r#"select tenant_id, number, id, recorded_at as "recorded_at: SqlTimestamp", principal,
            rpc, origin, request_id, resource, before, after, hash
        from audit_entries order by tenant_id, number"#,
    );
    Box::pin(rows.fetch(conn).map_ok(Entry::from))
}
