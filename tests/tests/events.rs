//! Events are lost, doubled and shuffled while thirty tickets go all the way, and nothing comes of it (promise G6).
//!
//! Six processes do the main job: reported, decided, parts held, visit booked, repaired, resolved, closed, surveyed.
//! Meanwhile the test does to Redis, or to a relay, what may happen to them. At the end every ticket is closed and
//! surveyed once, and every law holds in the tables of every service.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on says so by a panic"
)]

#[path = "events/job.rs"]
mod job;
#[path = "events/streams.rs"]
mod streams;

use chassis::testing::eventually;
use job::{Job, PATIENCE, TICKETS};
use stories::processes::Suite;
use streams::Streams;

#[tokio::test(flavor = "multi_thread")]
async fn every_job_ends_though_redis_is_emptied_three_times() {
    let suite = Suite::new(&[]).await;
    let job = Job::begin(&suite).await;

    let emptying = async {
        for share in [TICKETS / 2, TICKETS * 3 / 2, TICKETS * 5 / 2] {
            job.reaches(share).await;
            Streams::of(&suite).await.flush().await;
        }
    };
    tokio::join!(job.run(), emptying);

    job.every_ticket_is_surveyed_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_job_ends_though_redis_dies_and_comes_back_empty() {
    let suite = Suite::new(&[]).await;
    let job = Job::begin(&suite).await;

    let dying = async {
        job.reaches(TICKETS / 2).await;
        suite.redis.kill();
        // Commands go on without it: every ticket is reported, and every visit booked and done.
        job.reaches(TICKETS * 2).await;
        suite.redis.restart().await;
        job.reaches(TICKETS * 5 / 2).await;
        suite.redis.restart().await;
    };
    tokio::join!(job.run(), dying);

    job.every_ticket_is_surveyed_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_job_ends_though_entries_are_doubled_shuffled_and_taken_away() {
    let suite = Suite::new(&[]).await;
    let job = Job::begin(&suite).await;

    let meddling = async {
        let mut streams = Streams::of(&suite).await;
        while !job.is_done() {
            streams.shuffle_and_double().await;
            streams.take_the_last_away().await;
            tokio::task::yield_now().await;
        }
        assert!(
            streams.meddled > TICKETS,
            "{} entries were touched",
            streams.meddled
        );
    };
    tokio::join!(job.run(), meddling);

    job.every_ticket_is_surveyed_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_job_ends_though_two_relays_take_turns_and_neither_knows_when_it_lost() {
    // A process that is frozen inside a transaction keeps its locks until the server ends the transaction.
    let stands_still = ("database.idle_transaction_ms", "1000");
    let mut suite = Suite::new(&[("ticket", stands_still.0, stands_still.1)]).await;
    let second = suite.replica("ticket");
    suite.configure(&second, stands_still.0, stands_still.1);
    suite.start(&second).await;
    let job = Job::begin_with(&suite, suite.peers_of(&["ticket", &second])).await;
    let before = takeovers(&suite).await;

    let freezing = async {
        for (share, name) in [
            (TICKETS / 2, "ticket"),
            (TICKETS, second.as_str()),
            (TICKETS * 3 / 2, "ticket"),
            (TICKETS * 5 / 2, second.as_str()),
        ] {
            job.reaches(share).await;
            // Frozen for longer than any lease, then awake again and sure of being the one.
            suite.signal(name, "STOP");
            every_lease_is_held_by_the_living(&suite).await;
            suite.signal(name, "CONT");
        }
    };
    tokio::join!(job.run(), freezing);

    job.every_ticket_is_surveyed_once().await;
    assert!(takeovers(&suite).await > before, "nobody ever took over");
}

/// How often the relay's lease was taken; renewing it does not count.
async fn takeovers(suite: &Suite) -> i64 {
    let mut conn = suite.connect("ticket").await;
    let fence = sqlx::query_scalar("select fence from leases where name = 'relay'");
    fence.fetch_one(&mut conn).await.unwrap()
}

/// Awaits that each lease was renewed or taken over after it must have run out for whoever is frozen now.
async fn every_lease_is_held_by_the_living(suite: &Suite) {
    let mut conn = suite.connect("ticket").await;
    let now = "select clock_timestamp()::text";
    let begin: String = sqlx::query_scalar(now).fetch_one(&mut conn).await.unwrap();
    eventually(
        PATIENCE,
        "the leases are held by a living process",
        async || {
            let stale: i64 = sqlx::query_scalar(
                "select count(*) from leases
             where until < $1::text::timestamptz + interval '1200 milliseconds'",
            )
            .bind(&begin)
            .fetch_one(&mut conn)
            .await
            .unwrap();
            (stale == 0).then_some(())
        },
    )
    .await;
}
