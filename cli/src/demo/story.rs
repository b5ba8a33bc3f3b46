//! The stories: one customer's repair step by step, and four turns that it may take.

mod deeds;
mod first;
mod repair;
mod scene;
mod teller;
mod turns;

use std::path::Path;
use std::time::Instant;

use serde_json::json;

use super::stage::{self, Stage};
use crate::Verdict;
use crate::terminal::{BAD, GOOD, Voice, emit, spell, styled};
use crate::verify;
use scene::Scene;
use teller::Teller;

/// Tells all stories on a suite of their own, then asks every law.
pub(super) async fn run(dir: &Path, voice: Voice) -> anyhow::Result<Verdict> {
    voice.note("starting a private suite for the demo");
    stage::play(dir, voice, |stage| tell(stage, voice)).await
}

async fn tell(stage: Stage, voice: Voice) -> anyhow::Result<Verdict> {
    let begin = Instant::now();
    let teller = Teller::new(voice);
    let mut scene = Scene::set(stage.cast.clone(), teller).await?;

    scene
        .teller
        .chapter("A notebook in Hangzhou does not start");
    first::play(&mut scene).await?;
    scene
        .teller
        .chapter("Coffee over the keyboard: not owed, offered at a price");
    turns::a_quote(&mut scene).await?;
    scene
        .teller
        .chapter("No display in stock: the repair waits and goes on");
    turns::a_backorder(&mut scene).await?;
    scene
        .teller
        .chapter("The customer withdraws: nothing stays held");
    turns::a_cancellation(&mut scene).await?;
    scene
        .teller
        .chapter("An unhappy answer opens the ticket again");
    turns::a_low_score(&mut scene).await?;

    scene.teller.chapter("Every law, asked of the databases");
    let laws = stage.laws().await?;
    verify::tell(&laws, voice);
    let clean = verify::clean(&laws);
    let took = spell(begin.elapsed());
    if voice.json {
        emit(&json!({
            "stories": 5,
            "steps": scene.teller.steps(),
            "invariantsClean": clean,
            "seconds": begin.elapsed().as_secs_f64(),
        }));
    }
    voice.tell(match clean {
        true => styled(
            GOOD,
            format!(
                "Five stories, {} steps, every law holds. {took}",
                scene.teller.steps()
            ),
        ),
        false => styled(BAD, "The stories came to their end, but a law is broken."),
    });
    Ok(if clean {
        Verdict::Held
    } else {
        Verdict::NotHeld
    })
}
