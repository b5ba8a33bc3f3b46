//! Who watches: which tickets have come to their end, and when all of it has.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use proto::inventory::v1::reservation;
use proto::ticket::v1::ticket::State;
use proto::ticket::v1::{GetTicketRequest, Ticket};

use super::{LOOK_EVERY, PATIENCE, Play, supply, waiting};

/// States in which something is still to come.
const OPEN: [State; 5] = [
    State::Acknowledged,
    State::InProgress,
    State::Pending,
    State::Held,
    State::Resolved,
];
/// Pause between two looks at all open tickets; the last ones are looked at more often.
const LOOK: Duration = Duration::from_secs(2);

/// Returns when every ticket has ended and nothing is held any more.
pub(super) async fn act(play: Arc<Play>) -> anyhow::Result<()> {
    loop {
        let before = Instant::now();
        let open = waiting::listed(&play, &OPEN).await?;
        let names: HashSet<String> = open.iter().map(|ticket| ticket.name.clone()).collect();
        for name in play.board.compare(&names, before) {
            ask(&play, name).await?;
        }
        if play.board.all_ended() && open.is_empty() && nothing_held(&play).await? {
            return Ok(());
        }
        if play.board.still_for() > PATIENCE {
            bail!("{}", stuck(&play, &open));
        }
        let (reported, ended) = play.board.standing();
        play.bar.set_message(format!("{reported} reported"));
        let last = ended + 20 >= play.world.plans.len();
        tokio::time::sleep(if last { LOOK_EVERY } else { LOOK }).await;
    }
}

/// A ticket that is not open and not surveyed was cancelled or rejected, or its survey is on its way.
async fn ask(play: &Play, name: String) -> anyhow::Result<()> {
    let ticket = play
        .cast
        .agent
        .get_ticket(GetTicketRequest { name })
        .await?;
    if matches!(ticket.state(), State::Cancelled | State::Rejected)
        && play.board.ended(&ticket.name)
    {
        play.bar.inc(1);
    }
    Ok(())
}

/// Undoing is part of the measurement: cancelled tickets give their parts back a little later.
async fn nothing_held(play: &Play) -> anyhow::Result<bool> {
    let held = [reservation::State::Held, reservation::State::Backordered];
    Ok(supply::listed(play, &held).await?.is_empty())
}

/// What everything waits for, in words.
fn stuck(play: &Play, open: &[Ticket]) -> String {
    let (reported, ended) = play.board.standing();
    let mut by_state: BTreeMap<String, usize> = BTreeMap::new();
    for ticket in open {
        let reason = match ticket.attention.as_str() {
            "" => ticket.pause_reason().as_str_name(),
            attention => attention,
        };
        let words = format!(
            "{} / {} / {reason}",
            ticket.state().as_str_name(),
            ticket.step().as_str_name()
        );
        *by_state.entry(words).or_default() += 1;
    }
    let states: Vec<String> = by_state
        .iter()
        .map(|(words, n)| format!("  {n} {words}"))
        .collect();
    let one = open
        .first()
        .map(|ticket| format!("\nfor instance {}", ticket.name));
    let steps: Vec<String> = play
        .board
        .steps()
        .iter()
        .map(|(word, n)| format!("{n} {word}"))
        .collect();
    let problems = play.board.tally().problems;
    format!(
        "nothing has moved for {} s: {reported} of {} reported, {ended} ended; open are\n{}{}\nsteps taken: {}\n{}",
        PATIENCE.as_secs(),
        play.world.plans.len(),
        states.join("\n"),
        one.unwrap_or_default(),
        steps.join(", "),
        problems.join("\n")
    )
}
