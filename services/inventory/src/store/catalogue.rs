//! Parts and stock locations.

use chassis::authz::Sight;
use chassis::money::Currency;
use chassis::{Money, Position, TenantId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::domain::stock::{Location, Part};

struct PartRow {
    number: String,
    title: String,
    component: String,
    products: Vec<String>,
    serialised: bool,
    cost_amount: Option<Decimal>,
    cost_currency: Option<String>,
    hazardous: bool,
    created_at: jiff_sqlx::Timestamp,
    version: i64,
}

impl From<PartRow> for Part {
    fn from(row: PartRow) -> Part {
        let currency = row.cost_currency.as_deref().and_then(Currency::of);
        let cost = row.cost_amount.zip(currency);
        Part {
            number: row.number,
            title: row.title,
            component: row.component,
            products: row.products,
            serialised: row.serialised,
            cost: cost.map(|(amount, currency)| Money::new(amount.normalize(), currency)),
            hazardous: row.hazardous,
            created_at: row.created_at.to_jiff(),
            version: row.version,
        }
    }
}

/// Adds a part; false when the number is taken.
pub async fn add_part(
    conn: &mut PgConnection,
    tenant: &TenantId,
    part: &Part,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "insert into parts (tenant_id, number, title, component, products, serialised,
             cost_amount, cost_currency, hazardous, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict do nothing",
        tenant.as_str(),
        part.number,
        part.title,
        part.component,
        &part.products[..] as _,
        part.serialised,
        part.cost.map(|cost| cost.amount),
        part.cost.map(|cost| cost.currency.code().to_owned()),
        part.hazardous,
        part.created_at.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The part with that number.
pub async fn part(
    conn: &mut PgConnection,
    tenant: &TenantId,
    number: &str,
) -> Result<Option<Part>, sqlx::Error> {
    let row = sqlx::query_as!(
        PartRow,
        "select number, title, component, products, serialised, cost_amount, cost_currency,
             hazardous, created_at, version
         from parts where tenant_id = $1 and number = $2",
        tenant.as_str(),
        number,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Part::from))
}

/// Parts by number after `after`, of that component and product (empty: any).
pub async fn parts(
    conn: &mut PgConnection,
    tenant: &TenantId,
    component: &str,
    product: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<Part>, sqlx::Error> {
    let rows = sqlx::query_as!(
        PartRow,
        "select number, title, component, products, serialised, cost_amount, cost_currency,
             hazardous, created_at, version
         from parts
         where tenant_id = $1 and number > $4
           and ($2 = '' or component = $2) and ($3 = '' or products @> array[$3])
         order by number limit $5",
        tenant.as_str(),
        component,
        product,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Part::from).collect())
}

/// Parts of a component that fit a product, those made for the fewest products first.
pub async fn parts_for(
    conn: &mut PgConnection,
    tenant: &TenantId,
    product: &str,
    component: &str,
    limit: i64,
) -> Result<Vec<Part>, sqlx::Error> {
    let rows = sqlx::query_as!(
        PartRow,
        "select number, title, component, products, serialised, cost_amount, cost_currency,
             hazardous, created_at, version
         from parts
         where tenant_id = $1 and component = $2 and products @> array[$3]
         order by cardinality(products), number limit $4",
        tenant.as_str(),
        component,
        product,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Part::from).collect())
}

/// Adds a location; false when the code is taken.
pub async fn add_location(
    conn: &mut PgConnection,
    tenant: &TenantId,
    location: &Location,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "insert into stock_locations (tenant_id, code, region, kind, title, latitude, longitude,
             created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict do nothing",
        tenant.as_str(),
        location.code,
        location.region,
        location.kind,
        location.title,
        location.position.lat(),
        location.position.lng(),
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Locations by code after `after`.
pub async fn locations(
    conn: &mut PgConnection,
    tenant: &TenantId,
    sight: &Sight,
    after: &str,
    limit: i64,
) -> Result<Vec<Location>, sqlx::Error> {
    let rows = sqlx::query!(
        "select code, region, kind, title, latitude, longitude
         from stock_locations
         where tenant_id = $1 and code > $2 and ($4::text is null or region = $4)
         order by code limit $3",
        tenant.as_str(),
        after,
        limit,
        sight.region,
    )
    .fetch_all(conn)
    .await?;
    let mut locations = Vec::with_capacity(rows.len());
    for row in rows {
        // The table's checks keep every point on the map.
        if let Some(position) = Position::new(row.latitude, row.longitude) {
            let (code, kind, title, region) = (row.code, row.kind, row.title, row.region);
            locations.push(Location {
                code,
                kind,
                title,
                position,
                region,
            });
        }
    }
    Ok(locations)
}

/// The region that a location serves, "" where it serves none; none: there is no such location.
pub async fn region(
    conn: &mut PgConnection,
    tenant: &TenantId,
    code: &str,
) -> Result<Option<String>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select region from stock_locations where tenant_id = $1 and code = $2",
        tenant.as_str(),
        code,
    );
    found.fetch_optional(conn).await
}

/// Whether the location exists.
pub async fn has_location(
    conn: &mut PgConnection,
    tenant: &TenantId,
    code: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from stock_locations where tenant_id = $1 and code = $2) as "known!""#,
        tenant.as_str(),
        code,
    )
    .fetch_one(conn)
    .await
}
