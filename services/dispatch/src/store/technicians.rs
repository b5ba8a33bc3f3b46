//! Technicians as kept.

use chassis::authz::Sight;
use chassis::{Position, Refusal, TenantId, names};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::unreadable;
use crate::domain::technician::{Shift, Skill, Technician};

struct Row {
    id: Uuid,
    code: String,
    display_name: String,
    partner: Option<String>,
    region: String,
    home_lat: f64,
    home_lng: f64,
    time_zone: String,
    skills: Json<Vec<Skill>>,
    shifts: Json<Vec<Shift>>,
    inactive: bool,
    version: i64,
    created_at: jiff_sqlx::Timestamp,
}

impl Row {
    fn read(self) -> Result<Technician, sqlx::Error> {
        let home = Position::new(self.home_lat, self.home_lng);
        Ok(Technician {
            id: self.id,
            code: self.code,
            display_name: self.display_name,
            partner: self.partner,
            region: self.region,
            home: home.ok_or_else(|| unreadable("home"))?,
            time_zone: self.time_zone,
            skills: self.skills.0,
            shifts: self.shifts.0,
            inactive: self.inactive,
            version: self.version,
            created_at: self.created_at.to_jiff(),
        })
    }
}

/// The columns of [`Row`] and what follows them; a query must be one literal to be checked.
macro_rules! select {
    ($rest:tt, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id, code, display_name, partner, region, home_lat, home_lng, time_zone,
                 skills as "skills: Json<Vec<Skill>>", shifts as "shifts: Json<Vec<Shift>>",
                 inactive, version, created_at
             from technicians "# + $rest,
            $($argument),+
        )
    };
}

/// Adds one; false when the code is taken.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    tenant: &TenantId,
    new: &Technician,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "insert into technicians (tenant_id, id, code, display_name, partner, region, home_lat,
             home_lng, time_zone, skills, shifts, inactive, version, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
         on conflict on constraint technicians_code do nothing",
        tenant.as_str(),
        new.id,
        new.code,
        new.display_name,
        new.partner,
        new.region,
        new.home.lat(),
        new.home.lng(),
        new.time_zone,
        Json(&new.skills) as _,
        Json(&new.shifts) as _,
        new.inactive,
        new.version,
        new.created_at.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The technician of that code.
pub(crate) async fn by_code(
    conn: &mut PgConnection,
    tenant: &TenantId,
    code: &str,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select id from technicians where tenant_id = $1 and code = $2",
        tenant.as_str(),
        code,
    )
    .fetch_optional(conn)
    .await
}

/// One.
pub(crate) async fn get(
    conn: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<Option<Technician>, sqlx::Error> {
    let row = select!("where tenant_id = $1 and id = $2", tenant.as_str(), id);
    row.fetch_optional(conn).await?.map(Row::read).transpose()
}

/// The organisation of one, where there is one.
pub(crate) async fn partner(
    conn: &mut PgConnection,
    tenant: &TenantId,
    id: Option<Uuid>,
) -> Result<Option<String>, Refusal> {
    let found = sqlx::query_scalar!(
        "select partner from technicians where tenant_id = $1 and id = $2",
        tenant.as_str(),
        id,
    );
    Ok(found.fetch_optional(conn).await?.flatten())
}

/// One, locked until the end of the transaction.
pub(crate) async fn lock(
    conn: &mut PgConnection,
    tenant: &TenantId,
    id: Uuid,
) -> Result<Option<Technician>, sqlx::Error> {
    let row = select!(
        "where tenant_id = $1 and id = $2 for no key update",
        tenant.as_str(),
        id,
    );
    row.fetch_optional(conn).await?.map(Row::read).transpose()
}

/// Up to `limit` by code, after that code; filters that are none do not filter.
pub(crate) async fn list(
    conn: &mut PgConnection,
    tenant: &TenantId,
    region: Option<&str>,
    skill: Option<&str>,
    sight: &Sight,
    after: &str,
    limit: i64,
) -> Result<Vec<Technician>, Refusal> {
    let own = names::parse_given("technicians", sight.technician.as_deref())?;
    let with_skill = skill.map(|skill| Json(serde_json::json!([{ "skill": skill }])));
    let rows = select!(
        "where tenant_id = $1 and ($2::text is null or region = $2)
             and ($3::jsonb is null or skills @> $3) and code > $4
             and ($6::text is null or region = $6) and ($7::text is null or partner = $7)
             and ($8::uuid is null or id = $8)
         order by code limit $5",
        tenant.as_str(),
        region,
        with_skill as _,
        after,
        limit,
        sight.region,
        sight.partner,
        own,
    );
    let rows = rows.fetch_all(conn).await?.into_iter().map(Row::read);
    Ok(rows.collect::<Result<_, sqlx::Error>>()?)
}

/// Replaces everything but code and partner; bookings decided on the old one are refused. False
/// when the version is another.
pub(crate) async fn update(
    conn: &mut PgConnection,
    tenant: &TenantId,
    new: &Technician,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update technicians set display_name = $4, region = $5, home_lat = $6, home_lng = $7,
             time_zone = $8, skills = $9, shifts = $10, inactive = $11, version = $3 + 1,
             diary = diary + 1, updated_at = $12
         where tenant_id = $1 and id = $2 and version = $3",
        tenant.as_str(),
        new.id,
        new.version,
        new.display_name,
        new.region,
        new.home.lat(),
        new.home.lng(),
        new.time_zone,
        Json(&new.skills) as _,
        Json(&new.shifts) as _,
        new.inactive,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
