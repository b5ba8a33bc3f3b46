use dispatch::invariants::{IDLE, OVERLAP, UNBOOKED};
use sqlx::{Executor, PgConnection};

use crate::support::*;

/// Two visits booked one after the other, and a connection to spoil them.
async fn spoilt(sql: &'static str) -> Vec<(&'static str, String)> {
    let house = house().await;
    house.add(technician("HZ-1")).await;
    for _ in 0..2 {
        house.create(visit()).await;
    }
    assert_eq!(house.breaches().await, []);
    house.sql().await.execute(sql).await.unwrap();
    house
        .breaches()
        .await
        .into_iter()
        .map(|breach| (breach.law, breach.subject))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wall_refuses_an_overlap_and_the_alarm_names_it_when_the_wall_is_gone() {
    let house = house().await;
    let technician = house.add(technician("HZ-1")).await;
    house.create(visit()).await;
    house.create(visit()).await;
    let mut sql: PgConnection = house.sql().await;
    let overlap = "update bookings b
        set starts_at = o.starts_at, ends_at = o.ends_at, during = o.during
        from bookings o where o.work_order_id <> b.work_order_id
            and o.starts_at = (select min(starts_at) from bookings)";

    let refused = sql.execute(overlap).await.unwrap_err();
    assert_eq!(
        refused.as_database_error().unwrap().code().as_deref(),
        Some("23P01")
    );
    assert_eq!(house.breaches().await, []);

    sql.execute("alter table bookings drop constraint bookings_never_overlap")
        .await
        .unwrap();
    sql.execute(overlap).await.unwrap();
    let breaches = house.breaches().await;
    let subject = format!("acme/{}", technician.name);
    assert!(
        breaches
            .iter()
            .any(|b| b.law == OVERLAP && b.subject == subject),
        "{breaches:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booked_visit_without_its_booking_is_named() {
    let lost =
        spoilt("delete from bookings where starts_at = (select min(starts_at) from bookings)")
            .await;
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0].0, UNBOOKED);

    let moved = spoilt(
        "update bookings set during = tstzrange(lower(during), ends_at - interval '1 minute'),
             ends_at = ends_at - interval '1 minute'",
    )
    .await;
    assert_eq!(
        moved.iter().map(|breach| breach.0).collect::<Vec<_>>(),
        [UNBOOKED, UNBOOKED]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_nobody_needs_is_named() {
    let idle = spoilt(
        "update work_orders set state = 'CANCELLED'
         where starts_at = (select min(starts_at) from work_orders)",
    )
    .await;
    assert_eq!(idle.len(), 1);
    assert!(
        idle[0].0 == IDLE && idle[0].1.starts_with("acme/workOrders/"),
        "{idle:?}"
    );
}
