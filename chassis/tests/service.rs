//! A whole service: refused before its schema stands, then served, observed and drained.

#![allow(
    clippy::unwrap_used,
    reason = "a test's ground: what is missing ends it"
)]

use std::time::Duration;

use chassis::config::Config;
use chassis::service::{self, Blueprint, Service, Setting, StartError, Worker};
use chassis::testing::{self, Database, eventually};
use futures::FutureExt;
use sqlx::migrate::Migrator;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const WAIT: Duration = Duration::from_secs(30);

static MIGRATIONS: Migrator = Migrator::DEFAULT;

const BLUEPRINT: Blueprint = Blueprint {
    name: "clockwork",
    defaults: "[clockwork]\nticks = 3\n",
    migrations: &MIGRATIONS,
    build: |setting: Setting| {
        async move {
            let ticks: u32 = setting.config.extract_inner("ticks")?;
            assert_eq!(ticks, 3);
            let until_told =
                |shutdown: service::Shutdown| async move { shutdown.cancelled().await };
            Ok(Service::new("clockwork").worker(Worker::new("ticker", until_told)))
        }
        .boxed()
    },
};

async fn config(database: &Database) -> Config {
    let servers = testing::servers().await;
    testing::identified(Config::layers(BLUEPRINT.name, BLUEPRINT.defaults))
        .set("database.url", &database.url())
        .set("database.password", servers.password())
        .set("database.worker_password", servers.password())
        .set("database.owner_password", servers.password())
        .set("events.redis_url", &servers.redis_url())
        .set("server.pre_stop_ms", "300")
        .read()
        .unwrap()
}

async fn empty_database() -> Database {
    let template = testing::template("clockwork empty", async |_: &str| Ok::<(), String>(()));
    template.await.clone_database().await
}

/// Status line and body of an HTTP answer.
async fn get(address: std::net::SocketAddr, path: &str) -> Option<(String, String)> {
    let mut connection = TcpStream::connect(address).await.ok()?;
    let asked = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    connection.write_all(asked.as_bytes()).await.ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.lines().next()?.to_owned(), body.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_migrated_served_observed_and_drained() {
    let database = empty_database().await;
    let config = config(&database).await;
    let shutdown = CancellationToken::new();

    let early = service::start(&BLUEPRINT, config.clone(), shutdown.clone()).await;
    let early = early.expect_err("a schema that is not there is not served");
    assert!(matches!(early, StartError::NotMigrated { .. }), "{early}");

    service::migrate(&BLUEPRINT, &config).await.unwrap();
    service::migrate(&BLUEPRINT, &config).await.unwrap();
    let running = service::start(&BLUEPRINT, config, shutdown.clone())
        .await
        .unwrap();
    let (grpc, admin) = (running.grpc, running.admin);

    let channel = Endpoint::from_shared(format!("http://{grpc}"))
        .unwrap()
        .connect_lazy();
    let health = HealthClient::new(channel)
        .check(HealthCheckRequest::default())
        .await
        .unwrap();
    assert_eq!(health.into_inner().status, 1);
    let (ready, _) = get(admin, "/readyz").await.unwrap();
    assert_eq!(ready, "HTTP/1.1 200 OK");
    let (alive, _) = get(admin, "/livez").await.unwrap();
    assert_eq!(alive, "HTTP/1.1 200 OK");
    let (_, metrics) = get(admin, "/metrics").await.unwrap();
    let counted = r#"fettle_rpc_seconds_count{service="clockwork",method="grpc.health.v1.Health/Check",code="OK"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");

    shutdown.cancel();
    let (_, why) = eventually(WAIT, "the service says that it drains", async || {
        get(admin, "/readyz")
            .await
            .filter(|(status, _)| status.contains("503"))
    })
    .await;
    assert_eq!(why, "draining\n");
    let (alive, _) = get(admin, "/livez").await.unwrap();
    assert_eq!(alive, "HTTP/1.1 200 OK", "draining is not dying");
    tokio::time::timeout(WAIT, running.finished())
        .await
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(grpc).await.is_err());
}
