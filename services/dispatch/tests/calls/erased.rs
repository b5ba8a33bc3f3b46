//! A work order whose customer was erased keeps what was done, and says nothing of anybody.

use chassis::testing::eventually;
use proto::dispatch::v1 as pb;
use proto::kinds::v1::PostalAddress;

use crate::support::*;
use crate::verbs::completion;

/// A visit at somebody's door, under way.
async fn at_the_door(house: &House) -> pb::WorkOrder {
    house.add(technician("NEAR")).await;
    let mut request = visit();
    if let Some(site) = &mut request.site {
        site.address = Some(PostalAddress {
            region_code: "CN".into(),
            locality: "Hangzhou".into(),
            address_lines: vec!["9 Bamboo Lane".into()],
            postal_code: "310001".into(),
            ..PostalAddress::default()
        });
    }
    let order = house.create(request).await;
    let (name, occur_time) = (order.name, Some(instant("2021-03-01T02:00:00Z")));
    let request = pb::ArriveWorkOrderRequest {
        name,
        occur_time,
        ..Default::default()
    };
    let arrived = house.orders.clone().arrive_work_order(request).await;
    arrived.unwrap().into_inner()
}

/// Hears that a ticket is erased, and waits until its order is.
async fn erase(house: &House, order: &pb::WorkOrder) -> pb::WorkOrder {
    let record = "insert into erasures (tenant_id, subject, recorded_at, look_at)
         values ('acme', $1, now(), now())";
    let record = sqlx::query(record).bind(&order.ticket);
    record.execute(&mut house.sql().await).await.unwrap();
    eventually(WAIT, "the order is erased", async || {
        let found = house.get(&order.name).await;
        found.erase_time.is_some().then_some(found)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn street_and_exact_place_go_and_the_city_stays() {
    let house = house().await;
    let order = at_the_door(&house).await;

    let erased = erase(&house, &order).await;

    let site = erased.site.unwrap();
    let address = site.address.unwrap();
    assert_eq!((site.latitude, site.longitude), (30.2, 120.2));
    assert_eq!(address.locality, "Hangzhou");
    assert_eq!(address.postal_code, "");
    assert!(address.address_lines.is_empty());
    let booked: Vec<(f64, f64)> = sqlx::query_as("select site_lat, site_lng from bookings")
        .fetch_all(&mut house.sql().await)
        .await
        .unwrap();
    assert_eq!(booked, [(30.2, 120.2)]);
    assert_ne!(erased.etag, order.etag);
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_comes_after_the_erasure_leaves_what_was_used_and_no_word() {
    let house = house().await;
    let order = at_the_door(&house).await;
    erase(&house, &order).await;

    let mut request = completion(&order);
    request.report = "Mrs Li was at home".into();
    request.signature = "Li".into();
    request.occur_time = Some(instant("2021-03-01T03:00:00Z"));
    let used = request.parts_used[0].new_serial.clone();
    let done = house.orders.clone().complete_work_order(request).await;

    let done = done.unwrap().into_inner();
    assert_eq!(state(&done), "COMPLETED");
    assert_eq!((done.report.as_str(), done.signature.as_str()), ("", ""));
    assert_eq!(done.parts_used[0].new_serial, used);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_for_an_erased_ticket() {
    let house = house().await;
    let order = at_the_door(&house).await;
    erase(&house, &order).await;

    let mut request = visit();
    (request.ticket, request.round) = (order.ticket.clone(), 2);
    let refused = house.orders.clone().create_work_order(request).await;

    let refused = refused.unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
    assert_eq!(fact(&refused, "name"), order.ticket);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_that_comes_after_the_erasure_is_not_kept() {
    let house = house().await;
    let order = at_the_door(&house).await;
    erase(&house, &order).await;

    let request = pb::CancelWorkOrderRequest {
        name: order.name.clone(),
        reason: "Mrs Li called".into(),
        occur_time: Some(instant("2021-03-01T03:00:00Z")),
        ..Default::default()
    };
    let done = house.orders.clone().cancel_work_order(request).await;

    assert_eq!(state(&done.unwrap().into_inner()), "CANCELLED");
    let kept: i64 =
        sqlx::query_scalar("select count(*) from work_orders where cancel_reason <> ''")
            .fetch_one(&mut house.sql().await)
            .await
            .unwrap();
    assert_eq!(kept, 0);
}
