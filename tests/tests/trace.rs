//! One trace shows the whole main job: through six services, their workers and their events, to a collector.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::sync::Arc;

use chassis::config::Config;
use chassis::telemetry::{self, Telemetry};
use serde_json::Value;
use stories::collector::Collector;
use stories::world::{NOTEBOOK, World, until};
use tracing::Instrument;

/// What the customer's portal sends with the report.
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PORTAL: &str = "00f067aa0ba902b7";

/// What must be seen of the main job: the service of an RPC, empty for steps and events, and the
/// span's name.
const SEEN: [(&str, &str); 20] = [
    ("", "a customer's story"),
    ("ticket", "fettle.ticket.v1.TicketService/CreateTicket"),
    ("", "DECIDE_COVERAGE"),
    (
        "entitlement",
        "fettle.entitlement.v1.EntitlementService/CheckEntitlement",
    ),
    ("", "CHOOSE_PARTS"),
    (
        "inventory",
        "fettle.inventory.v1.PartService/FindPartsForAsset",
    ),
    ("", "HOLD_PARTS"),
    (
        "inventory",
        "fettle.inventory.v1.ReservationService/ReserveParts",
    ),
    ("", "ticket hears reservation.held"),
    ("", "BOOK_VISIT"),
    (
        "dispatch",
        "fettle.dispatch.v1.WorkOrderService/CreateWorkOrder",
    ),
    ("", "ticket hears work_order.scheduled"),
    (
        "dispatch",
        "fettle.dispatch.v1.WorkOrderService/StartWorkOrder",
    ),
    (
        "dispatch",
        "fettle.dispatch.v1.WorkOrderService/CompleteWorkOrder",
    ),
    ("", "ticket hears work_order.completed"),
    ("", "inventory hears work_order.completed"),
    ("", "entitlement hears work_order.completed"),
    ("ticket", "fettle.ticket.v1.TicketService/CloseTicket"),
    ("", "feedback hears ticket.closed"),
    ("feedback", "fettle.feedback.v1.SurveyService/SubmitSurvey"),
];

#[derive(Debug)]
struct Span {
    id: String,
    parent: String,
    name: String,
    service: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_shows_the_whole_main_job() {
    // Given a collector in a process of its own, and services that tell it what they do.
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(
        env!("CARGO_BIN_EXE_otlp-receiver"),
        &folder.path().join("spans.jsonl"),
    );
    let telemetry = Arc::new(connect(&collector));
    let world = World::new().await;

    // When a repair is reported under a portal's trace and followed to the survey,
    let story = telemetry::span_from(TRACEPARENT, "a customer's story");
    let ticket = world
        .report(NOTEBOOK, "MEMORY")
        .instrument(story.clone())
        .await;
    let mut visit = world.visit(&ticket).await;
    visit.repair().instrument(story.clone()).await;
    world.confirm(&ticket).instrument(story.clone()).await;
    world
        .answer_survey(&ticket, 5)
        .instrument(story.clone())
        .await;
    drop(story);

    // then every RPC, every step of the process and every event heard is in that trace,
    let spans = until("the whole job is in the trace", async || {
        let telemetry = telemetry.clone();
        tokio::task::spawn_blocking(move || telemetry.flush())
            .await
            .unwrap();
        let spans = spans_of(&collector);
        match missing(&spans) {
            missing if missing.is_empty() => Ok(spans),
            missing => Err(missing.join("; ")),
        }
    })
    .await;

    // in one tree, whose root is the portal's call.
    let begun: Vec<&Span> = spans.iter().filter(|span| span.parent == PORTAL).collect();
    assert_eq!(begun.len(), 1, "{begun:?}");
    let above = |name: &str| ancestors(&spans, name);
    for name in ["DECIDE_COVERAGE", "HOLD_PARTS", "BOOK_VISIT"] {
        assert!(
            above(name)
                .iter()
                .any(|over| over.ends_with("/CreateTicket")),
            "{:?}",
            above(name)
        );
    }
    assert_eq!(
        above("fettle.inventory.v1.ReservationService/ReserveParts")[0],
        "HOLD_PARTS"
    );
    assert!(above("feedback hears ticket.closed")[0].ends_with("/CloseTicket"));
    assert!(above("inventory hears work_order.completed")[0].ends_with("/CompleteWorkOrder"));
}

/// What is not there yet: spans that must be seen, and parents of spans.
fn missing(spans: &[Span]) -> Vec<String> {
    let seen = |(service, name): &(&str, &str)| {
        spans
            .iter()
            .any(|span| span.name == *name && span.service == *service)
    };
    let known = |id: &str| id == PORTAL || spans.iter().any(|span| span.id == id);
    let unseen = SEEN
        .iter()
        .filter(|one| !seen(one))
        .map(|one| format!("{one:?}"));
    let orphans = spans.iter().filter(|span| !known(&span.parent));
    unseen
        .chain(orphans.map(|span| format!("the parent of {span:?}")))
        .collect()
}

/// The names of a span's parents, nearest first, up to the portal's.
fn ancestors<'s>(spans: &'s [Span], name: &str) -> Vec<&'s str> {
    let by_id: HashMap<&str, &Span> = spans.iter().map(|span| (span.id.as_str(), span)).collect();
    let first = spans.iter().find(|span| span.name == name).unwrap();
    let above = |span: &&'s Span| by_id.get(span.parent.as_str()).copied();
    let chain = std::iter::successors(above(&first), above).take(spans.len());
    chain.map(|span| span.name.as_str()).collect()
}

/// Sets up the telemetry of this process.
fn connect(collector: &Collector) -> Telemetry {
    let layers = Config::layers("test", "")
        .set("telemetry.otlp_endpoint", &collector.endpoint)
        .set("telemetry.level", "warn")
        .set("telemetry.sample_ratio", "0.0");
    telemetry::init("suite", &layers.read().unwrap().telemetry).unwrap()
}

/// The spans of the story's trace so far.
fn spans_of(collector: &Collector) -> Vec<Span> {
    let text = std::fs::read_to_string(&collector.file).unwrap();
    // The last line may be half written.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let spans = whole
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ours = spans.filter(|span| span["trace"] == TRACE);
    let field = |span: &Value, name: &str| span[name].as_str().unwrap().to_owned();
    ours.map(|span| Span {
        id: field(&span, "span"),
        parent: field(&span, "parent"),
        name: field(&span, "name"),
        service: field(&span, "service"),
    })
    .collect()
}
