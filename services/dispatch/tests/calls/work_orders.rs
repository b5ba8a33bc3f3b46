use chassis::testing::eventually;
use proto::dispatch::v1 as pb;

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_feasible_technician_is_booked_in_a_period_long_past() {
    let house = house().await;
    let near = house.add(technician("HZ-1")).await;
    let mut far = technician("HZ-2");
    far.home_latitude = 30.9;
    let far = house.add(far).await;
    let mut novice = technician("HZ-3");
    novice.skills.clear();
    house.add(novice).await;

    let order = house.create(visit()).await;

    assert_eq!(
        (state(&order), &order.technician),
        ("SCHEDULED", &near.name)
    );
    assert_eq!(
        order.window.unwrap().start,
        Some(instant("2021-03-01T01:20:00Z"))
    );
    assert_eq!(
        codes(&order.findings),
        ["TECHNICIAN_CHOSEN", "SKILL_MISSING", "FARTHER"]
    );
    assert_eq!(order.findings[2].subject, far.name);
    assert!(
        order
            .findings
            .iter()
            .all(|finding| !finding.message.is_empty())
    );
    assert_eq!(house.told(&order.name).await, ["work_order.scheduled"]);
    assert_eq!(house.get(&order.name).await, order);
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_a_round_has_one_work_order_for_ever() {
    let house = house().await;
    house.add(technician("HZ-1")).await;
    let first = visit();
    let order = house.create(first.clone()).await;

    assert_eq!(
        house.create(first.clone()).await,
        order,
        "a repeat answers as the first time"
    );
    let renamed = pb::CreateWorkOrderRequest {
        name: name("workOrders"),
        ..first.clone()
    };
    assert_eq!(house.create(renamed).await, order);
    let other_step = pb::CreateWorkOrderRequest {
        step: "FETCH".into(),
        ..first.clone()
    };
    let refused = house
        .orders
        .clone()
        .create_work_order(other_step)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "ALREADY_EXISTS");
    let next_round = pb::CreateWorkOrderRequest {
        name: String::new(),
        round: 2,
        ..first
    };
    assert_ne!(house.create(next_round).await.name, order.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_comes_after_its_cancel_is_refused() {
    let house = house().await;
    house.add(technician("HZ-1")).await;
    let late = visit();
    let cancel = pb::CancelWorkOrderRequest {
        name: late.name.clone(),
        ..Default::default()
    };

    for _ in 0..2 {
        let told = house
            .orders
            .clone()
            .cancel_work_order(cancel.clone())
            .await
            .unwrap();
        assert_eq!(
            (state(told.get_ref()), &told.get_ref().name),
            ("CANCELLED", &late.name)
        );
    }
    let refused = house
        .orders
        .clone()
        .create_work_order(late.clone())
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "WORK_ORDER_WITHDRAWN");
    assert_eq!(fact(&refused, "name"), late.name);
    let get = pb::GetWorkOrderRequest { name: late.name };
    assert_eq!(
        reason(&house.orders.clone().get_work_order(get).await.unwrap_err()),
        "NOT_FOUND"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_work_order_is_booked_when_a_technician_appears() {
    let house = house().await;
    let order = house.create(visit()).await;
    assert_eq!(
        (state(&order), codes(&order.findings)),
        ("OPEN", vec!["REGION_EMPTY"])
    );
    assert_eq!(house.told(&order.name).await, ["work_order.opened"]);

    let mut novice = technician("HZ-1");
    novice.skills.clear();
    let novice = house.add(novice).await;
    let learned = pb::UpdateTechnicianRequest {
        technician: Some(pb::Technician {
            name: novice.name.clone(),
            ..technician("HZ-1")
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["skills".into()],
        }),
        request_id: String::new(),
    };
    house
        .technicians
        .clone()
        .update_technician(learned)
        .await
        .unwrap();

    let booked = eventually(WAIT, "the open work order is booked", async || {
        Some(house.get(&order.name).await).filter(|order| state(order) == "SCHEDULED")
    })
    .await;
    assert_eq!(booked.technician, novice.name);
    assert_eq!(
        house.told(&order.name).await,
        ["work_order.opened", "work_order.scheduled"]
    );
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_work_order_is_searched_for_again_by_itself() {
    let settings = [
        ("dispatch.retry_seconds", "1"),
        ("dispatch.retry_poll_ms", "50"),
    ];
    let house = house_with(&settings).await;
    house.add(technician("HZ-1")).await;
    let one_place = |mut request: pb::CreateWorkOrderRequest| {
        request.window = Some(window("2021-03-01T02:00:00Z", "2021-03-01T03:30:00Z"));
        request
    };
    let first = house.create(one_place(visit())).await;
    let second = house.create(one_place(visit())).await;
    assert_eq!((state(&first), state(&second)), ("SCHEDULED", "OPEN"));
    assert_eq!(codes(&second.findings), ["BOOKED"]);

    let cancel = pb::CancelWorkOrderRequest {
        name: first.name.clone(),
        ..Default::default()
    };
    house
        .orders
        .clone()
        .cancel_work_order(cancel)
        .await
        .unwrap();

    eventually(WAIT, "the second visit gets the time", async || {
        (state(&house.get(&second.name).await) == "SCHEDULED").then_some(())
    })
    .await;
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_orders_are_listed_newest_first_by_each_filter() {
    let house = house().await;
    let technician = house.add(technician("HZ-1")).await;
    let mut names = Vec::new();
    for day in 1..=3 {
        let mut request = visit();
        request.occur_time = Some(instant(&format!("2021-03-0{day}T00:00:00Z")));
        names.insert(0, house.create(request).await.name);
    }
    let elsewhere = pb::CreateWorkOrderRequest {
        region: "cn-south".into(),
        ..visit()
    };
    let elsewhere = house.create(elsewhere).await;
    let mut client = house.orders.clone();
    let listed = async |request: pb::ListWorkOrdersRequest| {
        let page = house
            .orders
            .clone()
            .list_work_orders(request)
            .await
            .unwrap()
            .into_inner();
        let names: Vec<String> = page
            .work_orders
            .into_iter()
            .map(|order| order.name)
            .collect();
        (names, page.next_page_token)
    };

    let mut request = pb::ListWorkOrdersRequest {
        technician: technician.name,
        page_size: 2,
        ..Default::default()
    };
    let (first, token) = listed(request.clone()).await;
    assert_eq!(first, names[..2]);
    request.page_token = token;
    assert_eq!(
        listed(request.clone()).await,
        (names[2..].to_vec(), String::new())
    );
    request.states = vec![pb::work_order::State::Open.into()];
    let foreign = client.list_work_orders(request).await.unwrap_err();
    assert_eq!(reason(&foreign), "PAGE_TOKEN_INVALID");

    let open = pb::ListWorkOrdersRequest {
        states: vec![pb::work_order::State::Open.into()],
        ..Default::default()
    };
    assert_eq!(listed(open).await.0, std::slice::from_ref(&elsewhere.name));
    let region = pb::ListWorkOrdersRequest {
        region: "cn-south".into(),
        ..Default::default()
    };
    assert_eq!(
        listed(region).await.0,
        std::slice::from_ref(&elsewhere.name)
    );
    let ticket = pb::ListWorkOrdersRequest {
        ticket: elsewhere.ticket,
        ..Default::default()
    };
    assert_eq!(listed(ticket).await.0, [elsewhere.name]);
    let bad = pb::ListWorkOrdersRequest {
        ticket: "7".into(),
        states: vec![99],
        ..Default::default()
    };
    let bad = client.list_work_orders(bad).await.unwrap_err();
    assert_eq!(fields(&bad), ["ticket", "states"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_work_order_is_named_at_once() {
    let house = house().await;
    let mut bad = visit();
    bad.name = "workOrders/7".into();
    bad.ticket = String::new();
    bad.step = "x".repeat(41);
    bad.round = -1;
    bad.mode = 0;
    bad.required_skills[0].level = 9;
    bad.parts = vec!["screw".into()];
    bad.site.as_mut().unwrap().time_zone = String::new();
    bad.site.as_mut().unwrap().latitude = 100.0;
    bad.duration = Some(prost_types::Duration {
        seconds: 60,
        nanos: 0,
    });
    bad.window = Some(window("2021-03-02T00:00:00Z", "2021-03-01T00:00:00Z"));
    bad.region = String::new();
    bad.asset = "assets/x".into();
    bad.occur_time = Some(instant("2999-01-01T00:00:00Z"));
    let mut violated = fields(
        &house
            .orders
            .clone()
            .create_work_order(bad)
            .await
            .unwrap_err(),
    );
    violated.sort();
    let expected = [
        "asset",
        "duration",
        "mode",
        "name",
        "occur_time",
        "parts[0]",
        "region",
        "required_skills[0].level",
        "round",
        "site.latitude",
        "site.time_zone",
        "step",
        "ticket",
        "window.end",
    ];
    assert_eq!(violated, expected);

    let mut long = visit();
    long.window = Some(window("2021-01-01T00:00:00Z", "2022-01-01T00:00:00Z"));
    long.duration = Some(prost_types::Duration {
        seconds: 13 * 3_600,
        nanos: 0,
    });
    let refused = house
        .orders
        .clone()
        .create_work_order(long)
        .await
        .unwrap_err();
    assert_eq!(fields(&refused), ["duration", "window"]);
    let mut short = visit();
    short.window = Some(window("2021-01-01T00:00:00Z", "2021-01-01T00:30:00Z"));
    let refused = house
        .orders
        .clone()
        .create_work_order(short)
        .await
        .unwrap_err();
    assert_eq!(fields(&refused), ["window"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_answers_once_and_not_for_another_body() {
    let house = house().await;
    house.add(technician("HZ-1")).await;
    let request = pb::CreateWorkOrderRequest {
        request_id: "k-1".into(),
        name: String::new(),
        ..visit()
    };
    let first = house.create(request.clone()).await;
    assert_eq!(house.create(request.clone()).await, first);
    let other = pb::CreateWorkOrderRequest {
        ticket: name("tickets"),
        ..request
    };
    let refused = house
        .orders
        .clone()
        .create_work_order(other)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
}
