//! Schemas are made once, by whoever comes first, and pushed migrations stay as they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chassis::migrate::{Roles, migrate};
use data_encoding::HEXLOWER;
use futures::future::join_all;
use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection};

use crate::house::{database, house, own_migrations, passwords, tenant};

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_may_migrate_at_once_and_again() {
    let database = database().await;
    let admin = database.url().parse().unwrap();
    let (own, passwords) = (own_migrations(), passwords().await);

    let all = join_all((0..6).map(|i| {
        let service = ["dispatch", "partner"][i % 2];
        migrate(&admin, service, &own, &passwords)
    }))
    .await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");

    let mut conn = PgConnection::connect(&database.url()).await.unwrap();
    let sql = "select count(*) from dispatch._sqlx_migrations where success";
    let applied: i64 = sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap();
    assert_eq!(
        applied as usize,
        chassis::migrate::MIGRATIONS.iter().count() + 1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_may_write_rows_and_may_not_change_tables_or_read_its_neighbours() {
    let house = house().await;
    let mut conn = house.ticket.read(&tenant()).await.unwrap();

    sqlx::query("delete from request_keys")
        .execute(&mut *conn)
        .await
        .unwrap();
    for forbidden in [
        "create table t (i integer)",
        "alter table outbox add column c text",
        "drop table outbox",
        "truncate outbox",
        "select ensure_partitions('outbox', current_date, 1)",
        "select drop_partitions_before('outbox', now())",
        "select count(*) from feedback.outbox",
    ] {
        let error = sqlx::query(forbidden)
            .execute(&mut *conn)
            .await
            .unwrap_err();
        let code = error
            .as_database_error()
            .and_then(|e| e.code())
            .unwrap_or_default()
            .into_owned();
        assert_eq!(code, "42501", "{forbidden}");
    }
    let roles = Roles::of("ticket");
    let who: String = sqlx::query_scalar("select current_user::text")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    assert_eq!(who, roles.runtime);
}

/// Migrations as files: path below the workspace → SHA-256.
fn files() -> BTreeMap<String, String> {
    let root = root();
    let mut folders = vec![root.join("chassis/migrations")];
    for service in std::fs::read_dir(root.join("services")).unwrap() {
        folders.push(service.unwrap().path().join("migrations"));
    }
    let mut sums = BTreeMap::new();
    for file in folders
        .iter()
        .filter(|f| f.is_dir())
        .flat_map(|f| std::fs::read_dir(f).unwrap())
    {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|e| e == "sql") {
            let name = path
                .strip_prefix(&root)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            sums.insert(
                name,
                HEXLOWER.encode(&Sha256::digest(std::fs::read(&path).unwrap())),
            );
        }
    }
    sums
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

#[test]
fn migrations_are_as_migrations_lock_lists_them() {
    let path = root().join("migrations.lock");
    let files = files();
    let lines: String = files
        .iter()
        .map(|(name, sum)| format!("{sum}  {name}\n"))
        .collect();
    if std::env::var_os("FETTLE_UPDATE_LOCK").is_some() {
        std::fs::write(&path, lines).unwrap();
        return;
    }
    let listed = std::fs::read_to_string(&path).unwrap_or_default();
    let listed: BTreeMap<&str, &str> = listed
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, name)| (name, sum))
        .collect();
    for (name, sum) in &listed {
        let now = files.get(*name).map(String::as_str);
        assert_eq!(
            now,
            Some(*sum),
            "{name} is pushed and may not change: write a new migration"
        );
    }
    for name in files.keys() {
        assert!(
            listed.contains_key(name.as_str()),
            "{name} is new: list it by FETTLE_UPDATE_LOCK=1"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_made_once_for_all_databases_of_a_server() {
    let (one, other) = tokio::join!(database(), database());
    let passwords = passwords().await;
    let own = own_migrations();
    let urls = [one.url().parse().unwrap(), other.url().parse().unwrap()];

    let both = join_all(
        urls.iter()
            .map(|url| migrate(url, "channel", &own, &passwords)),
    )
    .await;

    assert!(both.iter().all(Result::is_ok), "{both:?}");
}
