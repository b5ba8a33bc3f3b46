//! All that the suite keeps of one person, read over its services; for a copy of it, and to see that
//! it is gone.

use proto::channel::v1::{GetPartyRequest, Party};
use proto::dispatch::v1::{ListWorkOrdersRequest, WorkOrder};
use proto::entitlement::v1::{Asset, Contract, ListAssetsRequest, ListContractsRequest};
use proto::feedback::v1::{ListSurveysRequest, Survey};
use proto::inventory::v1::{ListReservationsRequest, Reservation};
use proto::ticket::v1::{
    ListQuotesRequest, ListTicketEventsRequest, ListTicketsRequest, Quote, Ticket, TicketEvent,
};
use serde_json::{Value, json};

use crate::client::{Fettle, all_pages};

const PAGE: i32 = 1_000;
/// Most pages of each list: more than anybody has.
const PAGES: usize = 100;

/// A ticket with what was said, offered, held, done and asked for it.
pub(crate) struct Case {
    pub(crate) ticket: Ticket,
    pub(crate) events: Vec<TicketEvent>,
    pub(crate) quotes: Vec<Quote>,
    pub(crate) reservations: Vec<Reservation>,
    pub(crate) work_orders: Vec<WorkOrder>,
    pub(crate) surveys: Vec<Survey>,
}

impl Case {
    /// Whether nothing of it tells of a person any more.
    pub(crate) fn is_erased(&self) -> bool {
        let orders = self
            .work_orders
            .iter()
            .all(|order| order.erase_time.is_some());
        let surveys = self
            .surveys
            .iter()
            .all(|survey| survey.erase_time.is_some());
        self.ticket.erase_time.is_some() && orders && surveys
    }
}

/// All rows of a list; `$request` asks for the page behind the token `$page_token`.
macro_rules! listed {
    ($fettle:expr, $rpc:ident, $rows:ident, $page_token:ident => $request:expr) => {
        all_pages(PAGES, |$page_token: String| async {
            let answer = $fettle.$rpc($request).await?;
            Ok((answer.$rows, answer.next_page_token))
        })
        .await?
    };
}

/// The person's contact data.
pub(crate) async fn party(fettle: &Fettle, name: &str) -> anyhow::Result<Party> {
    let name = name.to_owned();
    Ok(fettle.get_party(GetPartyRequest { name }).await?)
}

/// Every ticket of the person.
pub(crate) async fn cases(fettle: &Fettle, party: &str) -> anyhow::Result<Vec<Case>> {
    let tickets = listed!(fettle, list_tickets, tickets, page_token => ListTicketsRequest {
        page_size: PAGE,
        page_token,
        party: party.to_owned(),
        ..Default::default()
    });
    let mut cases = Vec::new();
    for ticket in tickets {
        cases.push(case(fettle, ticket).await?);
    }
    Ok(cases)
}

async fn case(fettle: &Fettle, ticket: Ticket) -> anyhow::Result<Case> {
    let name = &ticket.name;
    let events = listed!(fettle, list_ticket_events, events, page_token => ListTicketEventsRequest {
        page_size: PAGE,
        page_token,
        name: name.clone(),
    });
    let quotes = listed!(fettle, list_quotes, quotes, page_token => ListQuotesRequest {
        page_size: PAGE,
        page_token,
        parent: name.clone(),
    });
    let reservations = listed!(fettle, list_reservations, reservations, page_token => ListReservationsRequest {
        page_size: PAGE,
        page_token,
        ticket: name.clone(),
        ..Default::default()
    });
    let work_orders = listed!(fettle, list_work_orders, work_orders, page_token => ListWorkOrdersRequest {
        page_size: PAGE,
        page_token,
        ticket: name.clone(),
        ..Default::default()
    });
    let surveys = listed!(fettle, list_surveys, surveys, page_token => ListSurveysRequest {
        page_size: PAGE,
        page_token,
        ticket: name.clone(),
        ..Default::default()
    });
    Ok(Case {
        ticket,
        events,
        quotes,
        reservations,
        work_orders,
        surveys,
    })
}

/// The person's devices, with the contracts on them.
pub(crate) async fn devices(
    fettle: &Fettle,
    party: &str,
) -> anyhow::Result<Vec<(Asset, Vec<Contract>)>> {
    let assets = listed!(fettle, list_assets, assets, page_token => ListAssetsRequest {
        page_size: PAGE,
        page_token,
        owner: party.to_owned(),
        ..Default::default()
    });
    let mut devices = Vec::new();
    for asset in assets {
        let contracts = listed!(fettle, list_contracts, contracts, page_token => ListContractsRequest {
            page_size: PAGE,
            page_token,
            asset: asset.name.clone(),
        });
        devices.push((asset, contracts));
    }
    Ok(devices)
}

/// The case as a document.
pub(crate) fn document(case: &Case) -> anyhow::Result<Value> {
    Ok(json!({
        "ticket": proto::to_json(&case.ticket)?,
        "events": all(&case.events)?,
        "quotes": all(&case.quotes)?,
        "reservations": all(&case.reservations)?,
        "workOrders": all(&case.work_orders)?,
        "surveys": all(&case.surveys)?,
    }))
}

/// Messages as a list of documents.
pub(crate) fn all<M: prost::Name>(messages: &[M]) -> anyhow::Result<Vec<Value>> {
    let each = messages.iter().map(|message| Ok(proto::to_json(message)?));
    each.collect()
}
