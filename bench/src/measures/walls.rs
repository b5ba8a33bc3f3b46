//! What row-level security costs: the same calls with the walls up and down, in turn.

use std::sync::Arc;

use super::Bench;
use super::create::{self, RPCS_ALONE};
use super::get;
use crate::client::Line;
use crate::load;
use crate::outcome::{Outcome, Row};

const TENANT: &str = "bench-walls";

/// Tables that the two calls read and write.
const WALLED: [&str; 7] = [
    "tickets",
    "processes",
    "ticket_events",
    "outbox",
    "request_keys",
    "audit_pending",
    "erasures",
];

pub(crate) async fn run(bench: Bench<'_>) -> anyhow::Result<Outcome> {
    let suite = bench.ground.serve(&[&RPCS_ALONE]).await?;
    let channels = suite.connect("ticket", bench.settings.connections).await?;
    let line = Line::new(channels, TENANT, suite.minter())?;
    let rows = bench.settings.rows;
    get::fill(bench, &line, TENANT, rows).await?;

    let readers = async |up: bool, run: usize| {
        raise(bench, up).await?;
        let line = line.clone();
        let call = move |caller, number: u64| {
            get::get(line.clone(), caller, number * 7_919 + run as u64, rows)
        };
        load::run(bench.load(64), call).await
    };
    let names = ["GetTicket", "GetTicket, walls down"];
    let up = async |run| readers(true, run).await;
    let reads = bench.alternate(names, up, async |run| readers(false, run).await);
    let reads = reads.await?;

    let writers = async |up: bool, run: usize| {
        raise(bench, up).await?;
        let key: Arc<str> = format!("run-{run}-{up}").into();
        let line = line.clone();
        let call = move |caller, number| {
            let (line, key) = (line.clone(), Arc::clone(&key));
            async move { create::create(&line, caller, number, &key).await }
        };
        load::run(bench.load(32), call).await
    };
    let names = ["CreateTicket", "CreateTicket, walls down"];
    let up = async |run| writers(true, run).await;
    let writes = bench.alternate(names, up, async |run| writers(false, run).await);
    let writes = writes.await?;
    raise(bench, true).await?;
    suite.stop().await?;

    let ratio = |measure, sides: &[_; 2]| Row::ratio(measure, &sides[0], &sides[1], None);
    let rows = vec![
        ratio("GetTicket with walls ÷ without", &reads),
        ratio("CreateTicket with walls ÷ without", &writes),
    ];
    Ok(Outcome {
        name: "walls",
        what:
            "64 callers read tickets by name, 32 report faults; row-level security of the tables \
            they touch is on, and off, in turn"
                .to_owned(),
        rows,
        sides: reads.into_iter().chain(writes).collect(),
        notes: Vec::new(),
    })
}

/// Raises the walls of the tables, or takes them down.
async fn raise(bench: Bench<'_>, up: bool) -> anyhow::Result<()> {
    let switch = if up { "enable" } else { "disable" };
    let statements =
        WALLED.map(|table| format!("alter table ticket.{table} {switch} row level security"));
    bench.execute(statements.join("; ")).await
}
