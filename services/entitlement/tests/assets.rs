//! Devices through a real client on a real PostgreSQL.
#![allow(clippy::unwrap_used)]

mod support;

use proto::entitlement::v1::*;
use support::*;
use tonic::Code;

/// Kinds and aggregates told so far, in order.
async fn told(suite: &Suite) -> Vec<(String, String)> {
    let rows = sqlx::query_as("select kind, aggregate from outbox order by event_id");
    let mut read = suite.db.read(&suite.caller.0.tenant).await.unwrap();
    rows.fetch_all(&mut *read).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_device_is_read_back_with_its_facts_and_components() {
    let suite = suite().await;
    let mut device = notebook("SN-1", "2022-06-07");
    device.owner = "parties/0190a1b2-0000-7000-8000-000000000001".into();
    device.facts.as_mut().unwrap().manufacture_date = "2022-05-01".into();
    device.components = vec![
        Component {
            component: "BATTERY".into(),
            serial_number: "B-1".into(),
            installed_on: String::new(),
        },
        Component {
            component: "MEMORY".into(),
            serial_number: String::new(),
            installed_on: "2022-06-08".into(),
        },
    ];

    let registered = suite.register(device.clone()).await.unwrap();

    let name = registered.name.clone();
    let request = suite.caller.request(GetAssetRequest { name: name.clone() });
    let read = suite
        .assets
        .clone()
        .get_asset(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(read, registered);
    assert_eq!(
        (read.facts, read.components, read.owner),
        (device.facts, device.components, device.owner)
    );
    assert!(!read.etag.is_empty() && read.create_time.is_some());
    assert_eq!(told(&suite).await, [("asset.registered".to_owned(), name)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_of_a_registration_is_told_at_once() {
    let suite = suite().await;
    let twin = Component {
        component: "DISK".into(),
        serial_number: "D".into(),
        installed_on: "2022-02-30".into(),
    };
    let wrong = Asset {
        serial_number: " ".into(),
        product: "x".repeat(65),
        category: "notebook".into(),
        owner: "users/1".into(),
        vendor_policy: "nobody".into(),
        facts: Some(AssetFacts {
            sale_date: "2022-01-01".into(),
            delivery_date: "2999-01-01".into(),
            acceptance_date: "yesterday".into(),
            manufacture_date: "2022-02-01".into(),
        }),
        components: vec![twin.clone(), twin],
        ..Default::default()
    };

    let refused = suite.register(wrong).await.unwrap_err();

    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::InvalidArgument, "INVALID_FIELDS".into())
    );
    let fields = violated(&refused);
    for field in [
        "asset.serial_number",
        "asset.product",
        "asset.category",
        "asset.owner",
        "asset.vendor_policy",
        "asset.facts.sale_date",
        "asset.facts.delivery_date",
        "asset.facts.acceptance_date",
        "asset.components[0].installed_on",
        "asset.components[1].serial_number",
    ] {
        assert!(fields.iter().any(|f| f == field), "{field} in {fields:?}");
    }

    let dateless = Asset {
        facts: Some(AssetFacts::default()),
        ..notebook("SN-1", "")
    };
    assert_eq!(
        violated(&suite.register(dateless).await.unwrap_err()),
        ["asset.facts"]
    );
    let request = suite.caller.request(RegisterAssetRequest::default());
    let refused = suite
        .assets
        .clone()
        .register_asset(request)
        .await
        .unwrap_err();
    assert_eq!(violated(&refused), ["asset"]);
    assert!(told(&suite).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serial_number_is_registered_once_per_product_and_tenant() {
    let suite = suite().await;
    let first = suite
        .register(notebook("SN-1", "2022-06-07"))
        .await
        .unwrap();

    let refused = suite
        .register(notebook("SN-1", "2022-06-08"))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::AlreadyExists, "ASSET_EXISTS".into())
    );
    assert_eq!(metadata(&refused, "name"), first.name);

    let other = Asset {
        product: "NB-15".into(),
        ..notebook("SN-1", "2022-06-08")
    };
    assert_ne!(suite.register(other).await.unwrap().name, first.name);

    // Another tenant neither sees the device nor is kept from registering the same one.
    let stranger = caller("other");
    let request = stranger.request(GetAssetRequest {
        name: first.name.clone(),
    });
    let refused = suite.assets.clone().get_asset(request).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::NotFound, "NOT_FOUND".into())
    );
    let request = RegisterAssetRequest {
        asset: Some(notebook("SN-1", "2022-06-07")),
        ..Default::default()
    };
    suite
        .assets
        .clone()
        .register_asset(stranger.request(request))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_with_the_same_key_happens_once_even_when_sent_at_once() {
    let suite = suite().await;
    let request = |sold: &str| RegisterAssetRequest {
        asset: Some(notebook("SN-1", sold)),
        request_id: "r-1".into(),
        occur_time: None,
    };

    let send = |sold: &'static str| {
        let (mut client, request) = (suite.assets.clone(), suite.caller.request(request(sold)));
        async move {
            client
                .register_asset(request)
                .await
                .map(tonic::Response::into_inner)
        }
    };
    let (one, other) = tokio::join!(send("2022-06-07"), send("2022-06-07"));
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(told(&suite).await.len(), 1);

    let refused = send("2022-06-08").await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_listed_page_by_page_and_a_foreign_token_is_refused() {
    let suite = suite().await;
    let mut names = Vec::new();
    for n in 0..5 {
        names.push(
            suite
                .register(notebook(&format!("SN-{n}"), "2022-06-07"))
                .await
                .unwrap()
                .name,
        );
    }
    names.sort();
    let list = |product: &str, token: &str| {
        let request = ListAssetsRequest {
            page_size: 2,
            page_token: token.into(),
            product: product.into(),
            ..Default::default()
        };
        let (mut client, request) = (suite.assets.clone(), suite.caller.request(request));
        async move {
            client
                .list_assets(request)
                .await
                .map(tonic::Response::into_inner)
        }
    };

    let (mut read, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = list("NB-14-2024", &token).await.unwrap();
        read.extend(page.assets.into_iter().map(|asset| asset.name));
        (token, pages) = (page.next_page_token, pages + 1);
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((read, pages), (names, 3));

    let token = list("NB-14-2024", "").await.unwrap().next_page_token;
    let refused = list("", &token).await.unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
    let request = ListContractsRequest {
        page_token: token,
        ..Default::default()
    };
    let refused = suite
        .contracts
        .clone()
        .list_contracts(suite.caller.request(request))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
    let request = ListAssetsRequest {
        page_size: -1,
        owner: "nobody".into(),
        ..Default::default()
    };
    let refused = suite
        .assets
        .clone()
        .list_assets(suite.caller.request(request))
        .await
        .unwrap_err();
    assert_eq!(violated(&refused), ["owner"]);
    assert!(list("NB-99", "").await.unwrap().assets.is_empty());
}
