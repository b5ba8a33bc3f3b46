//! Offers: made, agreed to, declined, lapsed.

use jiff::Timestamp;

use super::{Answered, Taken, caused, silent, wait_is_over};
use crate::domain::coverage::Price;
use crate::domain::moves::State;
use crate::domain::process::QuoteFact;
use crate::domain::ticket::{Deed, PauseReason, RepairStep, Ticket, What};

/// An offer was made: the ticket waits for the customer until `until` of system time.
pub fn quote_issued(
    ticket: &mut Ticket,
    total: &Price,
    until: Timestamp,
    deed: &Deed<'_>,
) -> Answered {
    if !ticket.state.is_open() {
        return Ok(Taken::Late);
    }
    if ticket.facts.quote == Some(QuoteFact::Open(until)) {
        return Ok(Taken::Known);
    }
    ticket.facts.quote = Some(QuoteFact::Open(until));
    ticket.step = RepairStep::Quote;
    ticket.moment(deed.at, What::Quoted);
    ticket.log("quote_issued", deed, &money(total));
    ticket.told.push("quote.issued");
    if ticket.state != State::Held && ticket.pause != Some(PauseReason::WaitingCustomer) {
        ticket.pause(PauseReason::WaitingCustomer, &silent(deed))?;
    }
    Ok(caused(ticket, deed))
}

/// The customer agreed.
pub fn quote_approved(ticket: &mut Ticket, total: &Price, deed: &Deed<'_>) -> Answered {
    if let Some(taken) = quote_is_over(ticket) {
        return Ok(taken);
    }
    ticket.facts.quote = Some(QuoteFact::Approved);
    ticket.log("quote_approved", deed, &money(total));
    ticket.told.push("quote.decided");
    wait_is_over(ticket, PauseReason::WaitingCustomer, deed)?;
    Ok(caused(ticket, deed))
}

/// The customer declined: the ticket is withdrawn.
pub fn quote_declined(ticket: &mut Ticket, reason: &str, deed: &Deed<'_>) -> Answered {
    let reason = if reason.is_empty() {
        "the quote was declined"
    } else {
        reason
    };
    quote_refused(ticket, "quote_declined", reason, deed)
}

/// Nobody answered in time: the ticket is withdrawn.
pub fn quote_expired(ticket: &mut Ticket, deed: &Deed<'_>) -> Answered {
    quote_refused(ticket, "quote_expired", "the quote lapsed", deed)
}

fn quote_refused(
    ticket: &mut Ticket,
    entry: &'static str,
    reason: &str,
    deed: &Deed<'_>,
) -> Answered {
    if let Some(taken) = quote_is_over(ticket) {
        return Ok(taken);
    }
    ticket.facts.quote = Some(QuoteFact::Refused);
    ticket.log(entry, deed, &[]);
    ticket.told.push("quote.decided");
    ticket.cancel(reason, &silent(deed))?;
    Ok(caused(ticket, deed))
}

fn quote_is_over(ticket: &Ticket) -> Option<Taken> {
    match ticket.facts.quote {
        _ if !ticket.state.is_open() => Some(Taken::Late),
        Some(QuoteFact::Open(_)) => None,
        Some(QuoteFact::Approved | QuoteFact::Refused) => Some(Taken::Known),
        None => Some(Taken::Foreign),
    }
}

fn money(price: &Price) -> [(&'static str, String); 2] {
    [
        ("amount", price.amount.normalize().to_string()),
        ("currency", price.currency.clone()),
    ]
}
