//! A Redis of a test's own, which may be flushed, killed and frozen without anybody else noticing.

use std::path::PathBuf;
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{eventually, must, servers};
use crate::local::{Local, process, redis::Address};

/// An empty Redis that ends when this is dropped.
#[derive(Debug)]
pub struct Redis {
    local: &'static Local,
    /// Name of its folder below the servers' one.
    home: String,
    address: Address,
    child: Mutex<Child>,
}

/// Starts an empty Redis for one test; it takes about 10 ms.
pub async fn redis() -> Redis {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let local = servers().await;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let address = must("choose a port", Address::choose(None));
    let home = format!("redis-{}-{count}", std::process::id());
    let child = must("start Redis", local.spawn_redis(&home, &address));
    let redis = Redis {
        local,
        home,
        address,
        child: Mutex::new(child),
    };
    redis.awake().await;
    redis
}

impl Redis {
    /// Where it answers; stays the same over [`Self::restart`].
    pub fn url(&self) -> String {
        self.address.url()
    }

    /// Ends it as a crash would: at once, connections cut.
    pub fn kill(&self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Ends it if it runs and starts it again, empty, at the same address.
    pub async fn restart(&self) {
        self.kill();
        let child = must(
            "start Redis",
            self.local.spawn_redis(&self.home, &self.address),
        );
        *self.child() = child;
        self.awake().await;
    }

    /// Lets it answer nothing any more, connections open: a black hole until [`Self::thaw`].
    pub fn freeze(&self) {
        process::signal(self.child().id(), "STOP");
    }

    /// Lets it go on after [`Self::freeze`].
    pub fn thaw(&self) {
        process::signal(self.child().id(), "CONT");
    }

    async fn awake(&self) {
        let within = Duration::from_secs(10);
        eventually(within, "Redis answers", async || {
            self.address.answers().then_some(())
        })
        .await;
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder(&self) -> PathBuf {
        self.local.dir().join(&self.home)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(self.folder());
    }
}
