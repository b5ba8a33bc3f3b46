//! Four turns that a repair may take.

use anyhow::ensure;
use chassis::refusal::to_pb;
use proto::entitlement::v1::entitlement_decision::Outcome;
use proto::inventory::v1::reservation;
use proto::ticket::v1::ticket::{PauseReason, State};
use proto::ticket::v1::{
    ApproveQuoteRequest, CancelTicketRequest, DeclineQuoteRequest, ListQuotesRequest, Quote, Ticket,
};

use super::scene::Scene;
use crate::check::{finding, in_a_sentence};

/// Liquid damage is chargeable: one customer approves the quote, another declines.
pub(super) async fn a_quote(scene: &mut Scene) -> anyhow::Result<()> {
    let asset = scene.add_notebook(3).await?;
    let text = "Spilled coffee over it, several keys are dead";
    let ticket = scene
        .report(&asset.serial_number, "KEYBOARD", "LIQUID", text)
        .await?;
    let (ticket, quote) = quoted(scene, &ticket).await?;
    let at = scene.later(90);
    let request = ApproveQuoteRequest {
        name: quote.name.clone(),
        request_id: "story-approve".to_owned(),
        occur_time: Some(at),
        ..Default::default()
    };
    scene.cast.customer.approve_quote(request).await?;
    scene.teller.step(
        "Customer",
        "approves the quote; only now parts are held",
        vec![],
    );
    scene.repair(&ticket).await?;
    scene.confirm(&ticket).await?;

    let asset = scene.add_notebook(3).await?;
    let ticket = scene
        .report(&asset.serial_number, "MAINBOARD", "LIQUID", "Tea in it")
        .await?;
    let (ticket, quote) = quoted(scene, &ticket).await?;
    let at = scene.later(30);
    let request = DeclineQuoteRequest {
        name: quote.name,
        request_id: "story-decline".to_owned(),
        occur_time: Some(at),
        reason: "a new one costs little more".to_owned(),
        ..Default::default()
    };
    scene.cast.customer.decline_quote(request).await?;
    let ended = scene
        .until_ticket(
            &ticket.name,
            "the declined repair to be cancelled",
            |ticket| ticket.state() == State::Cancelled,
        )
        .await?;
    scene.nothing_held(&ended).await?;
    scene.teller.step(
        "Another",
        "declines: the ticket is cancelled and nothing is held",
        vec![],
    );
    Ok(())
}

async fn quoted(scene: &mut Scene, ticket: &Ticket) -> anyhow::Result<(Ticket, Quote)> {
    let ticket = scene
        .until_ticket(&ticket.name, "a quote", |ticket| {
            ticket.entitlement.is_some() && ticket.pause_reason() == PauseReason::WaitingCustomer
        })
        .await?;
    let decision = ticket.entitlement.clone().unwrap_or_default();
    ensure!(
        decision.outcome() == Outcome::Chargeable,
        "the decision is {:?}",
        decision.outcome()
    );
    let about = |code: &str| matches!(code, "EXCLUSION" | "PRICE");
    let why = decision
        .findings
        .iter()
        .filter(|finding| about(&finding.code))
        .map(finding);
    scene
        .teller
        .step("Entitlement", in_a_sentence(&decision), why.collect());

    let request = ListQuotesRequest {
        parent: ticket.name.clone(),
        ..Default::default()
    };
    let quotes = scene.cast.customer.list_quotes(request).await?.quotes;
    let quote = quotes.into_iter().next();
    let quote = quote.ok_or_else(|| anyhow::anyhow!("the ticket waits, but has no quote"))?;
    let lines = quote.lines.iter().map(|line| {
        let price = line.unit_price.clone().unwrap_or_default();
        format!(
            "{} × {}: {} {}",
            line.quantity, line.description, price.currency_code, price.units
        )
    });
    let total = quote.total.clone().unwrap_or_default();
    let told = format!("quotes {} {}", total.currency_code, total.units);
    scene.teller.step("Ticket", told, lines.collect());
    Ok((ticket, quote))
}

