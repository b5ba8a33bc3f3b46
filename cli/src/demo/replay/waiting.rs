//! Customers of waiting tickets: they decide quotes, have devices registered, lose patience,
//! and confirm what was repaired.

use std::sync::Arc;

use chassis::refusal::to_pb;
use proto::ticket::v1::ticket::{PauseReason, State, Step};
use proto::ticket::v1::{
    ApproveQuoteRequest, CancelTicketRequest, CloseTicketRequest, DeclineQuoteRequest,
    ListQuotesRequest, ListTicketsRequest, Ticket, quote,
};

use super::{LOOK_EVERY, Play, hand_over};
use crate::client::{Told, all_pages};
use crate::world::{Cancel, seeding};

/// Looks for tickets that wait for their customer.
pub(super) async fn act(play: Arc<Play>) -> anyhow::Result<()> {
    loop {
        for ticket in listed(&play, &[State::Pending, State::Held, State::Resolved]).await? {
            let Some(index) = play.board.plan_of(&ticket.name) else {
                continue;
            };
            if let Some((word, need)) = need(&ticket, play.plan(index).course.cancel)
                && play
                    .board
                    .take(format!("{word}:{}:{}", ticket.name, ticket.round))
            {
                let name = ticket.name.clone();
                hand_over(&play, word, name, serve(play.clone(), index, ticket, need));
            }
        }
        tokio::time::sleep(LOOK_EVERY * 2).await;
    }
}

/// Tickets in one of the states.
pub(super) async fn listed(play: &Play, states: &[State]) -> Result<Vec<Ticket>, Told> {
    let page = |page_token: String| async {
        let request = ListTicketsRequest {
            page_size: 1_000,
            page_token,
            states: states.iter().copied().map(i32::from).collect(),
            ..Default::default()
        };
        let answer = play.cast.agent.list_tickets(request).await?;
        Ok((answer.tickets, answer.next_page_token))
    };
    all_pages(20, page).await
}

/// What a waiting ticket needs of its customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Decision,
    Registration,
    Confirmation,
    Nothing,
}

fn need(ticket: &Ticket, cancel: Option<Cancel>) -> Option<(&'static str, Need)> {
    if ticket.state() == State::Resolved {
        return Some(("confirm", Need::Confirmation));
    }
    if cancel == Some(Cancel::Waiting) && ticket.round <= 1 {
        return Some(("withdraw", Need::Nothing));
    }
    match ticket.pause_reason() {
        PauseReason::WaitingRegistration => Some(("register", Need::Registration)),
        _ if ticket.step() == Step::Quote => Some(("quote", Need::Decision)),
        _ => None,
    }
}

async fn serve(play: Arc<Play>, index: usize, ticket: Ticket, need: Need) -> Result<(), Told> {
    let plan = play.plan(index);
    match need {
        Need::Nothing => cancel(&play, &ticket.name, "takes too long").await,
        Need::Decision => decide(&play, &ticket, plan.course.declines).await,
        Need::Confirmation if plan.course.confirms => confirm(&play, &ticket).await,
        Need::Confirmation => Ok(()),
        Need::Registration => {
            let administrator = &play.cast.administrator;
            seeding::register(administrator, &play.seeded, plan, &play.keys).await?;
            play.board.count(|tally| tally.registered_late += 1);
            Ok(())
        }
    }
}

async fn decide(play: &Play, ticket: &Ticket, declines: bool) -> Result<(), Told> {
    let request = ListQuotesRequest {
        parent: ticket.name.clone(),
        ..Default::default()
    };
    let quotes = play
        .call(play.cast.agent.list_quotes(request))
        .await?
        .quotes;
    let open = quotes
        .into_iter()
        .filter(|quote| quote.state() == quote::State::Open);
    for quote in open {
        let at = Some(to_pb(play.board.later(&ticket.name, 180)));
        let request_id = play.key("quote", &quote.name);
        let decided = match declines {
            true => {
                let reason = "a new one costs little more".to_owned();
                let name = quote.name;
                let request = DeclineQuoteRequest {
                    name,
                    request_id,
                    occur_time: at,
                    reason,
                    ..Default::default()
                };
                play.call(play.cast.agent.decline_quote(request)).await
            }
            false => {
                let name = quote.name;
                let request = ApproveQuoteRequest {
                    name,
                    request_id,
                    occur_time: at,
                    ..Default::default()
                };
                play.call(play.cast.agent.approve_quote(request)).await
            }
        };
        decided?;
        play.board.count(|tally| match declines {
            true => tally.declined += 1,
            false => tally.approved += 1,
        });
    }
    Ok(())
}

async fn confirm(play: &Play, ticket: &Ticket) -> Result<(), Told> {
    let request = CloseTicketRequest {
        name: ticket.name.clone(),
        request_id: format!("{}-{}", play.key("close", &ticket.name), ticket.round),
        occur_time: Some(to_pb(play.board.later(&ticket.name, 300))),
        note: "Works again, thank you.".to_owned(),
        ..Default::default()
    };
    match play.call(play.cast.agent.close_ticket(request)).await {
        // The policy was faster.
        Err(told) if told.is("ILLEGAL_MOVE") => play.board.count(|tally| tally.overtaken += 1),
        closed => drop(closed?),
    }
    Ok(())
}

/// The customer withdraws; too late is no problem, the ticket then goes its way.
pub(super) async fn cancel(play: &Play, ticket: &str, reason: &str) -> Result<(), Told> {
    let request = CancelTicketRequest {
        name: ticket.to_owned(),
        request_id: play.key("cancel", ticket),
        occur_time: Some(to_pb(play.board.later(ticket, 5))),
        reason: reason.to_owned(),
        ..Default::default()
    };
    match play.call(play.cast.agent.cancel_ticket(request)).await {
        Err(told) if told.is("ILLEGAL_MOVE") => play.board.count(|tally| tally.overtaken += 1),
        cancelled => {
            cancelled?;
            play.board.count(|tally| tally.cancelled += 1);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(state: State, step: Step, pause: PauseReason) -> Ticket {
        Ticket {
            state: state.into(),
            step: step.into(),
            pause_reason: pause.into(),
            round: 1,
            ..Default::default()
        }
    }

    #[test]
    fn a_ticket_that_waits_for_a_part_needs_nothing_of_its_customer() {
        let ticket = waiting(State::Pending, Step::Parts, PauseReason::WaitingPart);
        assert_eq!(need(&ticket, None), None);
        assert_eq!(
            need(&ticket, Some(Cancel::Waiting)),
            Some(("withdraw", Need::Nothing))
        );
    }

    #[test]
    fn a_quote_is_decided_and_a_repair_confirmed() {
        let quoted = waiting(State::Pending, Step::Quote, PauseReason::WaitingCustomer);
        assert_eq!(need(&quoted, None), Some(("quote", Need::Decision)));

        let resolved = waiting(State::Resolved, Step::Delivery, PauseReason::Unspecified);
        assert_eq!(
            need(&resolved, Some(Cancel::Waiting)),
            Some(("confirm", Need::Confirmation))
        );
    }
}
