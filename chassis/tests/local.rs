//! The private servers of a checkout: started once, found again, stopped; nobody else's are touched.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

use chassis::local::{Error, Local, Options};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

/// A checkout; its servers end with the test, also with one that fails.
struct Checkout(TempDir);

impl Drop for Checkout {
    fn drop(&mut self) {
        if let Ok(Some(local)) = Local::attach(&options(self).dir) {
            let _ = local.stop();
        }
    }
}

/// A folder that the account the database runs as can enter, also when the tests run as root.
fn folder() -> Checkout {
    let dir = tempfile::tempdir().unwrap();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    fs::set_permissions(dir.path(), everybody).unwrap();
    Checkout(dir)
}

fn options(checkout: &Checkout) -> Options {
    Options {
        dir: checkout.0.path().join(".fettle"),
        fsync: false,
        name: "it's a test".to_owned(),
    }
}

fn postgres_number(dir: &Path) -> String {
    let file = fs::read_to_string(dir.join("pg/data/postmaster.pid")).unwrap();
    file.lines().next().unwrap().to_owned()
}

async fn count_to_two(local: &Local) -> i32 {
    let mut connection = PgConnection::connect(&local.admin_url()).await.unwrap();
    let sum = sqlx::query_scalar("select 1 + 1");
    sum.fetch_one(&mut connection).await.unwrap()
}

async fn ping(local: &Local) -> String {
    let client = redis::Client::open(local.redis_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("PING")
        .query_async(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn servers_start_are_found_again_and_stop() {
    let dir = folder();
    let options = options(&dir);
    assert!(Local::attach(&options.dir).unwrap().is_none());

    let started = Local::start(&options).unwrap();

    assert_eq!(count_to_two(&started).await, 2);
    assert_eq!(ping(&started).await, "PONG");
    let found = Local::attach(&options.dir).unwrap().expect("both run");
    assert_eq!(found.admin_url(), started.admin_url());
    assert_eq!(found.redis_url(), started.redis_url());

    found.stop().unwrap();

    assert!(Local::attach(&options.dir).unwrap().is_none());
    assert!(PgConnection::connect(&started.admin_url()).await.is_err());
    started.stop().expect("stopping twice is no error");
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart() {
    let dir = folder();
    let options = options(&dir);
    let first = Local::start(&options).unwrap();
    let mut connection = PgConnection::connect(&first.admin_url()).await.unwrap();
    let create = sqlx::query("create table kept as select '维修' as word");
    create.execute(&mut connection).await.unwrap();
    // The session is still open: stopping ends it.
    first.stop().unwrap();

    let second = Local::start(&options).unwrap();

    assert_eq!(second.pg_port(), first.pg_port());
    let mut connection = PgConnection::connect(&second.admin_url()).await.unwrap();
    let word: String = sqlx::query_scalar("select word from kept")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(word, "维修");
    second.stop().unwrap();
}

#[test]
fn two_starts_at_once_share_one_pair_of_servers() {
    let dir = folder();
    let options = options(&dir);

    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| Local::start(&options).unwrap());
        let other = scope.spawn(|| Local::start(&options).unwrap());
        (one.join().unwrap(), other.join().unwrap())
    });

    assert_eq!(one.admin_url(), other.admin_url());
    assert_eq!(one.redis_url(), other.redis_url());
    one.stop().unwrap();
}

#[tokio::test]
async fn a_process_file_left_by_a_crash_does_not_hinder_a_start_nor_harm_its_new_owner() {
    let dir = folder();
    let options = options(&dir);
    let before = Local::start(&options).unwrap();
    let file = options.dir.join("pg/data/postmaster.pid");
    let left = fs::read_to_string(&file).unwrap();
    before.stop().unwrap();
    // After a reboot the number belongs to a program that has nothing to do with us.
    let mut stranger = Command::new("sleep").arg("300").spawn().unwrap();
    let number = left.split_once('\n').unwrap().0;
    let left = left.replacen(number, &stranger.id().to_string(), 1);
    fs::write(&file, left).unwrap();

    before.stop().unwrap();
    let after = Local::start(&options).unwrap();

    assert!(stranger.try_wait().unwrap().is_none(), "it still runs");
    assert_eq!(count_to_two(&after).await, 2);
    after.stop().unwrap();
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn servers_that_were_killed_are_replaced() {
    let dir = folder();
    let options = options(&dir);
    let first = Local::start(&options).unwrap();
    let kill = ["-s", "KILL", &postgres_number(&options.dir)];
    assert!(Command::new("kill").args(kill).status().unwrap().success());
    while PgConnection::connect(&first.admin_url()).await.is_ok() {}

    let second = Local::start(&options).unwrap();

    assert_eq!(count_to_two(&second).await, 2);
    assert_eq!(second.redis_url(), first.redis_url(), "Redis had survived");
    second.stop().unwrap();
}

#[tokio::test]
async fn a_server_of_somebody_else_is_left_alone() {
    // Given another checkout's servers ...
    let (dir, other) = (folder(), folder());
    let (mine, theirs) = (options(&dir), options(&other));
    let foreign = Local::start(&theirs).unwrap();
    let mine_started = Local::start(&mine).unwrap();
    mine_started.stop().unwrap();
    let number = postgres_number(&theirs.dir);
    // ... whose process number stands in the process file of our folder.
    let file = fs::read_to_string(theirs.dir.join("pg/data/postmaster.pid")).unwrap();
    fs::write(mine.dir.join("pg/data/postmaster.pid"), file).unwrap();

    let stopped = mine_started.stop();
    let started = Local::start(&mine);

    // Then it still answers, and ours works beside it.
    assert!(stopped.is_ok());
    let started = started.unwrap();
    assert_eq!(postgres_number(&theirs.dir), number);
    assert_eq!(count_to_two(&foreign).await, 2);
    assert_ne!(started.pg_port(), foreign.pg_port());
    started.stop().unwrap();
    assert_eq!(count_to_two(&foreign).await, 2);
    foreign.stop().unwrap();
}

#[test]
fn a_server_started_by_hand_in_our_folder_is_neither_taken_over_nor_stopped() {
    // Given our data under a PostgreSQL that somebody runs by hand, here played by a program that
    // carries its name and works in the folder.
    let dir = folder();
    let options = options(&dir);
    let ours = Local::start(&options).unwrap();
    ours.stop().unwrap();
    let data = options.dir.join("pg/data");
    let name = dir.0.path().join("postgres");
    std::os::unix::fs::symlink("/bin/sleep", &name).unwrap();
    let mut stranger = Command::new(&name)
        .arg("300")
        .current_dir(&data)
        .spawn()
        .unwrap();
    fs::write(data.join("postmaster.pid"), format!("{}\n", stranger.id())).unwrap();

    let started = Local::start(&options);
    let stopped = ours.stop();

    assert!(matches!(started, Err(Error::Foreign(_))), "{started:?}");
    assert!(matches!(stopped, Err(Error::Foreign(_))), "{stopped:?}");
    assert!(stranger.try_wait().unwrap().is_none(), "it still runs");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn data_of_a_postgresql_that_is_not_installed_are_refused_with_the_way_out() {
    let dir = folder();
    let options = options(&dir);
    fs::create_dir_all(options.dir.join("pg/data")).unwrap();
    fs::write(options.dir.join("pg/data/PG_VERSION"), "9\n").unwrap();

    let refused = Local::start(&options).unwrap_err();

    assert!(matches!(refused, Error::Failed(_)));
    let said = refused.to_string();
    assert!(said.contains("PostgreSQL 9") && said.contains("remove that folder"));
}
