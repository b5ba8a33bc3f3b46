//! The services as they are deployed: each a process of its own, over one database and one Redis.
//!
//! ```ignore
//! let mut suite = Suite::new(&[("ticket", "ticket.progress.lease_ms", "500")]).await;
//! let world = suite.world(recently()).await;
//! suite.kill9("ticket").await;
//! suite.start("ticket").await;
//! ```
//!
//! They are the binaries that operators run, configured by the environment alone. What leases or polls in the
//! background does so within about a second, so that whatever dies is soon replaced. Only processes that a suite has
//! started itself are ever ended, by their number; dropping the suite ends all of them.

mod binaries;

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::time::Duration;

use chassis::client::{self, Peer};
use chassis::config::Config;
use chassis::migrate::MIGRATIONS;
use chassis::service;
use chassis::testing::{
    Database, Redis, agent, eventually, identity_settings, minter, redis, servers, template,
};
use jiff::Timestamp;
use proto::ticket::v1::GetTicketRequest;
use proto::ticket::v1::ticket_service_client::TicketServiceClient;
use sqlx::{Connection, PgConnection};
use tonic::Code;

use crate::world::{SERVICES, World};

pub use binaries::{command_line, program};

/// How long a process may take to serve or to end; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Settings of every service. A call between services ends before the lease it is made under.
const QUICK: [(&str, &str); 13] = [
    ("server.admin_listen", "127.0.0.1:0"),
    ("server.drain_timeout_ms", "10000"),
    ("client.deadline_ms", "900"),
    ("client.resolve_interval_ms", "50"),
    ("database.max_connections", "8"),
    ("database.min_connections", "0"),
    ("database.worker_connections", "5"),
    ("database.acquire_timeout_ms", "10000"),
    ("events.lease_ttl_ms", "1000"),
    ("events.poll_ms", "20"),
    ("events.report_ms", "100"),
    ("paging.key", "a test's"),
    ("telemetry.level", "info"),
];

/// Settings of one service.
const OWN: [(&str, &str, &str); 12] = [
    ("ticket", "ticket.progress.poll_ms", "30"),
    ("ticket", "ticket.progress.lease_ms", "1000"),
    ("ticket", "ticket.progress.first_pause_ms", "10"),
    ("ticket", "ticket.progress.longest_pause_ms", "200"),
    ("ticket", "ticket.progress.attempts_until_attention", "100"),
    ("ticket", "ticket.progress.attempts_until_stop", "10000"),
    ("inventory", "inventory.expiry_poll_ms", "50"),
    ("inventory", "inventory.sweep_poll_ms", "50"),
    ("dispatch", "dispatch.retry_seconds", "1"),
    ("dispatch", "dispatch.retry_poll_ms", "50"),
    ("dispatch", "dispatch.retry_lease_ms", "1000"),
    ("channel", "channel.master_key", MASTER_KEY),
];

/// A master key for contact data that nobody needs to keep.
const MASTER_KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// Six services, each a process.
pub struct Suite {
    /// The Redis of these services alone.
    pub redis: Redis,
    database: Database,
    /// Of every role of the test servers.
    password: String,
    members: BTreeMap<String, Member>,
    /// What the processes write.
    logs: PathBuf,
}

/// One process, or the place of one that has ended.
struct Member {
    service: String,
    address: SocketAddr,
    /// The test's connection, kept over every life of the process.
    peer: Peer,
    environment: BTreeMap<String, String>,
    log: PathBuf,
    child: Option<Child>,
}

impl Suite {
    /// Starts all six; settings over those of this module are (service, key, value).
    pub async fn new(settings: &[(&str, &str, &str)]) -> Suite {
        let mut suite = Suite::stopped(settings).await;
        for service in SERVICES {
            suite.spawn(service.name, &[]);
        }
        for service in SERVICES {
            suite.serves(service.name).await;
        }
        suite
    }

    /// The same, nothing started yet.
    pub async fn stopped(settings: &[(&str, &str, &str)]) -> Suite {
        let database = migrated().await.clone_database().await;
        Suite::over(database, settings).await
    }

    /// The same over that database, which may lack every schema.
    pub async fn over(database: Database, settings: &[(&str, &str, &str)]) -> Suite {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let logs = format!("fettle-processes-{}-{count}", std::process::id());
        let logs = std::env::temp_dir().join(logs);
        std::fs::create_dir_all(&logs).expect("a folder for what processes write");
        let mut suite = Suite {
            redis: redis().await,
            database,
            password: servers().await.password().to_owned(),
            members: BTreeMap::new(),
            logs,
        };
        for service in SERVICES {
            suite.add(service.name, service.name);
        }
        for (service, key, value) in settings {
            suite.configure(service, key, value);
        }
        suite
    }

