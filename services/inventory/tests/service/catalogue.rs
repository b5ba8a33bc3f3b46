//! PartService.

use proto::inventory::v1::{
    CreatePartRequest, FindPartsForAssetRequest, GetPartRequest, ListPartsRequest, Part,
};
use proto::kinds::v1::Money;
use tonic::Status;

use crate::support::{House, fields, house, part, reason};

fn cny(units: i64) -> Option<Money> {
    Some(Money {
        currency_code: "CNY".into(),
        units,
        nanos: 500_000_000,
    })
}

async fn create(house: &House, part: Part, request_id: &str) -> Result<Part, Status> {
    let request = CreatePartRequest {
        part: Some(part),
        request_id: request_id.into(),
    };
    Ok(house.parts().create_part(request).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_catalogued_once_and_read_as_it_was_given() {
    let house = house().await;
    let given = Part {
        cost: cny(199),
        hazardous: true,
        serialised: true,
        ..part("BAT-1")
    };

    let created = create(&house, given.clone(), "k").await.unwrap();
    let replayed = create(&house, given.clone(), "k").await.unwrap();

    let got = house
        .parts()
        .get_part(GetPartRequest {
            name: created.name.clone(),
        })
        .await
        .unwrap();
    assert_eq!(
        (got.into_inner(), replayed),
        (created.clone(), created.clone())
    );
    assert_eq!(
        (created.name.as_str(), &created.cost),
        ("parts/BAT-1", &given.cost)
    );
    let taken = create(&house, given.clone(), "").await.unwrap_err();
    assert_eq!(reason(&taken), "PART_EXISTS");
    let reused = create(&house, part("BAT-2"), "k").await.unwrap_err();
    assert_eq!(reason(&reused), "REQUEST_ID_REUSED");
    let unknown = GetPartRequest {
        name: "parts/NOPE".into(),
    };
    assert_eq!(
        reason(&house.parts().get_part(unknown).await.unwrap_err()),
        "NOT_FOUND"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_of_a_part_is_named_at_once() {
    let house = house().await;
    let wrong_currency = Some(Money {
        currency_code: "RMB".into(),
        units: 1,
        nanos: 0,
    });
    let bad = Part {
        number: "bat 1".into(),
        title: " ".into(),
        component: String::new(),
        products: vec![String::new()],
        cost: wrong_currency,
        ..Part::default()
    };

    let refused = create(&house, bad, "").await.unwrap_err();

    let expected = [
        "part.number",
        "part.title",
        "part.component",
        "part.products[0]",
        "part.cost",
    ];
    assert_eq!(fields(&refused), expected);
    for cost in [cny(-1).map(|m| Money { nanos: 0, ..m }), cny(i64::MAX)] {
        let refused = create(
            &house,
            Part {
                cost,
                ..part("BAT-1")
            },
            "",
        )
        .await
        .unwrap_err();
        assert_eq!(fields(&refused), ["part.cost"]);
    }
    let none = house
        .parts()
        .create_part(CreatePartRequest::default())
        .await
        .unwrap_err();
    assert_eq!(fields(&none), ["part"]);
    let misnamed = GetPartRequest {
        name: "part/BAT".into(),
    };
    assert_eq!(
        fields(&house.parts().get_part(misnamed).await.unwrap_err()),
        ["name"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_found_for_a_device_the_most_particular_first() {
    let house = house().await;
    let both = vec!["T14".to_owned(), "X1".to_owned()];
    for given in [
        Part {
            products: both,
            ..part("BAT-1")
        },
        Part {
            products: vec!["T14".into()],
            ..part("BAT-2")
        },
        Part {
            products: vec!["X1".into()],
            ..part("BAT-3")
        },
        Part {
            component: "FAN".into(),
            products: vec!["T14".into()],
            ..part("FAN-1")
        },
    ] {
        create(&house, given, "").await.unwrap();
    }
    let find = async |product: &str, component: &str| {
        let request = FindPartsForAssetRequest {
            product: product.into(),
            component: component.into(),
        };
        let found = house
            .parts()
            .find_parts_for_asset(request)
            .await?
            .into_inner();
        Ok::<_, Status>(
            found
                .parts
                .into_iter()
                .map(|p| p.number)
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(find("T14", "BATTERY").await.unwrap(), ["BAT-2", "BAT-1"]);
    assert!(find("T14", "").await.unwrap().is_empty());
    assert!(find("T15", "BATTERY").await.unwrap().is_empty());
    assert_eq!(fields(&find("", "BATTERY").await.unwrap_err()), ["product"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_listed_by_number_in_pages() {
    let house = house().await;
    for number in ["C", "A", "B"] {
        create(&house, part(number), "").await.unwrap();
    }
    let list = async |request: ListPartsRequest| {
        house
            .parts()
            .list_parts(request)
            .await
            .map(tonic::Response::into_inner)
    };
    let all = ListPartsRequest {
        page_size: 2,
        component: "BATTERY".into(),
        ..Default::default()
    };
    let first = list(all.clone()).await.unwrap();
    let token = first.next_page_token.clone();
    let rest = list(ListPartsRequest {
        page_token: token.clone(),
        ..all
    })
    .await
    .unwrap();
    let numbers: Vec<_> = first
        .parts
        .iter()
        .chain(&rest.parts)
        .map(|p| &p.number)
        .collect();
    assert_eq!(numbers, ["A", "B", "C"]);
    let foreign = ListPartsRequest {
        page_token: token,
        ..ListPartsRequest::default()
    };
    assert_eq!(
        reason(&list(foreign).await.unwrap_err()),
        "PAGE_TOKEN_INVALID"
    );
    let negative = ListPartsRequest {
        page_size: -1,
        ..ListPartsRequest::default()
    };
    assert_eq!(fields(&list(negative).await.unwrap_err()), ["page_size"]);
}
