//! `fettle`: the one binary people type.
//!
//! Each command is a file of its own; [`suite`] alone knows the services. The exit code is 0 when
//! what was asked for held, 1 when it did not, 2 for a command that cannot be understood.

mod audit;
mod check;
mod client;
mod demo;
mod down;
mod erase_person;
mod export_person;
mod export_ticket;
mod keys;
mod person;
mod process;
mod reach;
mod report;
mod seed;
mod suite;
mod terminal;
mod token;
mod track;
mod up;
mod verify;
mod verify_ticket;
mod world;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use reach::Reach;
use terminal::Voice;

/// After-sales service for vendors of IT equipment: tickets, entitlement, parts, visits, feedback.
#[derive(Parser)]
#[command(
    name = "fettle",
    version,
    after_help = "Examples:
  fettle demo                     one customer's repairs as a story, on a private suite
  fettle demo --tickets 1000      a thousand repairs, as fast as this machine goes
  fettle up --detach              all services in the background
  fettle seed && fettle report    a small world in it, and its main numbers
  fettle down                     stop them

Exit code: 0 it held, 1 it did not, 2 the command cannot be understood."
)]
struct Cli {
    /// JSON instead of sentences: one document, or one object a line where things happen in turn.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start all services over a private PostgreSQL and Redis.
    Up(up::Args),
    /// Stop what `up` started.
    Down,
    /// Play repairs from report to survey on a suite of its own, and verify it.
    Demo(demo::Args),
    /// Put a small world into the running suite.
    Seed(seed::Args),
    /// The main numbers of the running suite.
    Report,
    /// A ticket's way so far, like a parcel's.
    Track(track::Args),
    /// Write a ticket's whole history, signed, as JSON that anybody can check later.
    ExportTicket(export_ticket::Args),
    /// Check a history that `export-ticket` wrote, without asking any service.
    VerifyTicket(verify_ticket::Args),
    /// Write all that the services keep of a person, as JSON.
    ExportPerson(export_person::Args),
    /// Erase a person for good, in every service.
    ErasePerson(erase_person::Args),
    /// What a fault on a device is owed, and why.
    Check(check::Args),
    /// Check every law of every service against the databases.
    Verify(verify::Args),
    /// Who changed what, from where: entries of the audit.
    Audit(audit::Args),
    /// Print a caller token that the suite on this machine believes.
    Token(token::Args),
    /// Make a key pair: the private key into a new file, the public one into a JWK Set.
    Keys(keys::Args),
}

/// Whether what was asked for held.
pub(crate) enum Verdict {
    /// It did.
    Held,
    /// It did not; the command has said why.
    NotHeld,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let voice = Voice { json: cli.json };
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(cli.command, &cli.reach, voice)));
    match outcome {
        Ok(Verdict::Held) => ExitCode::SUCCESS,
        Ok(Verdict::NotHeld) => ExitCode::FAILURE,
        Err(error) => {
            if voice.json {
                terminal::emit(&serde_json::json!({ "error": format!("{error:#}") }));
            }
            terminal::remark(terminal::styled(
                terminal::BAD,
                format!("fettle: {error:#}"),
            ));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command, reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    match command {
        Command::Up(args) => up::run(args, reach, voice).await,
        Command::Down => down::run(reach, voice).await,
        Command::Demo(args) => demo::run(args, reach, voice).await,
        Command::Seed(args) => seed::run(args, reach, voice).await,
        Command::Report => report::run(reach, voice).await,
        Command::Track(args) => track::run(args, reach, voice).await,
        Command::ExportTicket(args) => export_ticket::run(args, reach, voice).await,
        Command::VerifyTicket(args) => verify_ticket::run(&args, reach, voice),
        Command::ExportPerson(args) => export_person::run(args, reach, voice).await,
        Command::ErasePerson(args) => erase_person::run(args, reach, voice).await,
        Command::Check(args) => check::run(args, reach, voice).await,
        Command::Verify(args) => verify::run(&args, reach, voice).await,
        Command::Audit(args) => audit::run(args, reach, voice).await,
        Command::Token(args) => token::run(args, reach, voice),
        Command::Keys(args) => keys::run(&args, voice),
    }
}
