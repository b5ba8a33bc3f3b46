//! Hands in the event streams.

use redis::aio::MultiplexedConnection;
use redis::streams::StreamRangeReply;
use stories::processes::Suite;

/// Entries touched at once in one stream.
const AT_ONCE: usize = 6;

/// The streams of a suite.
pub(crate) struct Streams {
    link: MultiplexedConnection,
    /// Entries doubled, moved or taken away so far.
    pub(crate) meddled: usize,
}

impl Streams {
    /// Connects.
    pub(crate) async fn of(suite: &Suite) -> Streams {
        let client = redis::Client::open(suite.redis.url()).unwrap();
        let link = client.get_multiplexed_async_connection().await.unwrap();
        Streams { link, meddled: 0 }
    }

    /// Everything is gone.
    pub(crate) async fn flush(&mut self) {
        let () = redis::cmd("FLUSHALL")
            .query_async(&mut self.link)
            .await
            .unwrap();
    }

    /// The latest entries of every feed are taken out and put in again behind all others, last first, each twice.
    pub(crate) async fn shuffle_and_double(&mut self) {
        for feed in self.feeds().await {
            for (id, fields) in self.latest(&feed, AT_ONCE).await {
                self.remove(&feed, &id).await;
                for _ in 0..2 {
                    let mut add = redis::cmd("XADD");
                    add.arg(&feed).arg("*");
                    for (name, value) in &fields {
                        add.arg(name).arg(value);
                    }
                    let _: String = add.query_async(&mut self.link).await.unwrap();
                }
                self.meddled += 1;
            }
        }
    }

    /// The last entry of every feed is lost.
    pub(crate) async fn take_the_last_away(&mut self) {
        for feed in self.feeds().await {
            for (id, _) in self.latest(&feed, 1).await {
                self.remove(&feed, &id).await;
                self.meddled += 1;
            }
        }
    }

    /// Names of the feeds that have entries.
    async fn feeds(&mut self) -> Vec<String> {
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg("fettle:*")
            .query_async(&mut self.link)
            .await
            .unwrap();
        let is_feed = |key: &String| {
            key.rsplit(':')
                .next()
                .is_some_and(|p| p.parse::<u8>().is_ok())
        };
        keys.into_iter().filter(is_feed).collect()
    }

    async fn remove(&mut self, feed: &str, id: &str) {
        let mut remove = redis::cmd("XDEL");
        let _: i64 = remove
            .arg(feed)
            .arg(id)
            .query_async(&mut self.link)
            .await
            .unwrap();
    }

    async fn latest(&mut self, feed: &str, count: usize) -> Vec<(String, Vec<(String, Vec<u8>)>)> {
        let mut read = redis::cmd("XREVRANGE");
        read.arg(feed).arg("+").arg("-").arg("COUNT").arg(count);
        let reply: StreamRangeReply = read.query_async(&mut self.link).await.unwrap();
        let entries = reply.ids.into_iter().map(|entry| {
            let fields = entry
                .map
                .into_iter()
                .map(|(name, value)| (name, redis::from_redis_value::<Vec<u8>>(value).unwrap()));
            (entry.id, fields.collect())
        });
        entries.collect()
    }
}
