//! Measures Fettle: ratios in one run, the sides alternating, medians.
//!
//! - [`ground`]: private servers and services; [`client`]: calls; [`load`]: callers; [`pgbench`]:
//!   the database alone; [`cpu`]: what it costs
//! - [`measures`]: the benchmarks; [`outcome`]: what they found
//! - [`memory`]: what each service takes while idle; [`soak`]: load for an hour, laws checked

mod client;
mod cpu;
mod ground;
mod load;
mod measures;
mod memory;
mod outcome;
mod pgbench;
mod seed;
mod soak;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde::Serialize;

use crate::ground::{Ground, SUITE};
use crate::measures::Bench;
use crate::outcome::{Outcome, Record, Versions, table};

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// CreateTicket against pgbench's four inserts, the whole suite at work.
    Create,
    /// CreateTicket alone: no process worker, no other service.
    CreateAlone,
    /// GetTicket against pgbench's select by key.
    Get,
    /// CheckEntitlement against a tonic hello.
    Check,
    /// ReserveParts of one hot part against pgbench's update of one row.
    Reserve,
    /// SLA clocks per second and core.
    Clocks,
    /// From commit to effect at a consumer.
    Events,
    /// Knowing who asks and whether it may.
    Rights,
    /// GetTicket and CreateTicket with row-level security and without.
    Walls,
    /// A million changes chained and verified.
    Audit,
    /// Tickets from report to survey against pgbench's four inserts; needs the program `fettle`.
    MainJob,
    /// Memory of each service while idle; needs the services' own programs.
    Memory,
    /// The main job under load for long, laws checked every minute.
    Soak,
}

/// What runs when nothing is named.
const ALL: [Name; 10] = [
    Name::Clocks,
    Name::Check,
    Name::Get,
    Name::Reserve,
    Name::Create,
    Name::CreateAlone,
    Name::Events,
    Name::Rights,
    Name::Walls,
    Name::Audit,
];

/// Measures Fettle on a private PostgreSQL and Redis; writes one file per benchmark.
#[derive(Debug, Parser, Serialize)]
#[command(name = "fettle-bench", version)]
struct Settings {
    /// What to measure; default: everything but main-job, memory and soak.
    #[arg(value_enum)]
    #[serde(skip)]
    names: Vec<Name>,
    /// Seconds of each run of a side.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds_per_sample: u64,
    /// Runs of each side.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=100))]
    samples: u64,
    /// Callers at the same time; default: 32 that write, 64 that read or reserve.
    #[arg(long)]
    callers: Option<usize>,
    /// Connections the callers share.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Rows of the tables that are read by key.
    #[arg(long, default_value_t = 100_000)]
    rows: u64,
    /// Minutes of a soak.
    #[arg(long, default_value_t = 60)]
    #[serde(skip)]
    minutes: u64,
    /// Seconds services are left alone before their memory is read.
    #[arg(long, default_value_t = 60)]
    idle_seconds: u64,
    /// Folder of the result files.
    #[arg(long, default_value = "bench/results")]
    #[serde(skip)]
    results: PathBuf,
    /// A remark that is kept with the results: "others compile meanwhile".
    #[arg(long)]
    #[serde(skip)]
    note: Option<String>,
    /// Prints the result files instead of the table.
    #[arg(long)]
    #[serde(skip)]
    json: bool,
}

impl Settings {
    fn span(&self) -> Duration {
        Duration::from_secs(self.seconds_per_sample)
    }
}

fn main() -> ExitCode {
    let settings = Settings::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let done = runtime
        .map_err(anyhow::Error::from)
        .and_then(|it| it.block_on(run(&settings)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tell(&format!("fettle-bench: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}

/// To standard error, so that standard output is the result and nothing else.
fn tell(text: &str) {
    // Nobody is left to hear of a closed terminal.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// False when a law was broken.
async fn run(settings: &Settings) -> anyhow::Result<bool> {
    if cfg!(debug_assertions) {
        tell("fettle-bench: built without optimisation, its figures mean nothing\n");
    }
    if settings.names.contains(&Name::Soak) {
        return soak::run(settings).await;
    }
    let names = match settings.names.as_slice() {
        [] => ALL.to_vec(),
        named => named.to_vec(),
    };
    let ground = Ground::start(&SUITE).await?;
    let measured = measure(settings, &ground, &names).await;
    ground.stop().await?;
    let (outcomes, versions) = measured?;
    let mut records = Vec::new();
    for outcome in &outcomes {
        let record = Record {
            outcome,
            versions: &versions,
            settings,
        };
        record.write(&settings.results)?;
        records.push(serde_json::to_value(&record)?);
    }
    let text = match settings.json {
        true => serde_json::to_string_pretty(&records)? + "\n",
        false => table(&outcomes),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(true)
}

async fn measure(
    settings: &Settings,
    ground: &Ground,
    names: &[Name],
) -> anyhow::Result<(Vec<Outcome>, Versions)> {
    let versions = Versions::read(ground).await?;
    let mut outcomes = Vec::new();
    for name in names {
        tell(&format!("{name:?} …\n"));
        let bench = Bench { ground, settings };
        let mut outcome = match name {
            Name::Create => measures::create::as_shipped(bench).await?,
            Name::CreateAlone => measures::create::alone(bench).await?,
            Name::Get => measures::get::run(bench).await?,
            Name::Check => measures::check::run(bench).await?,
            Name::Reserve => measures::reserve::run(bench).await?,
            Name::Clocks => measures::clocks::run(bench)?,
            Name::Events => measures::events::run(bench).await?,
            Name::Rights => measures::rights::run(bench)?,
            Name::Walls => measures::walls::run(bench).await?,
            Name::Audit => measures::audit::run(bench).await?,
            Name::MainJob => measures::main_job::run(bench).await?,
            Name::Memory => memory::run(bench).await?,
            Name::Soak => continue,
        };
        outcome.notes.extend(settings.note.clone());
        outcomes.push(outcome);
    }
    Ok((outcomes, versions))
}
