//! The audit: what was changed on somebody's request is chained, and a change of that is seen.

use chassis::audit::{self, CHAIN, HEAD, heads::Head};
use chassis::db::Db;
use chassis::identity::{Issuer, Keyring};
use chassis::invariants::Breach;
use chassis::testing::{called, development_key, eventually};
use chassis::{Refusal, TenantId};
use proto::channel::v1::Party;
use sqlx::AssertSqlSafe;
use tokio_util::sync::CancellationToken;

use crate::house::{House, PATIENCE, house, told};

const RPC: &str = "fettle.ticket.v1.TicketService/CancelTicket";

/// Tenant, number, principal, RPC, origin, resource, and which digests are none.
type Kept = (String, i64, String, String, String, String, bool, bool);

fn ring() -> Keyring {
    development_key().ring(&Issuer::Development)
}

fn party(number: usize) -> Party {
    Party {
        name: format!("parties/{number}"),
        display_name: "Li Wei".to_owned(),
        region: "CN-ZJ".to_owned(),
        ..Party::default()
    }
}

/// Changes something as a call does.
async fn change(db: &Db, tenant: &str, number: usize) -> Result<(), Refusal> {
    let tenant = TenantId::parse(tenant).unwrap();
    let mut tx = db.begin(&tenant).await?;
    if number > 1 {
        tx.was(&party(number - 1));
    }
    tx.became(&party(number));
    tx.commit().await
}

async fn changes(house: &House, tenant: &str, count: usize) {
    for number in 1..=count {
        called("users/7", RPC, change(&house.ticket, tenant, number))
            .await
            .unwrap();
    }
}

/// Seals until nothing waits.
async fn seal(house: &House) {
    let stop = CancellationToken::new();
    let (db, events) = (house.ticket.clone(), house.events.clone());
    let work = audit::run(db, events, Some(development_key()), stop.clone());
    let work = tokio::spawn(work);
    let waiting = "select count(*) from ticket.audit_pending";
    eventually(PATIENCE, "all is sealed", async || {
        let waiting: i64 = sqlx::query_scalar(waiting)
            .fetch_one(&house.admin)
            .await
            .unwrap();
        (waiting == 0).then_some(())
    })
    .await;
    stop.cancel();
    work.await.unwrap();
}

async fn checked(house: &House, kept: &[Head]) -> (Vec<Breach>, Vec<Head>) {
    let mut conn = house.admin.acquire().await.unwrap();
    sqlx::query("set search_path to ticket, public")
        .execute(&mut *conn)
        .await
        .unwrap();
    audit::check(&mut conn, "ticket", &ring(), kept)
        .await
        .unwrap()
}

async fn tamper(house: &House, statement: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&house.admin)
        .await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

