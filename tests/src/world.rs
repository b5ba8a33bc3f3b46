//! A small world: devices, parts, technicians and a customer in two regions, and everybody who acts in it.
//!
//! ```ignore
//! let world = World::new().await;
//! let ticket = world.report(NOTEBOOK, "MEMORY").await;
//! world.visit(&ticket).await.repair().await;
//! world.confirm(&ticket).await;
//! world.answer_survey(&ticket, 5).await;
//! world.verify().await;
//! ```
//!
//! Seeded by public RPCs only. The world has a clock of its own, which every verb sends as the time of what happens;
//! it begins a day and a half ago, so that whole repairs lie in the past and yet within every auto-close time.
//! Who is where is in [`seeds`].

mod customer;
mod laws;
pub mod seeds;
mod stock;
mod visit;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use chassis::client::Peer;
use chassis::refusal::to_pb;
use chassis::service::Blueprint;
use chassis::testing::{self, Suite};
use jiff::{SignedDuration, Timestamp};
use proto::channel::v1::party_service_client::PartyServiceClient;
use proto::dispatch::v1::appointment_service_client::AppointmentServiceClient;
use proto::dispatch::v1::technician_service_client::TechnicianServiceClient;
use proto::dispatch::v1::work_order_service_client::WorkOrderServiceClient;
use proto::entitlement::v1::asset_service_client::AssetServiceClient;
use proto::entitlement::v1::contract_service_client::ContractServiceClient;
use proto::entitlement::v1::entitlement_service_client::EntitlementServiceClient;
use proto::feedback::v1::scorecard_service_client::ScorecardServiceClient;
use proto::feedback::v1::survey_service_client::SurveyServiceClient;
use proto::inventory::v1::part_service_client::PartServiceClient;
use proto::inventory::v1::reservation_service_client::ReservationServiceClient;
use proto::inventory::v1::stock_service_client::StockServiceClient;
use proto::ticket::v1::quote_service_client::QuoteServiceClient;
use proto::ticket::v1::ticket_service_client::TicketServiceClient;

pub use customer::{Report, due};
pub use laws::{HOLDS, VISITS};
pub use seeds::{BOSTON_DESKTOP, DESKTOP, NOTEBOOK, OLD_NOTEBOOK};
pub use visit::Visit;

/// Every service, callers before those they call.
pub const SERVICES: [Blueprint; 6] = [
    ticket::BLUEPRINT,
    entitlement::BLUEPRINT,
    inventory::BLUEPRINT,
    dispatch::BLUEPRINT,
    feedback::BLUEPRINT,
    channel::BLUEPRINT,
];

/// How long a condition is awaited before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Steps that failed are tried again soon; everything else in the background is quick already.
const QUICK: [(&str, &str, &str); 5] = [
    ("ticket", "ticket.progress.first_pause_ms", "10"),
    ("ticket", "ticket.progress.longest_pause_ms", "100"),
    ("ticket", "ticket.progress.attempts_until_attention", "100"),
    ("ticket", "ticket.progress.attempts_until_stop", "1000"),
    ("dispatch", "dispatch.retry_seconds", "1"),
];

/// A master key for contact data that nobody needs to keep.
const MASTER_KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// One vendor's after-sales service.
pub struct World {
    /// The services, when this world started them itself.
    suite: Option<Suite>,
    peers: BTreeMap<&'static str, Peer>,
    database_url: String,
    /// The customer of every story: "parties/{uuid}".
    pub party: String,
    now: Mutex<Timestamp>,
}

impl World {
    /// All six services in this process, over a seeded world whose clock began a day and a half ago.
    pub async fn new() -> World {
        World::beginning(recently()).await
    }

    /// The same, at an instant of the past. Resolved tickets whose auto-close time is over close at once.
    pub async fn beginning(now: Timestamp) -> World {
        World::with(now, &[]).await
    }

    /// The same, with settings over the defaults: (service, key, value).
    pub async fn with(now: Timestamp, settings: &[(&str, &str, &str)]) -> World {
        let mut set = QUICK.to_vec();
        set.push(("channel", "channel.master_key", MASTER_KEY));
        set.extend_from_slice(settings);
        let suite = testing::serve(&SERVICES, &set).await;
        let peers = SERVICES.map(|service| (service.name, suite.peer(service.name)));
        let url = suite.db_url();
        let mut world = World::over(peers.into(), &url, now).await;
        world.suite = Some(suite);
        world
    }

