//! Row-level security: what a query forgot to filter stays hidden.

use std::collections::BTreeSet;

use chassis::db::{self, Db};
use chassis::{Clock, Ids, TenantId, testing};
use futures::poll;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::house::{House, database, house, open};

/// Names without any filter.
const ALL: &str = "select aggregate from effects order by place";

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

/// One row of each tenant.
async fn write(db: &Db, name: &str) {
    let mut tx = db.begin(&tenant(name)).await.unwrap();
    let insert = "insert into effects (event_id, tenant_id, aggregate, version)
        values (gen_random_uuid(), $1, $1 || '/1', 1)";
    let insert = sqlx::query(insert).bind(name);
    insert.execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn read(db: &Db, name: &str) -> Vec<String> {
    let mut read = db.read(&tenant(name)).await.unwrap();
    let found = sqlx::query_scalar(ALL).fetch_all(&mut *read).await.unwrap();
    read.done();
    found
}

fn sqlstate(error: &sqlx::Error) -> String {
    let code = error.as_database_error().and_then(|said| said.code());
    code.unwrap_or_default().into_owned()
}

/// As `open`, with few connections, and as behind a pooler where `sessions` is false.
async fn narrow(house: &House, sessions: bool) -> Db {
    let password = testing::servers().await.password().to_owned();
    let settings = db::Settings {
        url: house.database.url(),
        password: password.clone(),
        worker_password: password,
        max_connections: 2,
        min_connections: 0,
        startup_options: sessions,
        ..db::Settings::default()
    };
    let clock = Clock::system();
    Db::connect("ticket", &settings, clock.clone(), Ids::random(clock)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_without_a_filter_reads_one_tenant_only() {
    let house = house().await;
    for sessions in [true, false] {
        let db = narrow(&house, sessions).await;
        for name in ["acme", "globex"] {
            sqlx::query("delete from ticket.effects where tenant_id = $1")
                .bind(name)
                .execute(&house.admin)
                .await
                .unwrap();
            write(&db, name).await;
        }

        // The same few connections serve both by turns, within and outside of transactions.
        for _ in 0..10 {
            for name in ["acme", "globex"] {
                let own = [format!("{name}/1")];
                assert_eq!(read(&db, name).await, own);
                let mut tx = db.begin(&tenant(name)).await.unwrap();
                let found: Vec<String> = sqlx::query_scalar(ALL).fetch_all(&mut *tx).await.unwrap();
                assert_eq!(found, own);
                let mut single = db.single(&tenant(name)).await.unwrap();
                let touch = sqlx::query("update effects set version = version + 1");
                let touched = touch.execute(&mut *single).await.unwrap();
                assert_eq!(touched.rows_affected(), 1);
                single.done(false).await.unwrap();
            }
        }
        let versions: Vec<i64> =
            sqlx::query_scalar("select version from ticket.effects order by place")
                .fetch_all(&house.admin)
                .await
                .unwrap();
        assert_eq!(versions, [11, 11]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_another_tenant_cannot_be_written() {
    let house = house().await;
    write(&house.ticket, "globex").await;

    let mut tx = house.ticket.begin(&tenant("acme")).await.unwrap();
    let insert = "insert into effects (event_id, tenant_id, aggregate, version)
        values (gen_random_uuid(), 'globex', 'tickets/2', 1)";
    let refused = sqlx::query(insert).execute(&mut *tx).await.unwrap_err();
    assert_eq!(sqlstate(&refused), "42501");

    let mut single = house.ticket.single(&tenant("acme")).await.unwrap();
    for none in [
        "update effects set version = 7",
        "delete from effects",
        "update effects set tenant_id = 'acme'",
    ] {
        let done = sqlx::query(none).execute(&mut *single).await.unwrap();
        assert_eq!(done.rows_affected(), 0, "{none}");
    }
    write(&house.ticket, "acme").await;
    let give = sqlx::query("update effects set tenant_id = 'globex'");
    let refused = give.execute(&mut *single).await.unwrap_err();
    assert_eq!(sqlstate(&refused), "42501");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_names_no_tenant_sees_no_row() {
    let house = house().await;
    write(&house.ticket, "acme").await;
    let url = house.database.url_as("fettle_ticket");
    let mut conn = PgConnection::connect(&url).await.unwrap();

    let count = "select count(*) from ticket.effects";
    let seen: i64 = sqlx::query_scalar(count)
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(seen, 0);
    // Neither does the owner's right to its tables help one who serves requests.
    let owner = sqlx::query("set role fettle_ticket_owner").execute(&mut conn);
    assert_eq!(sqlstate(&owner.await.unwrap_err()), "42501");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_gave_up_leaves_no_tenant_behind_for_the_next() {
    let house = house().await;
    let db = narrow(&house, true).await;
    for name in ["acme", "globex"] {
        write(&db, name).await;
    }

    for round in 0..120 {
        // Somebody gives up after every number of steps of reading, writing or beginning.
        let given_up = tenant(["acme", "globex"][round % 2]);
        let mut work: std::pin::Pin<Box<dyn Future<Output = ()>>> = match round % 3 {
            0 => Box::pin(async {
                let mut read = db.read(&given_up).await.unwrap();
                let all = sqlx::query_scalar::<_, String>(ALL).fetch_all(&mut *read);
                all.await.unwrap();
            }),
            1 => Box::pin(async {
                let mut single = db.single(&given_up).await.unwrap();
                let touch = sqlx::query("update effects set version = version + 1");
                touch.execute(&mut *single).await.unwrap();
            }),
            _ => Box::pin(async {
                let mut tx = db.begin(&given_up).await.unwrap();
                let all = sqlx::query_scalar::<_, String>(ALL).fetch_all(&mut *tx);
                all.await.unwrap();
            }),
        };
        for _ in 0..round % 7 {
            if poll!(&mut work).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(work);

        for name in ["globex", "acme"] {
            assert_eq!(read(&db, name).await, [format!("{name}/1")], "{round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_walled_off_and_every_partition_is_reached_through_its_parent() {
    let database = database().await;
    let mut admin = PgConnection::connect(&database.url()).await.unwrap();
    // A day made by the worker, later than all migrations.
    let url = database.url_as("fettle_ticket_worker");
    let mut worker = PgConnection::connect(&url).await.unwrap();
    sqlx::query("select ticket.ensure_partitions('outbox', current_date + 30, 1)")
        .execute(&mut worker)
        .await
        .unwrap();

    let bare: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c
         where c.relnamespace = 'ticket'::regnamespace and c.relkind in ('r', 'p')
             and not (c.relrowsecurity and c.relforcerowsecurity)",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert!(bare.is_empty(), "not walled off: {bare:?}");

    let days: Vec<String> = sqlx::query_scalar(
        "select inhrelid::regclass::text from pg_inherits
         where inhparent = 'ticket.outbox'::regclass",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert!(days.len() > 5, "{days:?}");
    let open = open(&database, "ticket").await;
    let mut tx = open.begin(&tenant("acme")).await.unwrap();
    tx.tell(crate::house::told("tickets/1", 1));
    tx.commit().await.unwrap();
    let mut read = open.read(&tenant("acme")).await.unwrap();
    for day in days {
        let count = AssertSqlSafe(format!("select count(*) from {day}"));
        let seen: i64 = sqlx::query_scalar(count)
            .fetch_one(&mut *read)
            .await
            .unwrap();
        assert_eq!(seen, 0, "{day}");
    }
    let count = "select count(*) from outbox";
    let seen: i64 = sqlx::query_scalar(count)
        .fetch_one(&mut *read)
        .await
        .unwrap();
    assert_eq!(seen, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn background_work_touches_the_tables_it_was_granted_and_no_others() {
    let database = database().await;
    let mut admin = PgConnection::connect(&database.url()).await.unwrap();

    let may: BTreeSet<(String, String)> = sqlx::query_as(
        "select distinct table_name::text, privilege_type::text
         from information_schema.role_column_grants
         where grantee = 'fettle_ticket_worker' and table_schema = 'ticket'
         union select table_name::text, privilege_type::text
         from information_schema.role_table_grants
         where grantee = 'fettle_ticket_worker' and table_schema = 'ticket'",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap()
    .into_iter()
    .collect();

    let tables: BTreeSet<&str> = may.iter().map(|(table, _)| table.as_str()).collect();
    let expected = [
        "_sqlx_migrations",
        "audit_entries",
        "audit_heads",
        "audit_pending",
        "consumer_positions",
        "dead_letters",
        "erasures",
        "inbox_positions",
        "leases",
        "outbox",
        "relay_epoch",
        "relay_partitions",
        "request_keys",
    ];
    assert_eq!(tables, BTreeSet::from(expected));
    let url = database.url_as("fettle_ticket_worker");
    let mut worker = PgConnection::connect(&url).await.unwrap();
    for forbidden in [
        "select count(*) from ticket.effects",
        "select payload from ticket.dead_letters",
        "select answer from ticket.request_keys",
        "insert into ticket.request_keys (tenant_id) values ('acme')",
        "delete from ticket.outbox",
    ] {
        let refused = sqlx::query(forbidden).execute(&mut worker).await;
        assert_eq!(sqlstate(&refused.unwrap_err()), "42501", "{forbidden}");
    }
    let url = database.url_as("fettle_ticket_auditor");
    let mut auditor = PgConnection::connect(&url).await.unwrap();
    for allowed in ["ticket.effects", "ticket.outbox", "ticket.dead_letters"] {
        let count = AssertSqlSafe(format!("select count(*) from {allowed}"));
        sqlx::query(count).execute(&mut auditor).await.unwrap();
        let delete = AssertSqlSafe(format!("delete from {allowed}"));
        let refused = sqlx::query(delete).execute(&mut auditor).await;
        assert_eq!(sqlstate(&refused.unwrap_err()), "42501", "{allowed}");
    }
}
