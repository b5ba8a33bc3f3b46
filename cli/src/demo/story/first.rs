//! The main job, step by step.

use chassis::refusal::from_pb;
use proto::entitlement::v1::{
    CheckEntitlementRequest, EntitlementDecision, Fault, ListWarrantyPoliciesRequest, Place,
};
use proto::ticket::v1::Ticket;

use super::scene::{PRODUCT, REGION, Scene};
use crate::check::{finding, in_a_sentence, reasons};
use crate::track::{civil, promise, promised};

/// Months since the notebook was sold: within the vendor's term for the board and the law's for
/// main parts, beyond the whole unit's.
const AGE: i64 = 16;

/// From the customer's first word to the scorecard.
pub(super) async fn play(scene: &mut Scene) -> anyhow::Result<()> {
    let party = scene.add_customer().await?;
    let told = format!(
        "{} becomes a party; contact data stays there",
        party.display_name
    );
    scene.teller.step(
        "Agent",
        told,
        vec![format!("everywhere else they are {}", party.name)],
    );

    let asset = scene.add_notebook(AGE).await?;
    let sold = asset
        .facts
        .as_ref()
        .map(|facts| facts.sale_date.clone())
        .unwrap_or_default();
    let told = format!(
        "{PRODUCT} {} is registered, sold {sold}",
        asset.serial_number
    );
    scene.teller.step(
        "Vendor",
        told,
        vec![format!("it came with the terms of {}", asset.vendor_policy)],
    );
    show_policies(scene).await?;

    let text = "Does not start any more, no light at all";
    let ticket = scene
        .report(&asset.serial_number, "MAINBOARD", "", text)
        .await?;
    let told = format!(
        "reports \"{text}\" and has number {} at once",
        ticket.number
    );
    let zone = scene.zone.clone();
    let promises = ticket
        .clocks
        .iter()
        .map(|clock| promised(clock, &zone))
        .collect();
    scene.teller.step("Customer", told, promises);

    let ticket = scene
        .until_ticket(&ticket.name, "coverage to be decided", |ticket| {
            ticket.entitlement.is_some()
        })
        .await?;
    let decision = ticket.entitlement.clone().unwrap_or_default();
    scene
        .teller
        .step("Entitlement", in_a_sentence(&decision), reasons(&decision));
    another_layer(scene, &asset.serial_number, &decision).await?;

    parts(scene, &ticket).await?;
    let ticket = booked(scene, &ticket).await?;
    scene.respond(&ticket).await?;
    scene.teller.step(
        "Agent",
        "answers the customer",
        kept(scene, &ticket, "FIRST_RESPONSE").await?,
    );
    scene.repair(&ticket).await?;
    scene.confirm(&ticket).await?;
    scene.survey(&ticket, 5, "Very quick, thank you.").await?;
    scene.scorecard().await
}

async fn show_policies(scene: &mut Scene) -> anyhow::Result<()> {
    let request = ListWarrantyPoliciesRequest {
        page_size: 100,
        ..Default::default()
    };
    let policies = scene
        .cast
        .agent
        .list_warranty_policies(request)
        .await?
        .warranty_policies;
    let about = |all: &[String], one: &str| all.is_empty() || all.iter().any(|code| code == one);
    let apply: Vec<String> = policies
        .iter()
        .filter(|policy| about(&policy.categories, "NOTEBOOK"))
        .filter(|policy| about(&policy.jurisdictions, "CN") || about(&policy.jurisdictions, REGION))
        .map(|policy| {
            let id = policy.name.trim_start_matches("warrantyPolicies/");
            format!("{} {id}: {}", policy.layer.to_lowercase(), policy.source)
        })
        .collect();
    let told = format!(
        "{} of {} policies may speak of it",
        apply.len(),
        policies.len()
    );
    scene.teller.step("Entitlement", told, apply);
    Ok(())
}

/// The same device and day, another component: another layer may be the stronger one.
async fn another_layer(
    scene: &mut Scene,
    serial: &str,
    first: &EntitlementDecision,
) -> anyhow::Result<()> {
    let other = first.terms.iter().find(|term| {
        term.layer != first.winning_layer && term.component != "UNIT" && !term.layer.is_empty()
    });
    let component = other
        .map_or("POWER_SUPPLY", |term| &term.component)
        .to_owned();
    let request = CheckEntitlementRequest {
        serial_number: serial.to_owned(),
        fault: Some(Fault {
            component: component.clone(),
            ..Default::default()
        }),
        on: scene.today().to_string(),
        site: Some(Place {
            region: REGION.to_owned(),
            city: "Hangzhou".to_owned(),
        }),
        ..Default::default()
    };
    let decision = scene.cast.agent.check_entitlement(request).await?;
    anyhow::ensure!(
        decision.winning_layer != first.winning_layer,
        "the {} layer wins for {component} too",
        decision.winning_layer
    );
    let told = format!(
        "had it been the {}: {}",
        component.to_lowercase(),
        in_a_sentence(&decision)
    );
    let winner = decision
        .findings
        .iter()
        .filter(|finding| finding.code == "WINNER");
    scene
        .teller
        .step("Entitlement", told, winner.map(finding).collect());
    Ok(())
}

async fn parts(scene: &mut Scene, ticket: &Ticket) -> anyhow::Result<()> {
    let held = scene.reservation(&ticket.name, "held", |state| {
        state == proto::inventory::v1::reservation::State::Held
    });
    let held = held.await?;
    let lines: Vec<String> = held
        .lines
        .iter()
        .map(|line| format!("{} × {} at {}", line.quantity, line.part, line.location))
        .collect();
    let why = held.findings.iter().map(finding).collect();
    scene
        .teller
        .step("Inventory", format!("holds {}", lines.join(", ")), why);
    Ok(())
}

async fn booked(scene: &mut Scene, ticket: &Ticket) -> anyhow::Result<Ticket> {
    let ticket = scene
        .until_ticket(&ticket.name, "a visit to be booked", |ticket| {
            ticket.appointment.is_some()
        })
        .await?;
    let visit = scene.visit(&ticket).await?;
    let from = visit
        .window
        .as_ref()
        .and_then(|window| window.start.as_ref())
        .and_then(from_pb);
    let told = format!(
        "books {} for {}",
        visit.technician,
        civil(from, &scene.zone)
    );
    let codes: Vec<&str> = visit
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect();
    for needed in [
        "TECHNICIAN_CHOSEN",
        "CERTIFICATE_EXPIRED",
        "SKILL_MISSING",
        "BOOKED",
    ] {
        anyhow::ensure!(
            codes.contains(&needed),
            "no finding says {needed}, only {codes:?}"
        );
    }
    scene.teller.step(
        "Dispatch",
        told,
        visit.findings.iter().map(finding).collect(),
    );
    Ok(ticket)
}

/// How the ticket's promise of a milestone stands.
async fn kept(scene: &Scene, ticket: &Ticket, milestone: &str) -> anyhow::Result<Vec<String>> {
    let ticket = scene.ticket(&ticket.name).await?;
    let of = |clock: &&proto::ticket::v1::Clock| clock.milestone().as_str_name() == milestone;
    Ok(ticket
        .clocks
        .iter()
        .filter(of)
        .map(|clock| promise(clock, &scene.zone))
        .collect())
}
