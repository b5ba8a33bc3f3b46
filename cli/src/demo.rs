//! `fettle demo`: repairs from report to survey, on a private suite of its own, verified.

mod cast;
mod replay;
mod shares;
mod stage;
mod story;
mod summary;

use std::path::PathBuf;

use chassis::refusal::to_pb;
use proto::kinds::v1::{PostalAddress, Site};
use proto::ticket::v1::{CreateTicketRequest, FaultReport, Ticket, ticket::Kind};

use crate::Verdict;
use crate::reach::Reach;
use crate::terminal::Voice;
use crate::world::Plan;
use crate::world::seeding::Seeded;

/// Play repairs from report to survey on a suite of its own, and verify it.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  fettle demo                                       five short stories, step by step
  fettle demo --tickets 1000                        a generated world
  fettle demo --tickets 10000 --data ../shared/data real faults, cities and times of arrival
  fettle demo --tickets 1000 --json | tail -n 1     the summary as one object

In the summary `refused` counts the tickets whose coverage decision was REFUSED, `seconds` runs from
the first report to the last effect without seeding, and `generated` says what nobody reported.")]
pub(crate) struct Args {
    /// Folder with repairs-openrepair, field-service-boston311 and geography; default: a generated world.
    #[arg(long, env = "FETTLE_DATA", value_name = "DIR", requires = "tickets")]
    data: Option<PathBuf>,
    /// Replay this many tickets instead of telling stories.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    tickets: Option<u32>,
    /// Everything generated follows from it.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Calls of all actors under way at the same time.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    in_flight: u16,
    /// Tickets open at the same time.
    #[arg(long, default_value_t = 384, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    open: u16,
}

/// Runs the command.
pub(crate) async fn run(args: Args, reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    let dir = reach.dir.join("demo");
    match args.tickets {
        None => story::run(&dir, voice).await,
        Some(tickets) => {
            let settings = replay::Settings {
                tickets: tickets as usize,
                // A folder named by the environment for other purposes may be absent.
                data: args.data.filter(|folder| folder.is_dir()),
                seed: args.seed,
                in_flight: usize::from(args.in_flight),
                open: usize::from(args.open),
            };
            replay::run(&dir, settings, voice).await
        }
    }
}

/// The report of a planned ticket.
pub(crate) fn report_of(plan: &Plan, seeded: &Seeded, keys: &str) -> CreateTicketRequest {
    let ticket = Ticket {
        kind: Kind::HardwareFault.into(),
        title: plan.title(),
        description: plan.text.clone(),
        serial_number: plan.serial.clone(),
        product: plan.product.code.to_owned(),
        party: seeded.party_of(plan),
        region: plan.site.region.code.to_owned(),
        site: Some(Site {
            address: Some(PostalAddress {
                region_code: plan.site.region.country.to_owned(),
                administrative_area: plan.site.region.code.to_owned(),
                locality: plan.site.city.clone(),
                ..Default::default()
            }),
            latitude: plan.site.latitude,
            longitude: plan.site.longitude,
            time_zone: plan.site.region.zone.to_owned(),
        }),
        impact: plan.impact,
        urgency: plan.urgency,
        external_key: format!("{keys}/{}", plan.key()),
        fault: Some(FaultReport {
            component: plan.fault.component.to_owned(),
            symptom: plan.fault.symptom.to_owned(),
            cause: plan.fault.cause.to_owned(),
        }),
        ..Default::default()
    };
    CreateTicketRequest {
        ticket: Some(ticket),
        request_id: format!("{keys}-{}", plan.key()),
        occur_time: Some(to_pb(plan.at)),
    }
}
