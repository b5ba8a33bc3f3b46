//! `fettle token`: a caller token of the suite's development issuer.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use chassis::identity::{Keyring, Verifier};
use chassis::{Caller, Clock, TenantId};
use jiff::SignedDuration;
use serde_json::json;

use crate::Verdict;
use crate::client::{CUSTOMER, TECHNICIAN, TENANT, existing_issuer};
use crate::reach::Reach;
use crate::terminal::{Voice, emit};

/// Longest life of a token, which every service insists on.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Print a caller token that the suite on this machine believes.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  fettle token --role agent
  fettle token --role supervisor --role dispatcher --region cn-east --life 15m
  fettle token --role partner_admin --partner partners/12
  grpcurl -plaintext -H \"authorization: Bearer $(fettle token --role agent)\" \\
    127.0.0.1:7101 fettle.ticket.v1.TicketService/ListTickets

Only a suite that `fettle up` or `fettle demo` started believes it; production refuses its issuer.")]
pub(crate) struct Args {
    /// What the caller is: customer, agent, supervisor, dispatcher, technician, stock_keeper,
    /// partner_admin, partner_technician, auditor, admin, service. Staff roles may be combined.
    #[arg(long, required = true, value_name = "ROLE")]
    role: Vec<String>,
    /// The tenant.
    #[arg(long, default_value = TENANT, value_name = "TENANT")]
    tenant: String,
    /// The region the caller is bound to; default: all of the tenant.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The party a customer is, "parties/{uuid}"; default: the demo's.
    #[arg(long, value_name = "PARTY")]
    customer: Option<String>,
    /// The partner organisation that partner roles belong to.
    #[arg(long, value_name = "PARTNER")]
    partner: Option<String>,
    /// Who it is; default: "users/{role}", for technicians the demo's.
    #[arg(long, value_name = "NAME")]
    principal: Option<String>,
    /// How long it lives, at most 15m.
    #[arg(long, default_value = "5m", value_name = "TIME", value_parser = life)]
    life: Duration,
}

/// Runs the command.
pub(crate) fn run(args: Args, reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    let token = minted(args, &reach.dir)?;
    match voice.json {
        true => emit(&json!({ "token": token })),
        false => voice.tell(token),
    }
    Ok(Verdict::Held)
}

/// A token of the suite in that folder.
fn minted(args: Args, dir: &Path) -> anyhow::Result<String> {
    let issuer = existing_issuer(dir)?;
    let clock = Clock::system();
    let minter = issuer.minter(clock.clone())?.with_life(args.life);
    let caller = caller(args)?;
    let authorization = minter.authorization(&caller)?;
    // Every service would refuse it later, and say less.
    let verifier = Verifier::new(
        Keyring::read(&issuer.keys)?,
        "fettle",
        Duration::ZERO,
        clock,
    );
    verifier
        .believe(&authorization)
        .context("no service would believe this")?;
    let text = authorization.to_str()?;
    Ok(text.strip_prefix("Bearer ").unwrap_or(text).to_owned())
}

fn caller(args: Args) -> anyhow::Result<Caller> {
    let mut roles = args.role;
    roles.sort_unstable();
    roles.dedup();
    let is = |role: &str| roles.iter().any(|held| held == role);
    let principal = match roles.first() {
        _ if is("technician") || is("partner_technician") => TECHNICIAN.to_owned(),
        Some(first) => format!("users/{first}"),
        None => bail!("a role is needed"),
    };
    let customer = is("customer").then(|| CUSTOMER.to_owned());
    Ok(Caller {
        tenant: TenantId::parse(&args.tenant)?,
        principal: args.principal.unwrap_or(principal),
        region: args.region,
        customer: args.customer.or(customer),
        partner: args.partner,
        roles,
    })
}

fn life(text: &str) -> Result<Duration, String> {
    let span: SignedDuration = text.parse().map_err(|why: jiff::Error| why.to_string())?;
    let life = Duration::try_from(span).map_err(|why| why.to_string())?;
    match (Duration::from_secs(1)..=LONGEST).contains(&life) {
        true => Ok(life),
        false => Err("a token lives 1s to 15m".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn args(line: &str) -> Args {
        Line::parse_from(format!("token {line}").split_whitespace()).args
    }

    #[test]
    fn every_role_has_a_token_and_what_no_service_would_believe_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let first = minted(args("--role agent"), dir.path());
        assert!(first.is_err(), "no suite has been started there");
        crate::client::issuer_of(dir.path()).unwrap();

        for good in [
            "--role customer",
            "--role technician",
            "--role service --principal services/ticket",
            "--role partner_admin --partner partners/1",
            "--role partner_technician --partner partners/1",
            "--role admin --role auditor --role stock_keeper --region cn-east --life 15m",
        ] {
            let token = minted(args(good), dir.path()).unwrap();
            assert_eq!(token.split('.').count(), 3, "{good}");
        }
        for bad in [
            "--role owner",
            "--role agent --role customer",
            "--role partner_admin",
            "--role agent --tenant Demo",
        ] {
            assert!(minted(args(bad), dir.path()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_life_is_a_second_to_a_quarter_of_an_hour() {
        assert_eq!(life("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(life("15m"), Ok(LONGEST));
        for bad in ["0s", "16m", "-5m", "soon", ""] {
            assert!(life(bad).is_err(), "{bad}");
        }
    }
}
