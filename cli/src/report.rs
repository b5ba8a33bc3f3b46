//! `fettle report`: the main numbers of a running suite.

use std::collections::BTreeMap;

use proto::dispatch::v1::{
    ListTechniciansRequest, ListWorkOrdersRequest, Technician, WorkOrder, work_order,
};
use proto::feedback::v1::{ListScorecardsRequest, Scorecard, scorecard::SubjectKind};
use proto::inventory::v1::{GetStockLevelsRequest, StockLevel};
use proto::ticket::v1::{ListTicketsRequest, Ticket};
use serde_json::{Value, json};

use crate::Verdict;
use crate::client::{Actor, Fettle, all_pages};
use crate::reach::Reach;
use crate::terminal::{HEADING, Voice, emit, styled};

/// Most pages read of each list; what lies beyond is told as "at least".
const PAGES: usize = 50;
const PAGE: i32 = 1_000;
/// Rows shown of each ranking.
const SHOWN: usize = 10;

/// What the suite holds.
#[derive(Default)]
struct Numbers {
    tickets: BTreeMap<String, u64>,
    attention: u64,
    open_clocks: BTreeMap<String, Clocks>,
    levels: Vec<StockLevel>,
    load: Vec<(String, u64)>,
    cards: Vec<Scorecard>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Clocks {
    open: u64,
    overdue: u64,
}

/// Runs the command.
pub(crate) async fn run(reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    let reached = reach.existing()?;
    let fettle = reached.connections.acting_as(Actor::Administrator)?;
    let numbers = read(&fettle).await?;
    match voice.json {
        true => emit(&document(&numbers)?),
        false => show(&numbers, voice),
    }
    Ok(Verdict::Held)
}

async fn read(fettle: &Fettle) -> anyhow::Result<Numbers> {
    let mut numbers = Numbers::default();
    for ticket in tickets(fettle).await? {
        count(&mut numbers, &ticket);
    }
    numbers.levels = levels(fettle).await?;
    numbers.load = load(&technicians(fettle).await?, &booked(fettle).await?);
    let cards = |subject_kind: SubjectKind| {
        fettle.list_scorecards(ListScorecardsRequest {
            subject_kind: subject_kind.into(),
            page_size: PAGE,
            ..Default::default()
        })
    };
    numbers.cards = cards(SubjectKind::All).await?.scorecards;
    numbers
        .cards
        .extend(cards(SubjectKind::Region).await?.scorecards);
    Ok(numbers)
}

fn count(numbers: &mut Numbers, ticket: &Ticket) {
    *numbers
        .tickets
        .entry(ticket.state().as_str_name().to_owned())
        .or_default() += 1;
    numbers.attention += u64::from(!ticket.attention.is_empty());
    for clock in ticket
        .clocks
        .iter()
        .filter(|clock| clock.stop_time.is_none())
    {
        let milestone = clock.milestone().as_str_name().to_owned();
        let clocks = numbers.open_clocks.entry(milestone).or_default();
        clocks.open += 1;
        clocks.overdue += u64::from(clock.breached);
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

async fn levels(fettle: &Fettle) -> anyhow::Result<Vec<StockLevel>> {
    let page = |page_token: String| async {
        let request = GetStockLevelsRequest {
            page_size: PAGE,
            page_token,
            ..Default::default()
        };
        let answer = fettle.get_stock_levels(request).await?;
        Ok((answer.levels, answer.next_page_token))
    };
    Ok(all_pages(PAGES, page).await?)
}

async fn technicians(fettle: &Fettle) -> anyhow::Result<Vec<Technician>> {
    let page = |page_token: String| async {
        let request = ListTechniciansRequest {
            page_size: PAGE,
            page_token,
            ..Default::default()
        };
        let answer = fettle.list_technicians(request).await?;
        Ok((answer.technicians, answer.next_page_token))
    };
    Ok(all_pages(PAGES, page).await?)
}

async fn booked(fettle: &Fettle) -> anyhow::Result<Vec<WorkOrder>> {
    use work_order::State;
    let states = [
        State::Scheduled,
        State::EnRoute,
        State::OnSite,
        State::InProgress,
    ];
    let page = |page_token: String| async {
        let states = states.map(i32::from).to_vec();
        let request = ListWorkOrdersRequest {
            page_size: PAGE,
            page_token,
            states,
            ..Default::default()
        };
        let answer = fettle.list_work_orders(request).await?;
        Ok((answer.work_orders, answer.next_page_token))
    };
    Ok(all_pages(PAGES, page).await?)
}

/// Visits booked per technician, the busiest first.
fn load(technicians: &[Technician], booked: &[WorkOrder]) -> Vec<(String, u64)> {
    let mut visits: BTreeMap<&str, u64> = BTreeMap::new();
    for visit in booked {
        *visits.entry(&visit.technician).or_default() += 1;
    }
    let of = |person: &Technician| {
        visits
            .get(person.name.as_str())
            .copied()
            .unwrap_or_default()
    };
    let mut load: Vec<(String, u64)> = technicians
        .iter()
        .map(|person| (person.display_name.clone(), of(person)))
        .collect();
    load.sort_by_key(|(name, visits)| (std::cmp::Reverse(*visits), name.clone()));
    load
}

fn document(numbers: &Numbers) -> anyhow::Result<Value> {
    let clocks = numbers.open_clocks.iter().map(|(milestone, clocks)| {
        (
            milestone.clone(),
            json!({ "open": clocks.open, "overdue": clocks.overdue }),
        )
    });
    let cards: Vec<Value> = numbers
        .cards
        .iter()
        .map(proto::to_json)
        .collect::<Result<_, _>>()?;
    let load = numbers
        .load
        .iter()
        .map(|(name, visits)| json!({ "name": name, "visits": visits }));
    Ok(json!({
        "tickets": numbers.tickets,
        "needsAttention": numbers.attention,
        "openClocks": clocks.collect::<serde_json::Map<_, _>>(),
        "stock": { "available": available(numbers), "held": held(numbers) },
        "technicians": load.collect::<Vec<_>>(),
        "scorecards": cards,
    }))
}

fn available(numbers: &Numbers) -> i64 {
    numbers.levels.iter().map(|level| level.available).sum()
}

fn held(numbers: &Numbers) -> i64 {
    numbers.levels.iter().map(|level| level.held).sum()
}

fn show(numbers: &Numbers, voice: Voice) {
    voice.tell(styled(HEADING, "Tickets"));
    for (state, count) in &numbers.tickets {
        voice.tell(format!("  {count:>7}  {state}"));
    }
    voice.tell(format!(
        "  {:>7}  need a person's attention",
        numbers.attention
    ));
    voice.tell(styled(HEADING, "Open promises"));
    for (milestone, clocks) in &numbers.open_clocks {
        voice.tell(format!(
            "  {:>7}  {milestone}, {} overdue",
            clocks.open, clocks.overdue
        ));
    }
    voice.tell(styled(HEADING, "Stock"));
    voice.tell(format!(
        "  {:>7}  pieces free, {} held",
        available(numbers),
        held(numbers)
    ));
    voice.tell(styled(HEADING, "Busiest technicians"));
    for (name, visits) in numbers.load.iter().take(SHOWN) {
        voice.tell(format!("  {visits:>7}  {name}"));
    }
    voice.tell(styled(HEADING, "Satisfaction"));
    for card in numbers.cards.iter().take(SHOWN) {
        voice.tell(format!("  {}", satisfaction(card)));
    }
}

/// A scorecard as a line: the share with its interval, never the share alone.
pub(crate) fn satisfaction(card: &Scorecard) -> String {
    let subject = if card.subject.is_empty() {
        "all"
    } else {
        &card.subject
    };
    if card.answered == 0 {
        return format!("{subject}: nobody of {} asked has answered", card.surveyed);
    }
    format!(
        "{subject}: {:.0} % satisfied (95 % sure: {:.0}–{:.0} %), {} of {} answered",
        card.satisfaction * 100.0,
        card.satisfaction_low * 100.0,
        card.satisfaction_high * 100.0,
        card.answered,
        card.surveyed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_technician_comes_first_and_the_idle_are_shown_too() {
        let person = |name: &str| Technician {
            name: format!("technicians/{name}"),
            display_name: name.to_owned(),
            ..Default::default()
        };
        let visit = |technician: &str| WorkOrder {
            technician: format!("technicians/{technician}"),
            ..Default::default()
        };

        let load = load(&[person("a"), person("b")], &[visit("b"), visit("b")]);

        assert_eq!(load, [("b".to_owned(), 2), ("a".to_owned(), 0)]);
    }

    #[test]
    fn satisfaction_is_told_with_its_interval() {
        let card = Scorecard {
            surveyed: 20,
            answered: 10,
            satisfaction: 0.8,
            satisfaction_low: 0.49,
            satisfaction_high: 0.943,
            ..Default::default()
        };
        assert_eq!(
            satisfaction(&card),
            "all: 80 % satisfied (95 % sure: 49–94 %), 10 of 20 answered"
        );
    }
}
