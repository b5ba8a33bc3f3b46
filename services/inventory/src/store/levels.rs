//! Balances: how many are where, and the locks on them.

use chassis::authz::Sight;
use chassis::{Position, TenantId};
use sqlx::PgConnection;

use crate::domain::allocate::Allotted;
use crate::domain::stock::{Level, Place, Wanted};

/// Locations per part that a reservation looks at, at most; the best by the rules of allocation.
const MOST_CANDIDATES: i64 = 32;

/// A part wanted, with what is known of it before any lock.
#[derive(Debug)]
pub struct Outlook {
    /// Part number.
    pub part: String,
    /// Whether it is catalogued.
    pub known: bool,
    /// Whether somebody waits for it.
    pub awaited: bool,
}

/// The parts wanted and the levels that could serve them, read without a lock: a first guess.
pub async fn outlook(
    conn: &mut PgConnection,
    tenant: &TenantId,
    wanted: &[Wanted],
    place: &Place,
) -> Result<(Vec<Outlook>, Vec<Level>), sqlx::Error> {
    let parts: Vec<&str> = wanted.iter().map(|w| w.part.as_str()).collect();
    let quantities: Vec<i64> = wanted.iter().map(|w| w.quantity).collect();
    let rows = sqlx::query!(
        r#"select w.part as "part!", p.number is not null as "known!",
             exists (select from reservation_lines r
                 where r.tenant_id = $1 and r.part = w.part and r.standing = 'WAITING')
                 as "awaited!",
             c.location as "location?", c.available as "available?", c.latitude as "latitude?",
             c.longitude as "longitude?", c.region as "region?"
         from unnest($2::text[], $3::bigint[]) with ordinality as w (part, quantity, n)
         left join parts p on p.tenant_id = $1 and p.number = w.part
         left join lateral (
             select l.location, l.available, s.latitude, s.longitude, s.region
             from stock_levels l
             join stock_locations s on s.tenant_id = l.tenant_id and s.code = l.location
             where l.tenant_id = $1 and l.part = w.part and l.available > 0
             order by l.available >= w.quantity desc, s.region = $4 and $4 <> '' desc,
                 -- Flat-earth distance: only to choose whom to look at.
                 power(s.latitude - $5, 2)
                     + power((s.longitude - $6) * cos(radians($5)), 2),
                 l.location
             limit $7
         ) c on true
         order by w.n"#,
        tenant.as_str(),
        &parts[..] as _,
        &quantities[..] as _,
        place.region,
        place.near.map(|near| near.lat()),
        place.near.map(|near| near.lng()),
        MOST_CANDIDATES,
    )
    .fetch_all(conn)
    .await?;
    let (mut outlooks, mut levels) = (Vec::<Outlook>::new(), Vec::new());
    for row in rows {
        if outlooks.last().is_none_or(|last| last.part != row.part) {
            let (known, awaited) = (row.known, row.awaited);
            outlooks.push(Outlook {
                part: row.part.clone(),
                known,
                awaited,
            });
        }
        if let (Some(location), Some(available)) = (row.location, row.available) {
            let point = row.latitude.zip(row.longitude);
            levels.push(Level {
                part: row.part,
                location,
                available,
                position: point.and_then(|(lat, lng)| Position::new(lat, lng)),
                region: row.region.unwrap_or_default(),
            });
        }
    }
    Ok((outlooks, levels))
}

/// Locks the levels that an allocation takes from; true when each still has enough.
pub async fn lock_allotted(
    conn: &mut PgConnection,
    tenant: &TenantId,
    lines: &[Allotted],
) -> Result<bool, sqlx::Error> {
    let (parts, locations): (Vec<&str>, Vec<&str>) = lines
        .iter()
        .map(|l| (l.part.as_str(), l.location.as_str()))
        .unzip();
    let rows = sqlx::query!(
        "select part, location, available from stock_levels
         where tenant_id = $1
           and (part, location) in (select * from unnest($2::text[], $3::text[]))
         order by part, location for no key update",
        tenant.as_str(),
        &parts[..] as _,
        &locations[..] as _,
    )
    .fetch_all(conn)
    .await?;
    Ok(lines.iter().all(|line| {
        let level = rows
            .iter()
            .find(|r| r.part == line.part && r.location == line.location);
        level.is_some_and(|level| level.available >= line.quantity)
    }))
}

/// Locks the levels at the named places and, when `all_free`, every other level of these parts
/// that has free pieces. `parts` names the parts of the places too.
pub async fn lock(
    conn: &mut PgConnection,
    tenant: &TenantId,
    parts: &[String],
    places: &[(String, String)],
    all_free: bool,
) -> Result<Vec<Level>, sqlx::Error> {
    let (at_parts, at_locations): (Vec<&str>, Vec<&str>) = places
        .iter()
        .map(|(part, location)| (part.as_str(), location.as_str()))
        .unzip();
    let rows = sqlx::query!(
        "select l.part, l.location, l.available, s.latitude, s.longitude, s.region
         from stock_levels l
         join stock_locations s on s.tenant_id = l.tenant_id and s.code = l.location
         where l.tenant_id = $1 and l.part = any ($2) and (
             ($5 and l.available > 0)
             or (l.part, l.location) in (select * from unnest($3::text[], $4::text[])))
         order by l.part, l.location for no key update of l",
        tenant.as_str(),
        parts as _,
        &at_parts[..] as _,
        &at_locations[..] as _,
        all_free,
    )
    .fetch_all(conn)
    .await?;
    let mut levels = Vec::with_capacity(rows.len());
    for row in rows {
        levels.push(Level {
            part: row.part,
            location: row.location,
            available: row.available,
            position: Position::new(row.latitude, row.longitude),
            region: row.region,
        });
    }
    Ok(levels)
}

/// Makes the level of a part at a place where there is none yet.
pub async fn ensure(
    conn: &mut PgConnection,
    tenant: &TenantId,
    part: &str,
    location: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into stock_levels (tenant_id, part, location) values ($1, $2, $3)
         on conflict do nothing",
        tenant.as_str(),
        part,
        location,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A balance as listed.
#[derive(Debug)]
pub struct Balance {
    /// Part number.
    pub part: String,
    /// Location code.
    pub location: String,
    /// Pieces free to hold.
    pub available: i64,
    /// Pieces held by reservations.
    pub held: i64,
}

/// Balances by part and location after `after`, of that part and location (empty: any).
pub async fn balances(
    conn: &mut PgConnection,
    tenant: &TenantId,
    part: &str,
    location: &str,
    sight: &Sight,
    after: (&str, &str),
    limit: i64,
) -> Result<Vec<Balance>, sqlx::Error> {
    sqlx::query_as!(
        Balance,
        "select part, location, available, held from stock_levels
         where tenant_id = $1 and (part, location) > ($4, $5)
           and ($2 = '' or part = $2) and ($3 = '' or location = $3)
           and ($7::text is null or location in (
               select s.code from stock_locations s where s.tenant_id = $1 and s.region = $7))
         order by part, location limit $6",
        tenant.as_str(),
        part,
        location,
        after.0,
        after.1,
        limit,
        sight.region,
    )
    .fetch_all(conn)
    .await
}