fn named(breaches: &[Breach]) -> Vec<(&str, &str)> {
    let named = breaches.iter().map(|b| (b.law, b.subject.as_str()));
    named.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_callers_change_is_chained_tenant_by_tenant_in_the_commit_of_the_change() {
    // Given a house where two tenants' callers change things,
    let house = house().await;
    changes(&house, "acme", 3).await;
    changes(&house, "globex", 2).await;
    // one call gives up, one fails, and one change is nobody's request,
    let dropped = async { house.ticket.begin(&TenantId::parse("acme").unwrap()).await };
    drop(called("users/8", RPC, dropped).await.unwrap());
    let failing = async {
        let mut tx = house
            .ticket
            .begin(&TenantId::parse("acme").unwrap())
            .await?;
        tx.became(&party(1));
        let _ = sqlx::query("select 1 / 0").execute(&mut *tx).await;
        tx.commit().await
    };
    assert!(called("users/8", RPC, failing).await.is_err());
    change(&house.ticket, "acme", 9).await.unwrap();

    // when all is sealed,
    seal(&house).await;

    // then each tenant has its own chain of what was done, by whom and from where,
    let rows: Vec<Kept> = sqlx::query_as(
        "select tenant_id, number, principal, rpc, origin, resource, before is null, after is null
         from ticket.audit_entries order by tenant_id, number",
    )
    .fetch_all(&house.admin)
    .await
    .unwrap();
    let places: Vec<(&str, i64, &str)> = rows
        .iter()
        .map(|row| (row.0.as_str(), row.1, row.5.as_str()))
        .collect();
    assert_eq!(
        places,
        [
            ("acme", 1, "parties/1"),
            ("acme", 2, "parties/2"),
            ("acme", 3, "parties/3"),
            ("globex", 1, "parties/1"),
            ("globex", 2, "parties/2"),
        ]
    );
    for row in &rows {
        let by = (row.2.as_str(), row.3.as_str(), row.4.as_str());
        assert_eq!(by, ("users/7", RPC, "192.0.2.7"));
        assert_eq!((row.6, row.7), (row.1 == 1, false), "{row:?}");
    }
    // what one change leaves the next one finds, and who a person is goes into no digest,
    let linked: i64 = sqlx::query_scalar(
        "select count(*) from ticket.audit_entries a join ticket.audit_entries b
             on b.tenant_id = a.tenant_id and b.number = a.number + 1 and b.before = a.after",
    )
    .fetch_one(&house.admin)
    .await
    .unwrap();
    assert_eq!(linked, 3);
    let nameless = Party {
        display_name: String::new(),
        ..party(1)
    };
    assert_eq!(audit::digest(&party(1)), audit::digest(&nameless));
    assert_ne!(audit::digest(&party(1)), audit::digest(&party(2)));
    // and the chains are whole.
    let (breaches, heads) = checked(&house, &[]).await;
    assert_eq!(breaches, []);
    let stands: Vec<(&str, i64)> = heads
        .iter()
        .map(|h| (h.tenant.as_str(), h.number))
        .collect();
    assert_eq!(stands, [("acme", 3), ("globex", 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_edited_dropped_or_swapped_is_named() {
    let house = house().await;
    changes(&house, "acme", 7).await;
    seal(&house).await;
    assert_eq!(checked(&house, &[]).await.0, []);
    tamper(
        &house,
        "create table ticket.kept as select * from ticket.audit_entries",
    )
    .await;

    let cases: [(&str, &[(&str, &str)]); 9] = [
        (
            "update ticket.audit_entries set principal = 'users/1' where number = 3",
            &[(CHAIN, "acme/auditEntries/3")],
        ),
        (
            "update ticket.audit_entries set after = before where number = 4",
            &[(CHAIN, "acme/auditEntries/4")],
        ),
        (
            "update ticket.audit_entries set before = null where number = 4",
            &[(CHAIN, "acme/auditEntries/4")],
        ),
        (
            "delete from ticket.audit_entries where number in (2, 3)",
            &[(CHAIN, "acme/auditEntries/2")],
        ),
        (
            "update ticket.audit_entries set number = number + 100 where number in (2, 5);
             update ticket.audit_entries set number = 107 - number where number in (102, 105)",
            &[
                (CHAIN, "acme/auditEntries/2"),
                (CHAIN, "acme/auditEntries/3"),
                (CHAIN, "acme/auditEntries/5"),
                (CHAIN, "acme/auditEntries/6"),
            ],
        ),
        (
            "delete from ticket.audit_entries where number = 7",
            &[(HEAD, "acme/auditEntries/7")],
        ),
        (
            "delete from ticket.audit_entries",
            &[(HEAD, "acme/auditEntries/7")],
        ),
        // Whoever moves an entry to another tenant's chain leaves a gap here and a stranger there.
        (
            "update ticket.audit_entries set tenant_id = 'globex', number = 1 where number = 2",
            &[
                (CHAIN, "acme/auditEntries/2"),
                (CHAIN, "globex/auditEntries/1"),
                (HEAD, "globex/auditEntries/1"),
            ],
        ),
        (
            "insert into ticket.audit_entries select tenant_id, 8, id, recorded_at, principal, rpc,
                origin, request_id, resource, before, after, hash
             from ticket.audit_entries where number = 7",
            &[
                (CHAIN, "acme/auditEntries/8"),
                (HEAD, "acme/auditEntries/7"),
            ],
        ),
    ];
    for (statement, expected) in cases {
        tamper(&house, statement).await;
        let (breaches, _) = checked(&house, &[]).await;
        assert_eq!(named(&breaches), expected, "{statement}: {breaches:?}");
        tamper(
            &house,
            "delete from ticket.audit_entries;
             insert into ticket.audit_entries select * from ticket.kept",
        )
        .await;
    }
    assert_eq!(checked(&house, &[]).await.0, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_the_service_did_not_sign_or_that_was_put_back_is_named() {
    // Given a chain, and its head of an earlier day kept in the table and outside,
    let house = house().await;
    changes(&house, "acme", 3).await;
    seal(&house).await;
    let (_, early) = checked(&house, &[]).await;
    tamper(
        &house,
        "create table ticket.early as select * from ticket.audit_heads",
    )
    .await;
    changes(&house, "acme", 2).await;
    seal(&house).await;
    let (breaches, late) = checked(&house, &early).await;
    assert_eq!(breaches, [], "what was put aside earlier is still there");

    // when the end is cut off and the earlier head put back,
    tamper(
        &house,
        "create table ticket.late as select * from ticket.audit_heads;
         create table ticket.kept as select * from ticket.audit_entries;
         delete from ticket.audit_entries where number > 3;
         delete from ticket.audit_heads;
         insert into ticket.audit_heads select * from ticket.early",
    )
    .await;

    // then the tables alone cannot tell, and the head that was kept outside does.
    assert_eq!(checked(&house, &[]).await.0, []);
    let (breaches, _) = checked(&house, &late).await;
    assert_eq!(named(&breaches), [(HEAD, "acme/auditEntries/5")]);

    // A head that says anything else than what was signed is named as well,
    let forge = |set: &str| {
        format!(
            "delete from ticket.audit_entries;
             insert into ticket.audit_entries select * from ticket.kept;
             delete from ticket.audit_heads;
             insert into ticket.audit_heads select * from ticket.late;
             update ticket.audit_heads set {set}"
        )
    };
    for set in [
        "signed_at = signed_at - interval '1 hour'",
        "key_id = 'another'",
        "key_id = '', signature = ''",
        "signature = signature || '\\x00'",
    ] {
        tamper(&house, &forge(set)).await;
        let (breaches, _) = checked(&house, &[]).await;
        assert_eq!(named(&breaches), [(HEAD, "acme/auditEntries/5")], "{set}");
    }
    // also where the keys believed are another service's.
    tamper(&house, &forge("number = number")).await;
    assert_eq!(checked(&house, &[]).await.0, []);
    let other = Issuer::parse("services/inventory").unwrap();
    let other = late[0].check(&development_key().ring(&other));
    assert!(other.is_err(), "{other:?}");
    let own = Issuer::parse("services/ticket").unwrap();
    assert_eq!(late[0].check(&development_key().ring(&own)), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_role_of_a_running_service_can_change_what_is_chained() {
    let house = house().await;
    changes(&house, "acme", 1).await;
    seal(&house).await;
    let attempts = [
        "select count(*) from audit_pending",
        "delete from audit_pending",
        "select count(*) from audit_entries",
        "update audit_entries set principal = 'users/1'",
        "delete from audit_entries",
        "truncate audit_entries",
        "update audit_heads set number = 1",
    ];
    let refused = |error: &sqlx::Error| {
        let code = error.as_database_error().and_then(|said| said.code());
        code.is_some_and(|code| code == "42501")
    };
    for attempt in attempts {
        let tenant = TenantId::parse("acme").unwrap();
        let mut single = house.ticket.single(&tenant).await.unwrap();
        let done = sqlx::query(attempt).execute(&mut *single).await;
        assert!(refused(&done.unwrap_err()), "serving: {attempt}");
    }
    for attempt in [
        "update audit_pending set principal = 'users/1'",
        "update audit_entries set principal = 'users/1'",
        "delete from audit_entries",
        "truncate audit_entries",
        "delete from audit_heads",
    ] {
        let done = sqlx::query(attempt)
            .execute(house.ticket.worker_pool())
            .await;
        assert!(refused(&done.unwrap_err()), "working: {attempt}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sealers_of_two_processes_give_each_number_once() {
    let house = house().await;
    let db = crate::house::open(&house.database, "ticket").await;
    let stop = CancellationToken::new();
    let sealers: Vec<_> = [house.ticket.clone(), db]
        .into_iter()
        .map(|db| {
            let events = chassis::streams::Settings {
                lease_ttl_ms: 500,
                ..house.events.clone()
            };
            tokio::spawn(audit::run(
                db,
                events,
                Some(development_key()),
                stop.clone(),
            ))
        })
        .collect();

    let writers = (0..4).map(|_| changes(&house, "acme", 50));
    futures::future::join_all(writers).await;
    let sealed = "select count(*) from ticket.audit_entries";
    eventually(PATIENCE, "all is sealed", async || {
        let sealed: i64 = sqlx::query_scalar(sealed)
            .fetch_one(&house.admin)
            .await
            .unwrap();
        (sealed == 200).then_some(())
    })
    .await;
    stop.cancel();
    for sealer in sealers {
        sealer.await.unwrap();
    }

    assert_eq!(checked(&house, &[]).await.0, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_says_on_whose_behalf_it_is_told() {
    let house = house().await;
    let tell = async {
        let mut tx = house
            .ticket
            .begin(&TenantId::parse("acme").unwrap())
            .await?;
        tx.tell(told("tickets/1", 1));
        tx.commit().await
    };
    called("users/7", RPC, tell).await.unwrap();
    house.tell(&["tickets/2".to_owned()], 1..=1).await;

    let rows: Vec<(String, String)> =
        sqlx::query_as("select aggregate, principal from ticket.outbox order by aggregate")
            .fetch_all(&house.admin)
            .await
            .unwrap();
    let expected = [("tickets/1", "users/7"), ("tickets/2", "")];
    assert!(
        rows.iter()
            .map(|(a, p)| (a.as_str(), p.as_str()))
            .eq(expected)
    );
}
