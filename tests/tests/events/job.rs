//! Thirty tickets through the main job, and how far they are.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chassis::client::Peer;
use chassis::refusal::to_pb;
use chassis::testing::eventually;
use jiff::SignedDuration;
use proto::dispatch::v1::technician::Skill;
use proto::ticket::v1::ticket::State;
use proto::ticket::v1::{CloseTicketRequest, Ticket};
use stories::processes::Suite;
use stories::world::seeds::{ZHEJIANG, technician};
use stories::world::{NOTEBOOK, Report, SERVICES, World, recently};

/// Tickets of a job.
pub(crate) const TICKETS: usize = 30;

/// Awaiting thirty tickets while things break takes longer than one in peace.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Tickets on their way: reported, then repaired, then closed.
#[derive(Debug)]
pub(crate) struct Job {
    world: World,
    tickets: Mutex<Vec<Ticket>>,
    /// Reports, repairs and closures so far.
    done: AtomicUsize,
}

impl Job {
    /// A world with parts and technicians enough.
    pub(crate) async fn begin(suite: &Suite) -> Job {
        Job::begin_with(suite, suite.peer("ticket")).await
    }

    /// The same, with the ticket service behind that peer.
    pub(crate) async fn begin_with(suite: &Suite, tickets: Peer) -> Job {
        let mut peers: std::collections::BTreeMap<&'static str, Peer> = SERVICES
            .map(|service| (service.name, suite.peer(service.name)))
            .into();
        peers.insert("ticket", tickets);
        // Early enough that all of it lies in the past, and within the time in which nothing closes by itself.
        let begin = recently() - SignedDuration::from_hours(24);
        let world = World::over(peers, &suite.database_url(), begin).await;
        world.receive_stock("HANGZHOU", "MEM-16", 40).await;
        for number in 1..=6 {
            let (code, name) = (format!("MORE-{number}"), format!("Technician {number}"));
            let mut more = technician(&code, &name, ZHEJIANG, (30.28, 120.17));
            let skill = "NOTEBOOK_REPAIR".to_owned();
            more.skills = vec![Skill {
                skill,
                level: 3,
                ..Default::default()
            }];
            world.hire(more).await;
        }
        Job {
            world,
            tickets: Mutex::default(),
            done: AtomicUsize::new(0),
        }
    }

    /// Reports every ticket, then has every one repaired, then confirmed.
    pub(crate) async fn run(&self) {
        for number in 0..TICKETS {
            let ticket = self.report(number).await;
            self.tickets.lock().unwrap().push(ticket);
            self.one_more();
        }
        for ticket in self.tickets() {
            self.world.visit(&ticket).await.repair().await;
            self.one_more();
        }
        for ticket in self.tickets() {
            self.confirm(&ticket).await;
            self.one_more();
        }
    }

    /// A keyed report, sent again while the service is not to be reached.
    async fn report(&self, number: usize) -> Ticket {
        let report = Report::fault(NOTEBOOK, "MEMORY");
        let mut request = report.request(&self.world.party, self.world.now());
        request.request_id = format!("report-{number}");
        eventually(PATIENCE, "the report is answered", async || {
            let answer = self.world.tickets().create_ticket(request.clone()).await;
            answer.ok().map(tonic::Response::into_inner)
        })
        .await
    }

    /// As soon as the ticket is resolved the customer confirms it.
    async fn confirm(&self, ticket: &Ticket) {
        let what = format!("{} is resolved", ticket.number);
        eventually(PATIENCE, &what, async || {
            let now = self.world.ticket(&ticket.name).await;
            (now.state() == State::Resolved).then_some(())
        })
        .await;
        let request = CloseTicketRequest {
            name: ticket.name.clone(),
            occur_time: Some(to_pb(self.world.now())),
            ..Default::default()
        };
        // An event may be told at the same moment; the request is then sent again.
        eventually(PATIENCE, "the ticket is closed", async || {
            let closed = self.world.tickets().close_ticket(request.clone()).await;
            closed.ok().map(drop)
        })
        .await;
    }

    fn tickets(&self) -> Vec<Ticket> {
        self.tickets.lock().unwrap().clone()
    }

    fn one_more(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether every ticket is closed.
    pub(crate) fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed) == TICKETS * 3
    }

    /// Awaits that many reports, repairs and closures.
    pub(crate) async fn reaches(&self, share: usize) {
        eventually(PATIENCE, "the job goes on", async || {
            (self.done.load(Ordering::Relaxed) >= share).then_some(())
        })
        .await;
    }

    /// Every closed ticket is surveyed, none twice, and every law holds.
    pub(crate) async fn every_ticket_is_surveyed_once(&self) {
        for ticket in self.tickets() {
            let what = format!("{} is surveyed", ticket.number);
            eventually(PATIENCE, &what, async || {
                (!self.world.surveys_of(&ticket).await.is_empty()).then_some(())
            })
            .await;
        }
        self.world.verify().await;
        for ticket in self.tickets() {
            assert_eq!(
                self.world.surveys_of(&ticket).await.len(),
                1,
                "{}",
                ticket.number
            );
            assert_eq!(self.world.ticket(&ticket.name).await.state(), State::Closed);
            self.world.nothing_is_held_for(&ticket).await;
        }
        let (free, held) = self.world.level("HANGZHOU", "MEM-16").await;
        let (elsewhere, _) = self.world.level("SHANGHAI", "MEM-16").await;
        let used = TICKETS as i64;
        assert_eq!(
            (free + elsewhere, held),
            (2 + 3 + 40 - used, 0),
            "each repair used one part"
        );
    }
}
