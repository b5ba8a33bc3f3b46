//! The progress worker: does what [`next_step`] says, one step at a time.
//!
//! A due ticket is leased in a short transaction; a peer is called outside any transaction, with
//! an identifier that follows from ticket, step and round and with bytes that were kept before the
//! first try; what the peer answered is saved only if the ticket is still the version that was
//! read. Stopping anywhere and doing the step again is always safe.

mod crash;
mod steps;

use std::sync::Arc;
use std::time::Duration;

use chassis::service::Shutdown;
use chassis::{Refusal, TenantId, telemetry};
use jiff::{SignedDuration, Timestamp};
use prost::Message;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::Instrument;

pub use self::crash::Point;
pub use self::steps::Peers;
use self::steps::{Done, Failed};
use crate::desk::Desk;
use crate::domain::answers;
use crate::domain::process::{Next, Step, next_step};
use crate::domain::quote::Quote;
use crate::domain::ticket::{Deed, Ticket};
use crate::peers;
use crate::store::process::{Claimed, claim, release};
use crate::store::ticket::{Asked, Wake};

/// Actor of the process on the timeline.
pub const ACTOR: &str = "services/ticket";

/// Steps a ticket makes in one lease; more than the longest way through the table.
const MOST_STEPS: usize = 32;

/// Claims due tickets and moves each on.
#[derive(Clone)]
pub struct Progress {
    desk: Desk,
    peers: Peers,
}

impl Progress {
    /// A worker of this desk that asks these peers.
    pub fn new(desk: Desk, peers: Peers) -> Progress {
        Progress { desk, peers }
    }

