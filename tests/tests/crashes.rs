//! The ticket service is killed wherever its process can stop, and no acknowledged write is lost (promise G1).
//!
//! The places are those of the step table and no others, so a new step without a scenario fails here. Each scenario
//! is first driven to its end without a crash; then, for each point of the step, the service is started to die there,
//! driven until it does, started again, and must come to the very same end: the same history, the same parts and
//! visits, nothing twice, nothing left. What the client was told is compared with what the services say then.
//!
//! Crash points are compiled into debug builds only.
#![cfg(debug_assertions)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on says so by a panic"
)]

#[path = "crashes/history.rs"]
mod history;
#[path = "crashes/scenario.rs"]
mod scenario;
#[path = "crashes/stream.rs"]
mod stream;

use std::collections::BTreeSet;

use stories::processes::Suite;
use stories::world::recently;
use ticket::domain::process::Step;
use ticket::progress::Point;

use history::History;
use scenario::{End, SCENARIOS, Scenario, Stage};

#[test]
fn every_step_of_the_process_has_a_scenario() {
    let told: BTreeSet<&str> = SCENARIOS.iter().map(|(step, _)| *step).collect();
    let steps: BTreeSet<&str> = Step::TABLE.iter().map(|step| step.name()).collect();

    assert_eq!(told, steps);
    assert_eq!(SCENARIOS.len(), Step::TABLE.len(), "one scenario a step");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_the_ticket_service_at_any_point_of_any_step_changes_no_ending() {
    let mut suite = Suite::new(&[]).await;
    let mut stage = Stage::set(&suite).await;

    for (step, scenario) in SCENARIOS {
        let expected = stage.uninterrupted(scenario).await;
        for point in Point::ALL {
            let place = format!("{step}/{}", point.name());
            let end = crashed_at(&mut suite, &mut stage, scenario, &place).await;
            assert_eq!(end, expected, "after a crash at {place}");
        }
        stage.world.verify().await;
    }
}

/// Drives a scenario into a crash and, started again, to its end.
async fn crashed_at(suite: &mut Suite, stage: &mut Stage, scenario: Scenario, place: &str) -> End {
    suite.kill9("ticket").await;
    suite
        .start_with("ticket", &[("FETTLE_CRASH_AT", place)])
        .await;
    let history = History::default();

    let ticket = stage.begin(scenario, &history).await;
    let status = suite.ended("ticket").await;
    assert_eq!(
        code_or_signal(status),
        ABORTED,
        "it dies at {place}: {status}"
    );
    suite.start("ticket").await;

    history.resolve(&stage.world).await;
    let ticket = history
        .ticket()
        .or(ticket)
        .expect("the report was answered");
    let end = stage.finish(scenario, &ticket).await;
    history.stands(&stage.world).await;
    end
}

/// SIGABRT, as `abort` ends a process.
const ABORTED: i32 = 6;

fn code_or_signal(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.signal().or(status.code()).unwrap_or(-1)
}

/// Where the world's clock stands when a scenario begins.
fn day() -> jiff::Timestamp {
    recently()
}
