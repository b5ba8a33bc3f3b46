//! Devices, their facts and their components.

use std::collections::BTreeMap;

use chassis::authz::Sight;
use chassis::db::{Read, Tx};
use chassis::{Refusal, names};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff_sqlx::ToSqlx;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::asset::{Component, Fact, Facts};

/// A device as it is registered or read.
#[derive(Clone, Debug)]
pub(crate) struct AssetRow {
    pub(crate) id: Uuid,
    pub(crate) region: String,
    pub(crate) serial_number: String,
    pub(crate) product: String,
    pub(crate) category: String,
    pub(crate) owner: Option<Uuid>,
    pub(crate) vendor_policy: Option<String>,
    pub(crate) facts: Facts,
    pub(crate) components: Vec<Component>,
    pub(crate) created_at: Timestamp,
    pub(crate) version: i64,
}

/// A device that changed, as far as its events tell, and whose it is.
pub(crate) struct Touched {
    pub(crate) id: Uuid,
    pub(crate) region: String,
    pub(crate) owner: Option<Uuid>,
    pub(crate) serial_number: String,
    pub(crate) product: String,
    pub(crate) version: i64,
}

/// Dates by the name of their fact, as the database aggregates them.
pub(crate) type Dates = BTreeMap<String, Date>;

/// The facts of aggregated dates.
pub(crate) fn facts(dates: Option<Json<Dates>>) -> Facts {
    let mut facts = Facts::default();
    for (name, date) in dates.map(|Json(dates)| dates).unwrap_or_default() {
        if let Some(fact) = Fact::of(&name) {
            facts.set(fact, date);
        }
    }
    facts
}

/// Adds a device with its facts and components; false when serial number and product are taken.
pub(crate) async fn add(
    tx: &mut Tx,
    asset: &AssetRow,
    occurred: Timestamp,
) -> Result<bool, Refusal> {
    let tenant = tx.tenant().clone();
    let (kinds, values): (Vec<&str>, Vec<_>) = asset
        .facts
        .known()
        .map(|(fact, date)| (fact.name(), date.to_sqlx()))
        .unzip();
    let ids: Vec<Uuid> = asset.components.iter().map(|_| tx.ids().v7()).collect();
    let classes: Vec<&str> = asset
        .components
        .iter()
        .map(|c| c.component.as_str())
        .collect();
    let serials: Vec<Option<&str>> = asset
        .components
        .iter()
        .map(|c| c.serial_number.as_deref())
        .collect();
    let installed: Vec<_> = asset
        .components
        .iter()
        .map(|c| c.installed_on.map(|d| d.to_sqlx()))
        .collect();
    let registered_on = occurred.to_zoned(jiff::tz::TimeZone::UTC).date();
    let added = sqlx::query_scalar!(
        r#"with asset as (
             insert into assets (tenant_id, id, region, serial_number, product, category, owner,
                 vendor_policy, registered_on, occurred_at, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             on conflict (tenant_id, serial_number, product) do nothing
             returning id
         ), facts as (
             insert into asset_facts (tenant_id, asset_id, kind, value, valid_from, known_from)
             select $1, asset.id, u.kind, u.value, $10, $11
             from asset, unnest($12::text[], $13::date[]) as u (kind, value)
         ), components as (
             insert into asset_components (tenant_id, asset_id, id, component, serial_number,
                 installed_on, known_from)
             select $1, asset.id, u.id, u.component, u.serial_number, u.installed_on, $11
             from asset, unnest($14::uuid[], $15::text[], $16::text[], $17::date[])
                 as u (id, component, serial_number, installed_on)
         )
         select id from asset"#,
        tenant.as_str(),
        asset.id,
        asset.region,
        asset.serial_number,
        asset.product,
        asset.category,
        asset.owner,
        asset.vendor_policy,
        registered_on.to_sqlx() as _,
        occurred.to_sqlx() as _,
        asset.created_at.to_sqlx() as _,
        &kinds[..] as _,
        &values[..] as _,
        &ids[..],
        &classes[..] as _,
        &serials[..] as _,
        &installed[..] as _,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(added.is_some())
}

/// The device with this serial number and product.
pub(crate) async fn id_of(
    tx: &mut Tx,
    serial_number: &str,
    product: &str,
) -> Result<Option<Uuid>, Refusal> {
    let tenant = tx.tenant().clone();
    Ok(sqlx::query_scalar!(
        "select id from assets where tenant_id = $1 and serial_number = $2 and product = $3",
        tenant.as_str(),
        serial_number,
        product,
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Which devices a list asks for.
#[derive(Default)]
pub(crate) struct AssetFilter {
    pub(crate) id: Option<Uuid>,
    pub(crate) serial_number: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) owner: Option<Uuid>,
    /// What the caller may see of them.
    pub(crate) sight: Sight,
}

/// Devices in order of registration, at most `limit` after a given one.
pub(crate) async fn list(
    read: &mut Read,
    filter: &AssetFilter,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<AssetRow>, Refusal> {
    let tenant = read.tenant().clone();
    let customer = names::parse_given("parties", filter.sight.customer.as_deref())?;
    let rows = sqlx::query!(
        r#"select a.id, a.region, a.serial_number, a.product, a.category, a.owner,
             a.vendor_policy, a.created_at, a.version,
             (select json_object_agg(f.kind, f.value) from asset_facts f
              where f.tenant_id = a.tenant_id and f.asset_id = a.id and f.known_to is null)
                 as "facts: Json<Dates>",
             (select json_agg(json_build_object('component', c.component, 'serial_number',
                  c.serial_number, 'installed_on', c.installed_on) order by c.component, c.id)
              from asset_components c
              where c.tenant_id = a.tenant_id and c.asset_id = a.id and c.removed_on is null)
                 as "components: Json<Vec<Component>>"
         from assets a
         where a.tenant_id = $1
           and ($2::uuid is null or a.id = $2)
           and ($3::text is null or a.serial_number = $3)
           and ($4::text is null or a.product = $4)
           and ($5::uuid is null or a.owner = $5)
           and ($6::uuid is null or a.id > $6)
           and ($8::text is null or a.region = $8)
           and ($9::uuid is null or a.owner = $9)
         order by a.id
         limit $7"#,
        tenant.as_str(),
        filter.id,
        filter.serial_number,
        filter.product,
        filter.owner,
        after,
        limit,
        filter.sight.region,
        customer,
    )
    .fetch_all(&mut **read)
    .await?;
    let row = rows.into_iter().map(|row| AssetRow {
        id: row.id,
        region: row.region,
        serial_number: row.serial_number,
        product: row.product,
        category: row.category,
        owner: row.owner,
        vendor_policy: row.vendor_policy,
        facts: facts(row.facts),
        components: row.components.map(|Json(list)| list).unwrap_or_default(),
        created_at: row.created_at.to_jiff(),
        version: row.version,
    });
    Ok(row.collect())
}

/// Raises the versions of devices, in one order for everybody; those that do not exist are left out.
pub(crate) async fn touch(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<Touched>, Refusal> {
    let tenant = tx.tenant().clone();
    Ok(sqlx::query_as!(
        Touched,
        "with locked as (
             select id from assets where tenant_id = $1 and id = any($2) order by id for update
         )
         update assets a set version = a.version + 1
         from locked where a.tenant_id = $1 and a.id = locked.id
         returning a.id, a.region, a.owner, a.serial_number, a.product, a.version",
        tenant.as_str(),
        ids,
    )
    .fetch_all(&mut **tx)
    .await?)
}
