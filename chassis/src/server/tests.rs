//! Each layer over a real listener and a real client on loopback. The service that is called is
//! gRPC's health service, whose implementation each test writes itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_types::StatusExt;

use super::*;
use crate::caller::{Caller, TenantId};
use crate::client::{self, As, Peer};
use crate::clock::Clock;
use crate::config::Config;
use crate::testing::{identified, minter};

mod tokens;

const WAIT: Duration = Duration::from_secs(10);

type Answer = Result<Response<HealthCheckResponse>, Status>;
type Handler = dyn Fn(Request<HealthCheckRequest>) -> BoxFuture<'static, Answer> + Send + Sync;

/// The health service under a path that no layer exempts.
#[derive(Clone)]
struct Scripted(Arc<Handler>);

#[tonic::async_trait]
impl Health for Scripted {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Answer {
        (self.0)(request).await
    }

    type WatchStream = tokio_stream::Empty<Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
}

/// The same service under a name of the contract: `/fettle.ticket.v1.TicketService/GetTicket`.
#[derive(Clone)]
struct Renamed(HealthServer<Scripted>);

impl tonic::server::NamedService for Renamed {
    const NAME: &'static str = "fettle.ticket.v1.TicketService";
}

impl tower::Service<http::Request<tonic::body::Body>> for Renamed {
    type Response = http::Response<tonic::body::Body>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<tonic::body::Body>) -> Self::Future {
        *request.uri_mut() = http::Uri::from_static("/grpc.health.v1.Health/Check");
        Box::pin(tower::Service::call(&mut self.0, request))
    }
}

/// Sends the generated client's calls to the renamed service.
#[derive(Clone)]
struct Redirected(Peer);

impl tower::Service<http::Request<tonic::body::Body>> for Redirected {
    type Response = http::Response<tonic::body::Body>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<tonic::body::Body>) -> Self::Future {
        *request.uri_mut() = http::Uri::from_static("/fettle.ticket.v1.TicketService/GetTicket");
        tower::Service::call(&mut self.0, request)
    }
}

struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    life: tokio::task::JoinHandle<Result<(), ServeError>>,
}

