//! Traces cross a hop and reach a collector: the real exporter, a real OTLP listener.

use chassis::client;
use chassis::config::Config;
use chassis::{Clock, telemetry, testing};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tracing::Instrument;

/// Passes on every span it is sent.
struct Collector(mpsc::UnboundedSender<Span>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = request.into_inner().resource_spans.into_iter();
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        for span in scopes.flat_map(|scope| scope.spans) {
            let _ = self.0.send(span);
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_crosses_a_hop_and_reaches_the_collector() {
    let (send, mut spans) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let collector = tonic::transport::Server::builder()
        .add_service(TraceServiceServer::new(Collector(send)))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(collector);
    let config = testing::identified(Config::layers("test", ""))
        .set("telemetry.otlp_endpoint", &endpoint)
        .set("telemetry.sample_ratio", "1.0")
        .read()
        .unwrap();
    let telemetry = telemetry::init("test", &config.telemetry).unwrap();

    // Read once in a process, which takes a moment; a service does so before it listens.
    chassis::authz::Authority::compiled().unwrap();
    let (_, health) = tonic_health::server::health_reporter();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = format!("http://{}", listener.local_addr().unwrap());
    let (settings, routes) = (config.server.clone(), Routes::new(health));
    let identity = config.identity.open("test", Clock::system()).unwrap();
    tokio::spawn(async move {
        let stop = CancellationToken::new();
        chassis::server::serve("test", &settings, identity.verifier, routes, listener, stop).await
    });
    let mut client = HealthClient::new(client::channel(&peer, &config.client).unwrap());

    // A worker's step, continuing the trace an event brought, calls a peer.
    let event = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let step = telemetry::span_from(event, "hold-parts");
    let call = async {
        let own = telemetry::current_traceparent();
        client.check(HealthCheckRequest::default()).await.unwrap();
        own
    };
    let own = call.instrument(step).await;
    tokio::task::spawn_blocking(move || telemetry.shutdown())
        .await
        .unwrap();

    assert!(
        own.starts_with("00-0af7651916cd43dd8448eb211c80319c-"),
        "{own}"
    );
    assert!(
        !own.contains("b7ad6b7169203331"),
        "the step has a span of its own: {own}"
    );
    let mut received: Vec<Span> = std::iter::from_fn(|| spans.try_recv().ok()).collect();
    received.sort_by_key(|span| span.start_time_unix_nano);
    let named: Vec<&str> = received.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(named, ["hold-parts", "grpc.health.v1.Health/Check"]);
    let (step, rpc) = (&received[0], &received[1]);
    let trace = data_encoding::HEXLOWER.encode(&step.trace_id);
    assert_eq!(trace, "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(rpc.trace_id, step.trace_id);
    assert_eq!(rpc.parent_span_id, step.span_id);
}
