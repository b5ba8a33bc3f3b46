//! Contracts and the devices they are for.

use chassis::authz::Sight;
use chassis::db::{Read, Tx};
use chassis::{Refusal, names};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff_sqlx::ToSqlx;
use uuid::Uuid;

/// A contract as it is made or read.
#[derive(Clone, Debug)]
pub(crate) struct ContractRow {
    pub(crate) id: Uuid,
    pub(crate) region: String,
    pub(crate) policy: String,
    pub(crate) policy_version: i32,
    pub(crate) start_on: Date,
    pub(crate) end_on: Date,
    pub(crate) holder: Option<Uuid>,
    pub(crate) created_at: Timestamp,
    pub(crate) version: i64,
    pub(crate) assets: Vec<Uuid>,
}

/// Adds a contract with its devices, which exist.
pub(crate) async fn add(
    tx: &mut Tx,
    contract: &ContractRow,
    occurred: Timestamp,
) -> Result<(), Refusal> {
    let tenant = tx.tenant().clone();
    sqlx::query!(
        "with contract as (
             insert into contracts (tenant_id, id, region, policy, policy_version, start_on, end_on,
                 holder, occurred_at, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             returning id
         )
         insert into contract_assets (tenant_id, contract_id, asset_id, position)
         select $1, contract.id, u.asset_id, u.position - 1
         from contract, unnest($11::uuid[]) with ordinality as u (asset_id, position)",
        tenant.as_str(),
        contract.id,
        contract.region,
        contract.policy,
        contract.policy_version,
        contract.start_on.to_sqlx() as _,
        contract.end_on.to_sqlx() as _,
        contract.holder,
        occurred.to_sqlx() as _,
        contract.created_at.to_sqlx() as _,
        &contract.assets[..],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Contracts in order of creation, at most `limit` after a given one.
pub(crate) async fn list(
    read: &mut Read,
    id: Option<Uuid>,
    asset: Option<Uuid>,
    sight: &Sight,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<ContractRow>, Refusal> {
    let tenant = read.tenant().clone();
    let customer = names::parse_given("parties", sight.customer.as_deref())?;
    let rows = sqlx::query!(
        r#"select c.id, c.region, c.policy, c.policy_version, c.start_on, c.end_on, c.holder,
             c.created_at, c.version,
             array(select ca.asset_id from contract_assets ca
                   where ca.tenant_id = c.tenant_id and ca.contract_id = c.id
                   order by ca.position) as "assets!"
         from contracts c
         where c.tenant_id = $1
           and ($2::uuid is null or c.id = $2)
           and ($3::uuid is null or c.id in (
               select ca.contract_id from contract_assets ca
               where ca.tenant_id = $1 and ca.asset_id = $3))
           and ($4::uuid is null or c.id > $4)
           and ($6::text is null or c.region = $6)
           and ($7::uuid is null or c.holder = $7)
         order by c.id
         limit $5"#,
        tenant.as_str(),
        id,
        asset,
        after,
        limit,
        sight.region,
        customer,
    )
    .fetch_all(&mut **read)
    .await?;
    let row = rows.into_iter().map(|row| ContractRow {
        id: row.id,
        region: row.region,
        policy: row.policy,
        policy_version: row.policy_version,
        start_on: row.start_on.to_jiff(),
        end_on: row.end_on.to_jiff(),
        holder: row.holder,
        created_at: row.created_at.to_jiff(),
        version: row.version,
        assets: row.assets,
    });
    Ok(row.collect())
}