    /// Adds a second process of a service, not started yet, and says its name.
    pub fn replica(&mut self, service: &str) -> String {
        let name = format!("{service}-2");
        self.add(&name, service);
        name
    }

    fn add(&mut self, name: &str, service: &str) {
        let address = free_address();
        let member = Member {
            service: service.to_owned(),
            address,
            peer: peer_at(&format!("http://{address}")),
            environment: BTreeMap::new(),
            log: self.logs.join(format!("{name}.log")),
            child: None,
        };
        self.members.insert(name.to_owned(), member);
    }

    /// Sets a value for the next start of a process: `("ticket", "peers.inventory", "http://…")`.
    pub fn configure(&mut self, name: &str, key: &str, value: &str) {
        let member = self.member_mut(name);
        let variable = variable(&member.service, key);
        member.environment.insert(variable, value.to_owned());
    }

    /// Starts a process and waits until it serves.
    pub async fn start(&mut self, name: &str) {
        self.start_with(name, &[]).await;
    }

    /// The same, with variables for this one life.
    pub async fn start_with(&mut self, name: &str, variables: &[(&str, &str)]) {
        self.spawn(name, variables);
        self.serves(name).await;
    }

    /// Starts a process and does not wait.
    pub fn spawn(&mut self, name: &str, variables: &[(&str, &str)]) {
        let environment = self.environment(name);
        let member = self.member_mut(name);
        assert!(member.child.is_none(), "{name} runs already");
        let log = File::options().create(true).append(true).open(&member.log);
        let log = log.expect("a file for what the process writes");
        let mut command = command(&member.service, &environment);
        command.envs(variables.iter().copied());
        command
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log);
        member.child = Some(command.spawn().expect("the service's program starts"));
    }

    /// Runs a service's program with flags to its end.
    pub fn run(&self, service: &str, flags: &[&str]) -> Output {
        let mut command = command(service, &self.environment(service));
        command
            .args(flags)
            .output()
            .expect("the service's program starts")
    }

    /// Waits until a process accepts calls.
    async fn serves(&mut self, name: &str) {
        let member = self.member_mut(name);
        let what = format!("{name} serves");
        eventually(PATIENCE, &what, async || {
            let ended = member
                .child
                .as_mut()
                .and_then(|child| child.try_wait().ok().flatten());
            assert!(
                ended.is_none(),
                "{name} ended instead of serving: {}",
                tail(&member.log)
            );
            // Whatever a service says to a question that may not even be its own, it serves.
            let question = GetTicketRequest {
                name: "tickets/0".to_owned(),
            };
            let answer = TicketServiceClient::new(member.peer.clone())
                .get_ticket(question)
                .await;
            let code = answer.map_or_else(|status| status.code(), |_| Code::Ok);
            (![Code::Unavailable, Code::DeadlineExceeded].contains(&code)).then_some(())
        })
        .await;
    }

    /// Ends a process at once, as a crash would.
    pub async fn kill9(&mut self, name: &str) {
        let child = self.member_mut(name).child.as_mut().expect("it runs");
        let _ = child.kill();
        self.ended(name).await;
    }

    /// Asks a process to end in order and waits until it has.
    pub async fn term(&mut self, name: &str) -> ExitStatus {
        self.signal(name, "TERM");
        self.ended(name).await
    }

    /// Sends a signal to a process: "TERM", "STOP", "CONT".
    pub fn signal(&self, name: &str, signal: &str) {
        let pid = self.member(name).child.as_ref().expect("it runs").id();
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$1\" \"$2\"", "sh", signal])
            .arg(pid.to_string())
            .status();
        assert!(
            sent.is_ok_and(|sent| sent.success()),
            "{name} cannot be signalled"
        );
    }

    /// Waits until a process has ended by itself.
    pub async fn ended(&mut self, name: &str) -> ExitStatus {
        let child = &mut self.member_mut(name).child;
        let running = child.as_mut().expect("it runs");
        let what = format!("{name} ends");
        let status = eventually(PATIENCE, &what, async || running.try_wait().ok().flatten());
        let status = status.await;
        *child = None;
        status
    }

    /// What a process wrote in all its lives.
    pub fn log(&self, name: &str) -> String {
        std::fs::read_to_string(&self.member(name).log).unwrap_or_default()
    }

    /// Where a process listens in each of its lives.
    pub fn address(&self, name: &str) -> SocketAddr {
        self.member(name).address
    }

    /// A process as an agent calls it.
    pub fn peer(&self, name: &str) -> Peer {
        self.member(name).peer.clone()
    }

    /// Several processes of a service as an agent calls them, one after the other.
    pub fn peers_of(&self, names: &[&str]) -> Peer {
        let addresses = names
            .iter()
            .map(|name| format!("http://{}", self.address(name)));
        peer_at(&addresses.collect::<Vec<_>>().join(","))
    }

    /// The superuser's URL of the database.
    pub fn database_url(&self) -> String {
        self.database.url()
    }

    /// A connection of the superuser, who is above row-level security, with a service's schema first in its path.
    pub async fn connect(&self, service: &str) -> PgConnection {
        let mut conn = PgConnection::connect(&self.database_url()).await.unwrap();
        let path = sqlx::query("select set_config('search_path', $1, false)").bind(service);
        path.execute(&mut conn).await.unwrap();
        conn
    }

    /// Seeds a world in these services.
    pub async fn world(&self, now: Timestamp) -> World {
        let peers = SERVICES.map(|service| (service.name, self.peer(service.name)));
        World::over(peers.into(), &self.database_url(), now).await
    }

    /// The whole environment of a process, as far as it is about Fettle.
    fn environment(&self, name: &str) -> BTreeMap<String, String> {
        let member = self.member(name);
        let service = member.service.as_str();
        let mut environment = BTreeMap::new();
        let mut set = |key: &str, value: &str| {
            environment.insert(variable(service, key), value.to_owned());
        };
        for (key, value) in QUICK {
            set(key, value);
        }
        for (_, key, value) in OWN.iter().filter(|own| own.0 == service) {
            set(key, value);
        }
        for (key, value) in identity_settings() {
            set(key, &value);
        }
        set("server.listen", &member.address.to_string());
        set("events.redis_url", &self.redis.url());
        set("database.url", &self.database.url());
        for role in [
            "password",
            "worker_password",
            "auditor_password",
            "owner_password",
        ] {
            set(&format!("database.{role}"), &self.password);
        }
        if service == "ticket" {
            for peer in ["entitlement", "inventory", "dispatch"] {
                set(
                    &format!("peers.{peer}"),
                    &format!("http://{}", self.address(peer)),
                );
            }
        }
        environment.extend(member.environment.clone());
        environment
    }

    fn member(&self, name: &str) -> &Member {
        self.members.get(name).expect("a process of this suite")
    }

    fn member_mut(&mut self, name: &str) -> &mut Member {
        self.members.get_mut(name).expect("a process of this suite")
    }
}

