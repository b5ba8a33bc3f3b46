//! Settlement: by hand, and by the end of a visit.

use proto::inventory::v1::reservation::State;
use proto::inventory::v1::{CommitReservationRequest, PartUsed, Reservation};
use tonic::Status;
use uuid::Uuid;

use crate::support::{House, codes, fields, house, reason, used, wants};

/// Two serialised batteries and five screws.
async fn stocked() -> House {
    let house = house().await;
    house.part("BAT-1", true).await;
    house.part("SCREW", false).await;
    house.location("SH", 31.0).await;
    house.receive_pieces("BAT-1", "SH", &["N1"]).await;
    house.receive_pieces("BAT-1", "SH", &["N2", "N3"]).await;
    house.receive("SCREW", "SH", 5).await;
    house
}

async fn commit(
    house: &House,
    name: &str,
    parts_used: Vec<PartUsed>,
) -> Result<Reservation, Status> {
    let name = name.to_owned();
    let request = CommitReservationRequest {
        name,
        parts_used,
        ..Default::default()
    };
    Ok(house
        .reservations()
        .commit_reservation(request)
        .await?
        .into_inner())
}

/// Ticket, old and new serial and visit of every swap.
async fn swaps(house: &House) -> Vec<(String, String, String)> {
    let sql = "select old_serial, new_serial, work_order from swaps order by new_serial";
    sqlx::query_as(sql).fetch_all(&house.admin).await.unwrap()
}

async fn pieces(house: &House) -> Vec<(String, String)> {
    let sql = "select serial, status from part_serials order by serial";
    sqlx::query_as(sql).fetch_all(&house.admin).await.unwrap()
}