impl Served {
    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn config(settings: &[(&str, &str)]) -> Config {
    let layers = identified(Config::layers("test", ""));
    let layers = settings
        .iter()
        .fold(layers, |layers, (key, value)| layers.set(key, value));
    layers.read().unwrap()
}

async fn serve<H, F>(settings: &[(&str, &str)], handler: H) -> Served
where
    H: Fn(Request<HealthCheckRequest>) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let handler: Arc<Handler> = Arc::new(move |request| Box::pin(handler(request)));
    let server = Renamed(HealthServer::new(Scripted(handler)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let (config, token) = (config(settings), stop.clone());
    let routes = Routes::new(server);
    let verifier = verifier(&config);
    let life = tokio::spawn(async move {
        super::serve("test", &config.server, verifier, routes, listener, token).await
    });
    Served {
        address,
        stop,
        life,
    }
}

fn caller() -> Caller {
    Caller {
        principal: "users/7".to_owned(),
        roles: vec!["agent".to_owned()],
        ..Caller::service(TenantId::parse("acme").unwrap(), "test")
    }
}

fn verifier(config: &Config) -> Verifier {
    let identity = config.identity.open("test", Clock::system());
    identity.unwrap().verifier
}

fn peer(addresses: &str, settings: &[(&str, &str)]) -> Peer {
    client::channel(addresses, &config(settings).client).unwrap()
}

fn client(addresses: &str, settings: &[(&str, &str)]) -> HealthClient<Redirected> {
    let peer = peer(addresses, settings).with_minter(minter());
    HealthClient::new(Redirected(peer.acting_as(&caller())))
}

fn question(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

fn healthy() -> Answer {
    Ok(Response::new(HealthCheckResponse { status: 1 }))
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default()
}

#[tokio::test]
async fn the_caller_reaches_the_handler_and_a_call_without_one_is_refused() {
    let served = serve(&[], async |request| {
        let caller = Caller::of(&request)?;
        match (caller.principal.as_str(), caller.tenant.as_str()) {
            ("users/7", "acme") => healthy(),
            other => Err(Status::unknown(format!("{other:?}"))),
        }
    })
    .await;

    let by_client = client(&served.url(), &[]).check(question("")).await;
    let silent = peer(&served.url(), &[]).with_minter(minter());
    let mut silent = HealthClient::new(Redirected(silent));
    let by_request = silent.check(As(caller()).request(question(""))).await;
    let by_nobody = silent.check(question("")).await.unwrap_err();

    assert!(by_client.is_ok(), "{by_client:?}");
    assert!(by_request.is_ok(), "{by_request:?}");
    assert_eq!(by_nobody.code(), Code::Unauthenticated);
    assert_eq!(reason(&by_nobody), "CALLER_UNKNOWN");
}

#[tokio::test]
async fn a_deadline_shrinks_over_two_hops() {
    let (told, mut hears) = mpsc::unbounded_channel();
    let far_told = told.clone();
    let far = serve(&[], move |_| {
        let told = far_told.clone();
        async move {
            told.send(("far", deadline::remaining())).unwrap();
            healthy()
        }
    })
    .await;
    let onward = client(&far.url(), &[("client.deadline_margin_ms", "100")]);
    let near = serve(&[], move |_| {
        let (told, mut onward) = (told.clone(), onward.clone());
        async move {
            told.send(("near", deadline::remaining())).unwrap();
            onward.check(question("")).await
        }
    })
    .await;

    let mut request = Request::new(question(""));
    request.set_timeout(Duration::from_secs(3));
    client(&near.url(), &[]).check(request).await.unwrap();

    let (who, at_near) = hears.recv().await.unwrap();
    let at_near = at_near.unwrap();
    assert_eq!(who, "near");
    assert!(at_near <= Duration::from_secs(3) && at_near > Duration::from_secs(1));
    let (who, at_far) = hears.recv().await.unwrap();
    let at_far = at_far.unwrap();
    assert_eq!(who, "far");
    assert!(
        at_far + Duration::from_millis(100) <= at_near,
        "{at_far:?} of {at_near:?}"
    );
}

#[tokio::test]
async fn a_passed_deadline_says_so_whoever_notices() {
    let served = serve(&[("server.default_deadline_ms", "50")], async |_| {
        std::future::pending().await
    })
    .await;

    // The server notices: this channel sends no deadline at all.
    let plain = tonic::transport::Endpoint::from_shared(served.url()).unwrap();
    let mut plain = HealthClient::new(Plain(plain.connect_lazy()));
    let mut request = Request::new(question(""));
    let token = minter().authorization(&caller()).unwrap();
    let token = token.to_str().unwrap().parse().unwrap();
    request.metadata_mut().insert("authorization", token);
    let by_server = plain.check(request).await.unwrap_err();
    // Either may notice first.
    let mut impatient = client(&served.url(), &[("client.deadline_ms", "20")]);
    let by_either = impatient.check(question("")).await.unwrap_err();

    for status in [by_server, by_either] {
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
        assert_eq!(reason(&status), "DEADLINE_PASSED");
    }
}

/// A plain channel to the renamed service, without any of our client's care.
#[derive(Clone)]
struct Plain(tonic::transport::Channel);

impl tower::Service<http::Request<tonic::body::Body>> for Plain {
    type Response = http::Response<tonic::body::Body>;
    type Error = tonic::transport::Error;
    type Future = tonic::transport::channel::ResponseFuture;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        tower::Service::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, mut request: http::Request<tonic::body::Body>) -> Self::Future {
        *request.uri_mut() = http::Uri::from_static("/fettle.ticket.v1.TicketService/GetTicket");
        tower::Service::call(&mut self.0, request)
    }
}

#[tokio::test]
async fn a_call_with_nothing_left_of_its_deadline_is_not_sent() {
    let asked = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&asked);
    let served = serve(&[], move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
        async { healthy() }
    })
    .await;
    let mut client = client(&served.url(), &[("client.deadline_margin_ms", "10000")]);

