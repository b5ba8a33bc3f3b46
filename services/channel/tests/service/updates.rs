//! UpdateParty, once per answer and per reason.

use proto::channel::v1::{Party, UpdatePartyRequest};
use tonic::Code;

use crate::parties::{found, update};
use crate::support::{agent, fields, house, li, reason};

#[tokio::test(flavor = "multi_thread")]
async fn an_update_changes_what_its_mask_names_and_moves_the_index() {
    let house = house().await;
    let created = house.create(li()).await;
    let change = Party {
        name: created.name.clone(),
        display_name: "not named in the mask".into(),
        email: "Wei@example.org".into(),
        region: "cn-west".into(),
        etag: created.etag.clone(),
        ..Party::default()
    };

    let updated = update(&house, change, &["email", "region", "email"])
        .await
        .unwrap();

    assert_eq!(house.get(&created.name).await.unwrap(), updated);
    assert_eq!(
        (updated.email.as_str(), updated.region.as_str()),
        ("Wei@example.org", "cn-west")
    );
    assert_eq!(updated.display_name, created.display_name);
    assert_eq!(updated.create_time, created.create_time);
    assert_ne!(updated.etag, created.etag);
    assert_eq!(found(&house, "wei@example.org", "").await, [created.name]);
    assert!(found(&house, &li().email, "").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_says_all_that_is_wrong_at_once() {
    let house = house().await;
    let wrong = Party {
        name: "parties/1".into(),
        email: "li".into(),
        ..Party::default()
    };
    let paths = ["email", "display_name", "create_time", "*"];

    let refused = update(&house, wrong, &paths).await.unwrap_err();

    let expected = [
        "party.name",
        "party.email",
        "party.display_name",
        "update_mask.paths[2]",
        "update_mask.paths[3]",
    ];
    assert_eq!(fields(&refused), expected);
    let empty = house
        .parties(&agent())
        .update_party(UpdatePartyRequest::default())
        .await;
    assert_eq!(
        fields(&empty.unwrap_err()),
        ["party", "party.name", "update_mask"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_contact_cannot_be_removed_and_a_stale_writer_is_told() {
    let house = house().await;
    let created = house
        .create(Party {
            phone: String::new(),
            ..li()
        })
        .await;
    let named = |etag: &str| Party {
        name: created.name.clone(),
        display_name: "Li".into(),
        etag: etag.into(),
        ..Party::default()
    };

    let mute = update(&house, named(""), &["email"]).await.unwrap_err();
    assert_eq!(fields(&mute), ["party.email"]);
    update(&house, named(&created.etag), &["display_name"])
        .await
        .unwrap();
    let stale = update(&house, named(&created.etag), &["display_name"])
        .await
        .unwrap_err();
    assert_eq!(
        (stale.code(), reason(&stale)),
        (Code::Aborted, "STALE_ETAG".into())
    );
    let absent = Party {
        name: format!("parties/{}", uuid::Uuid::nil()),
        ..named("")
    };
    let absent = update(&house, absent, &["display_name"]).await.unwrap_err();
    assert_eq!(reason(&absent), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_writers_with_one_etag_one_wins() {
    let house = house().await;
    let created = house.create(li()).await;
    let calls = (0..12).map(|n| {
        let party = Party {
            display_name: format!("Li {n}"),
            ..created.clone()
        };
        update(&house, party, &["display_name"])
    });

    let answers = futures::future::join_all(calls).await;

    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(
        lost.into_iter()
            .all(|lost| reason(&lost.unwrap_err()) == "STALE_ETAG")
    );
}
