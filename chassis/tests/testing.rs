//! The ground that other tests stand on, tested itself.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use chassis::testing::{self, Database, Template};
use sqlx::{Connection, Executor, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);

/// Long enough for bytes to arrive on this machine if nothing holds them back.
const A_MOMENT: Duration = Duration::from_millis(100);

static BUILT: AtomicU32 = AtomicU32::new(0);

async fn words() -> Template {
    // One key per process, so that each run of the tests sees the template being built.
    let key = format!("words-{}", std::process::id());
    testing::template(&key, async |url: &str| {
        BUILT.fetch_add(1, Ordering::Relaxed);
        let mut connection = PgConnection::connect(url).await?;
        let create = "create table words (word text primary key); insert into words values ('a')";
        connection.execute(create).await?;
        connection.close().await
    })
    .await
}

async fn count(database: &Database) -> i64 {
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    let count = sqlx::query_scalar("select count(*) from words");
    count.fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_template_is_built_once_and_its_copies_know_nothing_of_each_other() {
    let (one, other) = tokio::join!(words(), words());
    let (one, other) = tokio::join!(one.clone_database(), other.clone_database());
    let mut connection = PgConnection::connect(&one.url()).await.unwrap();

    connection
        .execute("insert into words values ('b')")
        .await
        .unwrap();

    assert_eq!(BUILT.load(Ordering::Relaxed), 1);
    assert_eq!((count(&one).await, count(&other).await), (2, 1));
    let third = words().await.clone_database().await;
    assert_eq!(count(&third).await, 1);
}

#[tokio::test]
async fn a_template_whose_building_failed_is_built_again() {
    let key = format!("fails-first-{}", std::process::id());
    let failing = key.clone();
    let failed = tokio::spawn(async move {
        testing::template(&failing, async |_: &str| Err("no")).await;
    });
    assert!(failed.await.unwrap_err().is_panic());

    let template = testing::template(&key, async |url: &str| {
        let mut connection = PgConnection::connect(url).await?;
        connection.execute("create table words ()").await?;
        connection.close().await
    });

    assert_eq!(count(&template.await.clone_database().await).await, 0);
}

async fn connect(redis: &testing::Redis) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
    let client = redis::Client::open(redis.url()).unwrap();
    client.get_multiplexed_async_connection().await
}

async fn set(connection: &mut redis::aio::MultiplexedConnection) -> redis::RedisResult<()> {
    redis::cmd("SET")
        .arg("key")
        .arg(1)
        .query_async(connection)
        .await
}

async fn keys(redis: &testing::Redis) -> u32 {
    let mut connection = connect(redis).await.unwrap();
    redis::cmd("DBSIZE")
        .query_async(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn each_test_has_a_redis_of_its_own_that_it_may_kill() {
    let (mine, theirs) = tokio::join!(testing::redis(), testing::redis());
    set(&mut connect(&mine).await.unwrap()).await.unwrap();
    assert_eq!((keys(&mine).await, keys(&theirs).await), (1, 0));

    mine.kill();

    assert!(connect(&mine).await.is_err());
    assert_eq!(keys(&theirs).await, 0);
    mine.restart().await;
    assert_eq!(keys(&mine).await, 0, "it came back empty");
}

#[tokio::test]
async fn a_frozen_redis_answers_after_it_has_thawed() {
    let redis = testing::redis().await;
    let mut connection = connect(&redis).await.unwrap();
    redis.freeze();
    assert!(timeout(A_MOMENT, set(&mut connection)).await.is_err());

    redis.thaw();

    testing::eventually(SOON, "Redis answers", async || {
        set(&mut connection).await.ok()
    })
    .await;
}

/// A proxy in front of a server that sends back what it gets.
async fn echo() -> testing::Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    testing::delaying_proxy(target).await
}

async fn say(stream: &mut TcpStream, byte: u8) -> std::io::Result<u8> {
    stream.write_u8(byte).await?;
    stream.read_u8().await
}

#[tokio::test]
async fn a_held_line_swallows_everything_and_gives_it_back_when_released() {
    let proxy = echo().await;
    let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(say(&mut stream, 1).await.unwrap(), 1);

    proxy.hold();
    assert!(timeout(A_MOMENT, say(&mut stream, 2)).await.is_err());
    proxy.release();

    assert_eq!(timeout(SOON, stream.read_u8()).await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn a_cut_line_closes_connections_until_it_is_healed() {
    let proxy = echo().await;
    let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(say(&mut stream, 1).await.unwrap(), 1);

    proxy.cut();

    assert!(timeout(SOON, stream.read_u8()).await.unwrap().is_err());
    let mut late = TcpStream::connect(proxy.addr()).await.unwrap();
    assert!(timeout(SOON, say(&mut late, 2)).await.unwrap().is_err());
    proxy.heal();
    let mut again = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(say(&mut again, 3).await.unwrap(), 3);
}

#[tokio::test]
async fn a_slow_line_delays_both_ways() {
    let proxy = echo().await;
    let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
    let delay = Duration::from_millis(60);

    proxy.delay(delay);

    let begin = Instant::now();
    assert_eq!(say(&mut stream, 1).await.unwrap(), 1);
    assert!(begin.elapsed() >= 2 * delay);
}

#[tokio::test]
#[should_panic(expected = "never came true within 5ms: pigs fly")]
async fn waiting_ends() {
    testing::eventually(Duration::from_millis(5), "pigs fly", async || None::<()>).await;
}
