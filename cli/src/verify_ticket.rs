//! `fettle verify-ticket`: whether an exported history is whole; asks no service.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chassis::identity::Keyring;
use chassis::refusal::from_pb;
use proto::ticket::v1::TicketHistory;
use serde_json::json;

use crate::Verdict;
use crate::client::existing_issuer;
use crate::reach::Reach;
use crate::suite::check_history;
use crate::terminal::{BAD, GOOD, Voice, emit, styled};

/// Largest file read, in bytes: the largest history there is, as JSON.
const LARGEST_FILE: u64 = 256 << 20;

/// Check a history that `export-ticket` wrote, without asking any service.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  fettle verify-ticket history.json
  fettle verify-ticket history.json --keys keys.json
  fettle verify-ticket history.json --keys keys.json --json

Every entry must have the hash of its content and follow the one before it, every text must have the
hash that was sealed, and the last entry must be the head that the service signed. Whatever is not
so is said, one line each. A text that was erased leaves the history whole; how many there are is
said.

Get the keys from the service's operator on another way than the file: whoever chooses both can
write any history. A history outlives its key; keep a key set of the time, or ask for the retired
public keys.

Exit code: 0 the history is whole, 1 it is not or cannot be read, 2 the command cannot be
understood.")]
pub(crate) struct Args {
    /// The history, as `fettle export-ticket` or `GET /v1/tickets/…:exportHistory` gave it.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// JWK Set with the public keys that are believed; default: that of the suite on this machine.
    #[arg(long, value_name = "JWKS")]
    keys: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &Args, reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    let keys = match &args.keys {
        Some(keys) => keys.clone(),
        None => {
            let issuer = existing_issuer(&reach.dir);
            issuer.context("name the keys with --keys")?.keys
        }
    };
    let ring = Keyring::read(&keys)?;
    let history = read(&args.file)?;
    let checked = check_history(&history, &ring);
    let whole = checked.findings.is_empty();
    if voice.json {
        emit(&json!({
            "whole": whole,
            "ticket": history.ticket,
            "number": history.number,
            "entries": history.entries.len(),
            "textsLeftOut": checked.texts_left_out,
            "findings": checked.findings,
        }));
    }
    for finding in &checked.findings {
        voice.tell(styled(BAD, finding));
    }
    if whole {
        voice.tell(styled(GOOD, sentence(&history, checked.texts_left_out)));
    }
    Ok(match whole {
        true => Verdict::Held,
        false => Verdict::NotHeld,
    })
}

fn sentence(history: &TicketHistory, texts_left_out: usize) -> String {
    let at = history.export_time.as_ref().and_then(from_pb);
    let at = at.map_or(String::new(), |at| format!(" on {at}"));
    let left_out = match texts_left_out {
        0 => String::new(),
        1 => "; 1 text is erased".to_owned(),
        more => format!("; {more} texts are erased"),
    };
    let (number, tenant) = (&history.number, &history.tenant);
    let entries = match history.entries.len() {
        1 => "1 entry".to_owned(),
        more => format!("{more} entries"),
    };
    format!("{number} of {tenant}: whole, {entries}, signed{at}{left_out}")
}

fn read(file: &Path) -> anyhow::Result<TicketHistory> {
    let named = || format!("reading {}", file.display());
    let size = std::fs::metadata(file).with_context(named)?.len();
    if size > LARGEST_FILE {
        bail!(
            "{} is larger than {LARGEST_FILE} bytes, which no history is",
            file.display()
        );
    }
    let text = std::fs::read_to_string(file).with_context(named)?;
    let json = serde_json::from_str(&text).with_context(named)?;
    let history = proto::from_json(json);
    history.with_context(|| format!("{} is no ticket's history", file.display()))
}
