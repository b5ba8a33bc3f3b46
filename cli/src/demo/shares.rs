//! What a replay came to, counted by the services and compared with what the actors did.

use std::collections::{BTreeMap, HashMap, HashSet};

use proto::dispatch::v1::{ListWorkOrdersRequest, WorkOrder, work_order};
use proto::entitlement::v1::entitlement_decision::Outcome;
use proto::feedback::v1::{ListSurveysRequest, Survey, survey};
use proto::inventory::v1::{ListReservationsRequest, Reservation, reservation};
use proto::ticket::v1::{ListTicketsRequest, Ticket, ticket::State};
use serde::Serialize;

use super::replay::Tally;
use crate::client::{Fettle, all_pages};

const PAGE: i32 = 1_000;
/// Pages read of each list: ten million rows.
const PAGES: usize = 10_000;

/// Promises of one milestone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Kept {
    /// In time.
    pub(super) kept: u64,
    /// Late.
    pub(super) breached: u64,
}

/// The services' counts, the actors' tally, and where they differ.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) tickets: u64,
    pub(super) closed: u64,
    pub(super) cancelled: u64,
    pub(super) rejected: u64,
    pub(super) not_final: u64,
    pub(super) refused: u64,
    pub(super) surveyed: u64,
    pub(super) answered: u64,
    pub(super) reopened: u64,
    pub(super) work_orders: u64,
    pub(super) with_parts: u64,
    pub(super) completed: u64,
    pub(super) incomplete: u64,
    pub(super) parts_used: u64,
    pub(super) backordered: u64,
    pub(super) clocks: BTreeMap<String, Kept>,
    pub(super) tally: Tally,
    /// Sums that should be equal and are not, in words.
    pub(super) differences: Vec<String>,
}

/// Reads everything and counts it.
pub(super) async fn count(fettle: &Fettle, tally: Tally) -> anyhow::Result<Counts> {
    let mut counts = Counts {
        tally,
        ..Default::default()
    };
    let closed = count_tickets(&mut counts, &tickets(fettle).await?);
    count_visits(&mut counts, &work_orders(fettle).await?);
    let built_in = count_reservations(&mut counts, &reservations(fettle).await?);
    let surveys = surveys(fettle).await?;
    count_surveys(&mut counts, &surveys, &closed);
    let tally = counts.tally.clone();
    let surveys_once = surveys.len() as u64 == counts.surveyed;
    for (what, one, other) in [
        (
            "tickets reported and tickets kept",
            tally.reported,
            counts.tickets,
        ),
        (
            "visits completed by technicians and by dispatch",
            tally.completed,
            counts.completed,
        ),
        (
            "visits without a fix by technicians and by dispatch",
            tally.incomplete,
            counts.incomplete,
        ),
        (
            "pieces built in by technicians and on work orders",
            tally.parts_used,
            counts.parts_used,
        ),
        (
            "pieces built in on work orders and used of reservations",
            counts.parts_used,
            built_in,
        ),
        (
            "surveys answered by customers and by feedback",
            tally.answered,
            counts.answered,
        ),
        (
            "low answers and tickets that were surveyed again",
            tally.low,
            counts.reopened,
        ),
        (
            "tickets cancelled by customers or with their quotes, and cancelled tickets",
            tally.cancelled + tally.declined,
            counts.cancelled,
        ),
        ("surveys and closures surveyed", u64::from(!surveys_once), 0),
    ] {
        if one != other {
            counts
                .differences
                .push(format!("{what}: {one} and {other}"));
        }
    }
    Ok(counts)
}

fn count_tickets(counts: &mut Counts, tickets: &[Ticket]) -> HashSet<String> {
    let mut closed = HashSet::new();
    for ticket in tickets {
        counts.tickets += 1;
        match ticket.state() {
            State::Closed => {
                counts.closed += 1;
                closed.insert(ticket.name.clone());
            }
            State::Cancelled => counts.cancelled += 1,
            State::Rejected => counts.rejected += 1,
            _ => counts.not_final += 1,
        }
        let outcome = ticket
            .entitlement
            .as_ref()
            .map(|decision| decision.outcome());
        counts.refused += u64::from(outcome == Some(Outcome::Refused));
        for clock in ticket
            .clocks
            .iter()
            .filter(|clock| clock.stop_time.is_some())
        {
            let name = clock.milestone().as_str_name().to_owned();
            let kept = counts.clocks.entry(name).or_default();
            match clock.breached {
                true => kept.breached += 1,
                false => kept.kept += 1,
            }
        }
    }
    closed
}

