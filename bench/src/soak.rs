//! The main job for long: report, decide, hold, book, visit, resolve, close; laws every minute.
//!
//! Ends by itself after the minutes asked for, or at the first law that is broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use proto::dispatch::v1::work_order::State as Visit;
use proto::dispatch::v1::work_order_service_client::WorkOrderServiceClient;
use proto::dispatch::v1::{
    ArriveWorkOrderRequest, CompleteWorkOrderRequest, DepartWorkOrderRequest, GetWorkOrderRequest,
    StartWorkOrderRequest, WorkMode,
};
use proto::inventory::v1::PartUsed;
use proto::ticket::v1::ticket::State;
use proto::ticket::v1::ticket_service_client::TicketServiceClient;
use proto::ticket::v1::{CancelTicketRequest, CloseTicketRequest, GetTicketRequest, Ticket};
use tokio::task::JoinSet;

use crate::client::Line;
use crate::ground::{Ground, SUITE, Suite};
use crate::outcome::{Outcome, Row, table};
use crate::{Settings, seed};

const TENANT: &str = "soak";
/// People who repair: few enough that some tickets find nobody and are cancelled.
const TECHNICIANS: u64 = 60;
/// How long a caller waits for the process to bring a ticket where it belongs.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between two looks at a ticket.
const LOOK: Duration = Duration::from_millis(50);

/// What was done so far.
#[derive(Default)]
struct Tally {
    repaired: AtomicU64,
    cancelled: AtomicU64,
    late: AtomicU64,
}

/// The services a caller of the main job speaks to.
#[derive(Clone)]
struct Desk {
    tickets: Line,
    visits: Line,
    tally: Arc<Tally>,
}

/// False when a law was broken.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<bool> {
    let ground = Ground::start(&SUITE).await?;
    let soaked = soak(settings, &ground).await;
    ground.stop().await?;
    let (outcome, lawful) = soaked?;
    crate::tell(&table(&[outcome]));
    Ok(lawful)
}

async fn soak(settings: &Settings, ground: &Ground) -> anyhow::Result<(Outcome, bool)> {
    let suite = ground.serve(&SUITE).await?;
    let desk = open(settings, &suite).await?;
    let end = Instant::now() + Duration::from_secs(settings.minutes * 60);
    let mut callers = JoinSet::new();
    for caller in 0..settings.callers.unwrap_or(16) {
        callers.spawn(serve(desk.clone(), caller, end));
    }
    let mut minute = tokio::time::interval(Duration::from_secs(60));
    minute.tick().await;
    let mut broken = Vec::new();
    let mut checks = 0_u64;
    while broken.is_empty() && !callers.is_empty() {
        tokio::select! {
            _ = minute.tick() => {
                broken = breaches(ground).await?;
                checks += 1;
                tell(&desk.tally, checks, &broken);
            }
            Some(done) = callers.join_next() => done.context("a caller died")??,
        }
    }
    callers.shutdown().await;
    if broken.is_empty() {
        broken = breaches(ground).await?;
    }
    suite.stop().await?;
    let count = |of: &AtomicU64| of.load(Ordering::Relaxed).to_string();
    let laws = format!("{} breaches in {} checks", broken.len(), checks + 1);
    let outcome = Outcome {
        name: "soak",
        what: format!("the main job for {} minutes", settings.minutes),
        rows: vec![
            Row::told("repaired and closed", count(&desk.tally.repaired)),
            Row::told("cancelled", count(&desk.tally.cancelled)),
            Row::told("of these not booked in time", count(&desk.tally.late)),
            Row::plain("laws", laws, "0".to_owned(), broken.is_empty()),
        ],
        sides: Vec::new(),
        notes: broken.clone(),
    };
    Ok((outcome, broken.is_empty()))
}

async fn open(settings: &Settings, suite: &Suite) -> anyhow::Result<Desk> {
    let line = async |service: &str| {
        let channels = suite.connect(service, settings.connections).await?;
        Line::new(channels, TENANT, suite.minter())
    };
    seed::devices(&line("entitlement").await?).await?;
    seed::part(&line("inventory").await?, "BATTERY", 1_000_000).await?;
    seed::technicians(&line("dispatch").await?, TECHNICIANS).await?;
    let (tickets, visits) = (line("ticket").await?, line("dispatch").await?);
    Ok(Desk {
        tickets,
        visits,
        tally: Arc::default(),
    })
}

fn tell(tally: &Tally, minute: u64, broken: &[String]) {
    let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
    crate::tell(&format!(
        "{minute} min: {} repaired, {} cancelled, {} breaches\n",
        count(&tally.repaired),
        count(&tally.cancelled),
        broken.len()
    ));
}

