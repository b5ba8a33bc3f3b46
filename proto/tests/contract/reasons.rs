//! Refusals have documented reasons, and comments name only reasons that exist.

use std::collections::BTreeSet;

use crate::reading::Contract;
use crate::{accepts, kept, refuses};

/// Every package with a service has an enum `ErrorReason`.
fn reasoned(contract: &Contract) -> Vec<String> {
    let packages: BTreeSet<String> = contract
        .services()
        .map(|s| s.package_name().to_owned())
        .collect();
    let without = packages
        .iter()
        .filter(|p| contract.find_enum(&format!("{p}.ErrorReason")).is_none());
    without
        .map(|p| format!("{p} has services and no enum ErrorReason: give it one"))
        .collect()
}

/// Every reason that an RPC's comment names stands in its package's or the shared enum.
fn known(contract: &Contract) -> Vec<String> {
    let mut offences = Vec::new();
    for method in contract.methods() {
        let package = method.parent_service().package_name().to_owned();
        let enums = [format!("{package}.ErrorReason"), SHARED.to_owned()];
        for reason in named(contract.method_comment(&method)) {
            let found = enums.iter().filter_map(|name| contract.find_enum(name));
            if !found
                .flat_map(|e| e.values().collect::<Vec<_>>())
                .any(|v| v.name() == reason)
            {
                offences.push(format!(
                    "{} names `{reason}`, which is no ErrorReason of {package} or fettle.type.v1",
                    method.full_name()
                ));
            }
        }
    }
    offences
}

/// Every reason of a package is named by an RPC of it: a reason nobody can meet is not published.
fn met(contract: &Contract) -> Vec<String> {
    let mut offences = Vec::new();
    for reasons in contract
        .enums()
        .filter(|e| e.name() == "ErrorReason" && e.full_name() != SHARED)
    {
        let package = reasons.package_name();
        let methods = contract
            .methods()
            .filter(|m| m.parent_service().package_name() == package);
        let said: BTreeSet<String> = methods
            .flat_map(|m| named(contract.method_comment(&m)))
            .collect();
        for value in reasons
            .values()
            .filter(|v| v.number() != 0 && !said.contains(v.name()))
        {
            offences.push(format!(
                "{package} has the reason {}, which no RPC names: name it where it is refused",
                value.name()
            ));
        }
    }
    offences
}

const SHARED: &str = "fettle.type.v1.ErrorReason";

/// The words in backticks that are written like reasons.
fn named(comment: &str) -> BTreeSet<String> {
    let quoted = comment.split('`').skip(1).step_by(2);
    let is_reason = |word: &&str| {
        word.contains('_') && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
    };
    quoted.filter(is_reason).map(str::to_owned).collect()
}

#[test]
fn every_package_with_services_says_why_it_refuses() {
    kept(reasoned);
}

#[test]
fn every_reason_named_by_an_rpc_exists() {
    kept(known);
}

#[test]
fn every_reason_is_named_by_an_rpc() {
    kept(met);
}

#[test]
fn a_reason_missing_unknown_or_never_met_is_found() {
    let service = |comment: &str| {
        format!("service S {{ /* {comment} */ rpc GetM(Q) returns (Q); }} message Q {{}}")
    };
    refuses(
        reasoned,
        &service("Reads."),
        "fettle.tiny.v1 no ErrorReason",
    );
    refuses(
        known,
        &service("Refused: `OUT_OF_MOOD`."),
        "GetM `OUT_OF_MOOD`",
    );
    accepts(
        known,
        &service("Refused: `NOT_FOUND`, when `name` is unknown."),
    );
    let lonely = "enum ErrorReason { ERROR_REASON_UNSPECIFIED = 0; OUT_OF_MOOD = 1; }";
    refuses(met, lonely, "OUT_OF_MOOD no RPC");
    accepts(
        met,
        &format!("{lonely} {}", service("Refused: `OUT_OF_MOOD`.")),
    );
}
