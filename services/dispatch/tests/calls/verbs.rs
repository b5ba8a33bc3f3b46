use proto::dispatch::v1 as pb;
use proto::inventory::v1::PartUsed;
use tonic::{Response, Status};

use crate::support::*;

type Answer = Result<Response<pb::WorkOrder>, Status>;

const VERBS: [&str; 7] = [
    "assign", "book", "depart", "arrive", "start", "complete", "cancel",
];

/// Does the verb with what it needs.
async fn does(house: &House, verb: &str, order: &pb::WorkOrder, etag: &str) -> Answer {
    let (name, etag) = (order.name.clone(), etag.to_owned());
    let mut orders = house.orders.clone();
    let occur_time = Some(instant("2021-03-01T02:00:00Z"));
    let (request_id, at) = (String::new(), occur_time);
    match verb {
        "assign" => {
            let request = pb::AssignWorkOrderRequest {
                name,
                etag,
                request_id,
                occur_time: at,
                ..Default::default()
            };
            orders.assign_work_order(request).await
        }
        "book" => {
            let request = pb::BookAppointmentRequest {
                work_order: name,
                technician: first_technician(house).await,
                start_time: Some(instant("2021-03-04T03:00:00Z")),
                request_id,
                occur_time: at,
            };
            house.appointments.clone().book_appointment(request).await
        }
        "depart" => {
            let request = pb::DepartWorkOrderRequest {
                name,
                etag,
                request_id,
                occur_time: at,
            };
            orders.depart_work_order(request).await
        }
        "arrive" => {
            let request = pb::ArriveWorkOrderRequest {
                name,
                etag,
                request_id,
                occur_time: at,
            };
            orders.arrive_work_order(request).await
        }
        "start" => {
            let request = pb::StartWorkOrderRequest {
                name,
                etag,
                request_id,
                occur_time: at,
            };
            orders.start_work_order(request).await
        }
        "complete" | "give up" => {
            let mut request = completion(order);
            (request.etag, request.occur_time) = (etag, at);
            if verb == "give up" {
                request.outcome = pb::work_order::State::Incomplete.into();
                request.signature = String::new();
            }
            orders.complete_work_order(request).await
        }
        _ => {
            let request = pb::CancelWorkOrderRequest {
                name,
                etag,
                request_id,
                occur_time: at,
                reason: "sold".into(),
            };
            orders.cancel_work_order(request).await
        }
    }
}

async fn first_technician(house: &House) -> String {
    let mut client = house.technicians.clone();
    let all = pb::ListTechniciansRequest::default();
    let list = client.list_technicians(all).await.unwrap().into_inner();
    list.technicians[0].name.clone()
}

pub(crate) fn completion(order: &pb::WorkOrder) -> pb::CompleteWorkOrderRequest {
    pb::CompleteWorkOrderRequest {
        name: order.name.clone(),
        parts_used: vec![PartUsed {
            part: "parts/MB-1".into(),
            quantity: 0,
            new_serial: "N-1".into(),
            old_serial: "O-1".into(),
        }],
        outcome: pb::work_order::State::Completed.into(),
        report: "Main board replaced".into(),
        signature: "Zhang San".into(),
        ..Default::default()
    }
}

