//! The main job from report to survey, beside pgbench's four inserts.
//!
//! How many tickets a second go all the way depends on the machine as much as on Fettle, so the
//! rate stands beside what the same machine does in the same minutes for pgbench. The target is
//! 50 tickets a second where pgbench reaches 8,090 transactions of four statements: the quiet
//! machine of two cores that all limits were measured on.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use tokio::process::Command;

use super::Bench;
use crate::cpu::Reading;
use crate::load::Sample;
use crate::outcome::{Outcome, Row, Side};
use crate::pgbench::Pgbench;

/// Tickets of one run.
const TICKETS: u64 = 500;

/// Tickets a second, for each transaction a second of pgbench: 50 ÷ 8,090.
const LEAST: f64 = 0.0062;

/// Longest lag from commit to effect, 99th percentile of a run, in milliseconds.
const LONGEST_LAG: f64 = 500.0;

/// Replays by the program people use, on databases of its own; pgbench on the bench's.
pub(crate) async fn run(bench: Bench<'_>) -> anyhow::Result<Outcome> {
    let folder = tempfile::tempdir().context("making a folder for the replay")?;
    let demo = Demo {
        program: program()?,
        folder: folder.path().to_path_buf(),
        postmaster: bench.ground.postmaster(),
    };
    let inserts = four_inserts(bench).await?;
    let mut lags = Vec::new();
    let ours = async |_| {
        let (sample, lag) = demo.replay().await?;
        lags.push(lag);
        Ok(sample)
    };
    let theirs = async |run| inserts.sample(run).await;
    let names = ["main job", "pgbench: four inserts in a transaction"];
    let sides = bench.alternate(names, ours, theirs).await?;
    // The first run was not counted.
    let lag = crate::outcome::median(lags.into_iter().skip(1));
    Ok(Outcome {
        name: "main-job",
        what: format!(
            "{TICKETS} tickets replayed from report to survey by `fettle demo`, all services, PostgreSQL and Redis on \
             this machine, fsync on; every ticket ends, every law holds"
        ),
        rows: rows(&sides, lag),
        sides: sides.into(),
        notes: vec![
            "the target stands for 50 tickets/s where pgbench does 8,090 transactions of four statements a second; \
             the processor time told is of services and client only, with seeding and the laws, not of the replay's \
             own PostgreSQL"
                .to_owned(),
        ],
    })
}

fn rows(sides: &[Side; 2], lag: f64) -> Vec<Row> {
    let mut ratio = Row::ratio(
        "tickets to their end ÷ pgbench 4 inserts",
        &sides[0],
        &sides[1],
        None,
    );
    let found = ratio.ratio.unwrap_or_default();
    ratio.target = format!("≥ {LEAST}×");
    ratio.met = Some(found >= LEAST);
    // The table shows two digits of a ratio, too few for this one.
    ratio.found = format!("{} = {found:.4}×", ratio.found);
    vec![
        ratio,
        Row::at_most("event lag in the main job, p99", lag, LONGEST_LAG, "ms"),
    ]
}

/// The command line's program and where it keeps its databases.
struct Demo {
    program: PathBuf,
    folder: PathBuf,
    postmaster: u32,
}

impl Demo {
    /// One replay: its rate by its own clock, which leaves out seeding, and its event lag in
    /// milliseconds. Refuses a replay that was not clean.
    async fn replay(&self) -> anyhow::Result<(Sample, f64)> {
        let before = Reading::take(self.postmaster)?;
        let begin = Instant::now();
        let mut command = Command::new(&self.program);
        command
            .args(["demo", "--json", "--tickets"])
            .arg(TICKETS.to_string())
            .arg("--dir")
            .arg(&self.folder);
        let answer = command.output().await.context("running fettle demo")?;
        let seconds = begin.elapsed().as_secs_f64();
        let used = before.until(&Reading::take(self.postmaster)?);
        let said = String::from_utf8_lossy(&answer.stdout);
        if !answer.status.success() {
            bail!(
                "the replay failed: {said}{}",
                String::from_utf8_lossy(&answer.stderr)
            );
        }
        let last = said.lines().last().unwrap_or_default();
        let summary: Value = serde_json::from_str(last).context("reading the replay's summary")?;
        let number = |key: &str| summary.get(key).and_then(Value::as_f64);
        ensure!(
            summary.get("invariantsClean") == Some(&Value::Bool(true))
                && number("tickets") == Some(TICKETS as f64),
            "the replay was not clean: {last}"
        );
        let took = number("seconds").context("the summary tells no seconds")?;
        let lag = number("eventLagP99Millis").context("the summary tells no event lag")?;
        let mut sample = Sample::new(TICKETS, seconds, used, None);
        sample.rate = TICKETS as f64 / took;
        Ok((sample, lag))
    }
}

fn program() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("finding this program")?;
    let program = own.with_file_name("fettle");
    if !program.is_file() {
        bail!(
            "build the command line first: cargo build --release --locked --workspace --bin fettle"
        );
    }
    Ok(program)
}

/// Four inserts of a plain row, as in the reference measurement.
async fn four_inserts(bench: Bench<'_>) -> anyhow::Result<Pgbench> {
    bench
        .execute(
            "create schema if not exists baseline;
             create table if not exists baseline.lines (
                 id bigint not null, place integer not null, body text not null,
                 at timestamptz not null, primary key (id, place))"
                .to_owned(),
        )
        .await?;
    let insert = |place: usize| {
        format!(
            "insert into baseline.lines values (:id, {place}, 'a line of the reference measurement', now());\n"
        )
    };
    let inserts: String = (0..4).map(insert).collect();
    let script =
        format!("\\set n :n + 1\n\\set id :base + :n * 128 + :client_id\nbegin;\n{inserts}end;\n");
    Pgbench::new(
        bench.ground,
        "main-job",
        &script,
        32,
        bench.settings.seconds_per_sample,
    )
}
