//! SQL, one function per sentence; no decision. Nothing here has seen a person's data unsealed.

use chassis::authz::Sight;
use chassis::{Refusal, names};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// A party as it is stored; without `wrapped` it was erased.
pub(crate) struct PartyRow {
    pub(crate) party_id: Uuid,
    pub(crate) region: String,
    pub(crate) version: i64,
    pub(crate) sealed: Vec<u8>,
    pub(crate) created_at: jiff_sqlx::Timestamp,
    pub(crate) erased_at: Option<jiff_sqlx::Timestamp>,
    pub(crate) master_key_id: Option<Vec<u8>>,
    pub(crate) wrapped: Option<Vec<u8>>,
}

/// What changes with each writing of a party.
pub(crate) struct Writing<'a> {
    pub(crate) party_id: Uuid,
    pub(crate) region: &'a str,
    pub(crate) sealed: &'a [u8],
    pub(crate) mail_index: Option<&'a [u8]>,
    pub(crate) phone_index: Option<&'a [u8]>,
    pub(crate) at: Timestamp,
}

/// Adds a party and its key.
pub(crate) async fn add(
    conn: &mut PgConnection,
    tenant: &str,
    party: &Writing<'_>,
    master_key_id: &[u8],
    wrapped: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with added as (
             insert into parties (tenant_id, party_id, region, version, sealed, created_at,
                 updated_at)
             values ($1, $2, $3, 1, $4, $5, $5)
         )
         insert into party_keys (tenant_id, party_id, master_key_id, wrapped, mail_index,
             phone_index, created_at)
         values ($1, $2, $6, $7, $8, $9, $5)",
        tenant,
        party.party_id,
        party.region,
        party.sealed,
        party.at.to_sqlx() as _,
        master_key_id,
        wrapped,
        party.mail_index,
        party.phone_index,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One party.
pub(crate) async fn by_id(
    conn: &mut PgConnection,
    tenant: &str,
    party: Uuid,
) -> Result<Option<PartyRow>, sqlx::Error> {
    sqlx::query_as!(
        PartyRow,
        r#"select p.party_id, p.region, p.version, p.sealed, p.created_at, p.erased_at,
             k.master_key_id as "master_key_id?", k.wrapped as "wrapped?"
         from parties p
         left join party_keys k on k.tenant_id = p.tenant_id and k.party_id = p.party_id
         where p.tenant_id = $1 and p.party_id = $2"#,
        tenant,
        party,
    )
    .fetch_optional(conn)
    .await
}

/// One party, held until the transaction ends.
pub(crate) async fn to_change(
    conn: &mut PgConnection,
    tenant: &str,
    party: Uuid,
) -> Result<Option<PartyRow>, sqlx::Error> {
    sqlx::query_as!(
        PartyRow,
        r#"select p.party_id, p.region, p.version, p.sealed, p.created_at, p.erased_at,
             k.master_key_id as "master_key_id?", k.wrapped as "wrapped?"
         from parties p
         left join party_keys k on k.tenant_id = p.tenant_id and k.party_id = p.party_id
         where p.tenant_id = $1 and p.party_id = $2
         for update of p"#,
        tenant,
        party,
    )
    .fetch_optional(conn)
    .await
}

/// Writes a party anew if it is still of this version and not erased; its version rises by one.
pub(crate) async fn change(
    conn: &mut PgConnection,
    tenant: &str,
    party: &Writing<'_>,
    version: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "with changed as (
             update parties set region = $3, sealed = $4, updated_at = $5, version = version + 1
             where tenant_id = $1 and party_id = $2 and version = $6
             returning party_id
         )
         update party_keys set mail_index = $7, phone_index = $8
         where tenant_id = $1 and party_id in (select party_id from changed)",
        tenant,
        party.party_id,
        party.region,
        party.sealed,
        party.at.to_sqlx() as _,
        version,
        party.mail_index,
        party.phone_index,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Destroys the key of a party that is held, and notes when; its version rises by one.
pub(crate) async fn erase(
    conn: &mut PgConnection,
    tenant: &str,
    party: Uuid,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with key as (
             delete from party_keys where tenant_id = $1 and party_id = $2
         )
         update parties set erased_at = $3, updated_at = $3, version = version + 1
         where tenant_id = $1 and party_id = $2",
        tenant,
        party,
        at.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// At most `limit` parties after the given one, in order of creation. Erased ones are left out.
pub(crate) async fn list(
    conn: &mut PgConnection,
    tenant: &str,
    region: Option<&str>,
    sight: &Sight,
    after: Uuid,
    limit: i64,
) -> Result<Vec<PartyRow>, Refusal> {
    let own = names::parse_given("parties", sight.customer.as_deref())?;
    let rows = sqlx::query_as!(
        PartyRow,
        r#"select p.party_id, p.region, p.version, p.sealed, p.created_at, p.erased_at,
             k.master_key_id as "master_key_id?", k.wrapped as "wrapped?"
         from parties p
         join party_keys k on k.tenant_id = p.tenant_id and k.party_id = p.party_id
         where p.tenant_id = $1 and p.party_id > $2 and ($3::text is null or p.region = $3)
           and ($5::text is null or p.region = $5)
           and ($6::uuid is null or p.party_id = $6)
         order by p.party_id
         limit $4"#,
        tenant,
        after,
        region,
        limit,
        sight.region,
        own,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Blind indexes to look parties up by; each given one must match, and at least one is given.
pub(crate) struct LookUp {
    pub(crate) mail: Option<[u8; 32]>,
    pub(crate) phone: Option<[u8; 32]>,
}

/// As [`list`], of those reached by this contact.
pub(crate) async fn look_up(
    conn: &mut PgConnection,
    tenant: &str,
    contact: &LookUp,
    region: Option<&str>,
    sight: &Sight,
    after: Uuid,
    limit: i64,
) -> Result<Vec<PartyRow>, Refusal> {
    let own = names::parse_given("parties", sight.customer.as_deref())?;
    let rows = sqlx::query_as!(
        PartyRow,
        r#"select p.party_id, p.region, p.version, p.sealed, p.created_at, p.erased_at,
             k.master_key_id as "master_key_id?", k.wrapped as "wrapped?"
         from party_keys k
         join parties p on p.tenant_id = k.tenant_id and p.party_id = k.party_id
         where k.tenant_id = $1 and k.party_id > $2
           and ($3::bytea is null or k.mail_index = $3)
           and ($4::bytea is null or k.phone_index = $4)
           and ($5::text is null or p.region = $5)
           and ($7::text is null or p.region = $7)
           and ($8::uuid is null or k.party_id = $8)
         order by k.party_id
         limit $6"#,
        tenant,
        after,
        contact.mail.as_ref().map(|index| &index[..]),
        contact.phone.as_ref().map(|index| &index[..]),
        region,
        limit,
        sight.region,
        own,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