/// A new work order of that mode after these verbs.
async fn after(house: &House, mode: pb::WorkMode, verbs: &[&str]) -> pb::WorkOrder {
    let request = pb::CreateWorkOrderRequest {
        mode: mode.into(),
        ..visit()
    };
    let mut order = house.create(request).await;
    for verb in verbs {
        order = does(house, verb, &order, "").await.unwrap().into_inner();
    }
    order
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_in_every_state_is_done_or_refused_with_what_is_allowed() {
    let house = house().await;
    // Only the two the whole table runs on; the search would book open ones at once.
    for code in ["HZ-1", "HZ-2"] {
        house.add(technician(code)).await;
    }
    let (visit, bench) = (pb::WorkMode::OnSite, pb::WorkMode::Bench);
    let rows: [(&str, pb::WorkMode, &[&str], &[&str]); 10] = [
        (
            "SCHEDULED",
            visit,
            &[],
            &["assign", "book", "depart", "arrive", "cancel"],
        ),
        (
            "SCHEDULED",
            bench,
            &[],
            &["assign", "book", "start", "cancel"],
        ),
        ("EN_ROUTE", visit, &["depart"], &["arrive", "cancel"]),
        (
            "ON_SITE",
            visit,
            &["arrive"],
            &["start", "complete", "cancel"],
        ),
        (
            "ON_SITE",
            visit,
            &["depart", "arrive"],
            &["start", "complete", "cancel"],
        ),
        (
            "IN_PROGRESS",
            visit,
            &["arrive", "start"],
            &["complete", "cancel"],
        ),
        ("IN_PROGRESS", bench, &["start"], &["complete", "cancel"]),
        ("COMPLETED", visit, &["arrive", "start", "complete"], &[]),
        ("INCOMPLETE", visit, &["arrive", "give up"], &[]),
        ("CANCELLED", visit, &["cancel"], &[]),
    ];
    for (from, mode, path, allowed) in rows {
        for verb in VERBS {
            let order = after(&house, mode, path).await;
            assert_eq!(
                (state(&order), &order.allowed_verbs[..]),
                (from, &own(allowed)[..])
            );
            let answer = does(&house, verb, &order, "").await;
            if allowed.contains(&verb) {
                assert!(answer.is_ok(), "{verb} of {from}: {answer:?}");
            } else if (from, verb) == ("CANCELLED", "cancel") {
                assert_eq!(answer.unwrap().into_inner(), order, "twice changes nothing");
            } else {
                let refused = answer.unwrap_err();
                assert_eq!(reason(&refused), "ILLEGAL_MOVE", "{verb} of {from}");
                assert_eq!(fact(&refused, "state"), from);
                assert_eq!(fact(&refused, "verb"), verb);
                assert_eq!(fact(&refused, "allowed_verbs"), allowed.join(","));
            }
            let cancel = pb::CancelWorkOrderRequest {
                name: order.name,
                ..Default::default()
            };
            let _ = house.orders.clone().cancel_work_order(cancel).await;
        }
    }
    assert_eq!(house.breaches().await, []);
}

fn own(verbs: &[&str]) -> Vec<String> {
    verbs.iter().map(|verb| (*verb).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_work_order_can_be_given_away_or_cancelled() {
    let house = house().await;
    // Of another region, so that the search does not find them.
    house
        .add(pb::Technician {
            region: "cn-west".into(),
            ..technician("HZ-1")
        })
        .await;
    for verb in VERBS {
        let order = after(&house, pb::WorkMode::OnSite, &[]).await;
        assert_eq!(
            (state(&order), &order.allowed_verbs[..]),
            ("OPEN", &own(&["assign", "book", "cancel"])[..])
        );
        let answer = does(&house, verb, &order, "").await;
        match verb {
            "assign" => assert_eq!(reason(&answer.unwrap_err()), "NOT_FEASIBLE"),
            "book" => assert_eq!(state(answer.unwrap().get_ref()), "SCHEDULED"),
            "cancel" => assert_eq!(state(answer.unwrap().get_ref()), "CANCELLED"),
            _ => assert_eq!(reason(&answer.unwrap_err()), "ILLEGAL_MOVE", "{verb}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_told_step_by_step_with_its_times() {
    let house = house().await;
    house.add(technician("HZ-1")).await;
    let order = after(
        &house,
        pb::WorkMode::OnSite,
        &["depart", "arrive", "start", "complete"],
    )
    .await;

    let at = Some(instant("2021-03-01T02:00:00Z"));
    assert_eq!(
        (order.depart_time, order.arrive_time, order.complete_time),
        (at, at, at)
    );
    assert_eq!(
        (order.report.as_str(), order.signature.as_str()),
        ("Main board replaced", "Zhang San")
    );
    assert_eq!(
        (order.parts_used.len(), order.parts_used[0].quantity),
        (1, 1)
    );
    let told = house.told(&order.name).await;
    let steps = ["scheduled", "departed", "arrived", "started", "completed"];
    assert_eq!(told, steps.map(|step| format!("work_order.{step}")));

    // The last event alone says everything, but for the place, the report and the signature:
    // events carry nothing of people. Its fields have the work order's numbers.
    let kept = prost::Message::encode_to_vec(&order);
    let mut expected: pb::WorkOrderFacts = prost::Message::decode(kept.as_slice()).unwrap();
    expected.time_zone = order.site.clone().unwrap().time_zone;
    let payload: Vec<u8> = sqlx::query_scalar(
        "select payload from outbox where kind = 'work_order.completed' and aggregate = $1",
    )
    .bind(&order.name)
    .fetch_one(&mut house.sql().await)
    .await
    .unwrap();
    let payload: pb::WorkOrderEventPayload = prost::Message::decode(payload.as_slice()).unwrap();
    assert_eq!((payload.work_order, payload.time), (Some(expected), at));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_visit_is_free_again() {
    let house = house().await;
    house.add(technician("HZ-1")).await;
    // Planned 01:20 to 02:20, done at 02:00.
    after(
        &house,
        pb::WorkMode::OnSite,
        &["arrive", "start", "complete"],
    )
    .await;
    let next = house.create(visit()).await;
    // No way between two visits at one site: the next one begins where the first one ended.
    assert_eq!(
        next.window.unwrap().start,
        Some(instant("2021-03-01T02:00:00Z"))
    );

    let cancelled = does(&house, "cancel", &next, "")
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        house.told(&cancelled.name).await.last().unwrap(),
        "work_order.cancelled"
    );
    let again = house.create(visit()).await;
    assert_eq!(again.window, next.window);
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_completion_is_named_at_once() {
    let house = house().await;
    house.add(technician("HZ-1")).await;
    let order = after(&house, pb::WorkMode::OnSite, &["arrive", "start"]).await;
    let mut bad = completion(&order);
    (bad.report, bad.signature) = (" ".into(), String::new());
    bad.parts_used.push(bad.parts_used[0].clone());
    bad.parts_used[0].quantity = -1;
    bad.parts_used.push(PartUsed {
        part: "screw".into(),
        ..Default::default()
    });
    bad.occur_time = Some(instant("2999-01-01T00:00:00Z"));
    let refused = house
        .orders
        .clone()
        .complete_work_order(bad)
        .await
        .unwrap_err();
    let mut violated = fields(&refused);
    violated.sort();
    let expected = [
        "occur_time",
        "parts_used[0].quantity",
        "parts_used[1].new_serial",
        "parts_used[2].part",
        "report",
        "signature",
    ];
    assert_eq!(violated, expected);

    let mut many = completion(&order);
    many.outcome = pb::work_order::State::Open.into();
    many.parts_used = vec![many.parts_used[0].clone(); 51];
    let refused = house
        .orders
        .clone()
        .complete_work_order(many)
        .await
        .unwrap_err();
    assert_eq!(fields(&refused), ["outcome", "parts_used"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_on_an_old_reading_or_on_nothing_is_refused() {
    let house = house().await;
    house.add(technician("HZ-1")).await;
    let order = after(&house, pb::WorkMode::OnSite, &[]).await;
    let departed = does(&house, "depart", &order, &order.etag)
        .await
        .unwrap()
        .into_inner();
    for verb in ["assign", "depart", "arrive", "start", "complete", "cancel"] {
        let stale = does(&house, verb, &order, &order.etag).await.unwrap_err();
        assert_eq!(reason(&stale), "STALE_ETAG", "{verb}");
        let nothing = pb::WorkOrder {
            name: name("workOrders"),
            ..order.clone()
        };
        let answer = does(&house, verb, &nothing, "").await;
        if verb != "cancel" {
            assert_eq!(reason(&answer.unwrap_err()), "NOT_FOUND", "{verb}");
        }
        let nonsense = pb::WorkOrder {
            name: "tickets/7".into(),
            ..order.clone()
        };
        let refused = does(&house, verb, &nonsense, "").await.unwrap_err();
        assert_eq!(fields(&refused), ["name"], "{verb}");
    }
    assert_eq!(house.get(&order.name).await, departed);
}
