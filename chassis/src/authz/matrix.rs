//! The rights as a table a person can read: every RPC, every role, own and foreign.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::sights::{own, typical};
use super::*;

const REVIEWED: &str = include_str!("../../../policies/authz/matrix.csv");
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/authz/matrix.csv");
const HEAD: &str = "\
# What the policies answer. The caller is bound to a region and has a customer, a partner and a
# technician of its own. \"own\": the resource is the caller's in everything; the other columns:
# in everything but this. \"-\": the resource has no such thing. A role without a line may not
# call the RPC; \"public\" calls are answered without a caller. Written by the test that compares
# it, with FETTLE_UPDATE_MATRIX=1; read every line that changes.
rpc,caller,own,tenant,region,partner,customer,technician
";

/// The table as the policies have it.
fn table(authority: &Authority) -> String {
    let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (rpc, call) in (0..).map(Rpc).zip(&authority.calls) {
        let of_rpc = lines.entry(&call.path).or_default();
        if call.public {
            of_rpc.push("public,-,-,-,-,-,-".to_owned());
        }
        for column in &authority.callers.columns {
            let caller = typical(column, true);
            if authority.may_call(&caller, rpc) {
                let name = column.principal.as_ref().unwrap_or(&column.role);
                of_rpc.push(format!("{name},{}", answers(authority, rpc, &caller)));
            }
        }
    }
    let mut table = HEAD.to_owned();
    for (path, of_rpc) in lines {
        let short = path.rsplit('.').next().unwrap_or(path);
        for line in of_rpc {
            writeln!(table, "{short},{line}").unwrap();
        }
    }
    table
}

/// own, tenant, region, partner, customer, technician.
fn answers(authority: &Authority, rpc: Rpc, caller: &Caller) -> String {
    let word = |permitted: bool| if permitted { "yes" } else { "no" };
    let foreign = TenantId::parse("foreign").unwrap();
    let own = own(caller);
    let mut answers = vec![
        word(authority.permits(caller, rpc, &own)),
        word(authority.permits_in(caller, rpc, &foreign, &own)),
    ];
    for dimension in [
        Dimension::Region,
        Dimension::Partner,
        Dimension::Customer,
        Dimension::Technician,
    ] {
        let mut row = own.clone();
        row.set(dimension, Some("foreign".into()));
        let has = authority.call(rpc).dimensions.has(dimension);
        let permitted = authority.permits(caller, rpc, &row);
        answers.push(if has { word(permitted) } else { "-" });
    }
    answers.join(",")
}

#[test]
fn the_policies_answer_as_reviewed() {
    let authority = Authority::compiled().unwrap_or_else(|unsound| panic!("{unsound}"));

    let table = table(&authority);

    if std::env::var_os("FETTLE_UPDATE_MATRIX").is_some() {
        std::fs::write(FILE, &table).unwrap();
        return;
    }
    let reviewed: Vec<&str> = REVIEWED.lines().collect();
    let answered: Vec<&str> = table.lines().collect();
    let gone = reviewed.iter().filter(|line| !answered.contains(line));
    let new = answered.iter().filter(|line| !reviewed.contains(line));
    let gone = gone.map(|line| format!("- {line}"));
    let changed: Vec<String> = gone.chain(new.map(|line| format!("+ {line}"))).collect();
    assert!(
        changed.is_empty() && reviewed.len() == answered.len(),
        "policies/authz/matrix.csv says otherwise:\n{}",
        changed.join("\n")
    );
}
