//! One survey per closure, whatever is told and however often.

use std::time::Duration;

use chassis::db::{self, Db};
use chassis::migrate::{Passwords, migrate};
use chassis::outbox::Event;
use chassis::testing::{self, eventually};
use chassis::{Clock, Ids};
use proto::ticket::v1::{TicketEventPayload, ticket};
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use uuid::Uuid;

use crate::support::{House, closed, closed_at, delivered, house, tenant};

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_is_surveyed_once_and_each_round_anew() {
    let house = house().await;
    let first = closed(Uuid::now_v7());
    let second = TicketEventPayload {
        round: 2,
        ..first.clone()
    };

    for payload in [&first, &first, &second, &first, &second] {
        house.hears(payload).await.unwrap();
    }

    let surveys = "select count(*) from surveys";
    assert_eq!(house.count(surveys).await, 2);
    let sent = "select count(*) from outbox where kind = 'survey.sent'";
    assert_eq!(house.count(sent).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_told_to_many_at_once_is_surveyed_once() {
    let house = house().await;
    let payload = closed(Uuid::now_v7());

    let told = futures::future::join_all((0..12).map(|_| house.hears(&payload))).await;

    assert!(told.into_iter().all(|heard| heard.is_ok()));
    assert_eq!(house.count("select count(*) from surveys").await, 1);
    let sent = "select count(*) from outbox where kind = 'survey.sent'";
    assert_eq!(house.count(sent).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_that_were_not_served_are_not_asked_about() {
    let house = house().await;
    for state in [
        ticket::State::Cancelled,
        ticket::State::Rejected,
        ticket::State::Resolved,
    ] {
        let mut payload = closed(Uuid::now_v7());
        payload.set_state(state);
        house.hears(&payload).await.unwrap();
    }
    assert_eq!(house.count("select count(*) from surveys").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_read_is_put_aside_and_not_tried_for_ever() {
    let house = house().await;
    let unnamed = TicketEventPayload {
        ticket: "tickets/17".into(),
        ..closed(Uuid::nil())
    };
    let negative = TicketEventPayload {
        round: -1,
        ..closed(Uuid::nil())
    };
    let endless = TicketEventPayload {
        product: "x".repeat(1_000),
        ..closed(Uuid::nil())
    };
    for bad in [unnamed, negative, endless] {
        let refused = house.hears(&bad).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
    }

    let mut tx = house.db.begin(&tenant()).await.unwrap();
    let settings = feedback::settings::Settings::read(&house.config.own()).unwrap();
    let closures = feedback::events::Closures::new(settings.into());
    let garbage = delivered(vec![0xff; 9]);
    let refused = chassis::inbox::Consumer::handle(&closures, &mut tx, &garbage).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
}

/// The ticket service's outbox in the same database, as far as it matters here.
async fn ticket_outbox(house: &House) -> Db {
    static NONE: Migrator = Migrator::DEFAULT;
    let password = testing::servers().await.password().to_owned();
    let passwords = Passwords::same(&password);
    let admin = house.database.url().parse().unwrap();
    migrate(&admin, "ticket", &NONE, &passwords).await.unwrap();
    let settings = db::Settings {
        url: house.database.url(),
        password: password.clone(),
        worker_password: password,
        ..db::Settings::default()
    };
    let clock = Clock::system();
    Db::connect("ticket", &settings, clock.clone(), Ids::random(clock)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_ticket_service_tells_becomes_a_survey() {
    let redis = testing::redis().await;
    let house = crate::support::house_with(&redis.url()).await;
    let ticket = ticket_outbox(&house).await;
    let relay = chassis::relay::run(
        ticket.clone(),
        house.config.events.clone(),
        CancellationToken::new(),
    );
    tokio::spawn(relay);
    let payload = closed(Uuid::now_v7());

    for version in 1..=2 {
        let mut tx = ticket.begin(&tenant()).await.unwrap();
        let name = payload.ticket.clone();
        tx.tell(Event::new(
            "ticket.closed",
            name,
            version,
            closed_at(),
            &payload,
        ));
        tx.commit().await.unwrap();
    }

    let passed = "select coalesce(sum(sequence), 0)::bigint from inbox_positions";
    eventually(
        Duration::from_secs(30),
        "both events were heard",
        async || (house.count(passed).await == 2).then_some(()),
    )
    .await;
    assert_eq!(house.count("select count(*) from surveys").await, 1);
}
