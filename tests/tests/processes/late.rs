//! A create that arrives after its cancel: a worker stalls with the request on the line, loses its lease, another one
//! gives back what was never made, and then the request arrives.
//!
//! The first ticket process reaches one peer through a line that can be held, and would wait for an answer for half a
//! minute; its lease lasts a second. The second process has a line of its own.

use chassis::testing::{Proxy, delaying_proxy, eventually};
use proto::dispatch::v1::work_order;
use proto::inventory::v1::{ReleaseReservationRequest, reservation};
use proto::ticket::v1::ticket::State;
use proto::ticket::v1::ticket_service_client::TicketServiceClient;
use proto::ticket::v1::{CancelTicketRequest, Ticket};
use stories::processes::Suite;
use stories::world::{NOTEBOOK, PATIENCE, World, recently};

/// All services and a second ticket process that is not started; the first one calls `peer` through the line.
async fn suite_with_a_line_to(peer: &str) -> (Suite, String, Proxy) {
    let mut suite = Suite::stopped(&[]).await;
    let line = delaying_proxy(suite.address(peer)).await;
    suite.configure(
        "ticket",
        &format!("peers.{peer}"),
        &format!("http://{}", line.addr()),
    );
    suite.configure("ticket", "client.deadline_ms", "60000");
    suite.configure("ticket", "client.keepalive_interval_ms", "120000");
    let second = suite.replica("ticket");
    for service in [
        "entitlement",
        "inventory",
        "dispatch",
        "feedback",
        "channel",
        "ticket",
    ] {
        suite.start(service).await;
    }
    (suite, second, line)
}

/// Awaits that the request of a step and round is kept, which is the last thing before it is sent.
async fn awaits_answer(suite: &Suite, ticket: &Ticket, step: &str, round: i32) {
    let mut conn = suite.connect("ticket").await;
    let id = ticket.name.rsplit('/').next().unwrap();
    let what = format!("{step} of round {round} is asked");
    eventually(PATIENCE, &what, async || {
        let asked = sqlx::query_scalar::<_, bool>(
            "select asked_step = $2 and asked_round = $3 from processes
             where ticket_id = $1::text::uuid and asked_step is not null",
        );
        let asked = asked
            .bind(id)
            .bind(step)
            .bind(round)
            .fetch_optional(&mut conn);
        asked.await.unwrap().filter(|asked| *asked)
    })
    .await;
}

/// The customer withdraws, by way of the second process.
async fn withdraws(suite: &Suite, second: &str, world: &World, ticket: &Ticket) {
    let mut tickets = TicketServiceClient::new(suite.peer(second));
    let request = CancelTicketRequest {
        name: ticket.name.clone(),
        reason: "It was the power strip.".to_owned(),
        ..Default::default()
    };
    tickets.cancel_ticket(request).await.unwrap();
    world.await_state(ticket, State::Cancelled).await;
}

async fn is_told(suite: &Suite, reason: &str) {
    let what = format!("the first process is told {reason}");
    eventually(PATIENCE, &what, async || {
        suite.log("ticket").contains(reason).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_that_arrives_after_its_release_is_refused() {
    let (mut suite, second, line) = suite_with_a_line_to("inventory").await;
    let world = suite.world(recently()).await;
    let (free, _) = world.level("HANGZHOU", "MEM-16").await;
    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    world.visit(&ticket).await;
    let first = world.reservations_of(&ticket.name, &[]).await.remove(0);

    // Somebody in the store gives the parts back, so the ticket wants them anew; that request stays on the line.
    line.hold();
    let release = ReleaseReservationRequest {
        name: first.name,
        ..Default::default()
    };
    world
        .reservations()
        .release_reservation(release)
        .await
        .unwrap();
    awaits_answer(&suite, &ticket, "HOLD_PARTS", 2).await;

    suite.start(&second).await;
    withdraws(&suite, &second, &world, &ticket).await;
    let log = suite.log("ticket");
    assert!(
        !log.contains("RESERVATION_WITHDRAWN"),
        "the request is still on the line"
    );
    world.nothing_is_held_for(&ticket).await;
    eventually(
        PATIENCE,
        "the second round is given back unmade",
        async || {
            let mut conn = suite.connect("inventory").await;
            let stones = sqlx::query_scalar::<_, i64>(
                "select count(*) from reservations where ticket is null and state = 'RELEASED'",
            );
            (stones.fetch_one(&mut conn).await.unwrap() == 1).then_some(())
        },
    )
    .await;

    line.release();
    is_told(&suite, "RESERVATION_WITHDRAWN").await;
    world.nothing_is_held_for(&ticket).await;
    let all = world.reservations_of(&ticket.name, &[]).await;
    let states: Vec<_> = all.iter().map(|one| one.state()).collect();
    assert_eq!(
        states,
        [reservation::State::Released],
        "the second one was never made"
    );
    assert_eq!(world.level("HANGZHOU", "MEM-16").await, (free, 0));
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_work_order_that_arrives_after_its_cancel_is_refused() {
    let (mut suite, second, line) = suite_with_a_line_to("dispatch").await;
    let world = suite.world(recently()).await;

    line.hold();
    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    awaits_answer(&suite, &ticket, "BOOK_VISIT", 1).await;

    suite.start(&second).await;
    withdraws(&suite, &second, &world, &ticket).await;
    eventually(PATIENCE, "the visit is cancelled unmade", async || {
        let mut conn = suite.connect("dispatch").await;
        let stones = "select count(*) from work_order_claims where withdrawn";
        let stones = sqlx::query_scalar::<_, i64>(stones)
            .fetch_one(&mut conn)
            .await
            .unwrap();
        (stones == 1).then_some(())
    })
    .await;
    let log = suite.log("ticket");
    assert!(
        !log.contains("WORK_ORDER_WITHDRAWN"),
        "the request is still on the line"
    );

    line.release();
    is_told(&suite, "WORK_ORDER_WITHDRAWN").await;
    world.nothing_is_held_for(&ticket).await;
    let made = world
        .work_orders_of(&ticket.name, &[work_order::State::Scheduled])
        .await;
    assert!(made.is_empty(), "nobody was booked: {made:?}");
    world.verify().await;
}
