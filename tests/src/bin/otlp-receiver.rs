//! A collector of traces for tests, in a process of its own: `otlp-receiver FILE`.
//!
//! Listens at a free port of 127.0.0.1, tells the address as its first line of output, and appends each span it
//! receives to the file as a line of JSON. Ends when its input is closed, as it is when the test ends.

use std::fs::File;
use std::io::{Error, Write};
use std::sync::{Mutex, PoisonError};

use data_encoding::HEXLOWER;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// Writes every span to a file.
struct Receiver(Mutex<File>);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = request.into_inner().resource_spans.into_iter();
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        let lines: String = scopes
            .flat_map(|scope| scope.spans)
            .map(|span| line(&span))
            .collect();
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(lines.as_bytes())?;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// What a test asks of a span, as a line of JSON.
fn line(span: &Span) -> String {
    let service = span
        .attributes
        .iter()
        .find(|attribute| attribute.key == "service");
    let service = service.and_then(|found| found.value.as_ref()?.value.as_ref());
    let service = match service {
        Some(Value::StringValue(service)) => service.as_str(),
        _ => "",
    };
    let told = json!({
        "trace": HEXLOWER.encode(&span.trace_id),
        "span": HEXLOWER.encode(&span.span_id),
        "parent": HEXLOWER.encode(&span.parent_span_id),
        "name": span.name,
        "service": service,
        // All of it, for whoever asks what a span must not show.
        "whole": format!("{span:?}"),
    });
    format!("{told}\n")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os()
        .nth(1)
        .ok_or(Error::other("usage: otlp-receiver FILE"))?;
    let file = File::options().create(true).append(true).open(path)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
    let closed = async {
        // Nothing is ever written to it; an error means that it is gone as well.
        let _ = tokio::io::stdin().read(&mut [0]).await;
    };
    let spans = TraceServiceServer::new(Receiver(Mutex::new(file)));
    let server = Server::builder().add_service(spans);
    server
        .serve_with_incoming_shutdown(TcpIncoming::from(listener), closed)
        .await?;
    Ok(())
}