fn piece(serial: &str, status: &str) -> (String, String) {
    (serial.into(), status.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pieces_received_first_are_held_first() {
    let house = stocked().await;
    let one = house.reserve(wants(&[("BAT-1", 1)])).await;
    let two = house.reserve(wants(&[("BAT-1", 2)])).await;
    assert_eq!(one.lines[0].serial_numbers, ["N1"]);
    assert_eq!(two.lines[0].serial_numbers, ["N2", "N3"]);
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completed_visit_settles_what_it_used_and_frees_the_rest() {
    let house = stocked().await;
    let held = house.reserve(wants(&[("BAT-1", 2), ("SCREW", 4)])).await;

    let report = vec![used("BAT-1", 0, "N2", "OLD-7"), used("SCREW", 3, "", "")];
    house
        .hears("work_order.completed", &held.name, report.clone())
        .await
        .unwrap();
    house
        .hears("work_order.completed", &held.name, report)
        .await
        .unwrap();

    let settled = house.get(&held.name).await;
    assert_eq!(settled.state(), State::Committed);
    assert_eq!(
        settled.lines.iter().map(|l| l.used).collect::<Vec<_>>(),
        [1, 3]
    );
    assert_eq!(
        (house.level("BAT-1").await, house.level("SCREW").await),
        ((2, 0), (2, 0))
    );
    let visit = format!("workOrders/{}", Uuid::from_u128(9));
    assert_eq!(swaps(&house).await, [("OLD-7".into(), "N2".into(), visit)]);
    let free = |n| piece(n, "AVAILABLE");
    assert_eq!(
        pieces(&house).await,
        [free("N1"), piece("N2", "CONSUMED"), free("N3")]
    );
    assert_eq!(
        house.told(&held.name).await,
        ["reservation.held", "reservation.committed"]
    );
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_visit_used_without_holding_it_becomes_a_finding() {
    let house = stocked().await;
    let held = house.reserve(wants(&[("BAT-1", 1)])).await;

    let report = vec![used("BAT-1", 1, "N9", "OLD-7"), used("FAN-1", 1, "", "")];
    house
        .hears("work_order.completed", &held.name, report)
        .await
        .unwrap();

    let settled = house.get(&held.name).await;
    assert_eq!(settled.state(), State::Committed);
    assert_eq!(
        codes(&settled),
        ["LOCATION_CHOSEN", "SERIAL_NOT_HELD", "USED_NOT_HELD"]
    );
    assert_eq!(house.level("BAT-1").await, (3, 0));
    assert!(swaps(&house).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_after_the_release_leaves_stock_alone_and_a_finding_behind() {
    let house = stocked().await;
    let held = house.reserve(wants(&[("SCREW", 2)])).await;
    house.release(&held.name).await.unwrap();

    let report = vec![used("SCREW", 2, "", "")];
    house
        .hears("work_order.completed", &held.name, report)
        .await
        .unwrap();

    let noted = house.get(&held.name).await;
    assert_eq!(
        (noted.state(), codes(&noted)),
        (State::Released, vec!["LOCATION_CHOSEN", "USED_NOT_HELD"])
    );
    assert_eq!(house.level("SCREW").await, (5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_ends_while_its_parts_are_awaited_wants_nothing_any_more() {
    let house = stocked().await;
    let waiting = house.reserve(wants(&[("SCREW", 9)])).await;

    house
        .hears("work_order.incomplete", &waiting.name, Vec::new())
        .await
        .unwrap();
    house.receive("SCREW", "SH", 9).await;

    assert_eq!(house.state(&waiting.name).await, State::Committed);
    assert_eq!(house.level("SCREW").await, (14, 0));
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn visits_without_parts_pass_and_unreadable_ones_are_poison() {
    let house = stocked().await;
    house
        .hears("work_order.completed", "", Vec::new())
        .await
        .unwrap();
    let unknown = format!("reservations/{}", Uuid::now_v7());
    house
        .hears("work_order.completed", &unknown, Vec::new())
        .await
        .unwrap();
    let misnamed = house
        .hears("work_order.completed", "reservations/7", Vec::new())
        .await;
    let garbled = house
        .hears_bytes("work_order.completed", vec![0xff; 9])
        .await;
    for refused in [misnamed, garbled] {
        assert_eq!(refused.unwrap_err().code(), tonic::Code::InvalidArgument);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn by_hand_only_what_is_held_is_settled() {
    let house = stocked().await;
    let held = house.reserve(wants(&[("BAT-1", 1), ("SCREW", 2)])).await;

    for (what, report) in [
        ("another piece", used("BAT-1", 1, "N2", "")),
        ("no piece named", used("BAT-1", 1, "", "")),
        ("too many", used("SCREW", 3, "", "")),
        ("another part", used("FAN-1", 1, "", "")),
    ] {
        let refused = commit(&house, &held.name, vec![report]).await.unwrap_err();
        assert_eq!(reason(&refused), "NOT_HELD", "{what}");
    }
    let settled = commit(&house, &held.name, vec![used("BAT-1", 1, "N1", "OLD-1")])
        .await
        .unwrap();

    assert_eq!(settled.state(), State::Committed);
    assert_eq!(
        (house.level("BAT-1").await, house.level("SCREW").await),
        ((2, 0), (5, 0))
    );
    assert_eq!(
        swaps(&house).await,
        [("OLD-1".into(), "N1".into(), String::new())]
    );
    let again = commit(&house, &held.name, Vec::new()).await.unwrap_err();
    assert_eq!(reason(&again), "ILLEGAL_MOVE");
    assert_eq!(
        reason(&house.release(&held.name).await.unwrap_err()),
        "ILLEGAL_MOVE"
    );
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_names_its_bad_fields_and_unknown_reservations() {
    let house = stocked().await;
    let nobody = format!("reservations/{}", Uuid::now_v7());
    let unknown = commit(&house, &nobody, Vec::new()).await.unwrap_err();
    assert_eq!(reason(&unknown), "NOT_FOUND");
    let report = vec![
        used("bat", -1, "", ""),
        used("BAT-1", 2, "N1", &"x".repeat(65)),
    ];
    let bad = commit(&house, "reservations/1", report).await.unwrap_err();
    let expected = [
        "name",
        "parts_used[0].part",
        "parts_used[0].quantity",
        "parts_used[1].old_serial",
        "parts_used[1].quantity",
    ];
    assert_eq!(fields(&bad), expected);
}
