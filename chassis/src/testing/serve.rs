//! Any set of services in one test process: one database, one Redis, wired to each other.
//!
//! ```ignore
//! let suite = serve(&[ticket::BLUEPRINT, inventory::BLUEPRINT], &[("ticket", "ticket.cell", "T1")]).await;
//! let mut tickets = TicketServiceClient::new(suite.peer("ticket"));
//! ```
//!
//! A peer that is not among the given services has the address of a closed port: calls to it fail at once, as
//! those to a service that is down. Whatever polls or leases in the background does so quickly: every own setting
//! of a service that ends in `poll_ms` is 30 ms, every one that ends in `lease_ms` 2 s.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::str::FromStr;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_util::sync::CancellationToken;
use toml::{Table, Value};

use super::{Database, Redis, identified, minter, must, redis, servers, template};
use crate::caller::{Caller, TenantId};
use crate::client::{self, Peer};
use crate::config::Config;
use crate::migrate::MIGRATIONS;
use crate::service::{self, Blueprint, Running, StartError};

/// Nobody listens there: tcpmux, which needs root and which no machine serves.
const CLOSED: &str = "http://127.0.0.1:1";

/// Below the ports that systems hand out by themselves, so that a stopped service finds its own again.
const PORTS: std::ops::Range<u16> = 10_240..32_000;

/// Settings of every service in a test. Calls between services end before the leases they are made under.
const QUICK: [(&str, &str); 12] = [
    ("server.admin_listen", "127.0.0.1:0"),
    ("server.drain_timeout_ms", "5000"),
    ("client.deadline_ms", "1500"),
    ("client.resolve_interval_ms", "50"),
    ("database.max_connections", "8"),
    ("database.min_connections", "0"),
    ("database.acquire_timeout_ms", "10000"),
    ("events.lease_ttl_ms", "1000"),
    ("events.poll_ms", "20"),
    ("events.report_ms", "100"),
    // Page tokens outlive a restart.
    ("paging.key", "a test's"),
    ("telemetry.level", "warn"),
];

/// Running services over a database and a Redis of their own. Dropping it stops everything.
#[derive(Debug)]
pub struct Suite {
    /// The Redis of these services alone.
    pub redis: Redis,
    database: Database,
    password: String,
    members: Vec<Member>,
}

/// One service of the suite.
struct Member {
    blueprint: Blueprint,
    address: SocketAddr,
    /// What differs from the defaults, later ones over earlier ones.
    set: Vec<(String, String)>,
    peer: Peer,
    running: Option<(CancellationToken, Running)>,
}

/// Starts services and wires them; `overrides` are (service, key, value), written as in the environment:
/// `("ticket", "ticket.progress.first_pause_ms", "5")`.
pub async fn serve(blueprints: &[Blueprint], overrides: &[(&str, &str, &str)]) -> Suite {
    let password = servers().await.password().to_owned();
    let mut suite = Suite {
        redis: redis().await,
        database: database(blueprints, &password).await,
        password,
        members: Vec::new(),
    };
    let addresses: Vec<SocketAddr> = blueprints.iter().map(|_| free_address()).collect();
    let named = |name: &str| blueprints.iter().position(|one| one.name == name);
    for (blueprint, address) in blueprints.iter().zip(&addresses) {
        let defaults: Table = must("read defaults", Table::from_str(blueprint.defaults));
        let mut set = quick(blueprint.name, &defaults);
        for peer in sections(defaults.get("peers")) {
            let at = named(&peer).and_then(|place| addresses.get(place));
            let at = at.map_or(CLOSED.to_owned(), |address| format!("http://{address}"));
            set.push((format!("peers.{peer}"), at));
        }
        let own = overrides.iter().filter(|one| one.0 == blueprint.name);
        set.extend(own.map(|(_, key, value)| ((*key).to_owned(), (*value).to_owned())));
        suite.members.push(Member {
            blueprint: *blueprint,
            address: *address,
            set,
            peer: ours(*address),
            running: None,
        });
    }
    for (service, ..) in overrides {
        assert!(named(service).is_some(), "{service} is not in the suite");
    }
    for blueprint in blueprints {
        suite.start(blueprint.name).await;
    }
    suite
}

impl Suite {
    /// The database's URL, as the superuser.
    pub fn db_url(&self) -> String {
        self.database.url()
    }

    /// Few connections of the superuser, who is above row-level security, with the schema of a service first in the
    /// search path.
    pub fn pool_of(&self, service: &str) -> PgPool {
        self.pool_as(service, "postgres")
    }

    /// The same, as another role.
    pub fn pool_as(&self, service: &str, role: &str) -> PgPool {
        let url = self.database.url_as(role);
        let options = must("read the URL", PgConnectOptions::from_str(&url));
        let options = options.options([("search_path", service)]);
        PgPoolOptions::new()
            .max_connections(4)
            .connect_lazy_with(options)
    }

    /// A service as [`agent`] calls it.
    pub fn peer(&self, service: &str) -> Peer {
        self.peer_as(service, &agent())
    }

    /// A service as that caller calls it.
    pub fn peer_as(&self, service: &str, caller: &Caller) -> Peer {
        self.member(service).peer.acting_as(caller)
    }

    /// Where a service listens, now or when it runs again: the target of a proxy.
    pub fn address(&self, service: &str) -> SocketAddr {
        self.member(service).address
    }

    /// Where a service that runs is asked for `/metrics`.
    pub fn admin_address(&self, service: &str) -> SocketAddr {
        let running = self.member(service).running.as_ref();
        let running = running.ok_or(format!("{service} does not run"));
        must("ask a service", running).1.admin
    }

