//! A stream of reports, and the service that takes them killed in the middle.

use std::collections::BTreeSet;
use std::sync::Arc;

use chassis::testing::eventually;
use proto::ticket::v1::ListTicketsRequest;
use proto::ticket::v1::ticket::Kind;
use stories::processes::Suite;
use stories::world::{PATIENCE, Report, World, recently};
use tokio::task::JoinSet;

use super::history::{History, Write};

/// Reports sent, so many at a time, and answered when the service is killed.
const REPORTS: usize = 100;
const AT_A_TIME: usize = 8;
const BEFORE: usize = 30;

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_report_is_lost_when_the_service_is_killed_and_each_key_makes_one_ticket() {
    let mut suite = Suite::new(&[]).await;
    let world = Arc::new(suite.world(recently()).await);
    let history = Arc::new(History::default());

    let mut senders = JoinSet::new();
    for sender in 0..AT_A_TIME {
        let (world, history) = (Arc::clone(&world), Arc::clone(&history));
        senders.spawn(async move {
            for number in (sender..REPORTS).step_by(AT_A_TIME) {
                let write = inquiry(&world, number);
                history.send(&world, write).await;
            }
        });
    }
    eventually(PATIENCE, "some reports are answered", async || {
        (history.acknowledged() >= BEFORE).then_some(())
    })
    .await;
    suite.kill9("ticket").await;
    while let Some(sent) = senders.join_next().await {
        sent.unwrap();
    }
    let acknowledged = history.acknowledged();
    assert!(
        (BEFORE..REPORTS).contains(&acknowledged),
        "{acknowledged} were answered"
    );
    suite.start("ticket").await;

    // Every acknowledged ticket is there before anything is sent again.
    let known: BTreeSet<String> = history
        .answers()
        .into_iter()
        .map(|ticket| ticket.name)
        .collect();
    let stored = tickets(&world).await;
    assert!(
        known.is_subset(&stored),
        "missing: {:?}",
        known.difference(&stored)
    );

    history.resolve(&world).await;
    let made: BTreeSet<String> = history
        .answers()
        .into_iter()
        .map(|ticket| ticket.name)
        .collect();
    assert_eq!(made.len(), REPORTS, "each key made a ticket of its own");
    assert_eq!(tickets(&world).await, made, "and no other was made");
    history.stands(&world).await;
    world.verify().await;
}

fn inquiry(world: &World, number: usize) -> Write {
    let report = Report::about(Kind::Inquiry, &format!("Question {number}"));
    let mut request = report.request(&world.party, world.now());
    request.request_id = format!("question-{number}");
    Write::Create(Box::new(request))
}

async fn tickets(world: &World) -> BTreeSet<String> {
    let request = ListTicketsRequest {
        page_size: 1_000,
        ..Default::default()
    };
    let listed = world
        .tickets()
        .list_tickets(request)
        .await
        .unwrap()
        .into_inner();
    listed
        .tickets
        .into_iter()
        .map(|ticket| ticket.name)
        .collect()
}
