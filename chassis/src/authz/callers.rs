//! Kinds of callers and their roles, as the schema has them.

use std::collections::HashMap;

use cedar_policy::{EntityTypeName, EntityUid};

use super::{Dimension, Dimensions};
use crate::caller::Caller;

/// One entity type of the schema's callers.
pub(super) struct Kind {
    pub(super) name: EntityTypeName,
    /// What a caller of this kind may have.
    pub(super) dimensions: Dimensions,
    /// What it must have to be one.
    pub(super) required: Dimensions,
}

/// A role that a token may name.
pub(super) struct Role {
    /// Place in [`Callers::kinds`].
    pub(super) kind: usize,
    /// The role as an entity, for a kind whose roles combine.
    pub(super) parent: Option<EntityUid>,
    /// Its rights; none when the policies name the principals of its kind one by one.
    pub(super) column: Option<usize>,
}

/// One row of rights: a role, or one named principal.
#[derive(Clone)]
pub(super) struct Column {
    pub(super) role: String,
    /// Whom the policies name, as services are.
    pub(super) principal: Option<String>,
}

/// Everything about callers.
pub(super) struct Callers {
    pub(super) kinds: Vec<Kind>,
    pub(super) roles: HashMap<String, Role>,
    pub(super) columns: Vec<Column>,
    /// Columns of principals that the policies name.
    pub(super) named: HashMap<String, usize>,
}

impl Callers {
    /// What the caller is; none when its roles make it nothing, several kinds at once, or it lacks
    /// what its kind must have. A role the schema has not says nothing.
    pub(super) fn kind(&self, caller: &Caller) -> Option<&Kind> {
        let mut roles = self.known(caller);
        let first = roles.next()?;
        if !roles.all(|role| role.kind == first.kind && role.parent.is_some()) {
            return None;
        }
        let kind = self.kinds.get(first.kind)?;
        let has = |dimension: Dimension| dimension.of(caller).is_some();
        kind.required.iter().all(has).then_some(kind)
    }

    /// Where the caller's rights stand.
    pub(super) fn columns(&self, kind: &Kind, caller: &Caller) -> impl Iterator<Item = usize> {
        let by_role = self.known(caller).filter_map(|role| role.column);
        let by_name = self.named.get(&caller.principal).copied();
        // A principal's name counts only for the kind whose principals are named.
        let by_name = by_name.filter(|column| {
            let role = self.columns.get(*column).map(|column| &column.role);
            let role = role.and_then(|role| self.roles.get(role));
            role.is_some_and(|role| self.kinds[role.kind].name == kind.name)
        });
        by_role.chain(by_name)
    }

    /// The caller's roles as entities.
    pub(super) fn parents(&self, kind: &Kind, caller: &Caller) -> Vec<EntityUid> {
        let of_kind = |role: &&Role| self.kinds[role.kind].name == kind.name;
        let roles = self.known(caller).filter(of_kind);
        roles.filter_map(|role| role.parent.clone()).collect()
    }

    fn known(&self, caller: &Caller) -> impl Iterator<Item = &Role> {
        caller.roles.iter().filter_map(|name| self.roles.get(name))
    }
}