    /// Works until shutdown, then finishes the steps at hand.
    pub async fn run(self, shutdown: Shutdown) {
        let settings = &self.desk.settings.progress;
        let room = Arc::new(Semaphore::new(settings.concurrency));
        let mut at_work = JoinSet::new();
        while !shutdown.is_cancelled() {
            let claimed = match self.claim(room.available_permits()).await {
                Ok(claimed) => claimed,
                Err(error) => {
                    tracing::warn!(reason = error.reason(), "due tickets cannot be read now");
                    Vec::new()
                }
            };
            let idle = claimed.is_empty();
            for claimed in claimed {
                let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
                    return;
                };
                let worker = self.clone();
                at_work.spawn(async move {
                    let span = telemetry::span_from(&claimed.traceparent, "ticket.progress");
                    worker.advance(claimed).instrument(span).await;
                    drop(permit);
                });
            }
            while at_work.try_join_next().is_some() {}
            if idle || room.available_permits() == 0 {
                self.rest(&room, &shutdown).await;
            }
        }
        while at_work.join_next().await.is_some() {}
    }

    /// Until somebody rings, the poll is due, or shutdown; with no room left, until there is.
    async fn rest(&self, room: &Semaphore, shutdown: &Shutdown) {
        let poll = Duration::from_millis(self.desk.settings.progress.poll_ms);
        if room.available_permits() == 0 {
            let _ = tokio::time::timeout(poll, room.acquire()).await;
            return;
        }
        tokio::select! {
            () = self.desk.woken.notified() => {}
            () = tokio::time::sleep(poll) => {}
            () = shutdown.cancelled() => {}
        }
    }

    async fn claim(&self, room: usize) -> Result<Vec<Claimed>, Refusal> {
        let limit = i64::try_from(room).unwrap_or(0);
        if limit == 0 {
            return Ok(Vec::new());
        }
        let now = self.desk.db.clock().now();
        let until = now + self.desk.settings.progress.lease();
        claim(self.desk.db.worker_pool(), now, until, limit).await
    }

    /// Moves one ticket on as far as it goes.
    async fn advance(&self, mut claimed: Claimed) {
        let mut known = None;
        for _ in 0..MOST_STEPS {
            match self.step(&mut claimed, known.take()).await {
                Ok(Went::On(ticket)) => known = ticket,
                Ok(Went::AsFarAsItGoes) => return,
                Err(error) => {
                    tracing::warn!(
                        ticket = %claimed.ticket, reason = error.reason(),
                        "the ticket's process cannot be saved now"
                    );
                    // The lease runs out and the ticket is claimed again.
                    return;
                }
            }
        }
    }

    /// One step, on the ticket as it was just saved or else as it is read.
    async fn step(
        &self,
        claimed: &mut Claimed,
        known: Option<Box<Ticket>>,
    ) -> Result<Went, Refusal> {
        let tenant = TenantId::parse(&claimed.tenant).map_err(Refusal::internal)?;
        let Some(mut ticket) = self.read(claimed, &tenant, known).await? else {
            return Ok(Went::AsFarAsItGoes);
        };
        let step = match next_step(&ticket, self.desk.db.clock().now()) {
            Next::Wait(until) => {
                release(self.desk.db.worker_pool(), claimed, until, 0).await?;
                return Ok(Went::AsFarAsItGoes);
            }
            Next::Do(step) => step,
        };
        if step.has_effect_in_peer() && !is_asked(claimed, step, ticket.round) {
            answers::asked(&mut ticket, step);
            return self.save(claimed, ticket, &tenant, None).await;
        }
        crash::point(step, Point::BeforeCall);
        let done = self.perform(step, claimed, &ticket, &tenant).await;
        crash::point(step, Point::AfterCall);
        let went = match done {
            Ok(done) => {
                let at = ticket.facts.cause_at.unwrap_or(ticket.reported_at);
                let deed = Deed {
                    actor: ACTOR,
                    at,
                    note: None,
                };
                claimed.attempts = 0;
                if ticket.attention.starts_with(step.name()) {
                    ticket.attention.clear();
                }
                let quote = done.apply(&self.desk, &mut ticket, &deed)?;
                if quote.is_none() && self.asks_on(&ticket) {
                    Went::On(Some(ticket))
                } else {
                    self.save(claimed, ticket, &tenant, quote).await?
                }
            }
            Err(failed) => self.failed(step, failed, claimed, ticket, &tenant).await?,
        };
        crash::point(step, Point::AfterSave);
        Ok(went)
    }

    /// Whether the next step only asks: what is known so far is saved together with its answer, and
    /// would be asked again after a crash.
    fn asks_on(&self, ticket: &Ticket) -> bool {
        match next_step(ticket, self.desk.db.clock().now()) {
            Next::Do(step) => matches!(step, Step::DecideCoverage | Step::ChooseParts),
            Next::Wait(_) => false,
        }
    }

    async fn read(
        &self,
        claimed: &Claimed,
        tenant: &TenantId,
        known: Option<Box<Ticket>>,
    ) -> Result<Option<Box<Ticket>>, Refusal> {
        if known.is_some() {
            return Ok(known);
        }
        let found = self.desk.read(tenant, claimed.ticket).await?;
        Ok(found.map(Box::new))
    }

    async fn perform(
        &self,
        step: Step,
        claimed: &Claimed,
        ticket: &Ticket,
        tenant: &TenantId,
    ) -> Result<Done, Failed> {
        let asked = claimed.asked.as_ref().map(|(_, _, bytes)| bytes.as_slice());
        let span = tracing::info_span!("step", otel.name = step.name());
        let performed = self.peers.perform(step, ticket, tenant, asked);
        performed.instrument(span).await
    }

    /// Saves a step's outcome together with what comes next: the request of a following step that
    /// has an effect in a peer, or the time of the next look.
    async fn save(
        &self,
        claimed: &mut Claimed,
        mut ticket: Box<Ticket>,
        tenant: &TenantId,
        quote: Option<Quote>,
    ) -> Result<Went, Refusal> {
        let now = self.desk.db.clock().now();
        let next = next_step(&ticket, now);
        let mut wake = Wake {
            attempts: claimed.attempts,
            ..Wake::default()
        };
        match next {
            Next::Do(step) => {
                wake.due_at = Some(claimed.due_at);
                wake.leased_until = Some(now + self.desk.settings.progress.lease());
                wake.asked = ask(step, &mut ticket, claimed);
            }
            Next::Wait(until) => {
                wake.due_at = until;
                wake.leased_until = Some(now);
                wake.asked = Asked::Nothing;
            }
        }
        if !self.write(tenant, &mut ticket, &wake, now, quote).await? {
            // Somebody was faster: read again and decide anew.
            return Ok(Went::On(None));
        }
        claimed.asked = match wake.asked {
            Asked::Step(step, round, bytes) => Some((step.to_owned(), round, bytes)),
            Asked::Nothing => None,
            Asked::Keep => claimed.asked.take(),
        };
        Ok(match next {
            Next::Do(_) => Went::On(Some(ticket)),
            Next::Wait(_) => Went::AsFarAsItGoes,
        })
    }

    /// Writes in one statement, or in a transaction where a quote is written as well.
    async fn write(
        &self,
        tenant: &TenantId,
        ticket: &mut Ticket,
        wake: &Wake,
        now: Timestamp,
        quote: Option<Quote>,
    ) -> Result<bool, Refusal> {
        if quote.is_none() && Desk::is_alone(ticket) {
            let beside = self.desk.seal(ticket, now)?;
            return self.desk.save_single(tenant, ticket, &beside, wake).await;
        }
        let mut tx = self.desk.db.begin(tenant).await?;
        if let Some(quote) = quote
            && !steps::store_quote(&mut tx, ticket, &quote).await?
        {
            tracing::debug!(ticket = %ticket.id, "the quote was stored before");
        }
        let saved = self.desk.save(&mut tx, ticket, wake).await?;
        if saved {
            tx.commit().await?;
        }
        Ok(saved)
    }

    /// Tries again later; after many tries or a refusal, a person is asked to look.
    async fn failed(
        &self,
        step: Step,
        failed: Failed,
        claimed: &mut Claimed,
        mut ticket: Box<Ticket>,
        tenant: &TenantId,
    ) -> Result<Went, Refusal> {
        let settings = &self.desk.settings.progress;
        claimed.attempts += 1;
        let attempts = claimed.attempts;
        let (again, look) = match &failed {
            Failed::Refused(_) => (false, true),
            Failed::Unreachable(_) => (
                attempts < settings.attempts_until_stop,
                attempts >= settings.attempts_until_attention,
            ),
        };
        tracing::info!(ticket = %ticket.id, step = step.name(), attempts, why = failed.why(), "a step failed");
        let seed = claimed.ticket.as_u128() as u64 ^ claimed.fence.unsigned_abs();
        let pause = SignedDuration::try_from(settings.pause(attempts, seed));
        let now = self.desk.db.clock().now();
        let due = again.then(|| now + pause.unwrap_or(SignedDuration::from_secs(60)));
        if !look && ticket.fresh.is_empty() {
            release(self.desk.db.worker_pool(), claimed, due, attempts).await?;
            return Ok(Went::AsFarAsItGoes);
        }
        if look {
            let at = ticket.facts.cause_at.unwrap_or(ticket.reported_at);
            let deed = Deed {
                actor: ACTOR,
                at,
                note: None,
            };
            ticket.needs_attention(&format!("{}: {}", step.name(), failed.why()), &deed);
        }
        let now = self.desk.db.clock().now();
        let wake = Wake {
            due_at: due,
            leased_until: Some(now),
            attempts: claimed.attempts,
            asked: Asked::Keep,
        };
        let saved = self.write(tenant, &mut ticket, &wake, now, None).await?;
        Ok(if saved {
            Went::AsFarAsItGoes
        } else {
            Went::On(None)
        })
    }
}

/// How a step ended.
enum Went {
    /// There may be more to do: on the ticket as it was saved, or as it is read anew.
    On(Option<Box<Ticket>>),
    /// Nothing more to do before an event or the time that was noted.
    AsFarAsItGoes,
}

/// Whether the claim holds the request of this step and round.
fn is_asked(claimed: &Claimed, step: Step, round: i32) -> bool {
    let asked = claimed.asked.as_ref();
    asked.is_some_and(|(name, asked_round, _)| name == step.name() && *asked_round == round)
}

/// What is noted before a step: the bytes of its request when it has an effect in a peer.
fn ask(step: Step, ticket: &mut Ticket, claimed: &Claimed) -> Asked {
    if !step.has_effect_in_peer() {
        return Asked::Nothing;
    }
    if is_asked(claimed, step, ticket.round) {
        return Asked::Keep;
    }
    answers::asked(ticket, step);
    let at = ticket.facts.cause_at.unwrap_or(ticket.reported_at);
    let bytes = match step {
        Step::HoldParts => peers::hold_parts(ticket, at).encode_to_vec(),
        _ => peers::book_visit(ticket, at).encode_to_vec(),
    };
    Asked::Step(step.name(), ticket.round, bytes)
}
