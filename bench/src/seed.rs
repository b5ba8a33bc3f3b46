//! The small world that is measured in: devices under warranty, a part in stock, people to repair.

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use proto::dispatch::v1::technician::{Shift, Skill};
use proto::dispatch::v1::technician_service_client::TechnicianServiceClient;
use proto::dispatch::v1::{CreateTechnicianRequest, Technician};
use proto::entitlement::v1::asset_service_client::AssetServiceClient;
use proto::entitlement::v1::{Asset, AssetFacts, RegisterAssetRequest};
use proto::inventory::v1::part_service_client::PartServiceClient;
use proto::inventory::v1::stock_location::Kind;
use proto::inventory::v1::stock_service_client::StockServiceClient;
use proto::inventory::v1::{
    CreatePartRequest, CreateStockLocationRequest, Part, ReceiveStockRequest, StockLocation,
};
use proto::kinds::v1::{PostalAddress, Site};
use proto::ticket::v1::{CreateTicketRequest, FaultReport, Ticket, ticket};

use crate::client::Line;

/// The product of every device.
pub(crate) const PRODUCT: &str = "NB-14-2024";
/// Where people, parts and devices are.
pub(crate) const REGION: &str = "cn-north";
/// Devices that are registered.
pub(crate) const DEVICES: u64 = 1_000;

/// Serial number of a device; any number names one of them.
pub(crate) fn serial(number: u64) -> String {
    format!("BENCH-{:06}", number % DEVICES)
}

/// Registers [`DEVICES`] devices, sold a month ago.
pub(crate) async fn devices(line: &Line) -> anyhow::Result<()> {
    let sold = (chassis::Clock::system().now() - jiff::SignedDuration::from_hours(30 * 24))
        .strftime("%Y-%m-%d")
        .to_string();
    let register = |number: u64| {
        let mut client = AssetServiceClient::new(line.channel(number as usize));
        let facts = AssetFacts {
            sale_date: sold.clone(),
            ..AssetFacts::default()
        };
        let asset = Asset {
            serial_number: serial(number),
            product: PRODUCT.to_owned(),
            category: "NOTEBOOK".to_owned(),
            vendor_policy: "xiaomi-notebook".to_owned(),
            facts: Some(facts),
            region: REGION.to_owned(),
            ..Asset::default()
        };
        let request = RegisterAssetRequest {
            asset: Some(asset),
            ..Default::default()
        };
        async move { client.register_asset(line.request(request)).await.map(drop) }
    };
    let all = stream::iter(0..DEVICES).map(register).buffer_unordered(16);
    all.try_collect::<()>().await.context("registering devices")
}

/// Puts pieces of one new part on one new shelf.
pub(crate) async fn part(line: &Line, number: &str, pieces: i64) -> anyhow::Result<()> {
    let part = Part {
        number: number.to_owned(),
        title: "Battery".to_owned(),
        component: "BATTERY".to_owned(),
        products: vec![PRODUCT.to_owned()],
        ..Part::default()
    };
    let request = CreatePartRequest {
        part: Some(part),
        ..Default::default()
    };
    let mut parts = PartServiceClient::new(line.channel(0));
    parts
        .create_part(line.request(request))
        .await
        .context("adding a part")?;
    let location = StockLocation {
        code: format!("SHELF-{number}"),
        kind: Kind::Depot.into(),
        title: "Depot".to_owned(),
        latitude: 39.9,
        longitude: 116.4,
        region: REGION.to_owned(),
        ..StockLocation::default()
    };
    let request = CreateStockLocationRequest {
        stock_location: Some(location),
        ..Default::default()
    };
    let mut stock = StockServiceClient::new(line.channel(0));
    stock
        .create_stock_location(line.request(request))
        .await
        .context("adding a location")?;
    let request = ReceiveStockRequest {
        location: format!("stockLocations/SHELF-{number}"),
        part: format!("parts/{number}"),
        quantity: pieces,
        ..Default::default()
    };
    stock
        .receive_stock(line.request(request))
        .await
        .context("receiving stock")?;
    Ok(())
}

/// Hires people who repair notebooks every day of the week.
pub(crate) async fn technicians(line: &Line, count: u64) -> anyhow::Result<()> {
    let shift = |weekday| Shift {
        weekday,
        start: "00:30".into(),
        end: "23:30".into(),
    };
    let skill = Skill {
        skill: "NOTEBOOK_REPAIR".to_owned(),
        level: 3,
        valid_until: String::new(),
    };
    let mut client = TechnicianServiceClient::new(line.channel(0));
    for number in 0..count {
        let technician = Technician {
            code: format!("T-{number:04}"),
            display_name: format!("Technician {number}"),
            region: REGION.to_owned(),
            home_latitude: 39.8 + 0.2 * (number % 10) as f64 / 10.0,
            home_longitude: 116.3 + 0.2 * (number % 7) as f64 / 7.0,
            time_zone: "Asia/Shanghai".to_owned(),
            skills: vec![skill.clone()],
            shifts: (1..=7).map(shift).collect(),
            ..Technician::default()
        };
        let request = CreateTechnicianRequest {
            technician: Some(technician),
            ..Default::default()
        };
        client
            .create_technician(line.request(request))
            .await
            .context("hiring")?;
    }
    Ok(())
}

/// A report of a fault of one of the devices; `key` tells one report from another.
pub(crate) fn report(number: u64, key: &str) -> CreateTicketRequest {
    let address = PostalAddress {
        region_code: "CN".to_owned(),
        administrative_area: "CN-BJ".to_owned(),
        locality: "Beijing".to_owned(),
        address_lines: vec!["1 Chang'an Avenue".to_owned()],
        postal_code: "100000".to_owned(),
    };
    let site = Site {
        address: Some(address),
        latitude: 39.91,
        longitude: 116.39,
        time_zone: "Asia/Shanghai".to_owned(),
    };
    let fault = FaultReport {
        component: "BATTERY".to_owned(),
        symptom: "DOES_NOT_START".to_owned(),
        cause: String::new(),
    };
    let ticket = Ticket {
        kind: ticket::Kind::HardwareFault.into(),
        title: "Does not start on battery".to_owned(),
        description:
            "Runs on mains only; the battery is at 0 % after a night of charging. 无法开机。"
                .to_owned(),
        serial_number: serial(number),
        product: PRODUCT.to_owned(),
        region: REGION.to_owned(),
        site: Some(site),
        fault: Some(fault),
        ..Ticket::default()
    };
    CreateTicketRequest {
        ticket: Some(ticket),
        request_id: format!("{key}-{number:010}"),
        occur_time: None,
    }
}
