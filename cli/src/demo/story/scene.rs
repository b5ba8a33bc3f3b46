//! Hangzhou: a customer with a notebook, parts in three places, four technicians of whom one can
//! come.

use anyhow::Context;
use chassis::Clock;
use chassis::refusal::to_pb;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use proto::channel::v1::{CreatePartyRequest, Party};
use proto::dispatch::v1::work_order::SkillNeed;
use proto::dispatch::v1::{
    CreateTechnicianRequest, CreateWorkOrderRequest, Technician, WorkMode, technician,
};
use proto::entitlement::v1::{Asset, AssetFacts, RegisterAssetRequest};
use proto::inventory::v1 as inventory;
use proto::kinds::v1::{Money, PostalAddress, Site, TimeWindow};

use super::teller::Teller;
use crate::demo::cast::Cast;

/// The product of all stories.
pub(super) const PRODUCT: &str = "NB-14";
/// Region of all stories.
pub(super) const REGION: &str = "CN-ZJ";
const ZONE: &str = "Asia/Shanghai";
/// Mornings for which the bank has booked its maintenance.
const MORNINGS: i64 = 20;
const HANGZHOU: (f64, f64) = (30.2741, 120.1551);

/// Everything a story needs.
pub(super) struct Scene {
    /// Everybody who acts.
    pub(super) cast: Cast,
    /// Who tells.
    pub(super) teller: Teller,
    /// The customer.
    pub(super) party: String,
    /// The next moment of the stories.
    pub(super) now: Timestamp,
    /// The zone of all sites.
    pub(super) zone: TimeZone,
    devices: u32,
}

impl Scene {
    /// Sets the scene: a Wednesday morning some weeks ago, so that every visit lies in the past.
    pub(super) async fn set(cast: Cast, teller: Teller) -> anyhow::Result<Scene> {
        let zone = TimeZone::get(ZONE).context("the time zone database lacks Asia/Shanghai")?;
        let now = wednesday(&zone)?;
        let scene = Scene {
            cast,
            teller,
            party: String::new(),
            now,
            zone,
            devices: 0,
        };
        scene.stock_parts().await.context("stocking parts")?;
        scene.hire().await.context("adding technicians")?;
        scene
            .occupy()
            .await
            .context("booking the bank's maintenance")?;
        Ok(scene)
    }

    /// A day at the site.
    pub(super) fn today(&self) -> Date {
        self.now.to_zoned(self.zone.clone()).date()
    }

    /// Where the device stands.
    pub(super) fn site(&self) -> Site {
        Site {
            address: Some(PostalAddress {
                region_code: "CN".to_owned(),
                administrative_area: REGION.to_owned(),
                locality: "Hangzhou".to_owned(),
                ..Default::default()
            }),
            latitude: HANGZHOU.0,
            longitude: HANGZHOU.1,
            time_zone: ZONE.to_owned(),
        }
    }

    /// Adds the customer.
    pub(super) async fn add_customer(&mut self) -> anyhow::Result<Party> {
        let party = Party {
            display_name: "Lin Yue".to_owned(),
            email: "lin.yue@example.com".to_owned(),
            phone: "+8657100000000".to_owned(),
            language: "zh-CN".to_owned(),
            region: REGION.to_owned(),
            ..Default::default()
        };
        let request = CreatePartyRequest {
            party: Some(party),
            request_id: "story-party".to_owned(),
        };
        let party = self.cast.agent.create_party(request).await?;
        self.party.clone_from(&party.name);
        self.cast.meet(&party.name)?;
        Ok(party)
    }

