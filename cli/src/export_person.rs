//! `fettle export-person`: a copy of all that is kept of a person, for that person.

use std::path::PathBuf;

use anyhow::Context;
use chassis::Clock;
use serde_json::json;

use crate::Verdict;
use crate::client::Actor;
use crate::person;
use crate::reach::Reach;
use crate::terminal::{Voice, emit};

/// Write all that the services keep of a person, as JSON: contact data, devices, contracts, tickets
/// with every word said, quotes, visits and surveys.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  fettle export-person parties/01890a5d-ac96-774b-bcce-b302099a8057 --to mine.json")]
pub(crate) struct Args {
    /// The person: parties/{uuid}.
    #[arg(value_name = "PARTY")]
    party: String,
    /// The file to write, over what stands there; default: standard output.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(args: Args, reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    let reached = reach.existing()?;
    let fettle = reached.connections.acting_as(Actor::Administrator)?;
    let party = person::party(&fettle, &args.party).await?;
    let cases = person::cases(&fettle, &party.name).await?;
    let devices = person::devices(&fettle, &party.name).await?;
    let mut assets = Vec::new();
    for (asset, contracts) in &devices {
        let contracts = person::all(contracts)?;
        assets.push(json!({ "asset": proto::to_json(asset)?, "contracts": contracts }));
    }
    let tickets = cases.iter().map(person::document);
    let document = json!({
        "exportTime": Clock::system().now().to_string(),
        "party": proto::to_json(&party)?,
        "assets": assets,
        "tickets": tickets.collect::<anyhow::Result<Vec<_>>>()?,
    });
    let Some(file) = args.to else {
        emit(&document);
        return Ok(Verdict::Held);
    };
    let text = serde_json::to_string_pretty(&document)? + "\n";
    std::fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    let (tickets, devices) = (cases.len(), devices.len());
    if voice.json {
        emit(
            &json!({ "party": party.name, "tickets": tickets, "assets": devices,
            "file": file.display().to_string() }),
        );
    }
    voice.tell(format!(
        "{}: {tickets} tickets and {devices} devices in {}",
        party.name,
        file.display()
    ));
    Ok(Verdict::Held)
}
