//! What each service takes while nobody calls it: each as its own process, all running.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use chassis::service::{self, Blueprint};
use tokio::process::{Child, Command};

use crate::cpu::resident;
use crate::ground::{Ground, SUITE};
use crate::measures::Bench;
use crate::outcome::{Outcome, Row};

/// Most memory of an idle service, MiB.
const MOST: f64 = 40.0;

pub(crate) async fn run(bench: Bench<'_>) -> anyhow::Result<Outcome> {
    let mut all: Vec<&Blueprint> = SUITE.to_vec();
    all.push(&channel::BLUEPRINT);
    let programs = programs(&all)?;
    let ports = ports(all.len())?;
    let peers: BTreeMap<&str, u16> = all
        .iter()
        .map(|blueprint| blueprint.name)
        .zip(ports.iter().copied())
        .collect();
    service::migrate(
        &channel::BLUEPRINT,
        &bench.ground.config(&channel::BLUEPRINT, &BTreeMap::new())?,
    )
    .await?;
    let mut running = Vec::new();
    for (blueprint, program) in all.iter().zip(&programs) {
        running.push((
            blueprint.name,
            spawn(bench.ground, blueprint, program, &peers)?,
        ));
    }
    tokio::time::sleep(Duration::from_secs(bench.settings.idle_seconds)).await;
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    for (name, child) in &mut running {
        let ended = child.try_wait()?;
        match (ended, child.id()) {
            (None, Some(id)) => {
                let mib = resident(id)? as f64 / f64::from(1 << 20);
                rows.push(Row::at_most(
                    &format!("fettle-{name}, resident, idle"),
                    mib,
                    MOST,
                    "MiB",
                ));
            }
            _ => notes.push(format!(
                "fettle-{name} did not stay up: {}",
                last_words(bench, name)
            )),
        }
        let _ = child.kill().await;
    }
    Ok(Outcome {
        name: "memory",
        what: format!(
            "resident memory of each service's own process after {} idle seconds",
            bench.settings.idle_seconds
        ),
        rows,
        sides: Vec::new(),
        notes,
    })
}

/// The services' own programs, which are built beside this one.
fn programs(blueprints: &[&Blueprint]) -> anyhow::Result<Vec<PathBuf>> {
    let own = std::env::current_exe().context("finding this program")?;
    let beside = |name: &str| own.with_file_name(format!("fettle-{name}"));
    let programs: Vec<PathBuf> = blueprints.iter().map(|b| beside(b.name)).collect();
    let missing: Vec<String> = programs
        .iter()
        .filter(|program| !program.is_file())
        .filter_map(|program| Some(format!("--bin {}", program.file_name()?.to_string_lossy())))
        .collect();
    if !missing.is_empty() {
        bail!(
            "build the services first: cargo build --release --locked {}",
            missing.join(" ")
        );
    }
    Ok(programs)
}

/// Ports that were free a moment ago, all different.
fn ports(count: usize) -> anyhow::Result<Vec<u16>> {
    let bind = |_| std::net::TcpListener::bind(("127.0.0.1", 0));
    let listeners = (0..count).map(bind).collect::<Result<Vec<_>, _>>()?;
    Ok(listeners
        .iter()
        .map(|it| it.local_addr().map(|at| at.port()))
        .collect::<Result<_, _>>()?)
}

fn spawn(
    ground: &Ground,
    blueprint: &Blueprint,
    program: &PathBuf,
    ports: &BTreeMap<&str, u16>,
) -> anyhow::Result<Child> {
    let name = blueprint.name;
    let log = std::fs::File::create(ground.folder().join(format!("{name}.log")))?;
    let mut command = Command::new(program);
    command
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    command.current_dir(ground.folder());
    let variable = |key: &str| format!("FETTLE__{}", key.to_uppercase().replace('.', "__"));
    for (key, value) in ground.settings() {
        command.env(variable(key), value);
    }
    let port = ports.get(name).copied().unwrap_or_default();
    command.env(variable("server.listen"), format!("127.0.0.1:{port}"));
    command.env(variable("server.admin_listen"), "127.0.0.1:0");
    // Only the ticket service calls others.
    if name == ticket::BLUEPRINT.name {
        for peer in ["entitlement", "inventory", "dispatch"] {
            let port = ports.get(peer).copied().unwrap_or_default();
            let key = variable(&format!("peers.{peer}"));
            command.env(key, format!("http://127.0.0.1:{port}"));
        }
    }
    command
        .spawn()
        .with_context(|| format!("starting {}", program.display()))
}

fn last_words(bench: Bench<'_>, name: &str) -> String {
    let path = bench.ground.folder().join(format!("{name}.log"));
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().last().unwrap_or("without a word").to_owned()
}
