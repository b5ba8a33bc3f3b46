//! The laws of the stock (promise G3), as queries that name what breaks them.
//!
//! Each is one statement over all tenants; a sound store answers all with no rows. For operators
//! (`fettle verify`) and for the tests of faults.

pub use chassis::invariants::Breach;
use sqlx::PgConnection;

/// How long a hold may outlive its expiry before it is a breach: the worker's pause and an outage.
pub const EXPIRY_SLACK_SECONDS: i32 = 600;

/// Rows listed per law, at most.
const MOST_ROWS: i64 = 100;

/// Every law of this module.
pub const LAWS: [&str; 7] = [
    "G3_LEDGER_MOVEMENTS_BALANCE",
    "G3_BALANCES_EQUAL_LEDGER",
    "G3_STOCK_NOT_NEGATIVE",
    "G3_HELD_EQUALS_RESERVATIONS",
    "G3_PIECES_EQUAL_BALANCES",
    "G3_LINES_STAND_WITH_RESERVATION",
    "G3_HELD_WITHIN_EXPIRY",
];

/// Checks every law; an empty answer is a sound store.
pub async fn check(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let mut breaches = movements_add_up(conn).await?;
    breaches.extend(balances_are_the_ledger(conn).await?);
    breaches.extend(nothing_is_negative(conn).await?);
    breaches.extend(held_is_what_reservations_hold(conn).await?);
    breaches.extend(pieces_are_the_balances(conn).await?);
    breaches.extend(lines_stand_with_their_reservation(conn).await?);
    breaches.extend(nothing_is_held_for_ever(conn).await?);
    Ok(breaches)
}

struct Row {
    subject: String,
    detail: String,
}

fn breaches(law: &'static str, rows: Vec<Row>) -> Vec<Breach> {
    let breach = |row: Row| Breach {
        law,
        subject: row.subject,
        detail: row.detail,
    };
    rows.into_iter().map(breach).collect()
}

async fn movements_add_up(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select m.tenant_id || '/stockMovements/' || m.id as "subject!",
             'its entries add up to ' || coalesce(sum(e.quantity), 0) || ' over '
                 || count(e.movement) || ' entries' as "detail!"
         from stock_movements m
         left join stock_entries e on e.tenant_id = m.tenant_id and e.movement = m.id
         group by m.tenant_id, m.id
         having coalesce(sum(e.quantity), 0) <> 0 or count(e.movement) < 2
         order by m.tenant_id, m.id limit $1"#,
        MOST_ROWS,
    )
    .fetch_all(conn)
    .await?;
    Ok(breaches("G3_LEDGER_MOVEMENTS_BALANCE", rows))
}

async fn balances_are_the_ledger(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"with booked as (
             select m.tenant_id, m.part, e.location,
                 coalesce(sum(e.quantity) filter (where e.account = 'available'), 0) as available,
                 coalesce(sum(e.quantity) filter (where e.account = 'held'), 0) as held
             from stock_entries e
             join stock_movements m on m.tenant_id = e.tenant_id and m.id = e.movement
             where e.location is not null
             group by m.tenant_id, m.part, e.location
         )
         select coalesce(l.tenant_id, b.tenant_id) || '/parts/' || coalesce(l.part, b.part)
                 || ' at stockLocations/' || coalesce(l.location, b.location) as "subject!",
             'balance ' || coalesce(l.available, 0) || ' available, ' || coalesce(l.held, 0)
                 || ' held; ledger ' || coalesce(b.available, 0) || ' available, '
                 || coalesce(b.held, 0) || ' held' as "detail!"
         from stock_levels l
         full join booked b
             on b.tenant_id = l.tenant_id and b.part = l.part and b.location = l.location
         where coalesce(l.available, 0) <> coalesce(b.available, 0)
            or coalesce(l.held, 0) <> coalesce(b.held, 0)
         order by 1 limit $1"#,
        MOST_ROWS,
    )
    .fetch_all(conn)
    .await?;
    Ok(breaches("G3_BALANCES_EQUAL_LEDGER", rows))
}

async fn nothing_is_negative(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select tenant_id || '/parts/' || part || ' at stockLocations/' || location
                 as "subject!",
             available || ' available, ' || held || ' held' as "detail!"
         from stock_levels where available < 0 or held < 0
         order by 1 limit $1"#,
        MOST_ROWS,
    )
    .fetch_all(conn)
    .await?;
    Ok(breaches("G3_STOCK_NOT_NEGATIVE", rows))
}

