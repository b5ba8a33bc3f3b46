//! `fettle track`: a ticket's way so far, like a parcel's.

use chassis::refusal::from_pb;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proto::ticket::v1::{
    Clock, GetTicketRequest, ListTicketEventsRequest, Ticket, TicketEvent, clock::Milestone,
};
use serde_json::{Value, json};

use crate::Verdict;
use crate::client::{Actor, Fettle};
use crate::reach::Reach;
use crate::terminal::{BAD, GOOD, HEADING, QUIET, Voice, emit, styled};

/// Most pages of a timeline read.
const PAGES: usize = 20;

/// A ticket's way so far, like a parcel's.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  fettle track C1-000042-7
  fettle track tickets/0190d3a0-7c1e-7000-8000-000000000001 --json")]
pub(crate) struct Args {
    /// Service-order number, or the ticket's resource name.
    #[arg(value_name = "NUMBER")]
    number: String,
}

/// Runs the command.
pub(crate) async fn run(args: Args, reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    let reached = reach.existing()?;
    let fettle = reached.connections.acting_as(Actor::Agent)?;
    let name = match args.number.starts_with("tickets/") {
        true => args.number,
        false => format!("tickets/{}", args.number),
    };
    let ticket = fettle.get_ticket(GetTicketRequest { name }).await?;
    let events = timeline(&fettle, &ticket.name).await?;
    if voice.json {
        let events: Vec<Value> = events
            .iter()
            .map(proto::to_json)
            .collect::<Result<_, _>>()?;
        emit(&json!({ "ticket": proto::to_json(&ticket)?, "events": events }));
        return Ok(Verdict::Held);
    }
    show(&ticket, &events, voice);
    Ok(Verdict::Held)
}

/// The whole timeline, oldest first.
pub(crate) async fn timeline(fettle: &Fettle, name: &str) -> anyhow::Result<Vec<TicketEvent>> {
    let page = |page_token: String| async {
        let request = ListTicketEventsRequest {
            name: name.to_owned(),
            page_size: 1_000,
            page_token,
        };
        let answer = fettle.list_ticket_events(request).await?;
        Ok((answer.events, answer.next_page_token))
    };
    Ok(crate::client::all_pages(PAGES, page).await?)
}

fn show(ticket: &Ticket, events: &[TicketEvent], voice: Voice) {
    let zone = ticket.site.as_ref().map(|site| site.time_zone.as_str());
    let zone = zone
        .and_then(|name| TimeZone::get(name).ok())
        .unwrap_or(TimeZone::UTC);
    voice.tell(format!(
        "{}  {}  {}",
        styled(HEADING, &ticket.number),
        ticket.state().as_str_name(),
        ticket.title
    ));
    for event in events {
        let at = civil(event.time.as_ref().and_then(from_pb), &zone);
        let summary = if event.summary.is_empty() {
            &event.verb
        } else {
            &event.summary
        };
        let actor = styled(QUIET, &event.actor);
        voice.tell(format!("  {at}  {summary}  {actor}"));
    }
    for clock in &ticket.clocks {
        voice.tell(format!("  {}", promise(clock, &zone)));
    }
    if !ticket.attention.is_empty() {
        voice.tell(styled(
            BAD,
            format!("  a person must look: {}", ticket.attention),
        ));
    }
}

/// What is promised by when, without how it came out.
pub(crate) fn promised(clock: &Clock, zone: &TimeZone) -> String {
    let what = match clock.milestone() {
        Milestone::Unspecified => "promise",
        Milestone::FirstResponse => "first answer",
        Milestone::CallBack => "call back",
        Milestone::Quote => "quote",
        Milestone::OnSite => "technician on site",
        Milestone::Resolution => "resolution",
        Milestone::ComplaintOpinion => "opinion on the complaint",
        Milestone::Survey => "survey",
    };
    format!(
        "{what} by {}",
        civil(clock.due_time.as_ref().and_then(from_pb), zone)
    )
}

/// One promise as a line.
pub(crate) fn promise(clock: &Clock, zone: &TimeZone) -> String {
    let kept = match (&clock.stop_time, clock.breached) {
        (Some(stop), false) => styled(GOOD, format!("kept {}", civil(from_pb(stop), zone))),
        (Some(stop), true) => styled(BAD, format!("late, {}", civil(from_pb(stop), zone))),
        (None, true) => styled(BAD, "overdue"),
        (None, false) => "open".to_owned(),
    };
    format!("{}: {kept}", promised(clock, zone))
}

/// The instant in civil time at the site.
pub(crate) fn civil(at: Option<Timestamp>, zone: &TimeZone) -> String {
    let civil = |at: Timestamp| {
        at.to_zoned(zone.clone())
            .strftime("%Y-%m-%d %H:%M")
            .to_string()
    };
    at.map_or_else(|| "                ".to_owned(), civil)
}