fn count_visits(counts: &mut Counts, visits: &[WorkOrder]) {
    let mut with_parts = HashSet::new();
    for visit in visits {
        counts.work_orders += 1;
        match visit.state() {
            work_order::State::Completed => counts.completed += 1,
            work_order::State::Incomplete => counts.incomplete += 1,
            _ => {}
        }
        let used: i64 = visit
            .parts_used
            .iter()
            .map(|used| used.quantity.max(1))
            .sum();
        counts.parts_used += used.unsigned_abs();
        if !visit.parts.is_empty() || used > 0 {
            with_parts.insert(visit.ticket.as_str());
        }
    }
    counts.with_parts = with_parts.len() as u64;
}

/// Pieces used of settled reservations.
fn count_reservations(counts: &mut Counts, reservations: &[Reservation]) -> u64 {
    counts.backordered = counts.tally.backordered.len() as u64;
    let settled = |held: &&Reservation| held.state() == reservation::State::Committed;
    let lines = reservations
        .iter()
        .filter(settled)
        .flat_map(|held| &held.lines);
    lines.map(|line| line.used.unsigned_abs()).sum()
}

fn count_surveys(counts: &mut Counts, surveys: &[Survey], closed: &HashSet<String>) {
    let mut rounds: HashMap<&str, HashSet<i32>> = HashMap::new();
    for survey in surveys {
        rounds
            .entry(&survey.ticket)
            .or_default()
            .insert(survey.round);
        counts.answered += u64::from(survey.state() == survey::State::Answered);
    }
    counts.surveyed = rounds.values().map(|rounds| rounds.len() as u64).sum();
    counts.reopened = counts.surveyed - rounds.len() as u64;
    let unasked = closed
        .iter()
        .filter(|ticket| !rounds.contains_key(ticket.as_str()))
        .count();
    if unasked > 0 {
        counts
            .differences
            .push(format!("{unasked} closed tickets were never surveyed"));
    }
}

async fn tickets(fettle: &Fettle) -> anyhow::Result<Vec<Ticket>> {
    let page = |page_token: String| async {
        let request = ListTicketsRequest {
            page_size: PAGE,
            page_token,
            ..Default::default()
        };
        let answer = fettle.list_tickets(request).await?;
        Ok((answer.tickets, answer.next_page_token))
    };
    Ok(all_pages(PAGES, page).await?)
}

async fn work_orders(fettle: &Fettle) -> anyhow::Result<Vec<WorkOrder>> {
    let page = |page_token: String| async {
        let request = ListWorkOrdersRequest {
            page_size: PAGE,
            page_token,
            ..Default::default()
        };
        let answer = fettle.list_work_orders(request).await?;
        Ok((answer.work_orders, answer.next_page_token))
    };
    Ok(all_pages(PAGES, page).await?)
}

async fn reservations(fettle: &Fettle) -> anyhow::Result<Vec<Reservation>> {
    let page = |page_token: String| async {
        let request = ListReservationsRequest {
            page_size: PAGE,
            page_token,
            ..Default::default()
        };
        let answer = fettle.list_reservations(request).await?;
        Ok((answer.reservations, answer.next_page_token))
    };
    Ok(all_pages(PAGES, page).await?)
}

async fn surveys(fettle: &Fettle) -> anyhow::Result<Vec<Survey>> {
    let page = |page_token: String| async {
        let request = ListSurveysRequest {
            page_size: PAGE,
            page_token,
            ..Default::default()
        };
        let answer = fettle.list_surveys(request).await?;
        Ok((answer.surveys, answer.next_page_token))
    };
    Ok(all_pages(PAGES, page).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(ticket: &str, round: i32) -> Survey {
        Survey {
            ticket: ticket.to_owned(),
            round,
            ..Default::default()
        }
    }

    #[test]
    fn a_closed_ticket_without_a_survey_is_a_difference() {
        let mut counts = Counts::default();
        let closed = HashSet::from(["tickets/1".to_owned(), "tickets/2".to_owned()]);

        count_surveys(
            &mut counts,
            &[survey("tickets/1", 1), survey("tickets/1", 2)],
            &closed,
        );

        assert_eq!((counts.surveyed, counts.reopened), (2, 1));
        assert_eq!(counts.differences, ["1 closed tickets were never surveyed"]);
    }

    #[test]
    fn a_ticket_with_two_visits_counts_once_among_those_with_parts() {
        let visit = |state: work_order::State| WorkOrder {
            ticket: "tickets/1".to_owned(),
            parts: vec!["parts/A".to_owned()],
            state: state.into(),
            ..Default::default()
        };
        let mut counts = Counts::default();

        count_visits(
            &mut counts,
            &[
                visit(work_order::State::Incomplete),
                visit(work_order::State::Completed),
            ],
        );

        assert_eq!((counts.work_orders, counts.with_parts), (2, 1));
        assert_eq!((counts.completed, counts.incomplete), (1, 1));
    }
}
