//! Who and what is in the world at first.
//!
//! | Device | What is owed on the day the world begins |
//! |---|---|
//! | [`NOTEBOOK`] | sold 18 months ago in Zhejiang: memory by the vendor's three years, power supply by the law's two, whole unit no more |
//! | [`OLD_NOTEBOOK`] | sold five years ago: nothing |
//! | [`DESKTOP`] | sold 30 months ago in Hangzhou; a contract sends a technician by the next business day |
//! | [`BOSTON_DESKTOP`] | the same in Boston |
//!
//! Every part lies in Hangzhou (2) and in Shanghai (3), those of desktops also in Boston (2); displays nowhere.

use chassis::refusal::to_pb;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proto::channel::v1::{CreatePartyRequest, Party};
use proto::dispatch::v1::technician::{Shift, Skill};
use proto::dispatch::v1::{CreateTechnicianRequest, Technician};
use proto::entitlement::v1::{
    Asset, AssetFacts, Contract, CreateContractRequest, RegisterAssetRequest,
};
use proto::inventory::v1::stock_location::Kind;
use proto::inventory::v1::{CreatePartRequest, CreateStockLocationRequest, Part, StockLocation};
use proto::kinds::v1::{Money, PostalAddress, Site};

use super::World;

/// A notebook under warranty.
pub const NOTEBOOK: &str = "SN-1";
/// A notebook long out of warranty.
pub const OLD_NOTEBOOK: &str = "SN-OLD";
/// A desktop with a contract, in Hangzhou.
pub const DESKTOP: &str = "SN-DESK";
/// A desktop with a contract, in Boston.
pub const BOSTON_DESKTOP: &str = "SN-BOSTON";

/// Product of the notebooks.
pub const NOTEBOOK_MODEL: &str = "NB-14";
/// Product of the desktops.
pub const DESKTOP_MODEL: &str = "DT-7";

/// Region of Hangzhou.
pub const ZHEJIANG: &str = "CN-ZJ";
/// Region of Boston.
pub const MASSACHUSETTS: &str = "US-MA";

/// Number, component, product, serialised, locations with stock.
const PARTS: [(&str, &str, &str, bool, &[&str]); 7] = [
    (
        "MEM-16",
        "MEMORY",
        NOTEBOOK_MODEL,
        true,
        &["HANGZHOU", "SHANGHAI"],
    ),
    (
        "PSU-65",
        "POWER_SUPPLY",
        NOTEBOOK_MODEL,
        true,
        &["HANGZHOU", "SHANGHAI"],
    ),
    (
        "MB-14",
        "MAINBOARD",
        NOTEBOOK_MODEL,
        true,
        &["HANGZHOU", "SHANGHAI"],
    ),
    (
        "KBD-14",
        "KEYBOARD",
        NOTEBOOK_MODEL,
        false,
        &["HANGZHOU", "SHANGHAI"],
    ),
    ("LCD-14", "LCD", NOTEBOOK_MODEL, true, &[]),
    (
        "DISK-1T",
        "DISK",
        DESKTOP_MODEL,
        true,
        &["HANGZHOU", "SHANGHAI", "BOSTON"],
    ),
    (
        "FAN-7",
        "FAN",
        DESKTOP_MODEL,
        false,
        &["HANGZHOU", "SHANGHAI", "BOSTON"],
    ),
];

/// Code, title, latitude, longitude, region, pieces of each part.
const LOCATIONS: [(&str, &str, f64, f64, &str, i64); 3] = [
    ("HANGZHOU", "Depot in Hangzhou", 30.26, 120.13, ZHEJIANG, 2),
    ("SHANGHAI", "Store in Shanghai", 31.23, 121.47, "CN-SH", 3),
    ("BOSTON", "Depot in Boston", 42.35, -71.06, MASSACHUSETTS, 2),
];

