//! Quotes between the contract and the domain.

use chassis::money::Money;
use chassis::{Refusal, Violations, etag, names, refusal::to_pb};
use jiff::{SignedDuration, Timestamp};
use proto::ticket::v1 as pb;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::TICKETS;
use crate::domain::coverage::Price;
use crate::domain::quote::{Line, Quote, QuoteState, STANDS};

/// How far away an offer's end may lie.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 366);

/// An offer as asked for.
#[allow(missing_docs)]
pub struct NewQuote {
    pub ticket: Uuid,
    pub lines: Vec<Line>,
    pub total: Price,
    pub expires_at: Timestamp,
    pub at: Timestamp,
}

/// Reads an offer: lines of one currency, not negative, in sum rounded to the minor unit.
pub fn read_quote(request: &pb::CreateQuoteRequest, now: Timestamp) -> Result<NewQuote, Refusal> {
    let mut v = Violations::new();
    let ticket = v.resource("parent", &request.parent, TICKETS);
    let quote = request.quote.clone().unwrap_or_default();
    if !(1..=100).contains(&quote.lines.len()) {
        v.add("quote.lines", "are 1 to 100");
    }
    let mut total: Option<Money> = None;
    let mut lines = Vec::new();
    for (i, line) in quote.lines.iter().take(100).enumerate() {
        let field = |name: &str| format!("quote.lines[{i}].{name}");
        let description = v.text(field("description"), &line.description, 1..=200);
        let quantity = u32::try_from(line.quantity).unwrap_or(0);
        if quantity == 0 {
            v.add(field("quantity"), "is at least 1");
        }
        if line.unit_price.is_none() {
            v.add(field("unit_price"), "is required");
        }
        let Some(price) = v.money(field("unit_price"), line.unit_price.as_ref()) else {
            continue;
        };
        if price.amount.is_sign_negative() && !price.amount.is_zero() {
            v.add(field("unit_price"), "is negative");
        }
        let sum = price
            .times(Decimal::from(quantity))
            .and_then(|line| match total {
                Some(total) => total.plus(line),
                None => Ok(line),
            });
        match sum {
            Ok(sum) => total = Some(sum),
            Err(refused) => v.add(field("unit_price"), format!("cannot be added: {refused}")),
        }
        lines.push(Line {
            description,
            quantity,
            unit_price: stored(&price),
        });
    }
    let at = v.occur_time(
        request.occur_time.as_ref(),
        now,
        SignedDuration::from_mins(5),
    );
    let expires_at = v.instant("quote.expire_time", quote.expire_time.as_ref());
    let expires_at = expires_at.unwrap_or(now + STANDS);
    if expires_at <= now || expires_at.duration_since(now) > LONGEST {
        v.add("quote.expire_time", "is between now and a year from now");
    }
    let (ticket, total) = v.finish(ticket.zip(total))?;
    Ok(NewQuote {
        ticket,
        lines,
        total: stored(&total.rounded()),
        expires_at,
        at,
    })
}

/// "tickets/{uuid}/quotes/{uuid}".
pub fn quote_name(ticket: Uuid, quote: Uuid) -> String {
    format!("{TICKETS}/{ticket}/quotes/{quote}")
}

/// Ticket and quote of a quote's name.
pub fn parse_quote_name(name: &str) -> Option<(Uuid, Uuid)> {
    let (ticket, quote) = name.split_once("/quotes/")?;
    Some((
        names::parse(TICKETS, ticket)?,
        names::parse("quotes", &format!("quotes/{quote}"))?,
    ))
}

fn stored(money: &Money) -> Price {
    Price {
        amount: money.amount,
        currency: money.currency.code().to_owned(),
    }
}

/// An amount as the contract writes it; one the currency table does not know is left out.
pub(super) fn write_price(price: &Price) -> Option<proto::kinds::v1::Money> {
    let currency = chassis::money::Currency::of(&price.currency)?;
    Some(Money::new(price.amount, currency).to_pb())
}

/// An offer as the customer reads it.
pub fn write_quote(quote: &Quote) -> pb::Quote {
    use pb::quote::State as Pb;
    let state = match quote.state {
        QuoteState::Open => Pb::Open,
        QuoteState::Approved => Pb::Approved,
        QuoteState::Declined => Pb::Declined,
        QuoteState::Expired => Pb::Expired,
    };
    let lines = quote.lines.iter().map(|line| pb::quote::Line {
        description: line.description.clone(),
        quantity: i32::try_from(line.quantity).unwrap_or(i32::MAX),
        unit_price: write_price(&line.unit_price),
    });
    pb::Quote {
        name: quote_name(quote.ticket, quote.id),
        state: state.into(),
        lines: lines.collect(),
        total: write_price(&quote.total),
        expire_time: Some(to_pb(quote.expires_at)),
        create_time: Some(to_pb(quote.issued_at)),
        decide_time: quote.decided_at.map(to_pb),
        decided_by: quote.decided_by.clone().unwrap_or_default(),
        etag: etag::etag(quote.version),
        decline_reason: quote.decline_reason.clone().unwrap_or_default(),
    }
}