    /// A world in services that somebody else runs: how to reach each, and the superuser's URL of their database.
    pub async fn over(peers: BTreeMap<&'static str, Peer>, url: &str, now: Timestamp) -> World {
        let mut world = World {
            suite: None,
            peers,
            database_url: url.to_owned(),
            party: String::new(),
            now: Mutex::new(now),
        };
        world.seed().await;
        world
    }

    /// The services of this process.
    pub fn suite(&mut self) -> &mut Suite {
        self.suite
            .as_mut()
            .expect("the world started its services itself")
    }

    /// Stops a service; calls to it fail from now on.
    pub async fn stop(&mut self, service: &str) {
        self.suite().stop(service).await;
    }

    /// Starts a service that was stopped.
    pub async fn start(&mut self, service: &str) {
        self.suite().start(service).await;
    }

    /// Stops every service, then starts every one.
    pub async fn restart_everything(&mut self) {
        for service in SERVICES {
            self.stop(service.name).await;
        }
        for service in SERVICES {
            self.start(service.name).await;
        }
    }

    /// What the world's clock shows.
    pub fn now(&self) -> Timestamp {
        *self
            .now
            .lock()
            .expect("nobody panics while setting the clock")
    }

    /// Sets the world's clock.
    pub fn it_is(&self, now: Timestamp) {
        *self
            .now
            .lock()
            .expect("nobody panics while setting the clock") = now;
    }

    /// Lets time pass and says what time it is then.
    pub fn pass(&self, time: SignedDuration) -> Timestamp {
        let now = self.now() + time;
        self.it_is(now);
        now
    }

    /// A minute later, as the contract writes it: when a verb happens.
    fn next(&self) -> Option<prost_types::Timestamp> {
        Some(to_pb(self.pass(SignedDuration::from_mins(1))))
    }

    fn peer(&self, service: &str) -> Peer {
        self.peers[service].clone()
    }
}

/// Awaits an answer, and fails with the last reason why there was none; `what` completes "never came true: …".
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, String>) -> T {
    let mut last = String::new();
    let asked = testing::eventually(PATIENCE * 2, what, async || match ask().await {
        Ok(answer) => Some(answer),
        Err(why) => {
            last = why;
            None
        }
    });
    let answer = tokio::time::timeout(PATIENCE, asked).await.ok();
    answer.unwrap_or_else(|| panic!("never came true: {what}; at last: {last}"))
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the world at {}", self.now())
    }
}

/// A day and a half ago, to the minute.
pub fn recently() -> Timestamp {
    let now = chassis::Clock::system().now().as_second() - 36 * 3600;
    Timestamp::from_second(now - now % 60).expect("now is an instant")
}

macro_rules! clients {
    ($($(#[$doc:meta])* $name:ident: $client:ident of $service:literal;)*) => {
        impl World {
            $($(#[$doc])*
            pub fn $name(&self) -> $client<Peer> {
                $client::new(self.peer($service))
            })*
        }
    };
}

clients! {
    /// Tickets, as an agent calls.
    tickets: TicketServiceClient of "ticket";
    /// Quotes, as an agent calls.
    quotes: QuoteServiceClient of "ticket";
    /// What is owed.
    entitlements: EntitlementServiceClient of "entitlement";
    /// The installed base.
    assets: AssetServiceClient of "entitlement";
    /// Contracts.
    contracts: ContractServiceClient of "entitlement";
    /// The catalogue.
    parts: PartServiceClient of "inventory";
    /// Stock.
    stock: StockServiceClient of "inventory";
    /// Parts held.
    reservations: ReservationServiceClient of "inventory";
    /// Technicians.
    technicians: TechnicianServiceClient of "dispatch";
    /// Visits.
    work_orders: WorkOrderServiceClient of "dispatch";
    /// Times for visits.
    appointments: AppointmentServiceClient of "dispatch";
    /// Surveys.
    surveys: SurveyServiceClient of "feedback";
    /// Scorecards.
    scorecards: ScorecardServiceClient of "feedback";
    /// Contact data.
    parties: PartyServiceClient of "channel";
}
