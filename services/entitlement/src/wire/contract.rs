//! Contracts on the wire.

use std::collections::BTreeSet;

use chassis::refusal::to_pb;
use chassis::{Caller, Refusal, Violations, etag, names};
use jiff::Timestamp;
use jiff::civil::Date;
use proto::entitlement::v1 as pb;
use uuid::Uuid;

use super::SKEW;
use crate::domain::{Layer, Rulebook};
use crate::error;
use crate::store::contract::ContractRow;

/// Most devices of one contract.
const MOST_ASSETS: usize = 1_000;

/// A contract to make, and when it was signed. Refuses a policy that is not loaded only when the
/// fields themselves are right.
pub(crate) fn creation(
    request: &pb::CreateContractRequest,
    caller: &Caller,
    rules: &Rulebook,
    id: Uuid,
    now: Timestamp,
) -> Result<(ContractRow, Timestamp), Refusal> {
    let mut violations = Violations::new();
    let v = &mut violations;
    let occurred = v.occur_time(request.occur_time.as_ref(), now, SKEW);
    let Some(contract) = &request.contract else {
        v.add("contract", "is required");
        return violations.finish(None);
    };
    let policy = v.text("contract.policy", &contract.policy, 1..=63);
    let assets = assets(v, &contract.assets);
    let start = required_date(v, "contract.start", &contract.start);
    let end = required_date(v, "contract.end", &contract.end);
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        v.add("contract.end", "is before `start`");
    }
    let holder = v.optional_resource("contract.holder", &contract.holder, "parties");
    let (start_on, end_on) = violations.finish(start.zip(end))?;
    let known = rules.newest(Layer::Contract, &policy);
    let known = known.ok_or_else(|| error::policy_unknown(&policy))?;
    let row = ContractRow {
        id,
        region: caller.region.clone().unwrap_or_default(),
        policy,
        policy_version: i32::try_from(known.version).map_err(Refusal::internal)?,
        start_on,
        end_on,
        holder,
        created_at: now,
        version: 1,
        assets,
    };
    Ok((row, occurred))
}

fn required_date(v: &mut Violations, field: &str, value: &str) -> Option<Date> {
    if value.is_empty() {
        v.add(field, "is required");
    }
    v.date(field, value)
}

fn assets(v: &mut Violations, named: &[String]) -> Vec<Uuid> {
    if named.is_empty() {
        v.add("contract.assets", "is required");
    }
    if named.len() > MOST_ASSETS {
        v.add(
            "contract.assets",
            format!("has more than {MOST_ASSETS} entries"),
        );
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let mut ids = Vec::with_capacity(named.len());
    for (n, name) in named.iter().enumerate() {
        let field = format!("contract.assets[{n}]");
        let Some(id) = v.resource(field.clone(), name, "assets") else {
            continue;
        };
        if !seen.insert(id) {
            v.add(field, "is there twice");
        }
        ids.push(id);
    }
    ids
}

/// A contract as it is told.
pub(crate) fn contract(row: &ContractRow) -> pb::Contract {
    pb::Contract {
        name: names::name("contracts", row.id),
        policy: row.policy.clone(),
        assets: row
            .assets
            .iter()
            .map(|id| names::name("assets", *id))
            .collect(),
        start: row.start_on.to_string(),
        end: row.end_on.to_string(),
        holder: row
            .holder
            .map_or(String::new(), |holder| names::name("parties", holder)),
        create_time: Some(to_pb(row.created_at)),
        etag: etag::etag(row.version),
    }
}

/// The filter of a list.
pub(crate) fn filter(request: &pb::ListContractsRequest) -> Result<Option<Uuid>, Refusal> {
    let mut v = Violations::new();
    let asset = v.optional_resource("asset", &request.asset, "assets");
    v.check()?;
    Ok(asset)
}