async fn held_is_what_reservations_hold(
    conn: &mut PgConnection,
) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"with lines as (
             select tenant_id, part, location, sum(quantity) as held
             from reservation_lines where standing = 'HELD'
             group by tenant_id, part, location
         )
         select coalesce(l.tenant_id, r.tenant_id) || '/parts/' || coalesce(l.part, r.part)
                 || ' at stockLocations/' || coalesce(l.location, r.location) as "subject!",
             coalesce(l.held, 0) || ' held; reservations hold ' || coalesce(r.held, 0)
                 as "detail!"
         from stock_levels l
         full join lines r
             on r.tenant_id = l.tenant_id and r.part = l.part and r.location = l.location
         where coalesce(l.held, 0) <> coalesce(r.held, 0)
         order by 1 limit $1"#,
        MOST_ROWS,
    )
    .fetch_all(conn)
    .await?;
    Ok(breaches("G3_HELD_EQUALS_RESERVATIONS", rows))
}

async fn pieces_are_the_balances(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"with pieces as (
             select tenant_id, part, location,
                 count(*) filter (where status = 'AVAILABLE') as available,
                 count(*) filter (where status = 'HELD') as held
             from part_serials group by tenant_id, part, location
         )
         select l.tenant_id || '/parts/' || l.part || ' at stockLocations/' || l.location
                 as "subject!",
             'balance ' || l.available || ' available, ' || l.held || ' held; pieces '
                 || coalesce(s.available, 0) || ' available, ' || coalesce(s.held, 0) || ' held'
                 as "detail!"
         from stock_levels l
         join parts p on p.tenant_id = l.tenant_id and p.number = l.part and p.serialised
         left join pieces s
             on s.tenant_id = l.tenant_id and s.part = l.part and s.location = l.location
         where l.available <> coalesce(s.available, 0) or l.held <> coalesce(s.held, 0)
         order by 1 limit $1"#,
        MOST_ROWS,
    )
    .fetch_all(conn)
    .await?;
    Ok(breaches("G3_PIECES_EQUAL_BALANCES", rows))
}

async fn lines_stand_with_their_reservation(
    conn: &mut PgConnection,
) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select r.tenant_id || '/reservations/' || r.id as "subject!",
             r.state || ' with a line that is ' || coalesce(min(l.standing), 'missing')
                 as "detail!"
         from reservations r
         left join reservation_lines l on l.tenant_id = r.tenant_id and l.reservation = r.id
         where r.ticket is not null and l.standing is distinct from (case r.state
             when 'HELD' then 'HELD' when 'BACKORDERED' then 'WAITING' else 'SETTLED' end)
         group by r.tenant_id, r.id, r.state
         order by 1 limit $1"#,
        MOST_ROWS,
    )
    .fetch_all(conn)
    .await?;
    Ok(breaches("G3_LINES_STAND_WITH_RESERVATION", rows))
}

async fn nothing_is_held_for_ever(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select tenant_id || '/reservations/' || id as "subject!",
             'held although it lapsed at ' || expire_at as "detail!"
         from reservations
         where state = 'HELD' and expire_at < now() - make_interval(secs => $2)
         order by 1 limit $1"#,
        MOST_ROWS,
        f64::from(EXPIRY_SLACK_SECONDS),
    )
    .fetch_all(conn)
    .await?;
    Ok(breaches("G3_HELD_WITHIN_EXPIRY", rows))
}

/// Tickets (tenant, identifier) that reservations hold parts for, or wait for them.
pub async fn holding(conn: &mut PgConnection) -> Result<Vec<(String, uuid::Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select distinct tenant_id, ticket as "ticket!" from reservations
         where state in ('HELD', 'BACKORDERED') and ticket is not null"#,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    Ok(rows.map(|row| (row.tenant_id, row.ticket)).collect())
}

/// Those of the given tickets of whose customers a reservation tells where they live.
pub async fn telling_of(
    conn: &mut PgConnection,
    tickets: &[(String, uuid::Uuid)],
) -> Result<Vec<(String, uuid::Uuid)>, sqlx::Error> {
    let (tenants, ids): (Vec<String>, Vec<uuid::Uuid>) = tickets.iter().cloned().unzip();
    let rows = sqlx::query!(
        r#"select distinct r.tenant_id, r.ticket as "ticket!"
         from unnest($1::text[], $2::uuid[]) as asked (tenant_id, ticket_id)
         join reservations r on r.tenant_id = asked.tenant_id and r.ticket = asked.ticket_id
         where r.near_latitude is not null"#,
        &tenants,
        &ids,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    Ok(rows.map(|row| (row.tenant_id, row.ticket)).collect())
}
