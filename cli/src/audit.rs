//! `fettle audit`: who changed what, from where.

use chassis::audit::{Entry, Wanted};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Verdict;
use crate::reach::Reach;
use crate::suite;
use crate::terminal::{QUIET, Voice, emit, styled};

/// Entries of the audit, of each service the newest first.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  fettle audit --resource tickets/0190163d-8694-7d3b-a0a1-3f1f5d3c9a10
  fettle audit --principal users/7 --since 2026-11-01T00:00:00Z
  fettle audit --tenant acme --limit 100000 --json > audit.jsonl

An entry says who asked, for which RPC, from which address, with which request id, what was changed,
and digests of it before and afterwards (personal data is in no digest). `fettle verify` checks the
chains. What was changed within the last second may not have its number yet and is not listed.

The databases are read as those that `fettle verify` reads.")]
pub(crate) struct Args {
    /// Only this tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// Only this resource: tickets/…, workOrders/…
    #[arg(long, value_name = "NAME")]
    resource: Option<String>,
    /// Only what this principal asked for: users/…, services/…
    #[arg(long)]
    principal: Option<String>,
    /// Only what was recorded at or after this instant.
    #[arg(long, value_name = "INSTANT")]
    since: Option<Timestamp>,
    /// Most entries of each service.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000_000))]
    limit: i64,
}

/// Runs the command.
pub(crate) async fn run(args: Args, reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    let wanted = Wanted {
        tenant: args.tenant,
        resource: args.resource,
        principal: args.principal,
        since: args.since,
        limit: args.limit,
    };
    let reached = match suite::databases_configured() {
        true => None,
        false => Some(reach.existing_or_own(voice).await?),
    };
    let found = suite::audited(&reach.dir, &wanted).await;
    if let Some(reached) = reached {
        reached.leave().await?;
    }
    for (service, entries) in found? {
        for entry in &entries {
            match voice.json {
                true => emit(&document(service, entry)),
                false => voice.tell(sentence(service, entry)),
            }
        }
    }
    Ok(Verdict::Held)
}

fn sentence(service: &str, entry: &Entry) -> String {
    let row = &entry.row;
    let place = format!("{service} {} {}", row.tenant, entry.number);
    let method = row.rpc.rsplit('/').next().unwrap_or_default();
    format!(
        "{}  {} {method} {} from {}  {}",
        row.recorded_at,
        row.principal,
        row.resource,
        row.origin,
        styled(QUIET, place)
    )
}

fn document(service: &str, entry: &Entry) -> Value {
    let row = &entry.row;
    let hex = |digest: &Option<Vec<u8>>| digest.as_deref().map(|bytes| HEXLOWER.encode(bytes));
    json!({
        "service": service,
        "tenant": row.tenant,
        "number": entry.number,
        "id": row.id,
        "recordTime": row.recorded_at,
        "principal": row.principal,
        "rpc": row.rpc,
        "origin": row.origin,
        "requestId": row.request_id,
        "resource": row.resource,
        "before": hex(&row.before),
        "after": hex(&row.after),
        "hash": HEXLOWER.encode(&entry.hash),
    })
}