    /// Registers a notebook of the customer, sold so many months ago.
    pub(super) async fn add_notebook(&mut self, months: i64) -> anyhow::Result<Asset> {
        self.devices += 1;
        let sold = self.today().checked_sub(months.months())?.to_string();
        let asset = Asset {
            serial_number: format!("SN-HZ-{:04}", self.devices),
            product: PRODUCT.to_owned(),
            category: "NOTEBOOK".to_owned(),
            owner: self.party.clone(),
            vendor_policy: "lenovo-notebook".to_owned(),
            facts: Some(AssetFacts {
                sale_date: sold.clone(),
                delivery_date: sold,
                ..Default::default()
            }),
            region: REGION.to_owned(),
            ..Default::default()
        };
        let request = RegisterAssetRequest {
            asset: Some(asset),
            request_id: format!("story-asset-{}", self.devices),
            occur_time: None,
        };
        Ok(self.cast.administrator.register_asset(request).await?)
    }

    /// Displays are out of stock everywhere; boards lie in the regional and the central store.
    async fn stock_parts(&self) -> anyhow::Result<()> {
        let places = [
            (
                "CENTRAL-CN",
                inventory::stock_location::Kind::Central,
                "Central store, Wuhan",
                30.58,
                114.27,
            ),
            (
                "REGIONAL-CN-ZJ",
                inventory::stock_location::Kind::Regional,
                "Regional store, Xiaoshan",
                30.18,
                120.26,
            ),
            (
                "DEPOT-HZ",
                inventory::stock_location::Kind::Depot,
                "Depot, Hangzhou Xihu",
                30.26,
                120.13,
            ),
        ];
        for (code, kind, title, latitude, longitude) in places {
            let location = inventory::StockLocation {
                code: code.to_owned(),
                kind: kind.into(),
                title: title.to_owned(),
                latitude,
                longitude,
                region: if code == "CENTRAL-CN" { "CN" } else { REGION }.to_owned(),
                ..Default::default()
            };
            let request = inventory::CreateStockLocationRequest {
                stock_location: Some(location),
                request_id: format!("story-{code}"),
            };
            self.cast.storekeeper.create_stock_location(request).await?;
        }
        for (component, serialised, cost) in [
            ("MAINBOARD", true, 1_200),
            ("LCD", true, 700),
            ("KEYBOARD", false, 90),
        ] {
            self.add_part(component, serialised, cost).await?;
        }
        self.receive("CENTRAL-CN", "MAINBOARD", 20).await?;
        self.receive("REGIONAL-CN-ZJ", "MAINBOARD", 4).await?;
        self.receive("DEPOT-HZ", "KEYBOARD", 5).await
    }

    async fn add_part(&self, component: &str, serialised: bool, cost: i64) -> anyhow::Result<()> {
        let part = inventory::Part {
            number: format!("{PRODUCT}-{component}"),
            title: format!("{} for {PRODUCT}", component.to_lowercase()),
            component: component.to_owned(),
            products: vec![PRODUCT.to_owned()],
            serialised,
            cost: Some(Money {
                currency_code: "CNY".to_owned(),
                units: cost,
                nanos: 0,
            }),
            ..Default::default()
        };
        let request = inventory::CreatePartRequest {
            part: Some(part),
            request_id: format!("story-part-{component}"),
        };
        self.cast.storekeeper.create_part(request).await?;
        Ok(())
    }

    /// Parts arrive at a location.
    pub(super) async fn receive(
        &self,
        location: &str,
        component: &str,
        pieces: i64,
    ) -> anyhow::Result<()> {
        let serial = |piece: i64| format!("{component}-{location}-{piece:03}");
        let serialised = component != "KEYBOARD";
        let request = inventory::ReceiveStockRequest {
            location: format!("stockLocations/{location}"),
            part: format!("parts/{PRODUCT}-{component}"),
            quantity: pieces,
            serial_numbers: if serialised {
                (1..=pieces).map(serial).collect()
            } else {
                vec![]
            },
            reference: "delivery note".to_owned(),
            request_id: format!("story-in-{location}-{component}"),
            occur_time: Some(to_pb(self.now)),
        };
        self.cast.storekeeper.receive_stock(request).await?;
        Ok(())
    }

