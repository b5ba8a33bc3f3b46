//! `fettle erase-person`: a person is erased over all services, and it is waited until they are.

use std::time::{Duration, Instant};

use proto::channel::v1::ErasePartyRequest;
use serde_json::json;

use crate::Verdict;
use crate::client::Actor;
use crate::person::{self, Case};
use crate::reach::Reach;
use crate::terminal::{GOOD, Voice, emit, styled};

/// How long the other services are waited for.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(250);

/// Erase a person for good: contact data, words, streets, places, signatures and comments, in every
/// service. Open tickets are withdrawn. Histories and ledgers stay, and name nobody.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  fettle erase-person parties/01890a5d-ac96-774b-bcce-b302099a8057          what would go
  fettle erase-person parties/01890a5d-ac96-774b-bcce-b302099a8057 --yes    erase it

What was erased cannot be brought back. Exit code 1: some service has not followed yet.")]
pub(crate) struct Args {
    /// The person: parties/{uuid}.
    #[arg(value_name = "PARTY")]
    party: String,
    /// Do it. Without, what would be erased is told.
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
pub(crate) async fn run(args: Args, reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    let reached = reach.existing()?;
    let fettle = reached.connections.acting_as(Actor::Administrator)?;
    if !args.yes {
        let party = person::party(&fettle, &args.party).await?.name;
        let cases = person::cases(&fettle, &party).await?;
        let open = cases.iter().filter(|case| is_open(case)).count();
        if voice.json {
            let tickets = cases.len();
            emit(&json!({ "party": party, "erased": false, "tickets": tickets, "open": open }));
        }
        voice.tell(format!(
            "{party} would be erased with {} tickets, {open} of them open and to be withdrawn.",
            cases.len()
        ));
        voice.tell("Add --yes to do it. It cannot be undone.");
        return Ok(Verdict::NotHeld);
    }
    let request = ErasePartyRequest {
        name: args.party,
        ..ErasePartyRequest::default()
    };
    let party = fettle.erase_party(request).await?.name;
    let begun = Instant::now();
    let (erased, cases) = loop {
        let cases = person::cases(&fettle, &party).await?;
        let erased = cases.iter().filter(|case| case.is_erased()).count();
        if erased == cases.len() || begun.elapsed() > PATIENCE {
            break (erased, cases.len());
        }
        tokio::time::sleep(PAUSE).await;
    };
    if voice.json {
        emit(&json!({ "party": party, "erased": true, "tickets": cases, "ticketsErased": erased }));
    }
    if erased < cases {
        voice.tell(format!(
            "{party} is erased; of {cases} tickets {erased} have followed, the others do when their \
             services run."
        ));
        return Ok(Verdict::NotHeld);
    }
    voice.tell(styled(
        GOOD,
        format!("{party} is erased, and all that was said in {cases} tickets."),
    ));
    Ok(Verdict::Held)
}

fn is_open(case: &Case) -> bool {
    use proto::ticket::v1::ticket::State;
    !matches!(
        case.ticket.state(),
        State::Closed | State::Cancelled | State::Rejected
    )
}
