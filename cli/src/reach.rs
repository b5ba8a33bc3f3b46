//! Which suite a command talks to: the one named, the one running, or one started for it.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::client::{Connections, Credentials, Endpoints};
use crate::process;
use crate::suite::{Options, Suite};
use crate::terminal::Voice;

/// Where the suite is.
#[derive(clap::Args, Clone)]
pub(crate) struct Reach {
    /// The services' host, or ticket=http://host:port,entitlement=…; default: the suite `up` started.
    #[arg(long, global = true, value_name = "HOST")]
    endpoint: Option<String>,
    /// Caller token for the services, without "Bearer"; default: one of the suite's own development
    /// issuer.
    #[arg(
        long,
        global = true,
        env = "FETTLE_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    token: Option<String>,
    /// Folder of the private suite.
    #[arg(
        long,
        global = true,
        env = "FETTLE_DIR",
        default_value = ".fettle",
        value_name = "DIR"
    )]
    pub(crate) dir: PathBuf,
}

/// What `up` notes about the suite it runs: `suite.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The process that serves.
    pub(crate) pid: u32,
    /// What tells that process from another of the same number.
    pub(crate) identity: String,
    /// Where each service answers.
    pub(crate) endpoints: Endpoints,
}

impl State {
    /// This process, serving at these addresses.
    pub(crate) fn of_this_process(endpoints: Endpoints) -> State {
        let pid = std::process::id();
        State {
            pid,
            identity: process::identity(pid).unwrap_or_default(),
            endpoints,
        }
    }

    /// What stands in the folder, whether or not the process still runs.
    pub(crate) fn read(dir: &Path) -> anyhow::Result<Option<State>> {
        let path = dir.join("suite.json");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let state = serde_json::from_str(&text);
        Ok(Some(state.with_context(|| {
            format!("{} is damaged", path.display())
        })?))
    }

    /// Notes the state in the folder; a reader never sees half of it.
    pub(crate) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let half = dir.join("suite.json.new");
        std::fs::write(&half, serde_json::to_vec_pretty(self)?)?;
        Ok(std::fs::rename(half, dir.join("suite.json"))?)
    }

    /// Forgets the state.
    pub(crate) fn forget(dir: &Path) {
        let _ = std::fs::remove_file(dir.join("suite.json"));
    }

    /// Whether the very process that was noted still runs.
    pub(crate) fn is_running(&self) -> bool {
        process::identity(self.pid).is_some_and(|found| found == self.identity)
    }
}

/// A suite to talk to; ends with [`Reached::leave`].
pub(crate) struct Reached {
    /// Where the services answer.
    pub(crate) connections: Connections,
    own: Option<Suite>,
}

impl Reached {
    /// Stops the suite when it was started for this command.
    pub(crate) async fn leave(self) -> anyhow::Result<()> {
        match self.own {
            Some(suite) => suite.stop().await,
            None => Ok(()),
        }
    }
}

impl Reach {
    /// The noted suite, when its process runs.
    pub(crate) fn running(&self) -> anyhow::Result<Option<State>> {
        Ok(State::read(&self.dir)?.filter(State::is_running))
    }

    /// The suite that was named or runs; refuses when there is none.
    pub(crate) fn existing(&self) -> anyhow::Result<Reached> {
        match self.addresses()? {
            Some(endpoints) => Ok(Reached {
                connections: Connections::to(&endpoints, self.credentials()?)?,
                own: None,
            }),
            None => bail!("no suite runs here; start one with `fettle up --detach`"),
        }
    }

    /// As [`Reach::existing`]; starts the private suite, and says so, when there is none.
    pub(crate) async fn existing_or_own(&self, voice: Voice) -> anyhow::Result<Reached> {
        if let Some(endpoints) = self.addresses()? {
            return Ok(Reached {
                connections: Connections::to(&endpoints, self.credentials()?)?,
                own: None,
            });
        }
        voice.note("nothing is running; starting the private suite for this command");
        let suite = Suite::start(&Options::private(&self.dir), voice).await?;
        let connections = Connections::to(suite.endpoints(), suite.credentials()?)?;
        Ok(Reached {
            connections,
            own: Some(suite),
        })
    }

    /// The token that was given, or else the development issuer of the suite's folder.
    fn credentials(&self) -> anyhow::Result<Credentials> {
        match &self.token {
            Some(token) => Credentials::given(token),
            None => Credentials::of_folder(&self.dir),
        }
    }

    fn addresses(&self) -> anyhow::Result<Option<Endpoints>> {
        match &self.endpoint {
            Some(text) => Endpoints::parse(text).map(Some),
            None => Ok(self.running()?.map(|state| state.endpoints)),
        }
    }
}
