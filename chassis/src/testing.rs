//! What tests stand on: real servers, a database of their own, a network that can fail, and waiting without sleeping.
//!
//! One PostgreSQL and one Redis per checkout serve all tests, under `.fettle/test/`. The first test process starts
//! them; about 20 s after the last one has ended they are stopped again. They trade durability for speed.
//!
//! Like every assertion, these functions panic when the ground they need is missing: a test cannot go on without it.

mod database;
mod identity;
mod proxy;
mod redis;
mod serve;
mod watchdog;

use std::fmt::Display;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use crate::local::{Local, Options};

pub use database::{Database, Template, template};
pub use identity::{called, development_key, identified, identity_settings, minter};
pub use proxy::{Proxy, delaying_proxy};
pub use redis::{Redis, redis};
pub use serve::{Suite, agent, serve};

/// The servers that all tests of the checkout share; started on first need, which takes a few seconds once.
///
/// PostgreSQL is for databases of [`template`]; the Redis is for tests that only need one to be there. A test that
/// writes to Redis takes its own ([`redis`]).
pub async fn servers() -> &'static Local {
    static SERVERS: OnceCell<Local> = OnceCell::const_new();
    SERVERS
        .get_or_init(|| async {
            let start = tokio::task::spawn_blocking(start).await;
            let local = must("start the test servers", start);
            database::drop_leftovers(&local);
            local
        })
        .await
}

fn start() -> Local {
    let dir = checkout().join(".fettle").join("test");
    must("register this test process", watchdog::enter(&dir));
    let options = Options {
        dir: dir.clone(),
        fsync: false,
        name: "fettle-test".to_owned(),
    };
    let local = must("start the test servers", Local::start(&options));
    must("start the watchdog", watchdog::ensure(&dir, local.dir()));
    local
}

/// The workspace's folder: the nearest one above the tested package that has a `Cargo.lock`.
fn checkout() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let package = package
        .or_else(|| std::env::current_dir().ok())
        .unwrap_or_default();
    package
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file())
        .unwrap_or(&package)
        .to_path_buf()
}

/// Awaits a condition: asks until there is an answer and returns it, with pauses of 2 to 50 ms between questions.
///
/// Panics with `what` when there is none in time. `what` completes "never came true: …".
pub async fn eventually<T>(
    within: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> T {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            begin.elapsed() < within,
            "never came true within {within:?}: {what}"
        );
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(50));
    }
}

/// A port of 127.0.0.1 that nobody listens on at this moment. Prefer binding port 0 where the code allows it.
pub fn free_port() -> u16 {
    let listener = must(
        "find a free port",
        TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()),
    );
    listener.port()
}

/// Ends the test when its ground is missing.
fn must<T, E: Display>(what: &str, outcome: Result<T, E>) -> T {
    outcome.unwrap_or_else(|why| panic!("cannot {what}: {why}"))
}
