//! Logs and traces: one subscriber per process, W3C trace context on every hop.
//!
//! Spans are opened at INFO only for an RPC, a worker's step and an event, so that tracing costs
//! little when nobody collects. Trace ids exist even then: they join log lines and name faults.
//! Services that share a process share `service.name`; each span says its `service` itself.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use serde::Deserialize;
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// How long the last spans may take to leave on shutdown.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Section `telemetry` of a service's configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `human`, `json` or `auto`.
    pub format: String,
    /// Tracing directives of the log.
    pub level: String,
    /// Collector's address; empty: none.
    pub otlp_endpoint: String,
    /// Share of traces kept when the caller has not decided, 0 to 1.
    pub sample_ratio: f64,
}

impl Settings {
    pub(crate) fn check(&self, problems: &mut Vec<String>) {
        if !["auto", "human", "json"].contains(&self.format.as_str()) {
            problems.push(format!(
                "telemetry.format: {} is not auto, human or json",
                self.format
            ));
        }
        if let Err(error) = EnvFilter::try_new(&self.level) {
            problems.push(format!("telemetry.level: {error}"));
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            let ratio = self.sample_ratio;
            problems.push(format!(
                "telemetry.sample_ratio: {ratio} is not within 0 to 1"
            ));
        }
    }
}

/// Why logs and traces could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The directives of the log cannot be read.
    #[error("telemetry.level: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// The collector's address cannot be used.
    #[error("telemetry.otlp_endpoint: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The process has a subscriber already.
    #[error("telemetry is set up already: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// The process's telemetry; flush it before the process ends.
pub struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Sends what is left. Blocks for up to three seconds.
    pub fn shutdown(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(FLUSH_TIMEOUT) {
            tracing::warn!(%error, "the last spans may be lost");
        }
    }

    /// Sends what waits, for tests and before risky work. Blocks.
    pub fn flush(&self) {
        if let Err(error) = self.provider.force_flush() {
            tracing::warn!(%error, "spans could not be sent");
        }
    }
}

/// Sets up logs and traces of this process, once. `name` becomes `service.name`.
///
/// With an OTLP endpoint it must run within a Tokio runtime.
pub fn init(name: &str, settings: &Settings) -> Result<Telemetry, TelemetryError> {
    init_to(name, settings, std::io::stderr)
}

/// The same with the log elsewhere than on standard error: for tests that read it.
pub fn init_to<W>(name: &str, settings: &Settings, writer: W) -> Result<Telemetry, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&settings.level)?;
    let human = match settings.format.as_str() {
        "human" => true,
        "json" => false,
        _ => std::io::stderr().is_terminal(),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match human {
        true => lines.with_filter(filter).boxed(),
        false => lines.json().flatten_event(true).with_filter(filter).boxed(),
    };
    let provider = provider(name, settings)?;
    let traces = tracing_opentelemetry::layer::<Registry>()
        .with_tracer(provider.tracer("fettle"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(LevelFilter::INFO);
    tracing_subscriber::registry()
        .with(traces)
        .with(lines)
        .try_init()?;
    Ok(Telemetry { provider })
}

fn provider(name: &str, settings: &Settings) -> Result<SdkTracerProvider, TelemetryError> {
    let resource = opentelemetry_sdk::Resource::builder()
        .with_service_name(format!("fettle-{name}"))
        .build();
    let builder = SdkTracerProvider::builder().with_resource(resource);
    if settings.otlp_endpoint.is_empty() {
        // Ids only: nothing is recorded, but a caller's decision travels on.
        let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
        return Ok(builder.with_sampler(sampler).build());
    }
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(&settings.otlp_endpoint)
        .with_timeout(FLUSH_TIMEOUT)
        .build()?;
    let share = Sampler::TraceIdRatioBased(settings.sample_ratio);
    let sampler = Sampler::ParentBased(Box::new(share));
    Ok(builder
        .with_sampler(sampler)
        .with_batch_exporter(exporter)
        .build())
}

/// The trace id of the current span, 32 hexadecimal digits; a fresh one outside of any trace.
#[expect(
    clippy::disallowed_methods,
    reason = "names a log line, decides nothing"
)]
pub fn current_trace_id() -> String {
    trace_id_of(&Span::current()).unwrap_or_else(|| format!("{:032x}", rand::random::<u128>()))
}

/// The trace id of a span; none when nothing traces.
pub(crate) fn trace_id_of(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let context = span.span_context();
    context.is_valid().then(|| context.trace_id().to_string())
}

/// The W3C `traceparent` of the current span; empty when there is none.
pub fn current_traceparent() -> String {
    let mut carrier = HashMap::new();
    let context = Span::current().context();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove("traceparent").unwrap_or_default()
}

/// An INFO span that continues the trace of `traceparent`, for events and background steps.
/// An empty or malformed `traceparent` begins a new trace.
pub fn span_from(traceparent: &str, name: &str) -> Span {
    let span = tracing::info_span!("step", otel.name = name);
    let mut headers = HeaderMap::new();
    if let Ok(value) = traceparent.parse() {
        headers.insert("traceparent", value);
    }
    continue_trace(&span, &headers);
    span
}

/// Makes a span, not entered yet, the child of the caller's.
pub(crate) fn continue_trace(span: &Span, headers: &HeaderMap) {
    if headers.contains_key("traceparent") {
        let parent = TraceContextPropagator::new().extract(&Received(headers));
        // Refused only where no trace layer is set up; then there is nothing to continue.
        let _ = span.set_parent(parent);
    }
}

/// Writes the current span's trace context on an outgoing request.
pub(crate) fn inject(headers: &mut HeaderMap) {
    let context = Span::current().context();
    TraceContextPropagator::new().inject_context(&context, &mut Sent(headers));
}

struct Received<'a>(&'a HeaderMap);

impl Extractor for Received<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

struct Sent<'a>(&'a mut HeaderMap);

impl Injector for Sent<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (key.parse::<http::HeaderName>(), value.parse()) {
            self.0.insert(key, value);
        }
    }
}
