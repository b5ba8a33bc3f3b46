//! What is known of people stays out of logs, spans, metrics, events, refusals and dead letters.
//!
//! A text that occurs nowhere else, the canary, stands in every personal field of a main job and of
//! requests that are refused. Afterwards everything that leaves a service beside its answers is
//! read, and searched for it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "privacy/canary.rs"]
mod canary;
#[path = "privacy/job.rs"]
mod job;
#[path = "privacy/people.rs"]
mod people;
#[path = "privacy/source.rs"]
mod source;
#[path = "privacy/surfaces.rs"]
mod surfaces;

use std::sync::Arc;

use canary::Canary;
use chassis::config::Config;
use chassis::telemetry;
use job::Job;
use serde_json::Value;
use stories::collector::Collector;
use stories::world::World;
use surfaces::{Log, Surface};

/// Who must have written, and at which level, so that the search of the log is one: whatever sees
/// what is sent, kept and told, each at the level at which it says most.
const WRITERS: [&str; 7] = [
    "TRACE h2",
    "TRACE hyper_util",
    "TRACE tonic",
    "TRACE tower",
    "DEBUG sqlx",
    "DEBUG ticket",
    "DEBUG chassis",
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_known_of_a_person_leaves_beside_the_answers() {
    // Given services that log all they can, a collector of their traces,
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(
        env!("CARGO_BIN_EXE_otlp-receiver"),
        &folder.path().join("spans.jsonl"),
    );
    let log = Log::default();
    let layers = Config::layers("test", "")
        .set("telemetry.otlp_endpoint", &collector.endpoint)
        .set(
            "telemetry.level",
            "trace,h2=trace,hyper=trace,tonic=trace,sqlx=trace,tower=trace",
        )
        .set("telemetry.format", "json")
        .set("telemetry.sample_ratio", "1.0");
    let settings = layers.read().unwrap().telemetry;
    let telemetry = Arc::new(telemetry::init_to("suite", &settings, log.clone()).unwrap());
    let mut world = World::new().await;

    // when people are spoken of in everything that is asked, whether it is granted or refused,
    surfaces::poison(&mut world).await;
    leak();
    let channel = world.suite().peer("channel");
    let mut job = Job::of(&world, channel);
    job.is_done().await;
    let (refusals, secrets) = job.ends();
    let dead = surfaces::dead_letters(&mut world).await;

    // then nothing of it is seen anywhere but in answers and tables.
    tokio::task::spawn_blocking(move || telemetry.flush())
        .await
        .unwrap();
    let spans = std::fs::read(&collector.file).unwrap();
    let mut seen = vec![
        Surface::new("the log", log.taken()),
        Surface::new("spans", spans),
        Surface::new("refusals", refusals.join("\n").into_bytes()),
        Surface::new("dead letters", dead),
    ];
    seen.extend(surfaces::metrics(&mut world).await);
    seen.extend(surfaces::events(&mut world).await);
    surfaces::were_searched(&seen, &WRITERS);
    surfaces::show_leaks(&seen);
    let canaries = Canary::all(&secrets);
    let found: Vec<String> = seen.iter().flat_map(|one| one.shows(&canaries)).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// Shows a text on purpose, as somebody might who has a request at hand.
fn leak() {
    let span = tracing::info_span!("leak", said = canary::LEAK);
    span.in_scope(|| tracing::trace!(said = ?canary::LEAK.as_bytes(), "leak"));
}

#[test]
fn a_canary_that_is_shown_is_found_in_whatever_form() {
    let canaries = Canary::all(&[]);
    let shown = |text: &str| {
        let surface = Surface::new("a test", text.as_bytes().to_vec());
        surface.shows(&canaries).len()
    };
    let said = canary::said("name");
    assert_eq!(shown("nothing of anybody"), 0);
    assert_eq!(shown(&format!("{{\"name\":\"{said}\"}}")), 1);
    assert_eq!(shown(&said.to_uppercase()), 1);
    assert_eq!(
        shown(&format!("{:?}", said.as_bytes())),
        1,
        "a list of bytes"
    );
    for before in ["", "a", "ab"] {
        let told = format!("{before}{said}");
        assert_eq!(shown(&data_encoding::BASE64.encode(told.as_bytes())), 1);
        assert_eq!(shown(&data_encoding::BASE64URL.encode(told.as_bytes())), 1);
        assert_eq!(shown(&data_encoding::HEXLOWER.encode(told.as_bytes())), 1);
    }
    for other in [canary::EMAIL, canary::PHONE, &canary::LATITUDE.to_string()] {
        assert_eq!(shown(other), 1, "{other}");
    }
}

#[test]
fn a_line_and_a_span_that_show_a_canary_are_found() {
    let log = Log::default();
    let layer = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(log.clone());
    let subscriber =
        tracing_subscriber::layer::SubscriberExt::with(tracing_subscriber::registry(), layer);
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("leak", note = canary::said("note"));
        span.in_scope(|| tracing::trace!(who = ?canary::said("name").as_bytes(), "leak"));
    });
    let surface = Surface::new("the log", log.taken());
    let line: Value = serde_json::from_slice(surface.bytes()).unwrap();
    assert_eq!(line["level"], "TRACE");
    assert_eq!(surface.shows(&Canary::all(&[])).len(), 1);
}
