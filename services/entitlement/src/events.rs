//! What this service tells, and what it hears.
//!
//! Told: `asset.registered` when a device is registered; `coverage.changed` for each device that a
//! contract or a repair concerns. Heard from dispatch: `work_order.completed`, once per work order
//! for ever: a repair lengthens and restarts terms and changes the device's serial numbers.

use chassis::clock::truncated;
use chassis::inbox::{Consumer, Delivered};
use chassis::outbox::Event;
use chassis::refusal::from_pb;
use chassis::{Refusal, db::Tx, names};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use prost::Message;
use proto::dispatch::v1::{WorkOrderEventPayload, WorkOrderFacts};
use proto::entitlement::v1::{AssetRegisteredPayload, CoverageChangedPayload};
use tonic::Code;
use uuid::Uuid;

use crate::domain::asset::{Repair, Swap, swaps};
use crate::store::asset::Touched;
use crate::store::repair;

/// Most parts of one work order that are looked at.
const MOST_PARTS: usize = 50;

/// Tells that a device was registered.
pub(crate) fn registered(tx: &mut Tx, asset: &Touched, at: Timestamp) {
    let name = names::name("assets", asset.id);
    let payload = AssetRegisteredPayload {
        asset: name.clone(),
        serial_number: asset.serial_number.clone(),
        product: asset.product.clone(),
    };
    tx.tell(Event::new(
        "asset.registered",
        name,
        asset.version,
        at,
        &payload,
    ));
}

/// Tells that what is owed for a device changed.
pub(crate) fn coverage_changed(
    tx: &mut Tx,
    asset: &Touched,
    at: Timestamp,
    cause: &str,
    subject: String,
) {
    let name = names::name("assets", asset.id);
    let payload = CoverageChangedPayload {
        asset: name.clone(),
        serial_number: asset.serial_number.clone(),
        product: asset.product.clone(),
        cause: cause.to_owned(),
        subject,
    };
    tx.tell(Event::new(
        "coverage.changed",
        name,
        asset.version,
        at,
        &payload,
    ));
}

/// Hears completed work orders and keeps them as repairs.
pub struct Repairs;

#[tonic::async_trait]
impl Consumer for Repairs {
    fn name(&self) -> &'static str {
        "entitlement"
    }

    fn hears(&self) -> &'static [(&'static str, &'static [&'static str])] {
        &[("dispatch", &["work_order.completed"])]
    }

    async fn handle(&self, tx: &mut Tx, event: &Delivered) -> Result<(), Refusal> {
        let payload = WorkOrderEventPayload::decode(event.payload.clone());
        let payload = payload.map_err(|error| unreadable(&error.to_string()))?;
        let order = payload.work_order;
        let order = order.ok_or_else(|| unreadable("the payload has no work order"))?;
        let done = names::parse("workOrders", &order.name);
        let done = done.ok_or_else(|| unreadable("the work order has no name"))?;
        // A visit without a device, or to a device of somebody else's register, repairs nothing here.
        let Some(asset) = names::parse("assets", &order.asset) else {
            return Ok(());
        };
        let Some(components) = repair::lock(tx, asset).await? else {
            return Ok(());
        };
        let parts = order.parts_used.iter().take(MOST_PARTS);
        let parts = parts.map(|part| (part.old_serial.as_str(), part.new_serial.as_str()));
        let swaps = swaps(&components, &order.component, parts);
        let repair = repaired(&order, done, &swaps, event.occurred_at);
        let ticket = names::parse("tickets", &order.ticket);
        let Some(touched) = repair::add(tx, asset, &repair, ticket, event.occurred_at).await?
        else {
            return Ok(());
        };
        repair::swap(tx, asset, &repair, &swaps).await?;
        coverage_changed(tx, &touched, event.occurred_at, "REPAIR", order.name);
        Ok(())
    }
}

/// The repair as a fact: its dates are civil dates at the site.
fn repaired(order: &WorkOrderFacts, work_order: Uuid, swaps: &[Swap], told: Timestamp) -> Repair {
    let zone = TimeZone::get(&order.time_zone).unwrap_or(TimeZone::UTC);
    let day = |at: Timestamp| truncated(at).to_zoned(zone.clone()).date();
    let instant = |at: &Option<prost_types::Timestamp>| at.as_ref().and_then(from_pb);
    let completed = instant(&order.complete_time).unwrap_or(told);
    let received = instant(&order.create_time).or_else(|| instant(&order.arrive_time));
    let mut components: Vec<String> = swaps.iter().map(|swap| swap.component.clone()).collect();
    components.push(order.component.clone());
    components.retain(|component| (1..=40).contains(&component.len()));
    components.sort_unstable();
    components.dedup();
    Repair {
        work_order,
        components,
        received_on: day(received.unwrap_or(completed).min(completed)),
        completed_on: day(completed),
    }
}

/// An event nobody can digest; it goes to the dead letters.
fn unreadable(why: &str) -> Refusal {
    Refusal::new(
        Code::InvalidArgument,
        "entitlement.fettle",
        "EVENT_UNREADABLE",
        why,
    )
}