impl Drop for Suite {
    fn drop(&mut self) {
        for (name, member) in &mut self.members {
            if let Some(child) = &mut member.child {
                let _ = child.kill();
                let _ = child.wait();
            }
            if std::thread::panicking() {
                eprintln!("--- {name} wrote last:\n{}", tail(&member.log));
            }
        }
        let _ = std::fs::remove_dir_all(&self.logs);
    }
}

/// The test's own connections, more patient than services are with each other.
fn peer_at(addresses: &str) -> Peer {
    let layers = Config::layers("test", "")
        .set("client.deadline_ms", "20000")
        // One that is frozen for a while is not given up.
        .set("client.keepalive_timeout_ms", "60000")
        .set("client.resolve_interval_ms", "50");
    let settings = layers.read().expect("defaults are settings").client;
    let peer = client::channel(addresses, &settings).expect("addresses are addresses");
    peer.with_minter(minter()).acting_as(&agent())
}

/// A service's program with nothing of this process's own settings.
fn command(service: &str, environment: &BTreeMap<String, String>) -> Command {
    let mut command = Command::new(program(service));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FETTLE") {
            command.env_remove(name);
        }
    }
    command.envs(environment);
    command
}

/// "FETTLE_TICKET__TICKET__PROGRESS__LEASE_MS".
fn variable(service: &str, key: &str) -> String {
    format!("FETTLE_{service}__{}", key.replace('.', "__")).to_uppercase()
}

/// A template in which every service's schema stands.
async fn migrated() -> chassis::testing::Template {
    let password = servers().await.password();
    let mut key = "processes".to_owned();
    for service in SERVICES {
        key.push_str(service.name);
        for migration in MIGRATIONS.iter().chain(service.migrations.iter()) {
            key.push_str(&format!("{:?}", migration.checksum));
        }
    }
    template(&key, async |url: &str| {
        for blueprint in SERVICES {
            let mut layers = Config::layers(blueprint.name, blueprint.defaults);
            layers = layers.set("database.url", url);
            for role in [
                "password",
                "worker_password",
                "auditor_password",
                "owner_password",
            ] {
                layers = layers.set(&format!("database.{role}"), password);
            }
            let config = layers.read()?;
            service::migrate(&blueprint, &config).await?;
        }
        Ok::<(), service::StartError>(())
    })
    .await
}

/// Below the ports that systems hand out by themselves, so that a process finds its own again.
fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let own = u16::try_from(std::process::id() % 300).unwrap_or(0) * 64;
    let mut tries = (0..2_000).map(|_| {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        SocketAddr::from((Ipv4Addr::LOCALHOST, 12_000 + (own + next) % 19_000))
    });
    let free = tries.find(|address| TcpListener::bind(address).is_ok());
    free.expect("a free port")
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
