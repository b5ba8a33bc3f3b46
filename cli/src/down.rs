//! `fettle down`: ends what `fettle up` started, and nothing else.

use std::time::{Duration, Instant};

use anyhow::bail;
use chassis::local::Local;
use serde_json::json;

use crate::Verdict;
use crate::reach::{Reach, State};
use crate::terminal::{Voice, emit};

/// Draining takes as long as the longest call may.
const GONE_WITHIN: Duration = Duration::from_secs(90);

/// Runs the command.
pub(crate) async fn run(reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    let mut ended = None;
    if let Some(state) = State::read(&reach.dir)? {
        if state.is_running() {
            crate::process::ask_to_end(state.pid);
            await_end(&state).await?;
            ended = Some(state.pid);
        } else {
            voice.note("the noted process is gone; forgetting it");
        }
        State::forget(&reach.dir);
    }
    // A suite that was killed leaves its databases behind.
    let dir = reach.dir.clone();
    let left = tokio::task::spawn_blocking(move || {
        let servers = Local::attach(&dir)?;
        servers.map(|servers| servers.stop()).transpose()
    });
    let left = left.await??.is_some();
    if voice.json {
        emit(&json!({ "ended": ended, "databasesStopped": left }));
    } else if ended.is_some() || left {
        voice.tell("stopped");
    } else {
        voice.tell("nothing was running");
    }
    Ok(Verdict::Held)
}

async fn await_end(state: &State) -> anyhow::Result<()> {
    let begin = Instant::now();
    while state.is_running() {
        if begin.elapsed() > GONE_WITHIN {
            bail!(
                "process {} has not ended after {} s",
                state.pid,
                GONE_WITHIN.as_secs()
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
