//! What a client knows of its writes: which were answered, and how.

use std::collections::BTreeMap;
use std::sync::Mutex;

use proto::ticket::v1::{CancelTicketRequest, CreateTicketRequest, Ticket};
use stories::world::World;
use tonic::{Code, Status};

/// A keyed write.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    /// A report.
    Create(Box<CreateTicketRequest>),
    /// A withdrawal.
    Cancel(CancelTicketRequest),
}

impl Write {
    async fn send(&self, world: &World) -> Result<Ticket, Status> {
        let answer = match self.clone() {
            Write::Create(request) => world.tickets().create_ticket(*request).await,
            Write::Cancel(request) => world.tickets().cancel_ticket(request).await,
        };
        answer.map(tonic::Response::into_inner)
    }

    /// What stands on the timeline once it took effect.
    fn entry(&self) -> &'static str {
        match self {
            Write::Create(_) => "report",
            Write::Cancel(_) => "cancel",
        }
    }
}

/// Every write and its answer; none: nobody knows whether it took effect.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Vec<(Write, Option<Ticket>)>>);

impl History {
    /// Sends a write once and notes what came of it.
    pub(crate) async fn send(&self, world: &World, write: Write) -> Option<Ticket> {
        let answer = heard(write.send(world).await);
        self.0.lock().unwrap().push((write, answer.clone()));
        answer
    }

    /// Sends every write again under its key: what was acknowledged is answered as it was, and what was unknown is
    /// known then.
    pub(crate) async fn resolve(&self, world: &World) {
        let noted = self.0.lock().unwrap().clone();
        let mut resolved = Vec::new();
        for (write, first) in noted {
            let answer = surely(world, &write).await;
            if let Some(first) = first {
                assert_eq!(answer, first, "the same key has the same answer");
            }
            resolved.push((write, Some(answer)));
        }
        *self.0.lock().unwrap() = resolved;
    }

    /// The ticket that was reported, as far as an answer named it.
    pub(crate) fn ticket(&self) -> Option<Ticket> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .find_map(|(_, answer)| answer.clone())
    }

    /// The answers, unknown ones left out.
    pub(crate) fn answers(&self) -> Vec<Ticket> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter_map(|(_, answer)| answer.clone())
            .collect()
    }

    /// How many writes were answered.
    pub(crate) fn acknowledged(&self) -> usize {
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|(_, answer)| answer.is_some())
            .count()
    }

    /// Every write took effect, and once.
    pub(crate) async fn stands(&self, world: &World) {
        let noted = self.0.lock().unwrap().clone();
        let mut timelines = BTreeMap::new();
        for (write, answer) in noted {
            let ticket = answer.expect("every write is known once it was resolved");
            if !timelines.contains_key(&ticket.name) {
                timelines.insert(ticket.name.clone(), world.timeline(&ticket).await);
            }
            let entries = timelines[&ticket.name]
                .iter()
                .filter(|e| e.verb == write.entry());
            assert_eq!(entries.count(), 1, "{} of {}", write.entry(), ticket.number);
        }
    }
}

/// Sends a write until it is answered.
async fn surely(world: &World, write: &Write) -> Ticket {
    let patience = stories::world::PATIENCE;
    chassis::testing::eventually(patience, "a keyed write is answered", async || {
        heard(write.send(world).await)
    })
    .await
}

/// An answer, or nothing where nobody knows; a refusal fails the test.
fn heard(answer: Result<Ticket, Status>) -> Option<Ticket> {
    match answer {
        Ok(ticket) => Some(ticket),
        Err(status) => {
            let unknown = [
                Code::Unavailable,
                Code::DeadlineExceeded,
                Code::Cancelled,
                Code::Aborted,
                Code::Unknown,
            ];
            assert!(unknown.contains(&status.code()), "refused: {status:?}");
            None
        }
    }
}