    let within = deadline::within(Duration::from_secs(5), client.check(question(""))).await;

    let refused = within.unwrap().unwrap_err();
    assert_eq!(reason(&refused), "DEADLINE_PASSED");
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn load_is_shed_before_the_handler_runs() {
    let (begun, release) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (seen, held) = (Arc::clone(&begun), Arc::clone(&release));
    let (entered, mut enters) = mpsc::unbounded_channel();
    let served = serve(&[("server.max_concurrent_requests", "2")], move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
        entered.send(()).unwrap();
        let held = Arc::clone(&held);
        async move {
            held.notified().await;
            healthy()
        }
    })
    .await;
    let client = client(&served.url(), &[]);
    let ask = || {
        let mut client = client.clone();
        tokio::spawn(async move { client.check(question("")).await })
    };
    let (first, second) = (ask(), ask());
    enters.recv().await.unwrap();
    enters.recv().await.unwrap();

    let shed = ask().await.unwrap().unwrap_err();

    assert_eq!(shed.code(), Code::ResourceExhausted);
    assert_eq!(reason(&shed), "OVERLOADED");
    let details = shed.get_error_details();
    assert_eq!(
        details.retry_info().unwrap().retry_delay,
        Some(Duration::from_millis(500))
    );
    assert_eq!(begun.load(Ordering::Relaxed), 2);
    release.notify_waiters();
    assert!(first.await.unwrap().is_ok() && second.await.unwrap().is_ok());
    release.notify_one();
    assert!(ask().await.unwrap().is_ok(), "a place is free again");
}

#[tokio::test]
async fn a_panic_hides_its_text_and_the_next_call_is_served() {
    let served = serve(&[], async |request| {
        match request.get_ref().service.as_str() {
            "panic" => panic!("the password is hunter2"),
            _ => healthy(),
        }
    })
    .await;
    let mut client = client(&served.url(), &[]);

    let fault = client.check(question("panic")).await.unwrap_err();

    assert_eq!(fault.code(), Code::Internal);
    assert!(!format!("{fault:?}").contains("hunter2"));
    let details = fault.get_error_details();
    let trace_id = &details.error_info().unwrap().metadata["trace_id"];
    assert_eq!(trace_id.len(), 32);
    assert_eq!(fault.message(), format!("internal error, trace {trace_id}"));
    assert!(client.check(question("")).await.is_ok());
}

#[tokio::test]
async fn a_request_past_the_limit_is_refused_with_the_limit() {
    for (limit, size) in [("1024", 2_000), ("4194304", 5_000_000)] {
        let served = serve(&[("server.max_request_bytes", limit)], async |_| healthy()).await;
        let mut client = client(&served.url(), &[]);

        let refused = client.check(question(&"a".repeat(size))).await.unwrap_err();

        assert_eq!(reason(&refused), "TOO_LARGE", "{refused:?}");
        let details = refused.get_error_details();
        assert_eq!(details.error_info().unwrap().metadata["limit_bytes"], limit);
        assert!(client.check(question(&"a".repeat(1_000))).await.is_ok());
    }
}

