//! Parts on the wire.

use chassis::refusal::to_pb as instant;
use chassis::{Refusal, Violations, etag};
use jiff::Timestamp;
use proto::inventory::v1 as pb;
use rust_decimal::Decimal;

use super::coded;
use crate::domain::stock::{Part, part_name};

/// Products of one part, at most.
const MOST_PRODUCTS: usize = 500;
/// Highest cost of one piece, in whole units of any currency.
const HIGHEST_COST: i64 = 10_000_000_000;

/// Reads a part to be added at `now`.
pub fn read(given: Option<&pb::Part>, now: Timestamp) -> Result<Part, Refusal> {
    let mut violations = Violations::new();
    let Some(given) = given else {
        violations.add("part", "is required");
        return violations.finish(None);
    };
    let number = violations.text("part.number", &given.number, 1..=40);
    if !number.is_empty() && number.len() <= 40 && !coded(&number, b"-.") {
        violations.add(
            "part.number",
            "holds other characters than A-Z, 0-9, \"-\" and \".\"",
        );
    }
    let title = violations.text("part.title", &given.title, 1..=200);
    let component = violations.text("part.component", &given.component, 1..=40);
    if given.products.len() > MOST_PRODUCTS {
        violations.add(
            "part.products",
            format!("names more than {MOST_PRODUCTS} products"),
        );
    }
    let mut products: Vec<String> = Vec::new();
    for (i, product) in given.products.iter().take(MOST_PRODUCTS).enumerate() {
        products.push(violations.text(format!("part.products[{i}]"), product, 1..=200));
    }
    products.sort_unstable();
    products.dedup();
    let cost = violations.money("part.cost", given.cost.as_ref());
    if cost.is_some_and(|cost| cost.amount.is_sign_negative() && !cost.amount.is_zero()) {
        violations.add("part.cost", "is negative");
    }
    if cost.is_some_and(|cost| cost.amount > Decimal::from(HIGHEST_COST)) {
        violations.add("part.cost", format!("is more than {HIGHEST_COST}"));
    }
    violations.finish(Some(Part {
        number,
        title,
        component,
        products,
        serialised: given.serialised,
        cost,
        hazardous: given.hazardous,
        created_at: now,
        version: 1,
    }))
}

/// A part as the contract says it.
pub fn to_pb(part: Part) -> pb::Part {
    pb::Part {
        name: part_name(&part.number),
        number: part.number,
        title: part.title,
        component: part.component,
        products: part.products,
        serialised: part.serialised,
        cost: part.cost.map(|cost| cost.to_pb()),
        hazardous: part.hazardous,
        create_time: Some(instant(part.created_at)),
        etag: etag::etag(part.version),
    }
}

/// The number in a name.
pub fn number(name: &str) -> Result<String, Refusal> {
    let mut violations = Violations::new();
    let number = super::part_of(&mut violations, "name", name);
    violations.finish(Some(number))
}

/// Product and component asked for.
pub fn fitting(given: &pb::FindPartsForAssetRequest) -> Result<(String, String), Refusal> {
    let mut violations = Violations::new();
    let product = violations.text("product", &given.product, 1..=200);
    let component = violations.optional_text("component", &given.component, 40);
    violations.finish(Some((product, component.unwrap_or_default())))
}
