//! Tells what happens: who did what, why it came out so, and how long it took.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::json;

use crate::terminal::{GOOD, HEADING, QUIET, Voice, emit, say, spell, styled};

/// Longest wait for anything the suite does by itself.
const PATIENCE: Duration = Duration::from_secs(45);
/// Pauses between two questions.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(150);

/// The voice of the stories.
pub(super) struct Teller {
    voice: Voice,
    steps: u32,
    last: Instant,
}

impl Teller {
    pub(super) fn new(voice: Voice) -> Teller {
        Teller {
            voice,
            steps: 0,
            last: Instant::now(),
        }
    }

    /// Steps told so far.
    pub(super) fn steps(&self) -> u32 {
        self.steps
    }

    /// Begins a story.
    pub(super) fn chapter(&mut self, title: &str) {
        self.last = Instant::now();
        self.voice.tell("");
        self.voice.tell(styled(HEADING, title));
    }

    /// One step: who, what, and why in as many lines as it takes.
    pub(super) fn step(&mut self, who: &str, what: impl Into<String>, why: Vec<String>) {
        self.steps += 1;
        let took = self.last.elapsed();
        self.last = Instant::now();
        let what = what.into();
        if self.voice.json {
            let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            emit(
                &json!({ "step": self.steps, "who": who, "what": what, "why": why, "millis": millis }),
            );
            return;
        }
        say(format!(
            "{} {} {what}  {}",
            styled(GOOD, format!("{:>3}.", self.steps)),
            styled(HEADING, format!("{who}:")),
            styled(QUIET, spell(took))
        ));
        for line in why {
            say(format!("       {line}"));
        }
    }
}

/// Asks until there is an answer; says what it waited for, and how things stood, when none came.
pub(super) async fn until<T, F>(what: &str, mut ask: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Result<T, String>>>,
{
    let begin = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let stands = match ask().await? {
            Ok(answer) => return Ok(answer),
            Err(stands) => stands,
        };
        if begin.elapsed() > PATIENCE {
            bail!("waited {} s for {what}; {stands}", PATIENCE.as_secs());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}
