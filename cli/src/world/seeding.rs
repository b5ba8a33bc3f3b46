//! Puts a planned world into running services.

use std::collections::HashMap;
use std::future::Future;

use anyhow::Context;
use chassis::refusal::to_pb;
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use proto::channel::v1::{CreatePartyRequest, Party};
use proto::dispatch::v1::{CreateTechnicianRequest, Technician, technician};
use proto::entitlement::v1::{Asset, AssetFacts, RegisterAssetRequest};
use proto::inventory::v1 as inventory;
use proto::kinds::v1::Money;

use super::{Customer, Person, Place, Plan, Spare, World};
use crate::client::{Fettle, Told};

/// Calls under way at the same time.
const AT_ONCE: usize = 32;
/// Most pieces per receipt.
const RECEIPT: i64 = 500;

/// What the services named the seeded things.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seeded {
    /// Parties by region.
    pub(crate) parties: HashMap<&'static str, Vec<String>>,
    /// Vendor policy by product category and country, where one is loaded.
    pub(crate) vendor_policies: HashMap<(String, &'static str), String>,
}

/// Seeds everything but what is registered late. Seeding the same world again changes nothing.
pub(crate) async fn seed(
    fettle: &Fettle,
    world: &World,
    keys: &str,
    bar: &ProgressBar,
) -> anyhow::Result<Seeded> {
    let vendor_policies = vendor_policies(fettle).await.context("reading policies")?;
    let parties = parties(fettle, world, keys, bar)
        .await
        .context("adding parties")?;
    let places = world.places.iter();
    each(places, bar, |place| add_place(fettle, place, keys))
        .await
        .context("adding locations")?;
    let spares = world.spares.iter();
    each(spares, bar, |spare| add_spare(fettle, spare, keys))
        .await
        .context("adding parts")?;
    let people = world.people.iter();
    each(people, bar, |person| hire(fettle, person, keys))
        .await
        .context("adding technicians")?;
    let seeded = Seeded {
        parties,
        vendor_policies,
    };
    let early = world
        .plans
        .iter()
        .filter(|plan| !plan.course.registered_late);
    each(early, bar, |plan| register(fettle, &seeded, plan, keys))
        .await
        .context("registering")?;
    Ok(seeded)
}

/// How many steps the bar of [`seed`] has.
pub(crate) fn steps(world: &World) -> u64 {
    let late = world
        .plans
        .iter()
        .filter(|plan| plan.course.registered_late)
        .count();
    let devices = world.plans.len() - late;
    let others = world.customers.len() + world.places.len() + world.spares.len();
    (devices + others + world.people.len()) as u64
}

