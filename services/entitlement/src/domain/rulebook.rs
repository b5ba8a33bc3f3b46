//! Everything decisions are made by: policies, price lists and calendars, loaded once.

use calendar::Calendar;

use super::asset::{Asset, Contract};
use super::policy::{Layer, Policy};
use super::price::PriceList;

/// Policies by layer, identifier and version; price lists, the narrowest first; calendars.
#[derive(Clone, Debug, Default)]
pub struct Rulebook {
    policies: Vec<Policy>,
    prices: Vec<PriceList>,
    calendars: Vec<Calendar>,
}

impl Rulebook {
    /// Puts a rulebook together; refuses names that are there twice and calendars that are not
    /// there, all at once.
    pub fn new(
        mut policies: Vec<Policy>,
        mut prices: Vec<PriceList>,
        calendars: Vec<Calendar>,
    ) -> Result<Rulebook, Vec<String>> {
        policies.sort_by(|a, b| (a.layer, &a.id, a.version).cmp(&(b.layer, &b.id, b.version)));
        prices.sort_by(|a, b| {
            b.narrowness()
                .cmp(&a.narrowness())
                .then(a.name.cmp(&b.name))
        });
        let mut problems = Vec::new();
        let mut names: Vec<&str> = policies.iter().map(|p| p.name.as_str()).collect();
        names.extend(prices.iter().map(|p| p.name.as_str()));
        names.sort_unstable();
        for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
            problems.push(format!("{} is there twice", pair[0]));
        }
        for policy in &policies {
            let known = |id: &String| calendars.iter().any(|c| c.id() == id);
            if let Some(id) = policy.last_day_calendar.as_ref().filter(|id| !known(id)) {
                problems.push(format!("{}: there is no calendar {id}", policy.name));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Rulebook {
            policies,
            prices,
            calendars,
        })
    }

    /// All policies, by layer, identifier and version.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// All price lists, the narrowest first.
    pub fn prices(&self) -> &[PriceList] {
        &self.prices
    }

    /// The newest version of a policy of a layer.
    pub fn newest(&self, layer: Layer, id: &str) -> Option<&Policy> {
        let mut versions = self.policies.iter().rev();
        versions.find(|policy| policy.layer == layer && policy.id == id)
    }

    /// The calendar with this id.
    pub fn calendar(&self, id: &str) -> Option<&Calendar> {
        self.calendars.iter().find(|calendar| calendar.id() == id)
    }

    /// The policies that are tried for a device, in the order they are told: every law, its vendor
    /// policy or the defaults, and the plans sold for it.
    pub(crate) fn candidates<'a>(
        &'a self,
        asset: &'a Asset,
    ) -> impl Iterator<Item = (&'a Policy, Option<&'a Contract>)> {
        let own = self
            .policies
            .iter()
            .filter(move |policy| match policy.layer {
                Layer::Statutory => true,
                Layer::Vendor => match &asset.vendor_policy {
                    Some(id) => policy.id == *id,
                    None => policy.default && policy.speaks_of(&asset.category),
                },
                Layer::Contract => false,
            });
        let sold = self.policies.iter().flat_map(move |policy| {
            let contracts = asset.contracts.iter().filter(move |contract| {
                let same = contract.policy == policy.id;
                policy.layer == Layer::Contract && same && contract.policy_version == policy.version
            });
            contracts.map(move |contract| (policy, Some(contract)))
        });
        own.map(|policy| (policy, None)).chain(sold)
    }
}
