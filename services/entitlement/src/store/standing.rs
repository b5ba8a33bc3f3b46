//! A device with everything a decision looks at, in one round trip.

use chassis::Refusal;
use chassis::db::Read;
use sqlx::types::Json;
use uuid::Uuid;

use super::asset::{Dates, facts};
use crate::domain::asset::{Asset, Component, Contract, Repair};

/// Most products that may share a serial number.
const MOST_PRODUCTS: i64 = 20;

/// The devices with this serial number, of this product where one is named; where a customer is
/// given, only those that are the customer's or nobody's.
pub(crate) async fn standing(
    read: &mut Read,
    serial_number: &str,
    product: Option<&str>,
    customer: Option<Uuid>,
) -> Result<Vec<Asset>, Refusal> {
    let tenant = read.tenant().clone();
    let rows = sqlx::query!(
        r#"select a.id, a.serial_number, a.product, a.category, a.vendor_policy, a.registered_on,
             (select json_object_agg(f.kind, f.value) from asset_facts f
              where f.tenant_id = a.tenant_id and f.asset_id = a.id and f.known_to is null)
                 as "facts: Json<Dates>",
             (select json_agg(json_build_object('component', c.component, 'serial_number',
                  c.serial_number, 'installed_on', c.installed_on) order by c.component, c.id)
              from asset_components c
              where c.tenant_id = a.tenant_id and c.asset_id = a.id and c.removed_on is null)
                 as "components: Json<Vec<Component>>",
             (select json_agg(json_build_object('work_order', r.work_order, 'components',
                  r.components, 'received_on', r.received_on, 'completed_on', r.completed_on)
                  order by r.completed_on, r.received_on, r.work_order)
              from asset_repairs r
              where r.tenant_id = a.tenant_id and r.asset_id = a.id)
                 as "repairs: Json<Vec<Repair>>",
             (select json_agg(json_build_object('id', k.id, 'policy', k.policy, 'policy_version',
                  k.policy_version, 'start_on', k.start_on, 'end_on', k.end_on)
                  order by k.start_on, k.id)
              from contract_assets ca
              join contracts k on k.tenant_id = ca.tenant_id and k.id = ca.contract_id
              where ca.tenant_id = a.tenant_id and ca.asset_id = a.id)
                 as "contracts: Json<Vec<Contract>>"
         from assets a
         where a.tenant_id = $1 and a.serial_number = $2 and ($3::text is null or a.product = $3)
           and ($5::uuid is null or a.owner is null or a.owner = $5)
         order by a.product
         limit $4"#,
        tenant.as_str(),
        serial_number,
        product,
        MOST_PRODUCTS,
        customer,
    )
    .fetch_all(&mut **read)
    .await?;
    let asset = rows.into_iter().map(|row| Asset {
        id: row.id,
        serial_number: row.serial_number,
        product: row.product,
        category: row.category,
        vendor_policy: row.vendor_policy,
        registered_on: row.registered_on.to_jiff(),
        facts: facts(row.facts),
        components: list(row.components),
        repairs: list(row.repairs),
        contracts: list(row.contracts),
    });
    Ok(asset.collect())
}

fn list<T>(json: Option<Json<Vec<T>>>) -> Vec<T> {
    json.map(|Json(list)| list).unwrap_or_default()
}