async fn each<'a, T: 'a, F, O>(
    items: impl Iterator<Item = &'a T>,
    bar: &ProgressBar,
    call: impl Fn(&'a T) -> F,
) -> Result<(), Told>
where
    F: Future<Output = Result<O, Told>>,
{
    stream::iter(items)
        .map(|item| {
            let done = call(item);
            async move { done.await.map(|_| bar.inc(1)) }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// The first vendor policy of each product category that speaks of the country.
async fn vendor_policies(fettle: &Fettle) -> Result<HashMap<(String, &'static str), String>, Told> {
    let request = proto::entitlement::v1::ListWarrantyPoliciesRequest {
        page_size: 1_000,
        ..Default::default()
    };
    let listed = fettle
        .list_warranty_policies(request)
        .await?
        .warranty_policies;
    let mut found = HashMap::new();
    for policy in listed.into_iter().filter(|policy| policy.layer == "VENDOR") {
        let id = policy.name.trim_start_matches("warrantyPolicies/");
        let id = id.split('@').next().unwrap_or_default();
        for country in ["CN", "US"] {
            let applies = |code: &String| code == country;
            if policy.jurisdictions.is_empty() || policy.jurisdictions.iter().any(applies) {
                for category in &policy.categories {
                    found
                        .entry((category.clone(), country))
                        .or_insert_with(|| id.to_owned());
                }
            }
        }
    }
    Ok(found)
}

async fn parties(
    fettle: &Fettle,
    world: &World,
    keys: &str,
    bar: &ProgressBar,
) -> Result<HashMap<&'static str, Vec<String>>, Told> {
    let numbered: Vec<(usize, &Customer)> = world.customers.iter().enumerate().collect();
    let named: Vec<(&'static str, String)> = stream::iter(numbered)
        .map(|(index, customer)| async move {
            let request = CreatePartyRequest {
                party: Some(Party {
                    display_name: customer.name.clone(),
                    email: format!("customer{index}@example.com"),
                    region: customer.region.to_owned(),
                    ..Default::default()
                }),
                request_id: format!("{keys}-party-{index}"),
            };
            let party = fettle.create_party(request).await?;
            bar.inc(1);
            Ok::<_, Told>((customer.region, party.name))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut parties: HashMap<&'static str, Vec<String>> = HashMap::new();
    for (region, name) in named {
        parties.entry(region).or_default().push(name);
    }
    Ok(parties)
}

async fn add_place(fettle: &Fettle, place: &Place, keys: &str) -> Result<(), Told> {
    let location = inventory::StockLocation {
        code: place.code.clone(),
        kind: place.kind.into(),
        title: place.title.clone(),
        latitude: place.latitude,
        longitude: place.longitude,
        region: place.region.clone(),
        ..Default::default()
    };
    let request = inventory::CreateStockLocationRequest {
        stock_location: Some(location),
        request_id: format!("{keys}-place-{}", place.code),
    };
    fettle.create_stock_location(request).await.map(drop)
}

async fn add_spare(fettle: &Fettle, spare: &Spare, keys: &str) -> Result<(), Told> {
    let part = inventory::Part {
        number: spare.number.clone(),
        title: spare.title.clone(),
        component: spare.component.to_owned(),
        products: vec![spare.product.to_owned()],
        serialised: spare.serialised,
        cost: Some(Money {
            currency_code: "CNY".to_owned(),
            units: spare.cost,
            nanos: 0,
        }),
        hazardous: spare.component == "BATTERY",
        ..Default::default()
    };
    let request = inventory::CreatePartRequest {
        part: Some(part),
        request_id: format!("{keys}-part-{}", spare.number),
    };
    fettle.create_part(request).await?;
    for (place, pieces) in &spare.stock {
        let mut first = 0;
        while first < *pieces {
            let quantity = RECEIPT.min(pieces - first);
            receive(fettle, spare, place, first..first + quantity, keys).await?;
            first += quantity;
        }
    }
    Ok(())
}

async fn receive(
    fettle: &Fettle,
    spare: &Spare,
    place: &str,
    pieces: std::ops::Range<i64>,
    keys: &str,
) -> Result<(), Told> {
    let serial = |piece: i64| format!("{}-{place}-{piece:05}", spare.number);
    let request = inventory::ReceiveStockRequest {
        location: format!("stockLocations/{place}"),
        part: format!("parts/{}", spare.number),
        quantity: pieces.end - pieces.start,
        serial_numbers: if spare.serialised {
            pieces.clone().map(serial).collect()
        } else {
            vec![]
        },
        reference: "first stock".to_owned(),
        request_id: format!("{keys}-in-{:016x}", {
            let text = format!("{}/{place}/{}", spare.number, pieces.start);
            text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            })
        }),
        occur_time: None,
    };
    fettle.receive_stock(request).await.map(drop)
}

async fn hire(fettle: &Fettle, person: &Person, keys: &str) -> Result<(), Told> {
    let shift = |weekday: i32| technician::Shift {
        weekday,
        start: "08:30".to_owned(),
        end: "18:00".to_owned(),
    };
    let technician = Technician {
        code: person.code.clone(),
        display_name: person.name.clone(),
        region: person.region.code.to_owned(),
        home_latitude: person.latitude,
        home_longitude: person.longitude,
        time_zone: person.region.zone.to_owned(),
        skills: person
            .certificates
            .iter()
            .map(|held| technician::Skill {
                skill: held.skill.clone(),
                level: held.level,
                valid_until: held.until.map(|day| day.to_string()).unwrap_or_default(),
            })
            .collect(),
        shifts: (1..=6).map(shift).collect(),
        ..Default::default()
    };
    let request = CreateTechnicianRequest {
        technician: Some(technician),
        request_id: format!("{keys}-person-{}", person.code),
    };
    fettle.create_technician(request).await.map(drop)
}

/// Registers the device of a plan.
pub(crate) async fn register(
    fettle: &Fettle,
    seeded: &Seeded,
    plan: &Plan,
    keys: &str,
) -> Result<(), Told> {
    let category = plan.product.category.code();
    let late = plan.course.registered_late;
    let vendor_policy = seeded
        .vendor_policies
        .get(&(category.to_owned(), plan.site.region.country));
    let asset = Asset {
        serial_number: plan.serial.clone(),
        product: plan.product.code.to_owned(),
        category: category.to_owned(),
        owner: seeded.party_of(plan),
        vendor_policy: vendor_policy.cloned().unwrap_or_default(),
        facts: Some(AssetFacts {
            sale_date: plan.sold.to_string(),
            delivery_date: plan.sold.to_string(),
            ..Default::default()
        }),
        region: plan.site.region.code.to_owned(),
        ..Default::default()
    };
    let at = if late {
        super::plan::minutes_after(plan.at, 90)
    } else {
        plan.at
    };
    let request = RegisterAssetRequest {
        asset: Some(asset),
        request_id: format!("{keys}-asset-{}", plan.index),
        occur_time: late.then(|| to_pb(at)),
    };
    fettle.register_asset(request).await.map(drop)
}

impl Seeded {
    /// The party that reports a plan's fault; empty when the region has none.
    pub(crate) fn party_of(&self, plan: &Plan) -> String {
        let parties = self.parties.get(plan.site.region.code);
        let parties = parties.map(Vec::as_slice).unwrap_or_default();
        match parties.len() {
            0 => String::new(),
            count => parties[plan.index % count].clone(),
        }
    }
}