/// Every broken law of every service.
async fn breaches(ground: &Ground) -> anyhow::Result<Vec<String>> {
    let mut all = Vec::new();
    macro_rules! check {
        ($($service:ident),*) => {$(
            let mut conn = ground.in_schema(stringify!($service)).await?;
            for breach in $service::invariants::check(&mut conn).await? {
                let (law, subject, detail) = (breach.law, breach.subject, breach.detail);
                all.push(format!("{} {law:?} {subject}: {detail}", stringify!($service)));
            }
        )*};
    }
    check!(ticket, inventory, dispatch, feedback);
    Ok(all)
}

/// One caller's turns until the end.
async fn serve(desk: Desk, caller: usize, end: Instant) -> anyhow::Result<()> {
    let mut turn = 0_u64;
    while Instant::now() < end {
        let number = turn * 1_001 + caller as u64;
        desk.turn(caller, number)
            .await
            .with_context(|| format!("caller {caller}, turn {turn}"))?;
        turn += 1;
    }
    Ok(())
}

impl Desk {
    /// A report, and what becomes of it: every fifth is withdrawn, the others are repaired.
    async fn turn(&self, caller: usize, number: u64) -> anyhow::Result<()> {
        let mut tickets = TicketServiceClient::new(self.tickets.channel(caller));
        let request = self
            .tickets
            .request(seed::report(number, &format!("soak-{caller}")));
        let name = tickets.create_ticket(request).await?.into_inner().name;
        let booked = self
            .awaited(caller, &name, |ticket| ticket.appointment.is_some())
            .await?;
        match booked {
            Some(ticket) if !number.is_multiple_of(5) => self.repair(caller, &ticket).await,
            Some(_) => self.cancel(caller, &name).await,
            None => {
                self.tally.late.fetch_add(1, Ordering::Relaxed);
                self.cancel(caller, &name).await
            }
        }
    }

    /// The ticket once it is as wanted; none: not in time.
    async fn awaited(
        &self,
        caller: usize,
        name: &str,
        wanted: impl Fn(&Ticket) -> bool,
    ) -> anyhow::Result<Option<Ticket>> {
        let mut tickets = TicketServiceClient::new(self.tickets.channel(caller));
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let request = self.tickets.request(GetTicketRequest {
                name: name.to_owned(),
            });
            let ticket = tickets.get_ticket(request).await?.into_inner();
            if wanted(&ticket) {
                return Ok(Some(ticket));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(None)
    }

    async fn repair(&self, caller: usize, ticket: &Ticket) -> anyhow::Result<()> {
        let mut visits = WorkOrderServiceClient::new(self.visits.channel(caller));
        let name = ticket.work_order.clone();
        let get = GetWorkOrderRequest { name: name.clone() };
        let order = visits
            .get_work_order(self.visits.request(get))
            .await?
            .into_inner();
        // A device on the bench is not travelled to.
        if order.mode() != WorkMode::Bench {
            let depart = DepartWorkOrderRequest {
                name: name.clone(),
                ..Default::default()
            };
            visits
                .depart_work_order(self.visits.request(depart))
                .await
                .context("depart")?;
            let arrive = ArriveWorkOrderRequest {
                name: name.clone(),
                ..Default::default()
            };
            visits
                .arrive_work_order(self.visits.request(arrive))
                .await
                .context("arrive")?;
        }
        let start = StartWorkOrderRequest {
            name: name.clone(),
            ..Default::default()
        };
        visits
            .start_work_order(self.visits.request(start))
            .await
            .context("start")?;
        let used = PartUsed {
            part: "parts/BATTERY".to_owned(),
            quantity: 1,
            ..Default::default()
        };
        let complete = CompleteWorkOrderRequest {
            name,
            parts_used: vec![used],
            outcome: Visit::Completed.into(),
            report: "Battery replaced".to_owned(),
            signature: "the customer".to_owned(),
            ..Default::default()
        };
        visits
            .complete_work_order(self.visits.request(complete))
            .await
            .context("complete")?;
        let resolved = |ticket: &Ticket| ticket.state() == State::Resolved;
        let resolved = self.awaited(caller, &ticket.name, resolved).await?;
        ensure!(
            resolved.is_some(),
            "{} does not resolve after its visit",
            ticket.name
        );
        let close = CloseTicketRequest {
            name: ticket.name.clone(),
            ..Default::default()
        };
        let mut tickets = TicketServiceClient::new(self.tickets.channel(caller));
        tickets
            .close_ticket(self.tickets.request(close))
            .await
            .context("close")?;
        self.tally.repaired.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn cancel(&self, caller: usize, name: &str) -> anyhow::Result<()> {
        let reason = "works again".to_owned();
        let request = CancelTicketRequest {
            name: name.to_owned(),
            reason,
            ..Default::default()
        };
        let mut tickets = TicketServiceClient::new(self.tickets.channel(caller));
        tickets
            .cancel_ticket(self.tickets.request(request))
            .await
            .context("cancel")?;
        self.tally.cancelled.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