/// Code, name, region, latitude, longitude, skill (ending "!": expired), inactive.
const TECHNICIANS: [(&str, &str, &str, f64, f64, &str, bool); 6] = [
    ("NEAR", "Li Wei", ZHEJIANG, 30.28, 120.17, "REPAIR", false),
    (
        "NEAR-UNSKILLED",
        "Chen Jie",
        ZHEJIANG,
        30.28,
        120.16,
        "",
        false,
    ),
    (
        "NEAR-EXPIRED",
        "Zhao Min",
        ZHEJIANG,
        30.27,
        120.15,
        "REPAIR!",
        false,
    ),
    ("FAR", "Sun Hao", ZHEJIANG, 29.87, 121.55, "REPAIR", false),
    (
        "INACTIVE", "Wu Qiang", ZHEJIANG, 30.27, 120.16, "REPAIR", true,
    ),
    (
        "BOSTON",
        "Grace Kelly",
        MASSACHUSETTS,
        42.36,
        -71.08,
        "REPAIR",
        false,
    ),
];

/// Where a device stands: in Boston when it is the one there, else in Hangzhou.
pub fn site_of(serial_number: &str) -> Site {
    let (country, area, city, latitude, longitude, zone) = match serial_number {
        BOSTON_DESKTOP => (
            "US",
            MASSACHUSETTS,
            "Boston",
            42.3601,
            -71.0589,
            "America/New_York",
        ),
        _ => (
            "CN",
            ZHEJIANG,
            "Hangzhou",
            30.2741,
            120.1551,
            "Asia/Shanghai",
        ),
    };
    Site {
        address: Some(PostalAddress {
            region_code: country.to_owned(),
            administrative_area: area.to_owned(),
            locality: city.to_owned(),
            ..Default::default()
        }),
        latitude,
        longitude,
        time_zone: zone.to_owned(),
    }
}

/// The region a device belongs to.
pub fn region_of(serial_number: &str) -> &'static str {
    match serial_number {
        BOSTON_DESKTOP => MASSACHUSETTS,
        _ => ZHEJIANG,
    }
}

impl World {
    pub(super) async fn seed(&mut self) {
        self.party = self.add_customer().await;
        for (code, title, latitude, longitude, region, _) in LOCATIONS {
            self.add_location(code, title, (latitude, longitude), region)
                .await;
        }
        for part in PARTS {
            self.add_part(part).await;
        }
        for (code, name, region, latitude, longitude, skill, inactive) in TECHNICIANS {
            let mut technician = technician(code, name, region, (latitude, longitude));
            technician.skills = self.skills(skill);
            technician.inactive = inactive;
            self.hire(technician).await;
        }
        self.register(NOTEBOOK, 18).await;
        self.register(OLD_NOTEBOOK, 60).await;
        for serial in [DESKTOP, BOSTON_DESKTOP] {
            let asset = self.register(serial, 30).await;
            self.sign_contract(&asset.name, "business-next-business-day", 30)
                .await;
        }
    }

    async fn add_customer(&self) -> String {
        let party = Party {
            display_name: "Lin Yue".to_owned(),
            email: "lin.yue@example.com".to_owned(),
            region: ZHEJIANG.to_owned(),
            ..Default::default()
        };
        let request = CreatePartyRequest {
            party: Some(party),
            ..Default::default()
        };
        self.parties()
            .create_party(request)
            .await
            .unwrap()
            .into_inner()
            .name
    }

    async fn add_location(&self, code: &str, title: &str, at: (f64, f64), region: &str) {
        let location = StockLocation {
            code: code.to_owned(),
            kind: Kind::Depot.into(),
            title: title.to_owned(),
            latitude: at.0,
            longitude: at.1,
            region: region.to_owned(),
            ..Default::default()
        };
        let request = CreateStockLocationRequest {
            stock_location: Some(location),
            ..Default::default()
        };
        self.stock().create_stock_location(request).await.unwrap();
    }

