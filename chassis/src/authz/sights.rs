//! What the policies answer for each kind of caller, asked once when they are read.
//!
//! A list needs a predicate, and Cedar answers for one row. So each reading RPC is asked for a row
//! that is the caller's own, then with one dimension foreign, which finds the dimensions that
//! matter; then with every mix of own, foreign and missing, which proves that nothing else does.

use super::callers::Column;
use super::{Authority, Call, Dimension, Dimensions, Rpc, Scope, Unsound};
use crate::caller::{Caller, TenantId};

/// A value that is no caller's own.
const FOREIGN: &str = "foreign";
const OWN: &str = "own";

/// What one column may do with one RPC, for callers in all regions and for those bound to one.
#[derive(Clone, Copy, Default)]
pub(super) struct Cell([Answer; 2]);

#[derive(Clone, Copy, Default)]
struct Answer {
    may: bool,
    /// Dimensions in which a row must be the caller's own; none: no row is seen.
    sight: Option<Dimensions>,
}

impl Cell {
    pub(super) fn may(&self, bound: bool) -> bool {
        self.0[usize::from(bound)].may
    }

    pub(super) fn sight(&self, bound: bool) -> Option<Dimensions> {
        self.0[usize::from(bound)].sight
    }
}

/// The answers by RPC and column; refuses policies whose answers are no predicate.
pub(super) fn all(authority: &Authority) -> Result<Vec<Vec<Cell>>, Unsound> {
    let mut wrong = Vec::new();
    let mut cells = Vec::new();
    for (rpc, call) in (0..).map(Rpc).zip(&authority.calls) {
        let mut row = Vec::new();
        for column in &authority.callers.columns {
            let mut cell = Cell::default();
            for bound in [false, true] {
                match answer(authority, rpc, call, &typical(column, bound)) {
                    Ok(answer) => cell.0[usize::from(bound)] = answer,
                    Err(why) => wrong.push(format!("{} for {}: {why}", call.path, column.role)),
                }
            }
            row.push(cell);
        }
        if !comparable(authority, &row) {
            wrong.push(format!(
                "{}: two roles that combine see rows that no one predicate describes",
                call.path
            ));
        }
        let called = |cell: &Cell| cell.may(false) || cell.may(true);
        match (call.public, row.iter().any(called)) {
            (false, false) => wrong.push(format!("{}: nobody may call it", call.path)),
            (true, true) => wrong.push(format!("{}: is public, and permitted", call.path)),
            _ => {}
        }
        cells.push(row);
    }
    if wrong.is_empty() {
        Ok(cells)
    } else {
        Err(Unsound(wrong))
    }
}

/// A caller of a column who has everything a caller may have.
pub(super) fn typical(column: &Column, bound: bool) -> Caller {
    Caller {
        tenant: own_tenant(),
        principal: column.principal.clone().unwrap_or_else(|| OWN.into()),
        region: bound.then(|| OWN.into()),
        roles: vec![column.role.clone()],
        customer: Some(OWN.into()),
        partner: Some(OWN.into()),
    }
}

#[allow(clippy::expect_used, reason = "the text is a constant")]
fn own_tenant() -> TenantId {
    TenantId::parse(OWN).expect("a tenant's name")
}

/// What is a caller's own in everything; a caller in all regions is at home in each.
pub(super) fn own(caller: &Caller) -> Scope {
    let mut scope = Scope::default();
    for dimension in Dimension::ALL {
        let value = dimension.of(caller).unwrap_or(OWN);
        scope.set(dimension, Some(value.to_owned()));
    }
    scope
}

fn answer(
    authority: &Authority,
    rpc: Rpc,
    call: &Call,
    caller: &Caller,
) -> Result<Answer, &'static str> {
    let own = own(caller);
    let may = authority.permits(caller, rpc, &own);
    if !(may && call.reads) {
        return Ok(Answer { may, sight: None });
    }
    let mut conditions = Dimensions::default();
    for dimension in call.dimensions.iter() {
        let mut row = own.clone();
        row.set(dimension, Some(FOREIGN.to_owned()));
        if !authority.permits(caller, rpc, &row) {
            conditions = conditions.with(dimension);
        }
    }
    // The policies are compiled in, so this is proved once, by the tests, and not at each start.
    let proved = if cfg!(test) {
        mixes(&own, call.dimensions)
    } else {
        Vec::new()
    };
    for mixed in proved {
        let equal = |d: Dimension| mixed.get(d) == own.get(d);
        if authority.permits(caller, rpc, &mixed) != conditions.iter().all(equal) {
            return Err("what is seen does not follow from equal dimensions");
        }
    }
    let sight = Some(conditions);
    Ok(Answer { may, sight })
}

/// Every mix of own, foreign and missing.
fn mixes(own: &Scope, dimensions: Dimensions) -> Vec<Scope> {
    let mut mixes = vec![own.clone()];
    for dimension in dimensions.iter() {
        for value in [Some(FOREIGN.to_owned()), None] {
            for at in 0..mixes.len() {
                let mut mixed = mixes[at].clone();
                if mixed.get(dimension) == own.get(dimension) {
                    mixed.set(dimension, value.clone());
                    mixes.push(mixed);
                }
            }
        }
    }
    mixes
}

/// True when of any two roles that combine one sees all that the other sees.
fn comparable(authority: &Authority, row: &[Cell]) -> bool {
    let combine = |at: &usize| {
        let role = authority.callers.columns.get(*at).map(|c| &c.role);
        let role = role.and_then(|role| authority.callers.roles.get(role));
        role.is_some_and(|role| role.parent.is_some())
    };
    [false, true].into_iter().all(|bound| {
        let seen = (0..row.len()).filter(combine);
        let seen: Vec<Dimensions> = seen.filter_map(|at| row[at].sight(bound)).collect();
        let ordered = |a: Dimensions, b: Dimensions| a.within(b) || b.within(a);
        seen.iter().all(|a| seen.iter().all(|b| ordered(*a, *b)))
    })
}
