//! Devices on the wire.

use chassis::authz::Sight;
use chassis::refusal::to_pb;
use chassis::{Caller, Refusal, Violations, etag, names};
use jiff::Timestamp;
use proto::entitlement::v1 as pb;
use uuid::Uuid;

use super::{SKEW, past_date, required_code};
use crate::domain::asset::{Component, Fact, Facts};
use crate::domain::{Layer, Rulebook};
use crate::store::asset::{AssetFilter, AssetRow};

/// Most components of one device.
const MOST_COMPONENTS: usize = 100;

/// A device to register, and when it was registered in the world.
pub(crate) fn registration(
    request: &pb::RegisterAssetRequest,
    caller: &Caller,
    rules: &Rulebook,
    id: Uuid,
    now: Timestamp,
) -> Result<(AssetRow, Timestamp), Refusal> {
    let mut violations = Violations::new();
    let v = &mut violations;
    let occurred = v.occur_time(request.occur_time.as_ref(), now, SKEW);
    let Some(asset) = &request.asset else {
        v.add("asset", "is required");
        return violations.finish(None);
    };
    let row = AssetRow {
        id,
        region: v
            .optional_text("asset.region", &asset.region, 40)
            .or_else(|| caller.region.clone())
            .unwrap_or_default(),
        serial_number: v.text("asset.serial_number", &asset.serial_number, 1..=64),
        product: v.text("asset.product", &asset.product, 1..=64),
        category: required_code(v, "asset.category", &asset.category).unwrap_or_default(),
        owner: v.optional_resource("asset.owner", &asset.owner, "parties"),
        vendor_policy: vendor_policy(v, &asset.vendor_policy, rules),
        facts: facts(v, asset.facts.as_ref(), now),
        components: components(v, &asset.components, now),
        created_at: now,
        version: 1,
    };
    violations.check()?;
    Ok((row, occurred))
}

fn vendor_policy(v: &mut Violations, id: &str, rules: &Rulebook) -> Option<String> {
    let id = v.optional_text("asset.vendor_policy", id, 63)?;
    if rules.newest(Layer::Vendor, &id).is_none() {
        v.add("asset.vendor_policy", "is no vendor policy that is loaded");
    }
    Some(id)
}

fn facts(v: &mut Violations, facts: Option<&pb::AssetFacts>, now: Timestamp) -> Facts {
    let mut known = Facts::default();
    let Some(facts) = facts else {
        v.add("asset.facts", "is required");
        return known;
    };
    let fields = [
        (Fact::Sale, "asset.facts.sale_date", &facts.sale_date),
        (
            Fact::Delivery,
            "asset.facts.delivery_date",
            &facts.delivery_date,
        ),
        (
            Fact::Acceptance,
            "asset.facts.acceptance_date",
            &facts.acceptance_date,
        ),
        (
            Fact::Manufacture,
            "asset.facts.manufacture_date",
            &facts.manufacture_date,
        ),
    ];
    let made = past_date(v, fields[3].1, fields[3].2, now);
    for (fact, field, value) in fields {
        let date = match fact {
            Fact::Manufacture => made,
            _ => past_date(v, field, value, now),
        };
        let Some(date) = date else { continue };
        if made.is_some_and(|made| date < made) {
            v.add(field, "is before `manufacture_date`");
        }
        known.set(fact, date);
    }
    if fields.iter().all(|(_, _, value)| value.is_empty()) {
        v.add("asset.facts", "needs at least one date");
    }
    known
}

fn components(v: &mut Violations, components: &[pb::Component], now: Timestamp) -> Vec<Component> {
    if components.len() > MOST_COMPONENTS {
        v.add(
            "asset.components",
            format!("has more than {MOST_COMPONENTS} entries"),
        );
        return Vec::new();
    }
    let mut known: Vec<Component> = Vec::with_capacity(components.len());
    for (n, component) in components.iter().enumerate() {
        let field = |name: &str| format!("asset.components[{n}].{name}");
        let class = required_code(v, field("component"), &component.component);
        let read = Component {
            component: class.unwrap_or_default(),
            serial_number: v.optional_text(field("serial_number"), &component.serial_number, 64),
            installed_on: past_date(v, field("installed_on"), &component.installed_on, now),
        };
        let twin = |other: &Component| {
            other.component == read.component && other.serial_number == read.serial_number
        };
        if read.serial_number.is_some() && known.iter().any(twin) {
            v.add(
                field("serial_number"),
                "is there twice for this component class",
            );
        }
        known.push(read);
    }
    known
}

/// A device as it is told.
pub(crate) fn asset(row: &AssetRow) -> pb::Asset {
    let date = |fact| {
        row.facts
            .get(fact)
            .map_or(String::new(), |date| date.to_string())
    };
    let component = |component: &Component| pb::Component {
        component: component.component.clone(),
        serial_number: component.serial_number.clone().unwrap_or_default(),
        installed_on: component
            .installed_on
            .map_or(String::new(), |date| date.to_string()),
    };
    pb::Asset {
        name: names::name("assets", row.id),
        serial_number: row.serial_number.clone(),
        product: row.product.clone(),
        category: row.category.clone(),
        owner: row
            .owner
            .map_or(String::new(), |owner| names::name("parties", owner)),
        vendor_policy: row.vendor_policy.clone().unwrap_or_default(),
        facts: Some(pb::AssetFacts {
            sale_date: date(Fact::Sale),
            delivery_date: date(Fact::Delivery),
            acceptance_date: date(Fact::Acceptance),
            manufacture_date: date(Fact::Manufacture),
        }),
        components: row.components.iter().map(component).collect(),
        create_time: Some(to_pb(row.created_at)),
        etag: etag::etag(row.version),
        region: row.region.clone(),
    }
}

/// The filters of a list.
pub(crate) fn filter(request: &pb::ListAssetsRequest) -> Result<AssetFilter, Refusal> {
    let mut v = Violations::new();
    let filter = AssetFilter {
        id: None,
        serial_number: v.optional_text("serial_number", &request.serial_number, 64),
        product: v.optional_text("product", &request.product, 64),
        owner: v.optional_resource("owner", &request.owner, "parties"),
        sight: Sight::default(),
    };
    v.check()?;
    Ok(filter)
}