    /// Sets a value for the next [`Self::start`] of a service.
    pub fn configure(&mut self, service: &str, key: &str, value: &str) {
        let set = &mut self.member_mut(service).set;
        set.push((key.to_owned(), value.to_owned()));
    }

    /// Stops a service in order: calls at hand and workers finish. Nothing happens to one that does not run.
    pub async fn stop(&mut self, service: &str) {
        if let Some((token, running)) = self.member_mut(service).running.take() {
            token.cancel();
            must("stop a service", running.finished().await);
        }
    }

    /// Starts a service that was stopped: same port, same database.
    pub async fn start(&mut self, service: &str) {
        let (url, redis, password) = (self.db_url(), self.redis.url(), self.password.clone());
        let member = self.member_mut(service);
        assert!(member.running.is_none(), "{service} runs already");
        let mut set = vec![
            ("server.listen".to_owned(), member.address.to_string()),
            ("events.redis_url".to_owned(), redis),
        ];
        set.extend(member.set.iter().cloned());
        let config = configured(&member.blueprint, &url, &password, &set);
        let token = CancellationToken::new();
        let started = service::start(&member.blueprint, config, token.clone()).await;
        member.running = Some((token, must(&format!("start {service}"), started)));
    }

    /// Stops every service in order, callers before those they call where they were given so.
    pub async fn shutdown(mut self) {
        let names = self.members.iter().map(|member| member.blueprint.name);
        for name in names.collect::<Vec<_>>() {
            self.stop(name).await;
        }
    }

    fn member(&self, service: &str) -> &Member {
        let found = self
            .members
            .iter()
            .find(|one| one.blueprint.name == service);
        must(
            "find a service",
            found.ok_or(format!("{service} is not in the suite")),
        )
    }

    fn member_mut(&mut self, service: &str) -> &mut Member {
        let found = self
            .members
            .iter_mut()
            .find(|one| one.blueprint.name == service);
        must(
            "find a service",
            found.ok_or(format!("{service} is not in the suite")),
        )
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some((token, _)) = &self.running {
            token.cancel();
        }
    }
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let runs = self.running.is_some();
        write!(
            f,
            "{} at {} (runs: {runs})",
            self.blueprint.name, self.address
        )
    }
}

/// An agent of the tenant `acme` who administers it as well and sees every region: whom tests call as unless they say
/// otherwise.
pub fn agent() -> Caller {
    Caller {
        principal: "users/7".to_owned(),
        roles: vec!["admin".to_owned(), "agent".to_owned()],
        ..Caller::service(must("name a tenant", TenantId::parse("acme")), "test")
    }
}

/// The settings of a service that make it quick.
fn quick(service: &str, defaults: &Table) -> Vec<(String, String)> {
    let quick = QUICK
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let mut set: Vec<(String, String)> = quick.collect();
    hurry(service, defaults.get(service), &mut set);
    set
}

/// Shortens what polls and leases below a section.
fn hurry(path: &str, section: Option<&Value>, set: &mut Vec<(String, String)>) {
    for (name, value) in section.and_then(Value::as_table).into_iter().flatten() {
        let key = format!("{path}.{name}");
        match value {
            Value::Table(_) => hurry(&key, Some(value), set),
            _ if name.ends_with("poll_ms") => set.push((key, "30".to_owned())),
            _ if name.ends_with("lease_ms") => set.push((key, "2000".to_owned())),
            _ => {}
        }
    }
}

fn sections(value: Option<&Value>) -> Vec<String> {
    let table = value.and_then(Value::as_table);
    table.into_iter().flat_map(Table::keys).cloned().collect()
}

fn configured(
    blueprint: &Blueprint,
    url: &str,
    password: &str,
    set: &[(String, String)],
) -> Config {
    let layers = Config::layers(blueprint.name, blueprint.defaults);
    let mut layers = identified(layers).set("database.url", url);
    for role in [
        "password",
        "worker_password",
        "auditor_password",
        "owner_password",
    ] {
        layers = layers.set(&format!("database.{role}"), password);
    }
    for (key, value) in set {
        layers = layers.set(key, value);
    }
    must("configure a service", layers.read())
}

/// A database in which every service's schema stands.
async fn database(blueprints: &[Blueprint], password: &str) -> Database {
    let mut key = String::new();
    for blueprint in blueprints {
        key.push_str(blueprint.name);
        for migration in MIGRATIONS.iter().chain(blueprint.migrations.iter()) {
            key.push_str(&data_encoding::HEXLOWER.encode(&migration.checksum));
        }
    }
    let migrated = template(&key, async |url: &str| {
        for blueprint in blueprints {
            service::migrate(blueprint, &configured(blueprint, url, password, &[])).await?;
        }
        Ok::<(), StartError>(())
    });
    migrated.await.clone_database().await
}

/// The test's own connection to a service, more patient than services are with each other.
fn ours(address: SocketAddr) -> Peer {
    let layers = Config::layers("test", "")
        .set("client.deadline_ms", "20000")
        .set("client.resolve_interval_ms", "50");
    let settings = must("read defaults", layers.read()).client;
    let peer = client::channel(&format!("http://{address}"), &settings);
    must("reach a service", peer).with_minter(minter())
}

fn free_address() -> SocketAddr {
    let tries = (0..100).map(|_| (Ipv4Addr::LOCALHOST, rand::random_range(PORTS)));
    let mut free = tries.filter(|address| TcpListener::bind(address).is_ok());
    must(
        "find a free port",
        free.next().ok_or("none of a hundred is free"),
    )
    .into()
}
