//! Repairs heard from dispatch, and what they change.
#![allow(clippy::unwrap_used)]

mod support;

use chassis::Refusal;
use chassis::inbox::{Consumer, Delivered};
use chassis::refusal::to_pb;
use entitlement::Repairs;
use jiff::Timestamp;
use prost::Message;
use proto::dispatch::v1::{WorkOrderEventPayload, WorkOrderFacts};
use proto::entitlement::v1::entitlement_decision::Remedy;
use proto::entitlement::v1::*;
use proto::inventory::v1::PartUsed;
use support::*;
use tonic::Code;
use uuid::Uuid;

/// A completed work order in Hangzhou, as dispatch tells it.
fn completed(
    asset: &str,
    number: u128,
    component: &str,
    from: &str,
    to: &str,
    parts: &[(&str, &str)],
) -> Delivered {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let name = format!("workOrders/{}", Uuid::from_u128(number));
    let order = WorkOrderFacts {
        name: name.clone(),
        ticket: format!("tickets/{}", Uuid::from_u128(77)),
        asset: asset.into(),
        component: component.into(),
        time_zone: "Asia/Shanghai".into(),
        create_time: Some(to_pb(at(from))),
        complete_time: Some(to_pb(at(to))),
        parts_used: parts
            .iter()
            .map(|(old, new)| PartUsed {
                part: "parts/P-1".into(),
                quantity: 1,
                old_serial: (*old).into(),
                new_serial: (*new).into(),
            })
            .collect(),
        ..Default::default()
    };
    let payload = WorkOrderEventPayload {
        work_order: Some(order),
        time: None,
    };
    Delivered {
        id: Uuid::from_u128(number),
        tenant: caller("acme").0.tenant,
        source: "dispatch".into(),
        kind: "work_order.completed".into(),
        aggregate: name,
        version: 1,
        occurred_at: at(to),
        recorded_at: at(to),
        payload: payload.encode_to_vec().into(),
        trace: String::new(),
        principal: String::new(),
    }
}

async fn hear(suite: &Suite, event: &Delivered) -> Result<(), Refusal> {
    let mut tx = suite.db.begin(&event.tenant).await?;
    Repairs.handle(&mut tx, event).await?;
    tx.commit().await
}

async fn changes(suite: &Suite) -> i64 {
    let count = sqlx::query_scalar("select count(*) from outbox where kind = 'coverage.changed'");
    let mut read = suite.db.read(&suite.caller.0.tenant).await.unwrap();
    count.fetch_one(&mut *read).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_extends_the_term_restarts_the_part_and_changes_its_serial_number() {
    let suite = suite().await;
    let mut device = notebook("SN-1", "2022-06-07");
    device.vendor_policy = "standard-limited-warranty".into();
    device.components = vec![Component {
        component: "LCD".into(),
        serial_number: "L-1".into(),
        installed_on: String::new(),
    }];
    let asset = suite.register(device).await.unwrap().name;
    // Until 17:00 UTC of the 10th, which is the 11th in Hangzhou.
    let event = completed(
        &asset,
        1,
        "LCD",
        "2023-05-01T02:00:00Z",
        "2023-05-10T17:00:00Z",
        &[("L-1", "L-2")],
    );

    hear(&suite, &event).await.unwrap();

    let until = |component: &'static str, region: &'static str| {
        let ask = suite.check(question("SN-1", component, "2023-05-20", region));
        async move { ask.await.unwrap().covered_until }
    };
    assert_eq!(until("LCD", "CN-ZJ").await, "2024-05-11");
    assert_eq!(until("HINGE", "CN-ZJ").await, "2023-06-17");
    assert_eq!(until("LCD", "US").await, "2023-06-10");
    let request = suite.caller.request(GetAssetRequest {
        name: asset.clone(),
    });
    let read = suite
        .assets
        .clone()
        .get_asset(request)
        .await
        .unwrap()
        .into_inner();
    let component = &read.components[..];
    assert_eq!(
        component,
        [Component {
            component: "LCD".into(),
            serial_number: "L-2".into(),
            installed_on: "2023-05-11".into()
        }]
    );
    assert_eq!(changes(&suite).await, 1);

    // Heard again, also as another event of the same work order, it changes nothing.
    hear(&suite, &event).await.unwrap();
    hear(
        &suite,
        &Delivered {
            id: Uuid::from_u128(2),
            ..event
        },
    )
    .await
    .unwrap();
    assert_eq!(until("HINGE", "CN-ZJ").await, "2023-06-17");
    let request = suite.caller.request(GetAssetRequest { name: asset });
    assert_eq!(
        suite
            .assets
            .clone()
            .get_asset(request)
            .await
            .unwrap()
            .into_inner(),
        read
    );
    assert_eq!(changes(&suite).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn repairs_heard_at_once_are_each_kept() {
    let suite = suite().await;
    let asset = suite
        .register(notebook("SN-1", "2022-06-07"))
        .await
        .unwrap()
        .name;
    let event = |n| {
        completed(
            &asset,
            n,
            "FAN",
            "2022-08-01T02:00:00Z",
            "2022-08-02T02:00:00Z",
            &[],
        )
    };
    let events = [event(1), event(2), event(3), event(4)];

    let heard = futures::future::join_all(events.iter().map(|event| hear(&suite, event))).await;

    assert!(heard.iter().all(Result::is_ok), "{heard:?}");
    assert_eq!(changes(&suite).await, 4);
    let decision = suite
        .check(question("SN-1", "FAN", "2022-10-01", "CN"))
        .await
        .unwrap();
    assert_eq!(decision.covered_until, "2023-06-11");
    assert!(decision.remedies().any(|remedy| remedy == Remedy::Exchange));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_work_order_of_no_device_here_is_passed_over_and_an_unreadable_one_refused() {
    let suite = suite().await;
    let nobody = format!("assets/{}", Uuid::from_u128(5));
    for asset in ["", "assets/x", &nobody] {
        let event = completed(
            asset,
            1,
            "FAN",
            "2022-08-01T02:00:00Z",
            "2022-08-02T02:00:00Z",
            &[],
        );
        hear(&suite, &event).await.unwrap();
    }
    assert_eq!(changes(&suite).await, 0);

    let event = completed(
        &nobody,
        1,
        "FAN",
        "2022-08-01T02:00:00Z",
        "2022-08-02T02:00:00Z",
        &[],
    );
    let broken = Delivered {
        payload: bytes::Bytes::from_static(&[0xff, 0x00]),
        ..event
    };
    let refused = hear(&suite, &broken).await.unwrap_err();
    assert_eq!(
        refused.code(),
        Code::InvalidArgument,
        "a dead letter, not an endless retry"
    );
}
