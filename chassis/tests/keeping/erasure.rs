//! What is to be erased is erased, what was answered of it as well, and it is looked at twice.

use std::sync::Mutex;

use chassis::Refusal;
use chassis::db::{Db, Tx};
use chassis::erasure::{self, Eraser, LOOKS_AGAIN_AFTER};
use chassis::invariants;
use chassis::keyed::{Keyed, keyed};
use chassis::testing::{agent, called};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use proto::channel::v1::{GetPartyRequest, Party};
use sqlx::AssertSqlSafe;

use crate::house::{House, house, tenant};

/// Erases what it is given, a piece at a time, and notes what it was asked.
#[derive(Default)]
struct Rubber {
    left: Mutex<Vec<&'static str>>,
    asked: Mutex<Vec<String>>,
    fails: bool,
}

impl Rubber {
    fn with(left: &[&'static str]) -> Rubber {
        Rubber {
            left: Mutex::new(left.to_vec()),
            ..Rubber::default()
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[tonic::async_trait]
impl Eraser for Rubber {
    async fn erase(&self, _: &mut Tx, subject: &str) -> Result<Vec<String>, Refusal> {
        if self.fails {
            return Err(Refusal::contention());
        }
        self.asked.lock().unwrap().push(subject.to_owned());
        let piece = self.left.lock().unwrap().pop();
        Ok(piece.into_iter().map(str::to_owned).collect())
    }
}

async fn record(db: &Db, subject: &str) {
    let mut tx = db.begin(&tenant()).await.unwrap();
    erasure::record(&mut tx, subject).await.unwrap();
    tx.commit().await.unwrap();
}

/// Looks so far, and when the next one is due.
async fn standing(house: &House) -> (i16, Option<Timestamp>) {
    let row: (i16, Option<jiff_sqlx::Timestamp>) =
        sqlx::query_as("select looks, look_at from ticket.erasures")
            .fetch_one(&house.admin)
            .await
            .unwrap();
    (row.0, row.1.map(|at| at.to_jiff()))
}

async fn due_at(house: &House, at: Timestamp) {
    let due = sqlx::query("update ticket.erasures set look_at = $1").bind(at.to_sqlx());
    due.execute(&house.admin).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_looked_at_until_nothing_is_left_and_once_more_after_every_deadline() {
    let house = house().await;
    let db = &house.ticket;
    let rubber = Rubber::with(&["tickets/1", "tickets/2"]);
    record(db, "parties/1").await;
    record(db, "parties/1").await;

    let before = db.clock().now();
    erasure::round(db, &rubber).await.unwrap();

    assert_eq!(rubber.asked().len(), 3, "until nothing is left");
    let (looks, next) = standing(&house).await;
    assert_eq!(looks, 1);
    assert!(next.unwrap() >= before + LOOKS_AGAIN_AFTER);
    erasure::round(db, &rubber).await.unwrap();
    assert_eq!(rubber.asked().len(), 3, "not before its time");

    due_at(&house, before).await;
    erasure::round(db, &rubber).await.unwrap();

    assert_eq!(rubber.asked().len(), 4);
    assert_eq!(standing(&house).await, (2, None));
    record(db, "parties/1").await;
    assert_eq!(
        standing(&house).await,
        (2, None),
        "the same again changes nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_stays_due_and_is_named_when_it_is_late() {
    let house = house().await;
    let broken = Rubber {
        fails: true,
        ..Rubber::default()
    };
    record(&house.ticket, "parties/1").await;

    erasure::round(&house.ticket, &broken).await.unwrap_err();

    assert_eq!(standing(&house).await.0, 0);
    let mut conn = house.admin.acquire().await.unwrap();
    let path = "set search_path to ticket, public";
    sqlx::query(path).execute(&mut *conn).await.unwrap();
    let breaches = invariants::check(&mut conn).await.unwrap();
    assert!(breaches.is_empty(), "not late yet: {breaches:?}");

    due_at(
        &house,
        house.ticket.clock().now() - jiff::SignedDuration::from_mins(11),
    )
    .await;
    let breaches = invariants::check(&mut conn).await.unwrap();
    assert_eq!(breaches.len(), 1);
    assert_eq!(breaches[0].law, invariants::ERASURE);
    assert_eq!(breaches[0].subject, "parties/1");
}

/// A keyed call that answers with a party.
async fn answered(db: &Db, key: &str, name: &str) -> Result<Party, Refusal> {
    let caller = agent();
    let asked = GetPartyRequest {
        name: name.to_owned(),
    };
    let call = async {
        match keyed(db, &caller, "CreateParty", key, &asked).await? {
            Keyed::Replay(answer) => Ok(answer),
            Keyed::Fresh(tx) => {
                let party = Party {
                    name: name.to_owned(),
                    display_name: "Li Wei".to_owned(),
                    ..Party::default()
                };
                tx.finish(party).await
            }
        }
    };
    let rpc = "fettle.channel.v1.PartyService/CreateParty";
    called(&caller.principal, rpc, call).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_spoke_of_it_is_emptied_and_the_request_is_not_done_again() {
    let house = house().await;
    let db = &house.ticket;
    answered(db, "one", "parties/1").await.unwrap();
    answered(db, "two", "parties/2").await.unwrap();
    record(db, "parties/1").await;

    erasure::round(db, &Rubber::with(&["parties/1"]))
        .await
        .unwrap();

    let again = answered(db, "one", "parties/1").await.unwrap_err();
    assert_eq!(again.reason(), "ANSWER_ERASED");
    let other = answered(db, "one", "parties/9").await.unwrap_err();
    assert_eq!(
        other.reason(),
        "ANSWER_ERASED",
        "what was asked is not known any more"
    );
    let kept = answered(db, "two", "parties/2").await.unwrap();
    assert_eq!(kept.display_name, "Li Wei");
    let bytes = sqlx::query_scalar::<_, i64>(AssertSqlSafe(
        "select count(*) from ticket.request_keys where strpos(encode(answer, 'escape'), 'Li') > 0",
    ));
    assert_eq!(bytes.fetch_one(&house.admin).await.unwrap(), 1);
}
