use proto::dispatch::v1 as pb;

use crate::support::*;

fn book(order: &pb::WorkOrder, slot: &pb::Slot) -> pb::BookAppointmentRequest {
    pb::BookAppointmentRequest {
        work_order: order.name.clone(),
        technician: slot.technician.clone(),
        start_time: slot.window.and_then(|window| window.start),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_moves_a_visit_to_an_offered_time() {
    let house = house().await;
    house.add(technician("HZ-1")).await;
    let mut novice = technician("HZ-2");
    novice.skills.clear();
    house.add(novice).await;
    let order = house.create(visit()).await;
    let mut client = house.appointments.clone();

    let find = pb::FindSlotsRequest {
        work_order: order.name.clone(),
        window: Some(window("2021-03-03T00:00:00Z", "2021-03-05T00:00:00Z")),
        limit: 3,
    };
    let offer = client.find_slots(find).await.unwrap().into_inner();
    let starts: Vec<_> = offer
        .slots
        .iter()
        .map(|slot| slot.window.unwrap().start)
        .collect();
    let expected = ["01:30", "02:00", "02:30"];
    assert_eq!(
        starts,
        expected.map(|at| Some(instant(&format!("2021-03-03T{at}:00Z"))))
    );
    assert_eq!(codes(&offer.findings), ["SKILL_MISSING"]);

    let moved = client
        .book_appointment(book(&order, &offer.slots[1]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (state(&moved), moved.window),
        ("SCHEDULED", offer.slots[1].window)
    );
    assert_eq!(
        house.told(&order.name).await,
        ["work_order.scheduled", "work_order.scheduled"]
    );
    // Its old time is free again.
    assert_eq!(house.create(visit()).await.window, order.window);
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_is_gone_or_was_never_possible_is_refused() {
    let house = house().await;
    let technician = house.add(technician("HZ-1")).await;
    let (order, other) = (house.create(visit()).await, house.create(visit()).await);
    let mut client = house.appointments.clone();
    let slot = |window| pb::Slot {
        technician: technician.name.clone(),
        window,
        travel_seconds: 0,
    };

    let taken = client
        .book_appointment(book(&order, &slot(other.window)))
        .await
        .unwrap_err();
    assert_eq!(reason(&taken), "SLOT_TAKEN");
    let night = slot(Some(window("2021-03-02T18:00:00Z", "2021-03-02T19:00:00Z")));
    let night = client
        .book_appointment(book(&order, &night))
        .await
        .unwrap_err();
    assert_eq!(
        (reason(&night), fact(&night, "findings")),
        ("NOT_FEASIBLE".into(), "OUTSIDE_SHIFT".into())
    );
    let stranger = pb::Slot {
        technician: name("technicians"),
        ..slot(other.window)
    };
    let stranger = client
        .book_appointment(book(&order, &stranger))
        .await
        .unwrap_err();
    assert_eq!(reason(&stranger), "NOT_FOUND");
    // A refusal leaves the old booking as it was.
    assert_eq!(house.get(&order.name).await, order);
    assert_eq!(house.breaches().await, []);

    let bad = pb::BookAppointmentRequest {
        technician: "HZ-1".into(),
        ..Default::default()
    };
    let bad = client.book_appointment(bad).await.unwrap_err();
    assert_eq!(fields(&bad), ["technician", "start_time", "work_order"]);
    let bad = pb::FindSlotsRequest {
        work_order: String::new(),
        window: Some(window("2021-03-05T00:00:00Z", "2021-03-03T00:00:00Z")),
        limit: 51,
    };
    let bad = client.find_slots(bad).await.unwrap_err();
    assert_eq!(fields(&bad), ["window.end", "limit", "work_order"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_are_offered_for_work_that_can_still_be_booked() {
    let house = house().await;
    house.add(technician("HZ-1")).await;
    let order = house.create(visit()).await;
    let mut client = house.appointments.clone();
    let find = |name: &str| pb::FindSlotsRequest {
        work_order: name.into(),
        ..Default::default()
    };
    let offer = client
        .find_slots(find(&order.name))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(offer.slots.len(), 10);

    let cancel = pb::CancelWorkOrderRequest {
        name: order.name.clone(),
        ..Default::default()
    };
    house
        .orders
        .clone()
        .cancel_work_order(cancel)
        .await
        .unwrap();
    let refused = client.find_slots(find(&order.name)).await.unwrap_err();
    assert_eq!(reason(&refused), "ILLEGAL_MOVE");
    let refused = client
        .find_slots(find(&name("workOrders")))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatcher_gives_work_to_somebody_at_a_time_of_their_choice() {
    let house = house().await;
    house.add(technician("HZ-1")).await;
    let mut far = technician("HZ-2");
    far.home_latitude = 30.9;
    let far = house.add(far).await;
    let order = house.create(visit()).await;
    let mut client = house.orders.clone();
    let assign = |technician: &str, start: Option<&str>| pb::AssignWorkOrderRequest {
        name: order.name.clone(),
        technician: technician.into(),
        start_time: start.map(instant),
        ..Default::default()
    };

    let earliest = client
        .assign_work_order(assign(&far.name, None))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(earliest.technician, far.name);
    assert_eq!(
        earliest.window.unwrap().start,
        Some(instant("2021-03-01T03:00:00Z"))
    );
    let exact = assign(&far.name, Some("2021-03-04T05:07:00Z"));
    let exact = client.assign_work_order(exact).await.unwrap().into_inner();
    assert_eq!(
        exact.window.unwrap().start,
        Some(instant("2021-03-04T05:07:00Z"))
    );
    let back = client
        .assign_work_order(assign("", None))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (back.technician, back.window),
        (order.technician.clone(), order.window)
    );

    let night = assign(&far.name, Some("2021-03-02T18:00:00Z"));
    let night = client.assign_work_order(night).await.unwrap_err();
    assert_eq!(
        (reason(&night), fact(&night, "findings")),
        ("NOT_FEASIBLE".into(), "OUTSIDE_SHIFT".into())
    );
    let whose = client
        .assign_work_order(assign("", Some("2021-03-02T18:00:00Z")))
        .await
        .unwrap_err();
    assert_eq!(fields(&whose), ["technician"]);
    assert_eq!(house.breaches().await, []);
}
