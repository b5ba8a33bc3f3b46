//! Who may be asked: technicians with skills, shifts and diaries, in one query.

use chassis::{Position, TenantId};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::unreadable;
use crate::domain::Window;
use crate::domain::technician::{Booking, Candidate, Shift, Skill};

/// Bookings that end this far around the window are read too: the places before and after a visit
/// are those of its civil day, whatever the zone, and no work is longer than 12 hours.
const AROUND: SignedDuration = SignedDuration::from_hours(48);

/// Whose diaries are read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whom<'a> {
    /// All of a region.
    Region(&'a str),
    /// One.
    Technician(Uuid),
}

impl<'a> Whom<'a> {
    /// What selects them.
    pub(super) fn columns(self) -> (Option<&'a str>, Option<Uuid>) {
        match self {
            Whom::Region(region) => (Some(region), None),
            Whom::Technician(id) => (None, Some(id)),
        }
    }
}

struct Row {
    id: Uuid,
    home_lat: f64,
    home_lng: f64,
    time_zone: String,
    skills: Json<Vec<Skill>>,
    shifts: Json<Vec<Shift>>,
    inactive: bool,
    diary: i64,
    work_orders: Vec<Uuid>,
    departs: Vec<jiff_sqlx::Timestamp>,
    starts: Vec<jiff_sqlx::Timestamp>,
    ends: Vec<jiff_sqlx::Timestamp>,
    lats: Vec<f64>,
    lngs: Vec<f64>,
}

/// The candidates with their bookings around the window, that of `except` left out.
pub(crate) async fn load(
    conn: &mut PgConnection,
    tenant: &TenantId,
    whom: Whom<'_>,
    window: Window,
    except: Uuid,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let from = window.start.saturating_sub(AROUND).unwrap_or(window.start);
    let until = window.end.saturating_add(AROUND).unwrap_or(window.end);
    let (region, technician) = whom.columns();
    let rows = sqlx::query_as!(
        Row,
        r#"select t.id, t.home_lat, t.home_lng, t.time_zone,
             t.skills as "skills: Json<Vec<Skill>>", t.shifts as "shifts: Json<Vec<Shift>>",
             t.inactive, t.diary,
             coalesce(b.work_orders, '{}') as "work_orders!",
             coalesce(b.departs, '{}') as "departs!: Vec<jiff_sqlx::Timestamp>",
             coalesce(b.starts, '{}') as "starts!: Vec<jiff_sqlx::Timestamp>",
             coalesce(b.ends, '{}') as "ends!: Vec<jiff_sqlx::Timestamp>",
             coalesce(b.lats, '{}') as "lats!", coalesce(b.lngs, '{}') as "lngs!"
         from technicians t
         left join lateral (
             select array_agg(s.work_order_id) as work_orders, array_agg(lower(s.during)) as departs,
                 array_agg(s.starts_at) as starts, array_agg(s.ends_at) as ends,
                 array_agg(s.site_lat) as lats, array_agg(s.site_lng) as lngs
             from (
                 select work_order_id, during, starts_at, ends_at, site_lat, site_lng
                 from bookings
                 where tenant_id = t.tenant_id and technician_id = t.id
                     and ends_at > $4 and ends_at < $5 and work_order_id <> $6
                 order by ends_at
             ) s
         ) b on true
         where t.tenant_id = $1 and ($2::text is null or t.region = $2)
             and ($3::uuid is null or t.id = $3)"#,
        tenant.as_str(),
        region,
        technician,
        from.to_sqlx() as _,
        until.to_sqlx() as _,
        except,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

impl Row {
    fn read(self) -> Result<Candidate, sqlx::Error> {
        let home = Position::new(self.home_lat, self.home_lng);
        let mut bookings = Vec::with_capacity(self.work_orders.len());
        for (index, work_order) in self.work_orders.iter().enumerate() {
            let at = |instants: &[jiff_sqlx::Timestamp]| instants.get(index).map(|t| t.to_jiff());
            let lat = self.lats.get(index).copied().unwrap_or(f64::NAN);
            let lng = self.lngs.get(index).copied().unwrap_or(f64::NAN);
            let booking = || {
                Some(Booking {
                    work_order: *work_order,
                    departs: at(&self.departs)?,
                    starts: at(&self.starts)?,
                    ends: at(&self.ends)?,
                    site: Position::new(lat, lng)?,
                })
            };
            bookings.push(booking().ok_or_else(|| unreadable("booking"))?);
        }
        Ok(Candidate {
            id: self.id,
            home: home.ok_or_else(|| unreadable("home"))?,
            zone: TimeZone::get(&self.time_zone).map_err(|_| unreadable("time zone"))?,
            skills: self.skills.0,
            shifts: self.shifts.0,
            inactive: self.inactive,
            bookings,
            diary: self.diary,
        })
    }
}
