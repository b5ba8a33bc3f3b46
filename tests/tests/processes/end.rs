//! A process that is told to end while calls are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use chassis::client::Peer;
use chassis::testing::eventually;
use proto::ticket::v1::CreateTicketRequest;
use proto::ticket::v1::ticket::Kind;
use proto::ticket::v1::ticket_service_client::TicketServiceClient;
use stories::processes::Suite;
use stories::world::{PATIENCE, Report, recently};
use tokio::task::JoinSet;
use tonic::Code;

/// What callers saw.
#[derive(Debug, Default)]
struct Seen {
    answered: AtomicUsize,
    retried: AtomicUsize,
    enough: AtomicBool,
}

/// Sends reports one after the other; each may be tried twice and no more.
async fn callers_work(peer: Peer, caller: usize, request: CreateTicketRequest, seen: Arc<Seen>) {
    let mut tickets = TicketServiceClient::new(peer);
    let mut number = 0;
    while !seen.enough.load(Ordering::Relaxed) {
        number += 1;
        let request_id = format!("{caller}-{number}");
        let request = CreateTicketRequest {
            request_id,
            ..request.clone()
        };
        if let Err(status) = tickets.create_ticket(request.clone()).await {
            assert_eq!(
                status.code(),
                Code::Unavailable,
                "only what may be retried: {status:?}"
            );
            seen.retried.fetch_add(1, Ordering::Relaxed);
            let again = tickets.create_ticket(request).await;
            assert!(again.is_ok(), "one retry is enough: {again:?}");
        }
        seen.answered.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_process_that_is_told_to_end_under_load_fails_nobody_beyond_one_retry() {
    let mut suite = Suite::new(&[]).await;
    let world = suite.world(recently()).await;
    let second = suite.replica("ticket");
    suite.start(&second).await;

    let seen = Arc::new(Seen::default());
    let request = Report::about(Kind::Inquiry, "A question").request(&world.party, world.now());
    let mut callers = JoinSet::new();
    for caller in 0..6 {
        let peer = suite.peers_of(&["ticket", &second]);
        callers.spawn(callers_work(
            peer,
            caller,
            request.clone(),
            Arc::clone(&seen),
        ));
    }
    let answered = async |more: usize| {
        let so_far = seen.answered.load(Ordering::Relaxed);
        eventually(PATIENCE, "calls are answered", async || {
            (seen.answered.load(Ordering::Relaxed) >= so_far + more).then_some(())
        })
        .await;
    };
    answered(30).await;

    // Each of the two ends in turn, as in a rolling upgrade.
    for name in ["ticket", &second] {
        let status = suite.term(name).await;
        assert_eq!(status.code(), Some(0), "{name} ends in order");
        answered(30).await;
        suite.start(name).await;
        answered(30).await;
    }

    seen.enough.store(true, Ordering::Relaxed);
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    world.verify().await;
}