#[tokio::test]
async fn a_drain_answers_what_it_had_accepted_and_nothing_more() {
    let (entered, mut enters) = mpsc::unbounded_channel();
    let release = Arc::new(Notify::new());
    let held = Arc::clone(&release);
    let served = serve(&[], move |_| {
        entered.send(()).unwrap();
        let held = Arc::clone(&held);
        async move {
            held.notified().await;
            healthy()
        }
    })
    .await;
    let client = client(&served.url(), &[]);
    let mut running = client.clone();
    let running = tokio::spawn(async move { running.check(question("")).await });
    enters.recv().await.unwrap();

    served.stop.cancel();
    // The listener is gone once a new connection is refused.
    crate::testing::eventually(WAIT, "new connections are refused", async || {
        tokio::net::TcpStream::connect(served.address).await.err()
    })
    .await;
    release.notify_one();

    assert!(running.await.unwrap().is_ok());
    let ended = tokio::time::timeout(WAIT, served.life).await.unwrap();
    ended.unwrap().unwrap();
    let refused = client.clone().check(question("")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_black_hole_is_noticed_by_the_ping() {
    // Accepts and reads, and never says a word.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hole = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            held.push(connection);
        }
    });
    let settings = [
        ("client.deadline_ms", "600000"),
        ("client.keepalive_interval_ms", "50"),
        ("client.keepalive_timeout_ms", "50"),
    ];
    let mut client = client(&format!("http://{address}"), &settings);

    let answer = tokio::time::timeout(WAIT, client.check(question(""))).await;

    let lost = answer
        .expect("the ping ends the call, not its deadline")
        .unwrap_err();
    assert_eq!(lost.code(), Code::Unavailable);
    assert_eq!(reason(&lost), "TEMPORARILY_UNAVAILABLE");
    hole.abort();
}

#[tokio::test]
async fn calls_spread_over_addresses_and_survive_the_loss_of_one() {
    let (told, mut hears) = mpsc::unbounded_channel();
    let replica = |name: &'static str| {
        let told = told.clone();
        serve(&[], move |_| {
            told.send(name).unwrap();
            async { healthy() }
        })
    };
    let (one, two) = (replica("one").await, replica("two").await);
    let both = format!("{},{}", one.url(), two.url());
    let mut client = client(&both, &[("client.resolve_interval_ms", "600000")]);
    for _ in 0..4 {
        client.check(question("")).await.unwrap();
    }
    let mut answered: Vec<&str> = (0..4).map(|_| hears.try_recv().unwrap()).collect();
    answered.sort_unstable();
    assert_eq!(answered, ["one", "one", "two", "two"]);

    one.stop.cancel();
    one.life.await.unwrap().unwrap();

    let mut failed = 0;
    for _ in 0..20 {
        failed += usize::from(client.check(question("")).await.is_err());
    }
    assert!(failed <= 1, "{failed} calls failed");
    assert_eq!(hears.recv().await, Some("two"));
}

#[tokio::test]
async fn an_address_that_comes_back_is_used_again() {
    let place = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = place.local_addr().unwrap();
    drop(place);
    let url = format!("http://{address}");
    let mut client = client(&url, &[("client.resolve_interval_ms", "20")]);
    let down = client.check(question("")).await.unwrap_err();
    assert_eq!(down.code(), Code::Unavailable);

    let listener = TcpListener::bind(address).await.unwrap();
    let server = Renamed(HealthServer::new(Scripted(Arc::new(|_| {
        Box::pin(async { healthy() })
    }))));
    let config = config(&[]);
    let (settings, verifier) = (config.server.clone(), verifier(&config));
    let routes = Routes::new(server);
    tokio::spawn(async move {
        super::serve(
            "test",
            &settings,
            verifier,
            routes,
            listener,
            CancellationToken::new(),
        )
        .await
    });

    crate::testing::eventually(WAIT, "the peer answers", async || {
        client.check(question("")).await.ok()
    })
    .await;
}

#[tokio::test]
async fn a_peer_without_scheme_or_port_is_refused() {
    let settings = config(&[]).client;
    for bad in [
        "",
        "127.0.0.1:1",
        "http://host",
        "ftp://host:1",
        "http://u:p@host:1",
        "http://a:1,",
    ] {
        assert!(client::channel(bad, &settings).is_err(), "{bad}");
    }
}
