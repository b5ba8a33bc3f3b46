//! Contracts and policies through a real client on a real PostgreSQL.
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
async fn a_contract_covers_its_devices_and_tells_each() {
    let suite = suite().await;
    let mut names = Vec::new();
    for n in 0..2 {
        names.push(
            suite
                .register(notebook(&format!("SN-{n}"), "2020-06-07"))
                .await
                .unwrap()
                .name,
        );
    }
    let create = |contract: Contract, key: &str| {
        let request = CreateContractRequest {
            contract: Some(contract),
            request_id: key.into(),
            occur_time: None,
        };
        let (mut client, request) = (suite.contracts.clone(), suite.caller.request(request));
        async move {
            client
                .create_contract(request)
                .await
                .map(tonic::Response::into_inner)
        }
    };
    let plan = Contract {
        policy: "four-hour-24x7".into(),
        assets: names.clone(),
        start: "2024-01-01".into(),
        end: "2025-12-31".into(),
        ..Default::default()
    };

    let made = create(plan.clone(), "c-1").await.unwrap();

    assert_eq!(
        create(plan.clone(), "c-1").await.unwrap(),
        made,
        "the same key is the same contract"
    );
    let request = suite.caller.request(GetContractRequest {
        name: made.name.clone(),
    });
    assert_eq!(
        suite
            .contracts
            .clone()
            .get_contract(request)
            .await
            .unwrap()
            .into_inner(),
        made
    );
    let request = ListContractsRequest {
        asset: names[1].clone(),
        ..Default::default()
    };
    let listed = suite
        .contracts
        .clone()
        .list_contracts(suite.caller.request(request))
        .await
        .unwrap();
    assert_eq!(listed.into_inner().contracts, std::slice::from_ref(&made));
    let changed = told(&suite)
        .await
        .into_iter()
        .filter(|(kind, _)| kind == "coverage.changed");
    let mut changed: Vec<String> = changed.map(|(_, name)| name).collect();
    changed.sort();
    names.sort();
    assert_eq!(changed, names);
    let decision = suite
        .check(question("SN-0", "LCD", "2025-12-31", "US"))
        .await
        .unwrap();
    assert_eq!(
        (&*decision.winning_layer, &*decision.sla_policy),
        ("CONTRACT", "four-hour-24x7")
    );

    // What is refused.
    let unknown = create(
        Contract {
            policy: "gold".into(),
            ..plan.clone()
        },
        "",
    )
    .await
    .unwrap_err();
    assert_eq!(
        (unknown.code(), reason(&unknown)),
        (Code::NotFound, "POLICY_UNKNOWN".into())
    );
    let stranger = "assets/0190a1b2-0000-7000-8000-000000000001".to_owned();
    let missing = Contract {
        assets: vec![names[0].clone(), stranger.clone()],
        ..plan.clone()
    };
    let missing = create(missing, "").await.unwrap_err();
    assert_eq!(
        (reason(&missing), metadata(&missing, "name")),
        ("NOT_FOUND".into(), stranger)
    );
    let twice = Contract {
        policy: String::new(),
        assets: vec![names[0].clone(), names[0].clone(), "assets/1".into()],
        start: "2025-01-02".into(),
        end: "2025-01-01".into(),
        holder: "acme".into(),
        ..Default::default()
    };
    let refused = create(twice, "").await.unwrap_err();
    let fields = [
        "contract.policy",
        "contract.assets[1]",
        "contract.assets[2]",
        "contract.end",
        "contract.holder",
    ];
    assert_eq!(violated(&refused), fields);
    let refused = create(Contract::default(), "").await.unwrap_err();
    assert_eq!(
        violated(&refused),
        [
            "contract.policy",
            "contract.assets",
            "contract.start",
            "contract.end"
        ]
    );
    let request = suite.caller.request(GetContractRequest {
        name: "contracts/x".into(),
    });
    let refused = suite
        .contracts
        .clone()
        .get_contract(request)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_are_shown_as_they_were_loaded() {
    let suite = suite().await;
    let list = |token: String| {
        let request = ListWarrantyPoliciesRequest {
            page_size: 5,
            page_token: token,
        };
        let (mut client, request) = (suite.policies.clone(), suite.caller.request(request));
        async move {
            client
                .list_warranty_policies(request)
                .await
                .map(tonic::Response::into_inner)
        }
    };
    let first = list(String::new()).await.unwrap();
    let second = list(first.next_page_token).await.unwrap();
    assert_eq!(
        (
            first.warranty_policies.len(),
            second.warranty_policies.len()
        ),
        (5, 5)
    );
    assert_eq!(first.warranty_policies[0].layer, "STATUTORY");
    assert_ne!(
        first.warranty_policies[4].name,
        second.warranty_policies[0].name
    );
    assert_eq!(
        reason(&list("forged".into()).await.unwrap_err()),
        "PAGE_TOKEN_INVALID"
    );

    let get = |name: &str| {
        let request = suite
            .caller
            .request(GetWarrantyPolicyRequest { name: name.into() });
        let mut client = suite.policies.clone();
        async move {
            client
                .get_warranty_policy(request)
                .await
                .map(tonic::Response::into_inner)
        }
    };
    let law = get("warrantyPolicies/cn-microcomputers-2002@1")
        .await
        .unwrap();
    assert!(law.content.contains("main-parts-term") && !law.verified);
    for name in [
        "warrantyPolicies/cn-microcomputers-2002@9",
        "cn-microcomputers-2002@1",
        "",
    ] {
        assert_eq!(reason(&get(name).await.unwrap_err()), "NOT_FOUND");
    }
}
