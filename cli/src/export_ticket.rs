//! `fettle export-ticket`: a ticket's signed history, to be kept by whoever it concerns.

use std::path::PathBuf;

use anyhow::Context;
use proto::ticket::v1::ExportTicketHistoryRequest;
use serde_json::json;

use crate::Verdict;
use crate::client::Actor;
use crate::reach::Reach;
use crate::terminal::{Voice, emit};

/// Write a ticket's whole history, signed, as JSON that anybody can check later.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  fettle export-ticket C1-000042-7 --to history.json
  fettle verify-ticket history.json

The file holds every entry of the timeline with its hash, and the last hash signed by the service.
It says nothing of what happens after it was written.")]
pub(crate) struct Args {
    /// Service-order number, or the ticket's resource name.
    #[arg(value_name = "NUMBER")]
    number: String,
    /// The file to write, over what stands there; default: standard output.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(args: Args, reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    let reached = reach.existing()?;
    let fettle = reached.connections.acting_as(Actor::Agent)?;
    let name = match args.number.starts_with("tickets/") {
        true => args.number,
        false => format!("tickets/{}", args.number),
    };
    let request = ExportTicketHistoryRequest { name };
    let history = fettle.export_ticket_history(request).await?;
    let document = proto::to_json(&history)?;
    let Some(file) = args.to else {
        emit(&document);
        return Ok(Verdict::Held);
    };
    let text = serde_json::to_string_pretty(&document)? + "\n";
    std::fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    let (number, entries) = (&history.number, history.entries.len());
    let noun = if entries == 1 { "entry" } else { "entries" };
    if voice.json {
        let file = file.display().to_string();
        emit(
            &json!({ "ticket": history.ticket, "number": number, "entries": entries, "file": file }),
        );
    }
    voice.tell(format!(
        "{number}: {entries} {noun} in {}, signed by key {}",
        file.display(),
        history.key
    ));
    Ok(Verdict::Held)
}