    async fn add_part(&self, part: (&str, &str, &str, bool, &[&str])) {
        let (number, component, product, serialised, locations) = part;
        let catalogued = Part {
            number: number.to_owned(),
            title: format!("{component} for {product}"),
            component: component.to_owned(),
            products: vec![product.to_owned()],
            serialised,
            cost: Some(Money {
                currency_code: "CNY".to_owned(),
                units: 100,
                nanos: 0,
            }),
            ..Default::default()
        };
        let request = CreatePartRequest {
            part: Some(catalogued),
            ..Default::default()
        };
        self.parts().create_part(request).await.unwrap();
        for (code, .., pieces) in LOCATIONS {
            if locations.contains(&code) {
                self.receive_stock(code, number, pieces).await;
            }
        }
    }

    /// Adds a technician.
    pub async fn hire(&self, technician: Technician) -> Technician {
        let request = CreateTechnicianRequest {
            technician: Some(technician),
            ..Default::default()
        };
        self.technicians()
            .create_technician(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Both repair skills; expired a month ago, or for one who has neither, another skill.
    fn skills(&self, what: &str) -> Vec<Skill> {
        let until = match what.ends_with('!') {
            true => self.months_ago(1).to_string(),
            false => String::new(),
        };
        let skill = |skill: &str| Skill {
            skill: skill.to_owned(),
            level: 3,
            valid_until: until.clone(),
        };
        match what {
            "" => vec![skill("PRINTER_REPAIR")],
            _ => vec![skill("NOTEBOOK_REPAIR"), skill("DESKTOP_REPAIR")],
        }
    }

    /// Registers a device sold and delivered so many months ago.
    pub async fn register(&self, serial_number: &str, months: i32) -> Asset {
        let notebook = ![DESKTOP, BOSTON_DESKTOP].contains(&serial_number);
        let (product, category, vendor_policy) = match notebook {
            true => (NOTEBOOK_MODEL, "NOTEBOOK", "xiaomi-notebook"),
            false => (DESKTOP_MODEL, "DESKTOP", ""),
        };
        let sold = self.months_ago(months).to_string();
        let asset = Asset {
            serial_number: serial_number.to_owned(),
            product: product.to_owned(),
            category: category.to_owned(),
            owner: self.party.clone(),
            vendor_policy: vendor_policy.to_owned(),
            facts: Some(AssetFacts {
                sale_date: sold.clone(),
                delivery_date: sold,
                ..Default::default()
            }),
            region: region_of(serial_number).to_owned(),
            ..Default::default()
        };
        let request = RegisterAssetRequest {
            asset: Some(asset),
            occur_time: Some(to_pb(self.now())),
            ..Default::default()
        };
        self.assets()
            .register_asset(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// A contract on a device that began so many months ago and runs three years.
    pub async fn sign_contract(&self, asset: &str, policy: &str, months: i32) -> Contract {
        let start = self.months_ago(months);
        let contract = Contract {
            policy: policy.to_owned(),
            assets: vec![asset.to_owned()],
            start: start.to_string(),
            end: (start + 3.years()).to_string(),
            ..Default::default()
        };
        let request = CreateContractRequest {
            contract: Some(contract),
            occur_time: Some(to_pb(self.now())),
            ..Default::default()
        };
        self.contracts()
            .create_contract(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// The day in China, so many months before the world's clock.
    pub fn months_ago(&self, months: i32) -> Date {
        let zone = TimeZone::get("Asia/Shanghai").expect("a zone of the database");
        self.now().to_zoned(zone).date() - i64::from(months).months()
    }
}

/// A technician of a region who works at any hour and can do nothing yet.
pub fn technician(code: &str, name: &str, region: &str, home: (f64, f64)) -> Technician {
    let zone = match region {
        MASSACHUSETTS => "America/New_York",
        _ => "Asia/Shanghai",
    };
    let round_the_clock = |weekday| Shift {
        weekday,
        start: "00:00".to_owned(),
        end: "24:00".to_owned(),
    };
    Technician {
        code: code.to_owned(),
        display_name: name.to_owned(),
        region: region.to_owned(),
        home_latitude: home.0,
        home_longitude: home.1,
        time_zone: zone.to_owned(),
        shifts: (1..=7).map(round_the_clock).collect(),
        ..Default::default()
    }
}
