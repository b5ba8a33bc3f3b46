use futures::future::join_all;
use proto::dispatch::v1 as pb;

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn of_64_callers_after_one_slot_exactly_one_gets_it() {
    let house = house().await;
    let mut orders = Vec::new();
    for _ in 0..64 {
        orders.push(house.create(visit()).await.name);
    }
    // Of another region, so that the search leaves the visits open until the race.
    let technician = house
        .add(pb::Technician {
            region: "cn-west".into(),
            ..technician("HZ-1")
        })
        .await;

    let calls = orders.iter().map(|order| {
        let request = pb::BookAppointmentRequest {
            work_order: order.clone(),
            technician: technician.name.clone(),
            start_time: Some(instant("2021-03-02T03:00:00Z")),
            ..Default::default()
        };
        let mut client = house.appointments.clone();
        async move { client.book_appointment(request).await }
    });
    let answers = join_all(calls).await;

    let won = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(won, 1);
    for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(reason(refused), "SLOT_TAKEN", "{refused:?}");
    }
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_callers_in_one_region_each_gets_a_time_of_its_own() {
    let house = house().await;
    for number in 1..=4 {
        house.add(technician(&format!("HZ-{number}"))).await;
    }

    let calls = (0..64).map(|_| {
        let mut client = house.orders.clone();
        async move { client.create_work_order(visit()).await }
    });
    let answers = join_all(calls).await;

    for answer in &answers {
        let order = answer.as_ref().unwrap().get_ref();
        assert_eq!(state(order), "SCHEDULED", "{:?}", codes(&order.findings));
    }
    assert_eq!(house.breaches().await, []);
    let bookings: i64 = sqlx::query_scalar("select count(*) from bookings")
        .fetch_one(&mut house.sql().await)
        .await
        .unwrap();
    assert_eq!(bookings, 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_create_and_a_cancel_at_once_nothing_stays_booked() {
    let house = house().await;
    house.add(technician("HZ-1")).await;
    for _ in 0..20 {
        let create = visit();
        let cancel = pb::CancelWorkOrderRequest {
            name: create.name.clone(),
            ..Default::default()
        };
        let (mut one, mut two) = (house.orders.clone(), house.orders.clone());
        let (created, cancelled) =
            tokio::join!(one.create_work_order(create), two.cancel_work_order(cancel));
        assert_eq!(state(cancelled.unwrap().get_ref()), "CANCELLED");
        if let Err(refused) = created {
            assert_eq!(reason(&refused), "WORK_ORDER_WITHDRAWN");
        }
    }
    let bookings: i64 = sqlx::query_scalar("select count(*) from bookings")
        .fetch_one(&mut house.sql().await)
        .await
        .unwrap();
    assert_eq!((bookings, house.breaches().await), (0, vec![]));
}
