//! The laws that stored rows must keep, as queries: the alarm behind the constraints. Each works
//! also where a constraint was dropped.

pub use chassis::invariants::Breach;
use sqlx::PgConnection;

/// Most breaches named per law.
const MOST_NAMED: i64 = 100;

/// A technician is in two bookings at one time (G4).
pub const OVERLAP: &str = "G4_BOOKINGS_NEVER_OVERLAP";
/// A visit that is booked or under way has no booking, or not the one it says.
pub const UNBOOKED: &str = "BOOKED_WORK_HAS_ITS_BOOKING";
/// A booking belongs to work that nobody will do.
pub const IDLE: &str = "NO_BOOKING_WITHOUT_WORK";

/// Every law of this module.
pub const LAWS: [&str; 3] = [OVERLAP, UNBOOKED, IDLE];

/// Names every breach in this service's schema, at most 100 per law.
pub async fn check(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let mut breaches = overlaps(conn).await?;
    breaches.extend(unbooked(conn).await?);
    breaches.extend(idle(conn).await?);
    Ok(breaches)
}

/// Walks each diary in order of departure: every booking begins after all before it have ended.
async fn overlaps(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select tenant_id, technician_id, work_order_id
         from (
             select tenant_id, technician_id, work_order_id, lower(during) as departs,
                 max(upper(during)) over (
                     partition by tenant_id, technician_id order by lower(during), work_order_id
                     rows between unbounded preceding and 1 preceding
                 ) as busy_until
             from bookings
             where not isempty(during)
         ) b
         where departs < busy_until
         limit $1"#,
        MOST_NAMED,
    )
    .fetch_all(conn)
    .await?;
    let breach = rows.into_iter().map(|row| Breach {
        law: OVERLAP,
        subject: format!("{}/technicians/{}", row.tenant_id, row.technician_id),
        detail: format!(
            "workOrders/{} overlaps an earlier booking",
            row.work_order_id
        ),
    });
    Ok(breach.collect())
}

async fn unbooked(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select w.tenant_id, w.id, w.state, count(b.work_order_id) as "bookings!",
             coalesce(bool_and(b.technician_id = w.technician_id and b.starts_at = w.starts_at
                 and b.ends_at = w.ends_at), false) as "agree!"
         from work_orders w
         left join bookings b on b.tenant_id = w.tenant_id and b.work_order_id = w.id
         where w.state in ('SCHEDULED', 'EN_ROUTE', 'ON_SITE', 'IN_PROGRESS')
         group by w.tenant_id, w.id, w.state
         having count(b.work_order_id) <> 1
             or not bool_and(b.technician_id = w.technician_id and b.starts_at = w.starts_at
                 and b.ends_at = w.ends_at)
         limit $1"#,
        MOST_NAMED,
    )
    .fetch_all(conn)
    .await?;
    let breach = rows.into_iter().map(|row| Breach {
        law: UNBOOKED,
        subject: format!("{}/workOrders/{}", row.tenant_id, row.id),
        detail: format!(
            "{} with {} bookings{}",
            row.state,
            row.bookings,
            if row.bookings == 1 && !row.agree {
                " that differ from it"
            } else {
                ""
            }
        ),
    });
    Ok(breach.collect())
}

async fn idle(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select b.tenant_id, b.work_order_id, coalesce(w.state, 'missing') as "state!"
         from bookings b
         left join work_orders w on w.tenant_id = b.tenant_id and w.id = b.work_order_id
         where w.id is null or w.state in ('OPEN', 'OFFERED', 'CANCELLED')
         limit $1"#,
        MOST_NAMED,
    )
    .fetch_all(conn)
    .await?;
    let breach = rows.into_iter().map(|row| Breach {
        law: IDLE,
        subject: format!("{}/workOrders/{}", row.tenant_id, row.work_order_id),
        detail: format!("has a booking while {}", row.state),
    });
    Ok(breach.collect())
}

/// Tickets (tenant, identifier) that a technician's time is booked or wanted for.
pub async fn wanting(conn: &mut PgConnection) -> Result<Vec<(String, uuid::Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select distinct tenant_id, ticket_id as "ticket!" from work_orders
         where state in ('OPEN', 'OFFERED', 'SCHEDULED', 'EN_ROUTE', 'ON_SITE', 'IN_PROGRESS')"#,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    Ok(rows.map(|row| (row.tenant_id, row.ticket)).collect())
}

/// Those of the given tickets of whose customers a work order tells something.
pub async fn telling_of(
    conn: &mut PgConnection,
    tickets: &[(String, uuid::Uuid)],
) -> Result<Vec<(String, uuid::Uuid)>, sqlx::Error> {
    let (tenants, ids): (Vec<String>, Vec<uuid::Uuid>) = tickets.iter().cloned().unzip();
    let rows = sqlx::query!(
        r#"select distinct w.tenant_id, w.ticket_id as "ticket!"
         from unnest($1::text[], $2::uuid[]) as asked (tenant_id, ticket_id)
         join work_orders w on w.tenant_id = asked.tenant_id and w.ticket_id = asked.ticket_id
         where w.erased_at is null"#,
        &tenants,
        &ids,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    Ok(rows.map(|row| (row.tenant_id, row.ticket)).collect())
}
