//! `fettle seed`: a small world in the running suite, with tickets on their way.

use chassis::Clock;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use serde_json::json;

use crate::Verdict;
use crate::client::{Actor, Fettle};
use crate::demo::report_of;
use crate::reach::Reach;
use crate::terminal::{Voice, emit};
use crate::world::seeding::{self, Seeded};
use crate::world::{Plan, Recipe, World};

/// Put a small world into the running suite.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  fettle seed
  fettle seed --tickets 200 --seed 5

The same seed on the same day puts the same world in: doing it twice changes nothing.")]
pub(crate) struct Args {
    /// Tickets reported within the last three weeks.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    tickets: u32,
    /// Everything generated follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the command.
pub(crate) async fn run(args: Args, reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    let reached = reach.existing()?;
    // From midnight, so that a second run of the same day repeats the same requests.
    let midnight = Clock::system()
        .now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .start_of_day()?;
    let recipe = Recipe {
        tickets: args.tickets as usize,
        data: None,
        seed: args.seed,
        begin: Some(midnight.timestamp() - SignedDuration::from_hours(24 * 21)),
    };
    let world = World::plan(&recipe)?;
    let keys = format!("seed-{}-{}", args.seed, midnight.date());
    let bar = voice.progress("seeding", seeding::steps(&world) + world.plans.len() as u64);
    let administrator = reached.connections.acting_as(Actor::Administrator)?;
    let seeded = seeding::seed(&administrator, &world, &keys, &bar).await?;
    // They telephoned.
    let agent = reached.connections.acting_as(Actor::Agent)?;
    report(&agent, &world.plans, &seeded, &keys, &bar).await?;
    bar.finish_and_clear();
    if voice.json {
        emit(&json!({ "tickets": world.plans.len(), "generated": world.generated }));
        return Ok(Verdict::Held);
    }
    voice.tell(format!(
        "{} tickets, {} technicians, {} parts in {} places; all of it generated. `fettle report` shows it",
        world.plans.len(),
        world.people.len(),
        world.spares.len(),
        world.places.len()
    ));
    Ok(Verdict::Held)
}

async fn report(
    fettle: &Fettle,
    plans: &[Plan],
    seeded: &Seeded,
    keys: &str,
    bar: &indicatif::ProgressBar,
) -> anyhow::Result<()> {
    stream::iter(plans)
        .map(|plan| async move {
            fettle.create_ticket(report_of(plan, seeded, keys)).await?;
            bar.inc(1);
            anyhow::Ok(())
        })
        .buffer_unordered(16)
        .try_collect()
        .await
}
