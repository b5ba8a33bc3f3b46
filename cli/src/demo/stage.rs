//! A suite of its own for one demo: begun empty, verified and stopped at the end.

use std::future::Future;
use std::path::{Path, PathBuf};

use anyhow::bail;
use tokio::signal::unix::{SignalKind, signal};

use super::cast::Cast;
use crate::client::Connections;
use crate::reach::State;
use crate::suite::{self, Against, Law, Options, Suite};
use crate::terminal::Voice;

/// The running suite of a demo.
pub(super) struct Stage {
    /// Everybody who acts on it.
    pub(super) cast: Cast,
    /// Folder of its databases.
    pub(super) dir: PathBuf,
}

impl Stage {
    /// The laws of every service, asked of the databases.
    pub(super) async fn laws(&self) -> anyhow::Result<Vec<Law>> {
        Ok(suite::laws(&self.dir, &Against::default()).await?.0)
    }
}

/// Starts an empty suite in `dir`, plays on it and stops it, also when the play fails or is
/// interrupted. Refuses while another demo plays in the same folder.
pub(super) async fn play<T, F>(
    dir: &Path,
    voice: Voice,
    act: impl FnOnce(Stage) -> F,
) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    if let Some(state) = State::read(dir)?.filter(State::is_running) {
        bail!(
            "another demo plays in {} (process {})",
            dir.display(),
            state.pid
        );
    }
    std::fs::create_dir_all(dir)?;
    let mut options = Options::private(dir);
    options.fresh = true;
    let suite = Suite::start(&options, voice).await?;
    State::of_this_process(suite.endpoints().clone()).write(dir)?;
    let connections = Connections::to(suite.endpoints(), suite.credentials()?)?;
    let stage = Stage {
        cast: Cast::of(&connections)?,
        dir: dir.to_path_buf(),
    };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let outcome = tokio::select! {
        outcome = act(stage) => outcome,
        _ = interrupt.recv() => Err(anyhow::anyhow!("interrupted")),
        _ = terminate.recv() => Err(anyhow::anyhow!("terminated")),
    };
    let stopped = suite.stop().await;
    State::forget(dir);
    let outcome = outcome?;
    stopped?;
    Ok(outcome)
}
