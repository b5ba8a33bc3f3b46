//! Parts and where they lie: enough of most, none at all of some, so that somebody has to wait.

use std::collections::BTreeMap;

use proto::inventory::v1::stock_location::Kind;

use super::regions::REGIONS;
use super::{Category, Generated, Plan, Product};

/// Share of tickets whose part is out of stock when they are reported.
const SCARCE: f64 = 0.10;

/// A part that replaces one component of one product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spare {
    /// Part number.
    pub(crate) number: String,
    /// What it is.
    pub(crate) title: String,
    /// Component class it replaces.
    pub(crate) component: &'static str,
    /// Product it fits.
    pub(crate) product: &'static str,
    /// Every piece has its own serial number.
    pub(crate) serialised: bool,
    /// What a piece costs, in yuan.
    pub(crate) cost: i64,
    /// First stock: pieces by location code; empty: out of stock.
    pub(crate) stock: BTreeMap<String, i64>,
}

/// A stock location.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// Code.
    pub(crate) code: String,
    /// What kind of place it is.
    pub(crate) kind: Kind,
    /// What people call it.
    pub(crate) title: String,
    /// Degrees north.
    pub(crate) latitude: f64,
    /// Degrees east.
    pub(crate) longitude: f64,
    /// Region it serves.
    pub(crate) region: String,
}

/// The part number of a component of a product.
pub(crate) fn number(product: &str, component: &str) -> String {
    format!("{product}-{}", component.replace('_', "."))
}

/// The central location of a country.
pub(crate) fn central(country: &str) -> String {
    format!("CENTRAL-{country}")
}

/// Catalogues a part for every component of every product and stocks them for the planned demand.
pub(super) fn stock(
    products: &[Product],
    plans: &[Plan],
    generated: &mut Generated,
) -> (Vec<Spare>, Vec<Place>) {
    let mut demand: BTreeMap<String, BTreeMap<&'static str, i64>> = BTreeMap::new();
    for plan in plans.iter().filter(|plan| !plan.fault.component.is_empty()) {
        let part = number(plan.product.code, plan.fault.component);
        *demand
            .entry(part)
            .or_default()
            .entry(plan.site.region.code)
            .or_default() += 1;
    }
    let scarce = scarce(&demand, plans.len());
    let nobody = BTreeMap::new();
    let mut spares: Vec<Spare> = products.iter().flat_map(of_product).collect();
    for spare in spares
        .iter_mut()
        .filter(|spare| !scarce.contains(&spare.number))
    {
        spare.stock = levels(demand.get(&spare.number).unwrap_or(&nobody));
        let pieces: i64 = spare.stock.values().sum();
        generated.stock_pieces += usize::try_from(pieces).unwrap_or_default();
    }
    (spares, places())
}

/// Parts of middling demand that together make up [`SCARCE`] of all tickets.
fn scarce(demand: &BTreeMap<String, BTreeMap<&'static str, i64>>, tickets: usize) -> Vec<String> {
    let wanted = (tickets as f64 * SCARCE).ceil() as i64;
    let mut by_demand: Vec<(i64, &String)> = demand
        .iter()
        .map(|(part, regions)| (regions.values().sum(), part))
        .collect();
    by_demand.sort_unstable();
    let mut found = Vec::new();
    let mut reached = 0;
    for (pieces, part) in by_demand
        .into_iter()
        .filter(|(pieces, _)| pieces * 25 <= wanted * 10)
    {
        if reached >= wanted {
            break;
        }
        reached += pieces;
        found.push(part.clone());
    }
    found
}

/// Half of a region's demand lies in the region, a fifth at its depot; the central location could
/// serve the whole country and repeats besides.
fn levels(demand: &BTreeMap<&'static str, i64>) -> BTreeMap<String, i64> {
    let mut levels = BTreeMap::new();
    for country in ["CN", "US"] {
        levels.insert(central(country), 2);
    }
    for region in &REGIONS {
        let pieces = demand.get(region.code).copied().unwrap_or_default();
        levels.insert(format!("REGIONAL-{}", region.code), (pieces + 1) / 2);
        levels.insert(format!("DEPOT-{}", region.code), pieces / 5);
        *levels.entry(central(region.country)).or_default() += pieces + pieces / 8;
    }
    levels.retain(|_, pieces| *pieces > 0);
    levels
}

fn of_product(product: &Product) -> Vec<Spare> {
    let spare = |component: &'static str| Spare {
        number: number(product.code, component),
        title: format!(
            "{} for {}",
            component.to_lowercase().replace('_', " "),
            product.code
        ),
        component,
        product: product.code,
        serialised: matches!(component, "MAINBOARD" | "LCD" | "BATTERY" | "DISK"),
        cost: cost(product.category, component),
        stock: BTreeMap::new(),
    };
    product
        .category
        .components()
        .iter()
        .copied()
        .map(spare)
        .collect()
}

fn cost(category: Category, component: &str) -> i64 {
    let base = match component {
        "MAINBOARD" => 1_200,
        "LCD" => 700,
        "DISK" | "GRAPHICS" => 450,
        "BATTERY" | "PRINT_HEAD" => 260,
        "POWER_SUPPLY" | "MEMORY" => 220,
        _ => 90,
    };
    match category {
        Category::Phone | Category::Tablet => base * 2 / 3,
        _ => base,
    }
}

fn places() -> Vec<Place> {
    let mut all = Vec::new();
    for (country, seat) in [("CN", REGIONS[6].seat), ("US", REGIONS[7].seat)] {
        all.push(Place {
            code: central(country),
            kind: Kind::Central,
            title: format!("Central warehouse, {}", seat.0),
            latitude: seat.1 + 0.3,
            longitude: seat.2 - 0.3,
            region: country.to_owned(),
        });
    }
    for region in &REGIONS {
        for (kind, word, away) in [
            (Kind::Regional, "REGIONAL", 0.12),
            (Kind::Depot, "DEPOT", 0.02),
        ] {
            all.push(Place {
                code: format!("{word}-{}", region.code),
                kind,
                title: format!("{} store, {}", word.to_lowercase(), region.seat.0),
                latitude: region.seat.1 + away,
                longitude: region.seat.2 - away,
                region: region.code.to_owned(),
            });
        }
    }
    all
}
