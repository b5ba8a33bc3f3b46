//! Erasing a person: once, for good, told to all who keep something of them.

use chassis::Caller;
use proto::channel::v1::{ErasePartyRequest, Party};
use tonic::Code;

use crate::support::{House, agent, fields, house, li, reason, stranger};

async fn told(house: &House) -> Vec<(String, i64)> {
    let told = sqlx::query_as("select aggregate, version from outbox where kind = 'party.erased'");
    told.fetch_all(&house.admin).await.unwrap()
}

fn erasing(party: &Party) -> ErasePartyRequest {
    ErasePartyRequest {
        name: party.name.clone(),
        etag: party.etag.clone(),
        request_id: "erase".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_erased_once_and_everybody_is_told_once() {
    let house = house().await;
    let party = house.create(li()).await;

    let first = house.parties(&agent()).erase_party(erasing(&party)).await;
    let first = first.unwrap().into_inner();
    let replayed = house.parties(&agent()).erase_party(erasing(&party)).await;
    let again = house.erase(&party.name).await.unwrap();

    assert_eq!(first.name, party.name);
    assert!(first.erase_time.is_some());
    assert_eq!(replayed.unwrap().into_inner(), first);
    assert_eq!(again, first, "asking again answers as the first time");
    assert_eq!(told(&house).await, [(party.name.clone(), 2)]);
    let got = house.get(&party.name).await.unwrap_err();
    assert_eq!(reason(&got), "PARTY_ERASED");
    let keys: i64 = sqlx::query_scalar("select count(*) from party_keys")
        .fetch_one(&house.admin)
        .await
        .unwrap();
    assert_eq!(keys, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_erase_or_names_nobody_changes_nothing() {
    let house = house().await;
    let party = house.create(li()).await;

    let foreign = house
        .parties(&stranger())
        .erase_party(erasing(&party))
        .await;
    assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
    let elsewhere = Caller {
        region: Some("us-east".into()),
        ..agent()
    };
    let foreign = house.parties(&elsewhere).erase_party(erasing(&party)).await;
    assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
    let desk = Caller {
        roles: vec!["agent".into()],
        ..agent()
    };
    let unauthorised = house.parties(&desk).erase_party(erasing(&party)).await;
    assert_eq!(unauthorised.unwrap_err().code(), Code::PermissionDenied);
    let stale = Party {
        etag: "W/\"9\"".into(),
        ..party.clone()
    };
    let stale = house.parties(&agent()).erase_party(erasing(&stale)).await;
    assert_eq!(reason(&stale.unwrap_err()), "STALE_ETAG");
    let nobody = house.erase("parties/nobody").await.unwrap_err();
    assert_eq!(fields(&nobody), ["name"]);

    assert_eq!(told(&house).await, []);
    assert!(house.get(&party.name).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_erases_themselves_and_nobody_else() {
    let house = house().await;
    let (own, other) = (house.create(li()).await, house.create(li()).await);
    let customer = Caller {
        principal: "users/9".into(),
        roles: vec!["customer".into()],
        customer: Some(own.name.clone()),
        ..agent()
    };

    let foreign = house.parties(&customer).erase_party(erasing(&other)).await;
    assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
    house
        .parties(&customer)
        .erase_party(erasing(&own))
        .await
        .unwrap();

    assert!(house.get(&other.name).await.is_ok());
    assert!(house.get(&own.name).await.is_err());
}
