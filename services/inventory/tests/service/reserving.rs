//! ReserveParts, ExtendReservation, ReleaseReservation, and reading reservations.

use chassis::refusal::to_pb;
use jiff::{SignedDuration, Timestamp};
use proto::inventory::v1::reservation::State;
use proto::inventory::v1::{
    ExtendReservationRequest, GetReservationRequest, ListReservationsRequest, Reservation,
    ReservePartsRequest,
};
use proto::kinds::v1::LatLng;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::support::{House, codes, fields, house, long_ago, reason, stranger, wants};

async fn stocked() -> House {
    let house = house().await;
    house.part("BAT-1", false).await;
    house.location("SH", 31.0).await;
    house.location("BJ", 39.0).await;
    house.receive("BAT-1", "SH", 2).await;
    house.receive("BAT-1", "BJ", 3).await;
    house
}

fn near(latitude: f64) -> Option<LatLng> {
    Some(LatLng {
        latitude,
        longitude: 120.0,
    })
}

async fn extend(house: &House, name: &str, days: i64) -> Result<Reservation, Status> {
    let at = Timestamp::now() + SignedDuration::from_hours(24 * days);
    let request = ExtendReservationRequest {
        name: name.into(),
        expire_time: Some(to_pb(at)),
        ..ExtendReservationRequest::default()
    };
    Ok(house
        .reservations()
        .extend_reservation(request)
        .await?
        .into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_stock_is_held_and_the_findings_say_so() {
    let house = stocked().await;

    let held = house
        .reserve(ReservePartsRequest {
            near: near(30.0),
            ..wants(&[("BAT-1", 2)])
        })
        .await;

    assert_eq!(held.state(), State::Held);
    assert_eq!(held.lines[0].location, "stockLocations/SH");
    assert_eq!(codes(&held), ["LOCATION_CHOSEN", "LOCATION_FARTHER"]);
    assert!(
        held.findings[0].message.contains("111 km away"),
        "{}",
        held.findings[0].message
    );
    assert_eq!(house.get(&held.name).await, held);
    assert_eq!(house.told(&held.name).await, ["reservation.held"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_split_only_when_no_place_has_all() {
    let house = stocked().await;
    let held = house
        .reserve(ReservePartsRequest {
            near: near(30.0),
            ..wants(&[("BAT-1", 4)])
        })
        .await;
    let places: Vec<_> = held
        .lines
        .iter()
        .map(|l| (l.location.as_str(), l.quantity))
        .collect();
    assert_eq!(places, [("stockLocations/SH", 2), ("stockLocations/BJ", 2)]);
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_little_stock_is_an_answer_that_holds_nothing() {
    let house = stocked().await;
    house.part("FAN-1", false).await;

    let waits = house.reserve(wants(&[("BAT-1", 1), ("FAN-1", 1)])).await;

    assert_eq!(waits.state(), State::Backordered);
    assert_eq!(
        (codes(&waits), waits.expire_time),
        (vec!["BACKORDER"], None)
    );
    assert_eq!(house.level("BAT-1").await, (5, 0));
    assert_eq!(house.get(&waits.name).await, waits);
    assert_eq!(house.told(&waits.name).await, ["reservation.backordered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_has_one_reservation_for_ever() {
    let house = stocked().await;
    let asked = wants(&[("BAT-1", 1)]);
    let first = house.reserve(asked.clone()).await;

    let again = house.reserve(asked.clone()).await;
    let elsewhere = ReservePartsRequest {
        name: format!("reservations/{}", Uuid::now_v7()),
        ..asked.clone()
    };
    let by_other_name = house.reserve(elsewhere).await;
    house.release(&first.name).await.unwrap();
    let after_release = house.reserve(asked.clone()).await;
    let next_round = house
        .reserve(ReservePartsRequest {
            round: 2,
            ..asked.clone()
        })
        .await;

    assert_eq!((&again, &by_other_name), (&first, &first));
    assert_eq!(
        (after_release.name, after_release.state),
        (first.name.clone(), State::Released.into())
    );
    assert_ne!(next_round.name, first.name);
    let stolen = ReservePartsRequest {
        name: first.name,
        ..wants(&[("BAT-1", 1)])
    };
    let refused = house.try_reserve(stolen).await.unwrap_err();
    assert_eq!(reason(&refused), "ALREADY_EXISTS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_answers_once_and_not_for_another_body() {
    let house = stocked().await;
    let asked = ReservePartsRequest {
        request_id: "r-1".into(),
        ..wants(&[("BAT-1", 1)])
    };

    let first = house.reserve(asked.clone()).await;

    assert_eq!(house.reserve(asked.clone()).await, first);
    let other = ReservePartsRequest {
        step: "AGAIN".into(),
        ..asked
    };
    let refused = house.try_reserve(other).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
    assert_eq!(house.level("BAT-1").await, (4, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_comes_first_refuses_the_late_create() {
    let house = stocked().await;
    let name = format!("reservations/{}", Uuid::now_v7());

    let tombstone = house.release(&name).await.unwrap();
    let late = ReservePartsRequest {
        name: name.clone(),
        ..wants(&[("BAT-1", 1)])
    };
    let refused = house.try_reserve(late).await.unwrap_err();

    assert_eq!(
        (tombstone.state(), tombstone.name.as_str()),
        (State::Released, name.as_str())
    );
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::FailedPrecondition, "RESERVATION_WITHDRAWN".into())
    );
    assert_eq!(house.level("BAT-1").await, (5, 0));
    assert_eq!(house.release(&name).await.unwrap(), tombstone);
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn releasing_gives_back_and_twice_changes_nothing() {
    let house = stocked().await;
    let held = house.reserve(wants(&[("BAT-1", 2)])).await;

    let released = house.release(&held.name).await.unwrap();
    let again = house.release(&held.name).await.unwrap();

    assert_eq!((released.state(), &again), (State::Released, &released));
    assert_eq!(house.level("BAT-1").await, (5, 0));
    assert_eq!(
        house.told(&held.name).await,
        ["reservation.held", "reservation.released"]
    );
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_moves_only_ahead_within_ninety_days_and_while_held() {
    let house = stocked().await;
    let held = house.reserve(wants(&[("BAT-1", 1)])).await;

    let extended = extend(&house, &held.name, 30).await.unwrap();

    assert!(extended.expire_time.unwrap().seconds > held.expire_time.unwrap().seconds);
    assert_ne!(extended.etag, held.etag);
    for days in [-1, 91] {
        let refused = extend(&house, &held.name, days).await.unwrap_err();
        assert_eq!(fields(&refused), ["expire_time"], "{days}");
    }
    let nobody = format!("reservations/{}", Uuid::now_v7());
    assert_eq!(
        reason(&extend(&house, &nobody, 1).await.unwrap_err()),
        "NOT_FOUND"
    );
    house.release(&held.name).await.unwrap();
    assert_eq!(
        reason(&extend(&house, &held.name, 1).await.unwrap_err()),
        "ILLEGAL_MOVE"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_lasts_from_now_although_the_fault_was_years_ago() {
    let house = stocked().await;
    let asked = ReservePartsRequest {
        occur_time: Some(to_pb(long_ago())),
        ..wants(&[("BAT-1", 1)])
    };
    let held = house.reserve(asked).await;
    let days = (held.expire_time.unwrap().seconds - Timestamp::now().as_second()) / 86_400;
    assert!((13..=14).contains(&days), "{days}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_of_a_reservation_is_named_at_once() {
    let house = stocked().await;
    let bad = ReservePartsRequest {
        name: "reservations/7".into(),
        ticket: "ticket-1".into(),
        round: -1,
        near: near(91.0),
        priority: 5,
        occur_time: Some(to_pb(Timestamp::now() + SignedDuration::from_hours(1))),
        step: String::new(),
        ..wants(&[("BAT-1", -1), ("BAT-1", 1), ("bat", 1_001)])
    };

    let refused = house.try_reserve(bad).await.unwrap_err();

    assert_eq!(
        fields(&refused),
        [
            "name",
            "ticket",
            "step",
            "round",
            "lines[0].quantity",
            "lines[1].part",
            "lines[2].part",
            "lines[2].quantity",
            "near",
            "priority",
            "occur_time"
        ]
    );
    let none = house.try_reserve(wants(&[])).await.unwrap_err();
    assert_eq!(fields(&none), ["lines"]);
    let unknown = house
        .try_reserve(wants(&[("NOPE-1", 1)]))
        .await
        .unwrap_err();
    assert_eq!(
        (unknown.code(), reason(&unknown)),
        (Code::NotFound, "NOT_FOUND".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reservations_are_listed_newest_first_by_pages_of_ones_own() {
    let house = stocked().await;
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(house.reserve(wants(&[("BAT-1", 1)])).await.name);
    }
    house.release(&names[0]).await.unwrap();
    names.reverse();
    let all = ListReservationsRequest {
        page_size: 2,
        ..ListReservationsRequest::default()
    };
    let list = async |request: ListReservationsRequest| {
        house
            .reservations()
            .list_reservations(request)
            .await
            .map(tonic::Response::into_inner)
    };

    let first = list(all.clone()).await.unwrap();
    let token = first.next_page_token.clone();
    let rest = list(ListReservationsRequest {
        page_token: token.clone(),
        ..all.clone()
    })
    .await
    .unwrap();

    let listed = first.reservations.iter().chain(&rest.reservations);
    assert_eq!(listed.map(|r| r.name.clone()).collect::<Vec<_>>(), names);
    assert_eq!(rest.next_page_token, "");
    let held = ListReservationsRequest {
        states: vec![State::Held.into()],
        ..all.clone()
    };
    assert_eq!(list(held).await.unwrap().reservations.len(), 2);
    let of_ticket = ListReservationsRequest {
        ticket: first.reservations[0].ticket.clone(),
        ..all.clone()
    };
    assert_eq!(
        list(of_ticket).await.unwrap().reservations,
        first.reservations[..1]
    );
    let foreign = ListReservationsRequest {
        page_token: token,
        states: vec![State::Held.into()],
        ..all.clone()
    };
    assert_eq!(
        reason(&list(foreign).await.unwrap_err()),
        "PAGE_TOKEN_INVALID"
    );
    let bad = ListReservationsRequest {
        ticket: "x".into(),
        states: vec![77],
        ..all
    };
    assert_eq!(
        fields(&list(bad).await.unwrap_err()),
        ["ticket", "states[0]"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_sees_nothing() {
    let house = stocked().await;
    let held = house.reserve(wants(&[("BAT-1", 1)])).await;
    let mut others = house.reservations_as(&stranger());

    let request = GetReservationRequest {
        name: held.name.clone(),
    };
    let unseen = others.get_reservation(request).await.unwrap_err();
    let unknown = others
        .reserve_parts(wants(&[("BAT-1", 1)]))
        .await
        .unwrap_err();

    assert_eq!(
        (reason(&unseen), reason(&unknown)),
        ("NOT_FOUND".into(), "NOT_FOUND".into())
    );
    let malformed = GetReservationRequest {
        name: "reservations/x".into(),
    };
    assert_eq!(
        fields(&others.get_reservation(malformed).await.unwrap_err()),
        ["name"]
    );
}
