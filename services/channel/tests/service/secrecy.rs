//! Whoever holds the database alone, or the wrong key, learns nothing of a person.

use proto::channel::v1::{CreatePartyRequest, ListPartiesRequest, Party, UpdatePartyRequest};
use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;
use tonic::{Code, Status};

use crate::support::{House, MASTER, SECRETS, agent, house, li, reason};

/// Every row of every table of the schema as text: byte strings both as hexadecimal and as bytes.
async fn dump(house: &House) -> String {
    let tables = "select table_name::text from information_schema.tables
         where table_schema = 'channel' and table_type = 'BASE TABLE'";
    let tables: Vec<String> = sqlx::query_scalar(tables)
        .fetch_all(&house.admin)
        .await
        .unwrap();
    assert!(tables.len() > 5, "{tables:?}");
    let mut all = String::new();
    for table in tables {
        for output in ["hex", "escape"] {
            let sql = format!("set bytea_output = {output}");
            let mut conn = house.admin.acquire().await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut *conn)
                .await
                .unwrap();
            let sql = format!("select t::text from {table} as t");
            let rows = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql));
            all.extend(rows.fetch_all(&mut *conn).await.unwrap());
        }
    }
    all
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A party that was added and changed by keyed requests, so that answers are kept too.
async fn keyed_life(house: &House) -> (CreatePartyRequest, Party) {
    let create = CreatePartyRequest {
        party: Some(li()),
        request_id: "create".into(),
    };
    let created = house
        .parties(&agent())
        .create_party(create.clone())
        .await
        .unwrap()
        .into_inner();
    let update = UpdatePartyRequest {
        party: Some(Party {
            display_name: "Mrs Weizhong".into(),
            ..created.clone()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["display_name".into()],
        }),
        request_id: "update".into(),
    };
    house.parties(&agent()).update_party(update).await.unwrap();
    (create, created)
}

fn assert_silent(refused: &Status) {
    assert_eq!(
        (refused.code(), reason(refused)),
        (Code::Internal, "INTERNAL".into())
    );
    let said = format!("{refused:?}");
    assert!(
        !SECRETS.iter().any(|secret| said.contains(secret)),
        "{said}"
    );
    assert!(
        !said.contains("seal") && !said.contains("key"),
        "no detail: {said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_hold_nothing_of_a_person_in_plain_text() {
    let house = house().await;
    let (create, created) = keyed_life(&house).await;

    let dump = dump(&house).await;

    assert!(
        dump.contains(created.name.strip_prefix("parties/").unwrap()),
        "the party is there"
    );
    assert!(
        dump.contains("cn-east"),
        "and what is not personal can be read"
    );
    for secret in SECRETS {
        assert!(!dump.contains(secret), "{secret}");
        assert!(
            !dump.contains(&hex(secret.as_bytes())),
            "{secret} in hexadecimal"
        );
    }
    // Hashes of guessable values are no secrecy: none of these may be found by trying.
    let request = prost::Message::encode_to_vec(&create);
    for guess in [
        &request[..],
        li().email.to_lowercase().as_bytes(),
        li().phone.as_bytes(),
    ] {
        assert!(!dump.contains(&hex(&Sha256::digest(guess))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_master_key_opens_nothing_and_finds_nobody() {
    let house = house().await;
    let (create, created) = keyed_life(&house).await;

    let wrong = house.with_master(&MASTER.replace('0', "f")).await;

    assert_silent(&wrong.get(&created.name).await.unwrap_err());
    let all = ListPartiesRequest::default();
    assert_silent(&wrong.parties(&agent()).list_parties(all).await.unwrap_err());
    let by_mail = ListPartiesRequest {
        email: li().email,
        ..ListPartiesRequest::default()
    };
    let found = wrong.parties(&agent()).list_parties(by_mail).await.unwrap();
    assert!(found.into_inner().parties.is_empty());
    let replayed = wrong
        .parties(&agent())
        .create_party(create)
        .await
        .unwrap_err();
    assert_eq!(
        reason(&replayed),
        "REQUEST_ID_REUSED",
        "the fingerprint is another"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_or_moved_value_is_refused_without_a_word_about_it() {
    let house = house().await;
    let (ours, theirs) = (house.create(li()).await, house.create(li()).await);
    let id = |party: &Party| chassis::names::parse("parties", &party.name).unwrap();
    for sql in [
        "update parties set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)
         where party_id = $1 and $2::uuid is not null",
        "update parties set sealed = (select sealed from parties where party_id = $2)
         where party_id = $1",
        "update parties set sealed = set_byte(sealed, 0, 2)
         where party_id = $1 and $2::uuid is not null",
        "update party_keys set wrapped = (select wrapped from party_keys where party_id = $2)
         where party_id = $1",
    ] {
        let edit = sqlx::query(sql).bind(id(&ours)).bind(id(&theirs));
        assert_eq!(edit.execute(&house.admin).await.unwrap().rows_affected(), 1);

        assert_silent(&house.get(&ours.name).await.unwrap_err());
        let update = UpdatePartyRequest {
            party: Some(Party {
                phone: String::new(),
                ..ours.clone()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["phone".into()],
            }),
            request_id: String::new(),
        };
        assert_silent(
            &house
                .parties(&agent())
                .update_party(update)
                .await
                .unwrap_err(),
        );
    }
    assert!(house.get(&theirs.name).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_whose_key_is_gone_is_erased_everywhere() {
    let house = house().await;
    let (create, created) = keyed_life(&house).await;
    let stays = house
        .create(Party {
            email: "wei@example.org".into(),
            ..li()
        })
        .await;

    house.erase(&created.name).await.unwrap();

    let got = house.get(&created.name).await.unwrap_err();
    let update = UpdatePartyRequest {
        party: Some(created.clone()),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["phone".into()],
        }),
        request_id: String::new(),
    };
    let updated = house
        .parties(&agent())
        .update_party(update)
        .await
        .unwrap_err();
    let replayed = house
        .parties(&agent())
        .create_party(create)
        .await
        .unwrap_err();
    for refused in [got, updated, replayed] {
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(reason(&refused), "PARTY_ERASED");
    }
    for request in [
        ListPartiesRequest::default(),
        ListPartiesRequest {
            phone: li().phone,
            ..ListPartiesRequest::default()
        },
    ] {
        let listed = house
            .parties(&agent())
            .list_parties(request)
            .await
            .unwrap()
            .into_inner();
        let names: Vec<String> = listed.parties.into_iter().map(|party| party.name).collect();
        assert_eq!(names, std::slice::from_ref(&stays.name));
    }
}