/// No display anywhere: the ticket waits, our time, until one arrives.
pub(super) async fn a_backorder(scene: &mut Scene) -> anyhow::Result<()> {
    let asset = scene.add_notebook(5).await?;
    let ticket = scene
        .report(&asset.serial_number, "LCD", "", "Display stays dark")
        .await?;
    let waits = |state: reservation::State| state == reservation::State::Backordered;
    let waiting = scene
        .reservation(&ticket.name, "backordered", waits)
        .await?;
    let why = waiting.findings.iter().map(finding).collect();
    scene.teller.step(
        "Inventory",
        "has none anywhere: the reservation is BACKORDERED",
        why,
    );
    let ticket = scene
        .until_ticket(&ticket.name, "the ticket to wait for the part", |ticket| {
            ticket.pause_reason() == PauseReason::WaitingPart
        })
        .await?;
    scene.teller.step(
        "Ticket",
        "waits for the part, and that is our time, not the customer's",
        vec![],
    );

    scene.later(26 * 60);
    scene.receive("REGIONAL-CN-ZJ", "LCD", 2).await?;
    let holds = |state: reservation::State| state == reservation::State::Held;
    let held = scene
        .reservation(&ticket.name, "served from the delivery", holds)
        .await?;
    let promoted = held
        .findings
        .iter()
        .filter(|finding| finding.code == "PROMOTED");
    let why = promoted.map(finding).collect();
    scene.teller.step(
        "Storekeeper",
        "books two displays in; the waiting repair is served at once",
        why,
    );
    scene.repair(&ticket).await?;
    scene.confirm(&ticket).await
}

/// A booked repair is withdrawn: part and visit are free again.
pub(super) async fn a_cancellation(scene: &mut Scene) -> anyhow::Result<()> {
    let asset = scene.add_notebook(5).await?;
    let text = "Restarts by itself";
    let ticket = scene
        .report(&asset.serial_number, "MAINBOARD", "", text)
        .await?;
    let ticket = scene
        .until_ticket(&ticket.name, "a visit to be booked", |ticket| {
            ticket.appointment.is_some()
        })
        .await?;
    scene.teller.step(
        "Ticket",
        "holds a part and a visit",
        vec![ticket.reservation.clone(), ticket.work_order.clone()],
    );
    let at = scene.later(40);
    let request = CancelTicketRequest {
        name: ticket.name.clone(),
        request_id: "story-cancel".to_owned(),
        occur_time: Some(at),
        reason: "it was the power strip".to_owned(),
        ..Default::default()
    };
    scene.cast.customer.cancel_ticket(request).await?;
    scene.nothing_held(&ticket).await?;
    scene.teller.step(
        "Customer",
        "withdraws: the part is back in stock, the technician free",
        vec![],
    );
    Ok(())
}

/// A low answer reopens the ticket; the second repair is answered better.
pub(super) async fn a_low_score(scene: &mut Scene) -> anyhow::Result<()> {
    let asset = scene.add_notebook(5).await?;
    let text = "Keyboard types double";
    let ticket = scene
        .report(&asset.serial_number, "KEYBOARD", "", text)
        .await?;
    scene.repair(&ticket).await?;
    scene.confirm(&ticket).await?;
    scene.survey(&ticket, 1, "It types double again.").await?;
    let again = scene
        .until_ticket(
            &ticket.name,
            "the low answer to reopen the ticket",
            |ticket| {
                ticket.round >= 2 && !matches!(ticket.state(), State::Closed | State::Resolved)
            },
        )
        .await?;
    let told = format!(
        "is open again, round {}, with the reason on its timeline",
        again.round
    );
    scene
        .teller
        .step("Ticket", told, scene.last_words(&again).await?);
    scene.repair(&again).await?;
    scene.confirm(&again).await?;
    scene.survey(&again, 5, "Now it is right.").await
}

impl Scene {
    /// The next moment, so many minutes later.
    pub(super) fn later(&mut self, minutes: i64) -> prost_types::Timestamp {
        self.now += jiff::SignedDuration::from_mins(minutes);
        to_pb(self.now)
    }
}
