//! The replay: many tickets at once, each played to its end by the people around it.
//!
//! Actors look at lists (visits booked, tickets waiting, parts missing, surveys open) and hand
//! each row to a task of its own, once. All times are those of the replayed past; nothing waits
//! for a clock on the wall.

mod board;
mod endings;
mod reporter;
mod supply;
mod surveys;
mod visits;
mod waiting;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::FutureExt;
use indicatif::ProgressBar;
use tokio::sync::Semaphore;

use super::cast::Cast;
use super::stage::{self, Stage};
use super::{shares, summary};
use crate::Verdict;
use crate::client::Told;
use crate::suite;
use crate::terminal::{Voice, spell};
use crate::world::seeding::{self, Seeded};
use crate::world::{Plan, Recipe, World};
use board::Board;
pub(super) use board::Tally;
pub(super) use visits::{allows, used_of};

/// Pause between two looks at a list.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// Longest time without any ticket moving before the replay is given up.
const PATIENCE: Duration = Duration::from_secs(90);

/// What to replay and how.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) tickets: usize,
    pub(super) data: Option<PathBuf>,
    pub(super) seed: u64,
    pub(super) in_flight: usize,
    pub(super) open: usize,
}

/// Everything the actors share.
struct Play {
    cast: Cast,
    world: World,
    seeded: Seeded,
    board: Board,
    /// Calls under way.
    calls: Semaphore,
    /// Tickets open.
    open: Arc<Semaphore>,
    bar: ProgressBar,
    keys: String,
}

impl Play {
    fn plan(&self, index: usize) -> &Plan {
        &self.world.plans[index]
    }

    /// A request id that follows from what is done and to what, so that doing it again is nothing new.
    fn key(&self, step: &str, of: &str) -> String {
        let id = of.rsplit('/').next().unwrap_or(of);
        format!("{step}-{id}")
    }

    /// Makes a call when fewer than the allowed number are under way.
    async fn call<T>(&self, call: impl Future<Output = Result<T, Told>>) -> Result<T, Told> {
        // The semaphore is never closed.
        let _turn = self.calls.acquire().await;
        call.await
    }
}

/// Replays, sums up and verifies.
pub(super) async fn run(dir: &Path, settings: Settings, voice: Voice) -> anyhow::Result<Verdict> {
    let recipe = Recipe {
        tickets: settings.tickets,
        data: settings.data.clone(),
        seed: settings.seed,
        begin: None,
    };
    let world = World::plan(&recipe)?;
    match &settings.data {
        Some(folder) => voice.note(format!(
            "faults, cities and arrivals from {}",
            folder.display()
        )),
        None => voice.note("no --data folder: faults, sites and arrivals are generated too"),
    }
    stage::play(dir, voice, |stage| replay(stage, world, settings, voice)).await
}

async fn replay(
    stage: Stage,
    world: World,
    settings: Settings,
    voice: Voice,
) -> anyhow::Result<Verdict> {
    let keys = format!("replay-{}", settings.seed);
    let begin = Instant::now();
    let bar = voice.progress("seeding", seeding::steps(&world));
    let seeded = seeding::seed(&stage.cast.administrator, &world, &keys, &bar).await?;
    bar.finish_and_clear();
    voice.note(format!("seeded in {}", spell(begin.elapsed())));

    // What seeding told is not part of the measurement.
    let _ = suite::event_lag_p99_millis();
    let play = Arc::new(Play {
        cast: stage.cast.clone(),
        board: Board::new(world.plans.len()),
        bar: voice.progress("replaying", world.plans.len() as u64),
        world,
        seeded,
        calls: Semaphore::new(settings.in_flight),
        open: Arc::new(Semaphore::new(settings.open)),
        keys,
    });
    let begin = Instant::now();
    let ended = act(&play).await;
    let took = begin.elapsed();
    play.bar.finish_and_clear();
    let lag = suite::event_lag_p99_millis();
    ended.context("the replay did not come to its end")?;

    let laws = stage.laws().await?;
    let counts = shares::count(&play.cast.administrator, play.board.tally()).await?;
    let summary = summary::Summary::of(&play.world, counts, &laws, took, lag);
    summary.tell(&laws, voice);
    Ok(if summary.holds() {
        Verdict::Held
    } else {
        Verdict::NotHeld
    })
}

/// All actors until every ticket has ended; the first that fails ends the play.
async fn act(play: &Arc<Play>) -> anyhow::Result<()> {
    let actors = [
        reporter::act(play.clone()).boxed(),
        visits::act(play.clone()).boxed(),
        visits::book_what_nobody_could_take(play.clone()).boxed(),
        waiting::act(play.clone()).boxed(),
        supply::act(play.clone()).boxed(),
        surveys::act(play.clone()).boxed(),
    ];
    let actors = futures::future::try_join_all(actors);
    tokio::select! {
        ended = endings::act(play.clone()) => ended,
        failed = actors => failed.map(drop),
    }
}

/// Hands a row to a task of its own; what it could not do is noted on the board.
fn hand_over<F>(play: &Arc<Play>, what: &'static str, subject: String, task: F)
where
    F: Future<Output = Result<(), Told>> + Send + 'static,
{
    let play = play.clone();
    tokio::spawn(async move {
        if let Err(told) = task.await {
            play.board.problem(format!("{what} {subject}: {told}"));
        }
    });
}
