//! Telemetry.

/// The trace id.
pub fn current_trace_id() -> String {
    String::new()
}

/// The W3C `traceparent` of the current span; empty when there is none.
pub fn current_traceparent() -> String {
    String::new()
}

/// A span that continues the trace of `traceparent` (or begins one).
pub fn span_from(traceparent: &str, name: &'static str) -> tracing::Span {
    let _ = traceparent;
    tracing::info_span!("step", otel.name = name)
}
