//! CheckEntitlement, warm, against the simplest call there is on the same transport.

use anyhow::{Context, ensure};
use proto::entitlement::v1::entitlement_decision::Outcome as Owed;
use proto::entitlement::v1::entitlement_service_client::EntitlementServiceClient;
use proto::entitlement::v1::{CheckEntitlementRequest, Fault, Place};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::Bench;
use crate::client::Line;
use crate::ground::{SUITE, connect};
use crate::load;
use crate::outcome::{Outcome, Row};
use crate::seed;

pub(crate) async fn run(bench: Bench<'_>) -> anyhow::Result<Outcome> {
    let suite = bench.ground.serve(&SUITE).await?;
    let channels = suite
        .connect("entitlement", bench.settings.connections)
        .await?;
    let line = Line::new(channels, "bench-check", suite.minter())?;
    seed::devices(&line).await?;
    let stop = CancellationToken::new();
    let hello = hello(&stop).await?;
    let hello = Line::new(
        connect(&hello, bench.settings.connections).await?,
        "bench-check",
        suite.minter(),
    )?;

    let load = bench.load(64);
    let today = chassis::Clock::system()
        .now()
        .strftime("%Y-%m-%d")
        .to_string();
    let ours = async |_| {
        let (line, today) = (line.clone(), today.clone());
        load::run(load, move |caller, number| {
            check(line.clone(), today.clone(), caller, number)
        })
        .await
    };
    let greet = async |_| {
        let line = hello.clone();
        load::run(load, move |caller, _| greeted(line.clone(), caller)).await
    };
    let sides = bench
        .alternate(["CheckEntitlement", "tonic hello"], ours, greet)
        .await?;
    stop.cancel();
    suite.stop().await?;

    let mut ratio = Row::ratio(
        "CheckEntitlement ÷ tonic hello",
        &sides[0],
        &sides[1],
        Some(0.25),
    );
    ratio.target += " (goal 0.4×)";
    let p99 = sides[0].median(|sample| sample.wait.map_or(0.0, |wait| wait.p99_ms));
    Ok(Outcome {
        name: "check",
        what: format!(
            "{} callers ask what a battery fault of one of {} devices is owed",
            load.callers,
            seed::DEVICES
        ),
        rows: vec![ratio, Row::at_most("CheckEntitlement, p99", p99, 5.0, "ms")],
        sides: sides.into(),
        notes: vec!["client and services share the processors".to_owned()],
    })
}

async fn check(line: Line, today: String, caller: usize, number: u64) -> anyhow::Result<()> {
    let request = CheckEntitlementRequest {
        serial_number: seed::serial(number),
        product: seed::PRODUCT.to_owned(),
        fault: Some(Fault {
            component: "BATTERY".to_owned(),
            ..Fault::default()
        }),
        on: today,
        site: Some(Place {
            region: "CN-BJ".to_owned(),
            city: String::new(),
        }),
        mode: String::new(),
    };
    let mut client = EntitlementServiceClient::new(line.channel(caller));
    let decision = client
        .check_entitlement(line.request(request))
        .await?
        .into_inner();
    ensure!(
        decision.outcome() == Owed::FreeOfCharge && !decision.findings.is_empty(),
        "a battery a month old is {:?}",
        decision.outcome()
    );
    Ok(())
}

/// A server of the health service alone, without any layer; returns its address.
async fn hello(stop: &CancellationToken) -> anyhow::Result<String> {
    let (_, health) = tonic_health::server::health_reporter();
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?).context("binding hello")?;
    let address = format!("http://{}", incoming.local_addr()?);
    let stop = stop.clone();
    let server = Server::builder().add_service(health);
    let incoming = incoming.with_nodelay(Some(true));
    tokio::spawn(server.serve_with_incoming_shutdown(incoming, stop.cancelled_owned()));
    Ok(address)
}

async fn greeted(line: Line, caller: usize) -> anyhow::Result<()> {
    let mut client = HealthClient::new(line.channel(caller));
    let request = HealthCheckRequest {
        service: String::new(),
    };
    let status = client.check(request).await?.into_inner().status;
    ensure!(status == 1, "hello answers {status}");
    Ok(())
}
