//! StockService.

use chassis::refusal::to_pb;
use jiff::{SignedDuration, Timestamp};
use proto::inventory::v1::{
    AdjustStockRequest, CreateStockLocationRequest, GetStockLevelsRequest,
    ListStockLocationsRequest, ListStockMovementsRequest, ReceiveStockRequest, StockLocation,
};
use tonic::Status;

use crate::support::{House, fields, house, location, reason, wants};

async fn stocked() -> House {
    let house = house().await;
    house.part("SCREW", false).await;
    house.part("BAT-1", true).await;
    house.location("SH", 31.0).await;
    house
}

async fn add(
    house: &House,
    stock_location: Option<StockLocation>,
) -> Result<StockLocation, Status> {
    let request = CreateStockLocationRequest {
        stock_location,
        ..Default::default()
    };
    Ok(house
        .stock()
        .create_stock_location(request)
        .await?
        .into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_location_has_a_code_of_its_own_and_a_point_on_the_map() {
    let house = stocked().await;
    let made = add(
        &house,
        Some(StockLocation {
            region: "north".into(),
            ..location("BJ")
        }),
    )
    .await
    .unwrap();
    assert_eq!(
        (made.name.as_str(), made.region.as_str()),
        ("stockLocations/BJ", "north")
    );
    let taken = add(&house, Some(location("BJ"))).await.unwrap_err();
    assert_eq!(reason(&taken), "LOCATION_EXISTS");
    let bad = StockLocation {
        code: "b_j".into(),
        latitude: 91.0,
        ..StockLocation::default()
    };
    let fields_of = fields(&add(&house, Some(bad)).await.unwrap_err());
    let expected = ["code", "kind", "title", "latitude"].map(|f| format!("stock_location.{f}"));
    assert_eq!(fields_of, expected);
    assert_eq!(
        fields(&add(&house, None).await.unwrap_err()),
        ["stock_location"]
    );

    let first = ListStockLocationsRequest {
        page_size: 1,
        ..ListStockLocationsRequest::default()
    };
    let page = house
        .stock()
        .list_stock_locations(first)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.stock_locations, [made]);
    let next = ListStockLocationsRequest {
        page_size: 1,
        page_token: page.next_page_token,
    };
    let page = house
        .stock()
        .list_stock_locations(next)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (
            page.stock_locations[0].code.as_str(),
            page.next_page_token.as_str()
        ),
        ("SH", "")
    );
    let forged = ListStockLocationsRequest {
        page_size: 1,
        page_token: "AAAA".into(),
    };
    let refused = house
        .stock()
        .list_stock_locations(forged)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_moves_pieces_from_the_supplier_to_the_shelf() {
    let house = stocked().await;

    let moved = house.try_receive("SCREW", "SH", 5, &[]).await.unwrap();

    let sides: Vec<_> = moved
        .entries
        .iter()
        .map(|e| (e.account.as_str(), e.quantity))
        .collect();
    assert_eq!(
        sides,
        [("supplier", -5), ("stockLocations/SH/available", 5)]
    );
    assert_eq!(
        (moved.kind.as_str(), house.level("SCREW").await),
        ("RECEIPT", (5, 0))
    );
    assert_eq!(house.told("parts/SCREW").await, ["part.arrived"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn serial_numbers_are_one_per_piece_and_unique_for_ever() {
    let house = stocked().await;
    house.receive_pieces("BAT-1", "SH", &["N1", "N2"]).await;
    for (what, part, quantity, serials, expected) in [
        ("too few", "BAT-1", 2, vec!["N3"], "SERIALS_MISMATCH"),
        ("none", "BAT-1", 1, vec![], "SERIALS_MISMATCH"),
        ("not serialised", "SCREW", 1, vec!["N3"], "SERIALS_MISMATCH"),
        ("known", "BAT-1", 2, vec!["N3", "N2"], "SERIAL_EXISTS"),
        ("twice", "BAT-1", 2, vec!["N3", "N3"], "INVALID_FIELDS"),
    ] {
        let refused = house
            .try_receive(part, "SH", quantity, &serials)
            .await
            .unwrap_err();
        assert_eq!(reason(&refused), expected, "{what}");
    }
    assert_eq!(house.level("BAT-1").await, (2, 0));
    assert_eq!(house.breaches().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_names_all_that_is_wrong_with_it() {
    let house = stocked().await;
    let bad = ReceiveStockRequest {
        location: "SH".into(),
        part: String::new(),
        quantity: -5,
        reference: "x".repeat(129),
        occur_time: Some(to_pb(Timestamp::now() + SignedDuration::from_hours(1))),
        ..ReceiveStockRequest::default()
    };
    let refused = house.stock().receive_stock(bad).await.unwrap_err();
    assert_eq!(
        fields(&refused),
        ["location", "part", "quantity", "reference", "occur_time"]
    );
    for (part, place) in [("NOPE", "SH"), ("SCREW", "NOPE")] {
        let refused = house.try_receive(part, place, 1, &[]).await.unwrap_err();
        assert_eq!(reason(&refused), "NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_takes_only_what_is_free() {
    let house = stocked().await;
    house.receive("SCREW", "SH", 5).await;
    house.reserve(wants(&[("SCREW", 3)])).await;

    house.adjust("SCREW", "SH", -2).await.unwrap();
    let refused = house.adjust("SCREW", "SH", -1).await.unwrap_err();
    house.adjust("SCREW", "SH", 4).await.unwrap();

    assert_eq!(
        (reason(&refused), house.level("SCREW").await),
        ("STOCK_TOO_LOW".into(), (4, 3))
    );
    assert_eq!(house.breaches().await, []);
    let serialised = house.adjust("BAT-1", "SH", 1).await.unwrap_err();
    assert_eq!(fields(&serialised), ["part"]);
    assert_eq!(
        reason(&house.adjust("NOPE", "SH", 1).await.unwrap_err()),
        "NOT_FOUND"
    );
    let bad = AdjustStockRequest::default();
    let bad = house.stock().adjust_stock(bad).await.unwrap_err();
    assert_eq!(fields(&bad), ["location", "part", "delta", "reason"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_and_movements_are_listed_filtered_and_paged() {
    let house = stocked().await;
    house.location("BJ", 39.0).await;
    house.receive("SCREW", "SH", 5).await;
    house.receive("SCREW", "BJ", 1).await;
    let held = house.reserve(wants(&[("SCREW", 2)])).await;

    let ask = GetStockLevelsRequest {
        page_size: 1,
        part: "parts/SCREW".into(),
        ..Default::default()
    };
    let first = house
        .stock()
        .get_stock_levels(ask.clone())
        .await
        .unwrap()
        .into_inner();
    let page_token = first.next_page_token;
    let rest = GetStockLevelsRequest {
        page_token: page_token.clone(),
        ..ask.clone()
    };
    let rest = house
        .stock()
        .get_stock_levels(rest)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (first.levels[0].location.as_str(), first.levels[0].available),
        ("stockLocations/BJ", 1)
    );
    assert_eq!((rest.levels[0].available, rest.levels[0].held), (3, 2));
    let foreign = GetStockLevelsRequest {
        page_token,
        ..GetStockLevelsRequest::default()
    };
    let refused = house.stock().get_stock_levels(foreign).await.unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
    let at = GetStockLevelsRequest {
        location: "stockLocations/BJ".into(),
        ..Default::default()
    };
    assert_eq!(
        house
            .stock()
            .get_stock_levels(at)
            .await
            .unwrap()
            .into_inner()
            .levels
            .len(),
        1
    );

    let list = async |request: ListStockMovementsRequest| {
        house
            .stock()
            .list_stock_movements(request)
            .await
            .map(tonic::Response::into_inner)
    };
    let of_part = ListStockMovementsRequest {
        part: "parts/SCREW".into(),
        page_size: 2,
        ..Default::default()
    };
    let first = list(of_part.clone()).await.unwrap();
    assert_eq!(first.movements[0].kind, "HOLD");
    assert_eq!(first.movements[0].reference, held.name);
    let page_token = first.next_page_token;
    let rest = list(ListStockMovementsRequest {
        page_token,
        ..of_part
    })
    .await
    .unwrap();
    assert_eq!(
        (rest.movements.len(), rest.next_page_token.as_str()),
        (1, "")
    );
    let of_ticket = ListStockMovementsRequest {
        subject: held.ticket,
        ..Default::default()
    };
    assert_eq!(
        list(of_ticket).await.unwrap().movements,
        first.movements[..1]
    );
    let bad = ListStockMovementsRequest {
        part: "SCREW".into(),
        ..Default::default()
    };
    assert_eq!(fields(&list(bad).await.unwrap_err()), ["part"]);
}
