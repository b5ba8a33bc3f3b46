//! Price lists: what is charged where nothing, or not everything, is owed.

use chassis::Money;
use chassis::money::Currency;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::policy::{
    Charge, IDENTIFIER, SERVICE_FIELDS, Service, UNIT, boolean, code, date, identifier, reaches,
    region, service, speaks_of, text, version,
};
use super::reading::Reading;
use calendar::document::Violation;

/// The only way of charging there is so far: materials and labour.
pub const MATERIALS_AND_LABOUR: &str = "MATERIALS_AND_LABOUR";

/// Labour and material of one component class, net of tax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Component class, or [`UNIT`].
    pub component: String,
    /// Labour.
    pub labour: Decimal,
    /// Material.
    pub material: Decimal,
}

/// Prices of a place in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceList {
    /// Identifier and version: "cn-list@1".
    pub name: String,
    /// ISO 3166 codes it applies in; empty: everywhere.
    pub jurisdictions: Vec<String>,
    /// Product categories; empty: all.
    pub categories: Vec<String>,
    /// First day of the fault; none: always.
    pub valid_from: Option<Date>,
    /// Last day of the fault; none: open.
    pub valid_to: Option<Date>,
    /// Currency of every price.
    pub currency: Currency,
    /// Where the prices come from.
    pub source: String,
    /// False where they are not published ones.
    pub verified: bool,
    /// Prices; one is [`UNIT`], for every component that is not named.
    pub prices: Vec<Price>,
    /// How charged service is given.
    pub service: Vec<Service>,
}

const FIELDS: [&str; 12] = [
    "id",
    "version",
    "class",
    "jurisdictions",
    "categories",
    "valid_from",
    "valid_to",
    "currency",
    "source",
    "verified",
    "prices",
    "service",
];

impl PriceList {
    /// Reads a price list from YAML; refuses with all violations at once.
    pub fn read(content: &str) -> Result<PriceList, Vec<Violation>> {
        Reading::file(content, &FIELDS, list)
    }

    /// True when it prices the category in the region on the day.
    pub fn applies(&self, category: &str, region: &str, on: Date) -> bool {
        reaches(&self.jurisdictions, region)
            && speaks_of(&self.categories, category)
            && self.valid_from.is_none_or(|from| from <= on)
            && self.valid_to.is_none_or(|to| on <= to)
    }

    /// How narrowly it is meant: the longest code, then whether it names categories.
    pub(crate) fn narrowness(&self) -> (usize, bool) {
        let longest = self.jurisdictions.iter().map(String::len).max();
        (longest.unwrap_or(0), !self.categories.is_empty())
    }

    /// What the customer pays for a component, and under which name it is priced.
    pub fn charge(&self, component: &str, charge: Charge) -> Option<(&str, Money)> {
        let of = |name: &str| self.prices.iter().find(|price| price.component == name);
        let price = of(component).or_else(|| of(UNIT))?;
        let amount = match charge {
            Charge::All => price.labour + price.material,
            Charge::Materials => price.material,
            Charge::Labour => price.labour,
        };
        Some((&price.component, Money::new(amount, self.currency)))
    }
}

fn list(file: &mut Reading<'_, '_>) -> Option<PriceList> {
    let id = file.required("id", IDENTIFIER, identifier);
    let number = file.required("version", "a whole number from 1", version);
    let class = |t: &str| (t == MATERIALS_AND_LABOUR).then_some(());
    file.required("class", MATERIALS_AND_LABOUR, class);
    let currency = file.required("currency", "an ISO 4217 code", Currency::of);
    let source = file.required("source", "a text of 1 to 500 characters", text);
    let verified = file.required("verified", "true or false", boolean);
    let prices = file.named("prices", &["labour", "material"], price);
    if !prices.iter().any(|price| price.component == UNIT) {
        file.complain("prices", "missing: a price for UNIT");
    }
    let jurisdictions = file.list("jurisdictions", "an ISO 3166 code such as CN-ZJ", region);
    let categories = file.list("categories", "an upper case word such as PHONE", code);
    let valid_from = file.optional("valid_from", "a date such as 2024-02-10", date);
    let valid_to = file.optional("valid_to", "a date such as 2024-02-10", date);
    let service = file.each("service", &SERVICE_FIELDS, service);
    Some(PriceList {
        name: format!("{}@{}", id?, number?),
        jurisdictions,
        categories,
        valid_from,
        valid_to,
        currency: currency?,
        source: source?,
        verified: verified?,
        prices,
        service,
    })
}

fn price(component: &str, item: &mut Reading<'_, '_>) -> Option<Price> {
    if code(component).is_none() {
        item.complain(
            "",
            "the name is not an upper case word such as POWER_SUPPLY",
        );
    }
    let amount = |text: &str| {
        let amount: Decimal = text.parse().ok()?;
        (amount >= Decimal::ZERO && amount <= Decimal::from(10_000_000)).then_some(amount)
    };
    let labour = item.required("labour", "an amount from 0 to 10,000,000", amount);
    let material = item.required("material", "an amount from 0 to 10,000,000", amount);
    let component = component.to_owned();
    Some(Price {
        component,
        labour: labour?,
        material: material?,
    })
}