    async fn hire(&self) -> anyhow::Result<()> {
        let lapsed = self.today().checked_sub(40.days())?.to_string();
        let week: Vec<i32> = (1..=6).collect();
        let people = [
            (
                "T-WANG",
                "Wang Jun",
                "NOTEBOOK_REPAIR",
                lapsed.as_str(),
                week.as_slice(),
                0.01,
            ),
            ("T-CHEN", "Chen Bo", "PRINTER_REPAIR", "", &week, 0.015),
            ("T-ZHANG", "Zhang Min", "NOTEBOOK_REPAIR", "", &week, 0.02),
            ("T-LIU", "Liu Fang", "NOTEBOOK_REPAIR", "", &week, 0.06),
        ];
        for (code, name, skill, until, days, away) in people {
            let shift = |weekday: &i32| technician::Shift {
                weekday: *weekday,
                start: "09:00".to_owned(),
                end: if code == "T-ZHANG" { "12:00" } else { "18:00" }.to_owned(),
            };
            let mut skills = vec![held(skill, until)];
            if code == "T-ZHANG" {
                skills.push(held("BANK_MAINTENANCE", ""));
            }
            let technician = Technician {
                code: code.to_owned(),
                display_name: name.to_owned(),
                region: REGION.to_owned(),
                home_latitude: HANGZHOU.0 + away,
                home_longitude: HANGZHOU.1 + away,
                time_zone: ZONE.to_owned(),
                skills,
                shifts: days.iter().map(shift).collect(),
                ..Default::default()
            };
            let request = CreateTechnicianRequest {
                technician: Some(technician),
                request_id: format!("story-{code}"),
            };
            self.cast.administrator.create_technician(request).await?;
        }
        Ok(())
    }

    /// The only one who could also come is at a bank whenever she works, since the day before.
    async fn occupy(&self) -> anyhow::Result<()> {
        for day in 0..=MORNINGS {
            let date = self.today().checked_add(day.days())?;
            let at = |hour: i8| date.at(hour, 0, 0, 0).to_zoned(self.zone.clone());
            if date.weekday() == Weekday::Sunday {
                continue;
            }
            let request = CreateWorkOrderRequest {
                ticket: chassis::names::name("tickets", uuid::Uuid::from_u128(day as u128 + 1)),
                step: "BOOK_VISIT".to_owned(),
                mode: WorkMode::OnSite.into(),
                r#type: "MAINTENANCE".to_owned(),
                required_skills: vec![SkillNeed {
                    skill: "BANK_MAINTENANCE".to_owned(),
                    level: 1,
                }],
                site: Some(self.site()),
                duration: Some(prost_types::Duration {
                    seconds: 2 * 3_600 + 1_200,
                    nanos: 0,
                }),
                window: Some(TimeWindow {
                    start: Some(to_pb(at(9)?.timestamp())),
                    end: Some(to_pb(at(12)?.timestamp())),
                }),
                region: REGION.to_owned(),
                request_id: format!("story-bank-{day}"),
                occur_time: Some(to_pb(self.now - SignedDuration::from_hours(24))),
                ..Default::default()
            };
            self.cast.planner.create_work_order(request).await?;
        }
        Ok(())
    }
}

fn held(skill: &str, until: &str) -> technician::Skill {
    technician::Skill {
        skill: skill.to_owned(),
        level: 3,
        valid_until: until.to_owned(),
    }
}

/// The last Wednesday, 10:00, that is at least forty days ago.
fn wednesday(zone: &TimeZone) -> anyhow::Result<Timestamp> {
    let earlier = Clock::system().now() - SignedDuration::from_hours(24 * 40);
    let day = earlier.to_zoned(zone.clone()).date();
    let back = i64::from(day.weekday().since(Weekday::Wednesday));
    let day = day.checked_sub(back.days())?;
    Ok(day.at(10, 0, 0, 0).to_zoned(zone.clone())?.timestamp())
}
