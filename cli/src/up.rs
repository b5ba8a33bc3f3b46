//! `fettle up`: all services in one process.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::Verdict;
use crate::client::SERVICES;
use crate::reach::{Reach, State};
use crate::suite::{Options, Suite};
use crate::terminal::{GOOD, Voice, emit, styled};

/// How long a start in the background may take; the first one makes the database.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// Start all services over a private PostgreSQL and Redis.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  fettle up                      serve until Ctrl-C
  fettle up --detach             serve in the background; `fettle down` ends it
  fettle up --port-base 8101     ticket at 8101, entitlement at 8102, …")]
pub(crate) struct Args {
    /// Serve in the background: returns when the suite is ready, writes .fettle/up.log.
    #[arg(long)]
    detach: bool,
    /// Port of the ticket service; the others follow it. A taken port is replaced by a free one.
    #[arg(long, value_name = "PORT", default_value_t = SERVICES[0].1,
        value_parser = clap::value_parser!(u16).range(1024..=65_000))]
    port_base: u16,
}

/// Runs the command.
pub(crate) async fn run(args: Args, reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    if let Some(state) = reach.running()? {
        bail!(
            "a suite runs already (process {}); `fettle down` ends it",
            state.pid
        );
    }
    std::fs::create_dir_all(&reach.dir)?;
    State::forget(&reach.dir);
    if args.detach {
        return detach(&args, reach, voice).await;
    }
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let options = Options {
        port_base: Some(args.port_base),
        ..Options::private(&reach.dir)
    };
    let suite = tokio::select! {
        started = Suite::start(&options, voice) => started?,
        // A start that is given up leaves the databases running; `down` and the next start find them.
        _ = interrupt.recv() => bail!("interrupted; `fettle down` stops what has started"),
        _ = terminate.recv() => bail!("terminated; `fettle down` stops what has started"),
    };
    let state = State::of_this_process(suite.endpoints().clone());
    state.write(&reach.dir)?;
    announce(&state, voice);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    voice.note("stopping: services first, then Redis and PostgreSQL");
    let stopped = suite.stop().await;
    State::forget(&reach.dir);
    stopped?;
    voice.tell("stopped");
    Ok(Verdict::Held)
}

fn announce(state: &State, voice: Voice) {
    if voice.json {
        emit(&json!({ "pid": state.pid, "endpoints": state.endpoints }));
        return;
    }
    for (service, _) in SERVICES {
        let address = state.endpoints.0.get(service).map_or("", String::as_str);
        voice.tell(format!("{service:>12}  {address}"));
    }
    voice.tell(styled(GOOD, "ready"));
}

async fn detach(args: &Args, reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    use std::os::unix::process::CommandExt;
    let path = reach.dir.join("up.log");
    let log = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg("up")
        .args(["--port-base", &args.port_base.to_string()])
        .arg("--dir")
        .arg(&reach.dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // A group of its own: the terminal's Ctrl-C is not for it.
        .process_group(0)
        .spawn()?;
    let begin = Instant::now();
    loop {
        if let Some(state) = reach.running()?
            && state.pid == child.id()
        {
            announce(&state, voice);
            voice.tell(format!("process {}, log {}", state.pid, path.display()));
            return Ok(Verdict::Held);
        }
        let ended = child.try_wait()?;
        if ended.is_some() || begin.elapsed() > READY_WITHIN {
            let words = std::fs::read_to_string(&path).unwrap_or_default();
            let lines: Vec<&str> = words.lines().collect();
            let last = lines[lines.len().saturating_sub(12)..].join("\n");
            if ended.is_none() {
                crate::process::ask_to_end(child.id());
            }
            bail!("the suite did not become ready:\n{last}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
