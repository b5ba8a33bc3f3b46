//! PartyService, once per answer and per reason.

use proto::channel::v1::{
    CreatePartyRequest, GetPartyRequest, ListPartiesRequest, ListPartiesResponse, Party,
    UpdatePartyRequest,
};
use tonic::{Code, Status};

use crate::support::{House, agent, fields, house, li, reason, stranger};

async fn create(house: &House, request: CreatePartyRequest) -> Result<Party, Status> {
    let created = house.parties(&agent()).create_party(request).await?;
    Ok(created.into_inner())
}

pub(crate) async fn update(house: &House, party: Party, paths: &[&str]) -> Result<Party, Status> {
    let request = UpdatePartyRequest {
        party: Some(party),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        request_id: String::new(),
    };
    let updated = house.parties(&agent()).update_party(request).await?;
    Ok(updated.into_inner())
}

async fn list(house: &House, request: ListPartiesRequest) -> Result<ListPartiesResponse, Status> {
    let listed = house.parties(&agent()).list_parties(request).await?;
    Ok(listed.into_inner())
}

pub(crate) async fn found(house: &House, email: &str, phone: &str) -> Vec<String> {
    let request = ListPartiesRequest {
        email: email.into(),
        phone: phone.into(),
        ..ListPartiesRequest::default()
    };
    let listed = list(house, request).await.unwrap();
    listed.parties.into_iter().map(|party| party.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_is_read_back_as_it_was_added_in_its_usual_spelling() {
    let house = house().await;
    let written = Party {
        phone: "+86 138-1234 5678".into(),
        language: "ZH-hans".into(),
        name: "parties/mine".into(),
        etag: "ignored".into(),
        ..li()
    };

    let created = house.create(written).await;

    assert_eq!(house.get(&created.name).await.unwrap(), created);
    let as_written = Party {
        name: created.name.clone(),
        region: "cn-east".into(),
        create_time: created.create_time,
        etag: created.etag.clone(),
        ..li()
    };
    assert_eq!(created, as_written, "the region is the caller's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_is_written_to_in_english_unless_it_says_otherwise() {
    let house = house().await;
    let party = Party {
        language: String::new(),
        region: "eu".into(),
        ..li()
    };
    let created = house.create(party).await;
    assert_eq!(
        (created.language.as_str(), created.region.as_str()),
        ("en", "eu")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_with_a_party_is_said_at_once_and_not_repeated() {
    let house = house().await;
    let wrong = Party {
        display_name: " ".into(),
        email: "li@localhost".into(),
        phone: "13812345678".into(),
        language: "chinese language".into(),
        region: "x".repeat(101),
        ..Party::default()
    };
    let request = CreatePartyRequest {
        party: Some(wrong),
        ..CreatePartyRequest::default()
    };

    let refused = create(&house, request).await.unwrap_err();

    let expected = [
        "party.display_name",
        "party.email",
        "party.phone",
        "party.language",
        "party.region",
    ];
    assert_eq!(fields(&refused), expected);
    let said = format!("{refused:?}");
    assert!(
        !said.contains("localhost") && !said.contains("13812345678"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_is_required_and_must_be_reachable() {
    let house = house().await;
    let none = create(&house, CreatePartyRequest::default())
        .await
        .unwrap_err();
    assert_eq!(fields(&none), ["party"]);
    let mute = Party {
        email: String::new(),
        phone: " ".into(),
        ..li()
    };
    let request = CreatePartyRequest {
        party: Some(mute),
        ..CreatePartyRequest::default()
    };
    assert_eq!(
        fields(&create(&house, request).await.unwrap_err()),
        ["party.email"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_adds_one_party_and_gives_the_first_answer() {
    let house = house().await;
    let request = CreatePartyRequest {
        party: Some(li()),
        request_id: "k".into(),
    };

    let calls = (0..16).map(|_| create(&house, request.clone()));
    let answers = futures::future::join_all(calls).await;

    let mut parties: Vec<Party> = answers.into_iter().map(Result::unwrap).collect();
    parties.dedup();
    let [first] = parties.as_slice() else {
        panic!("{}", parties.len())
    };
    let renamed = Party {
        display_name: "Li".into(),
        ..first.clone()
    };
    update(&house, renamed, &["display_name"]).await.unwrap();
    assert_eq!(&create(&house, request.clone()).await.unwrap(), first);
    let other = CreatePartyRequest {
        party: Some(Party {
            phone: String::new(),
            ..li()
        }),
        ..request
    };
    let reused = create(&house, other).await.unwrap_err();
    assert_eq!(reason(&reused), "REQUEST_ID_REUSED");
    assert_eq!(
        found(&house, &li().email, "").await,
        std::slice::from_ref(&first.name)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_of_another_tenant_does_not_exist() {
    let house = house().await;
    let created = house.create(li()).await;
    let request = GetPartyRequest {
        name: created.name.clone(),
    };
    let refused = house
        .parties(&stranger())
        .get_party(request)
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::NotFound, "NOT_FOUND".into())
    );
    let request = ListPartiesRequest {
        email: li().email,
        ..ListPartiesRequest::default()
    };
    let theirs = house
        .parties(&stranger())
        .list_parties(request)
        .await
        .unwrap();
    assert!(theirs.into_inner().parties.is_empty());
    let malformed = house.get("tickets/1").await.unwrap_err();
    assert_eq!(fields(&malformed), ["name"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_is_found_by_exactly_its_mail_address_or_phone_number() {
    let house = house().await;
    let both = house.create(li()).await.name;
    let mail = house
        .create(Party {
            phone: String::new(),
            ..li()
        })
        .await
        .name;
    let other = Party {
        email: "wei@example.com".into(),
        ..li()
    };
    let phone = house.create(other).await.name;

    for (email, number, expected) in [
        ("li.weizhong@EXAMPLE.com", "", vec![&both, &mail]),
        ("", "+86 138 1234 5678", vec![&both, &phone]),
        ("li.weizhong@example.com", "+8613812345678", vec![&both]),
        ("li.weizhong@example.co", "", vec![]),
        ("", "+8613812345679", vec![]),
    ] {
        let mut expected: Vec<String> = expected.into_iter().cloned().collect();
        expected.sort();
        assert_eq!(
            found(&house, email, number).await,
            expected,
            "{email} {number}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_in_order_of_creation_and_for_their_own_list_alone() {
    let house = house().await;
    let mut made = Vec::new();
    for n in 0..5 {
        let region = if n == 3 { "eu" } else { "cn-east" };
        made.push(
            house
                .create(Party {
                    region: region.into(),
                    ..li()
                })
                .await
                .name,
        );
    }
    let request = ListPartiesRequest {
        page_size: 2,
        region: "cn-east".into(),
        ..ListPartiesRequest::default()
    };

    let first = list(&house, request.clone()).await.unwrap();
    let next = ListPartiesRequest {
        page_token: first.next_page_token.clone(),
        ..request.clone()
    };
    let second = list(&house, next.clone()).await.unwrap();

    let pages = [first.parties, second.parties].concat();
    let names: Vec<String> = pages.into_iter().map(|party| party.name).collect();
    let mut expected = made.clone();
    expected.remove(3);
    expected.sort();
    assert_eq!(names, expected);
    assert_eq!(second.next_page_token, "");
    let other = ListPartiesRequest {
        region: "eu".into(),
        ..next.clone()
    };
    let other = list(&house, other).await.unwrap_err();
    let foreign = house
        .parties(&stranger())
        .list_parties(next)
        .await
        .unwrap_err();
    for refused in [other, foreign] {
        assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_filter_is_named() {
    let house = house().await;
    let request = ListPartiesRequest {
        email: "li".into(),
        phone: "138".into(),
        ..ListPartiesRequest::default()
    };
    let refused = list(&house, request).await.unwrap_err();
    assert_eq!(fields(&refused), ["email", "phone"]);
}
