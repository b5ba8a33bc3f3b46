//! Policies on the wire.

use proto::entitlement::v1 as pb;

use crate::domain::Policy;

/// The collection of policies.
pub(crate) const COLLECTION: &str = "warrantyPolicies/";

/// A policy without its text.
pub(crate) fn summary(policy: &Policy) -> pb::WarrantyPolicy {
    let date = |date: Option<jiff::civil::Date>| date.map_or(String::new(), |d| d.to_string());
    pb::WarrantyPolicy {
        name: format!("{COLLECTION}{}", policy.name),
        layer: policy.layer.name().to_owned(),
        jurisdictions: policy.jurisdictions.clone(),
        categories: policy.categories.clone(),
        valid_from: date(policy.valid_from),
        valid_to: date(policy.valid_to),
        source: policy.source.clone(),
        verified: policy.verified,
        content: String::new(),
    }
}

/// A policy with its text.
pub(crate) fn whole(policy: &Policy) -> pb::WarrantyPolicy {
    pb::WarrantyPolicy {
        content: policy.content.clone(),
        ..summary(policy)
    }
}
