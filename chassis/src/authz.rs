//! Who may do what: the policies of `policies/authz`, asked.
//!
//! The policies are Cedar, the actions are the RPCs of the contract, and who is a caller of which
//! kind stands in the schema. Rust knows the four dimensions that part the rows of a tenant, how
//! to ask ([`Authority::may_call`] before any work, [`Authority::permits`] when the resource is
//! known), and how an answer about one row becomes a predicate over many ([`Authority::sight`]).

mod asking;
mod callers;
mod contract;
mod law;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod matrix;
mod sights;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityUid, PolicySet, Request,
    RestrictedExpression,
};

use crate::caller::{Caller, TenantId};
pub use asking::Asking;
use callers::{Callers, Kind};
use sights::Cell;

/// What parts the rows of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dimension {
    Region,
    Customer,
    Partner,
    Technician,
}

impl Dimension {
    const ALL: [Dimension; 4] = [
        Dimension::Region,
        Dimension::Customer,
        Dimension::Partner,
        Dimension::Technician,
    ];

    /// Its attribute in the schema.
    const fn name(self) -> &'static str {
        match self {
            Dimension::Region => "region",
            Dimension::Customer => "customer",
            Dimension::Partner => "partner",
            Dimension::Technician => "technician",
        }
    }

    /// What a caller has of it; a technician is its own principal.
    fn of(self, caller: &Caller) -> Option<&str> {
        match self {
            Dimension::Region => caller.region.as_deref(),
            Dimension::Customer => caller.customer.as_deref(),
            Dimension::Partner => caller.partner.as_deref(),
            Dimension::Technician => Some(&caller.principal),
        }
    }
}

/// Some of the dimensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Dimensions(u8);

impl Dimensions {
    const fn has(self, dimension: Dimension) -> bool {
        self.0 & (1 << dimension as u8) != 0
    }

    const fn with(self, dimension: Dimension) -> Dimensions {
        Dimensions(self.0 | (1 << dimension as u8))
    }

    const fn within(self, other: Dimensions) -> bool {
        self.0 & other.0 == self.0
    }

    fn iter(self) -> impl Iterator<Item = Dimension> {
        let all = Dimension::ALL.into_iter();
        all.filter(move |dimension| self.has(*dimension))
    }
}

/// Where one resource of a tenant belongs; none: it belongs to nobody in this dimension.
/// Dimensions that the resource's kind has not are not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Region that owns it.
    pub region: Option<String>,
    /// "parties/{uuid}" whose it is.
    pub customer: Option<String>,
    /// Partner organisation.
    pub partner: Option<String>,
    /// "technicians/{uuid}" whom it is given to.
    pub technician: Option<String>,
}

impl Scope {
    fn of<'a>(dimensions: Dimensions, value: impl Fn(Dimension) -> Option<&'a str>) -> Scope {
        let mut scope = Scope::default();
        for dimension in dimensions.iter() {
            scope.set(dimension, value(dimension).map(str::to_owned));
        }
        scope
    }

    fn get(&self, dimension: Dimension) -> Option<&str> {
        match dimension {
            Dimension::Region => self.region.as_deref(),
            Dimension::Customer => self.customer.as_deref(),
            Dimension::Partner => self.partner.as_deref(),
            Dimension::Technician => self.technician.as_deref(),
        }
    }

    fn set(&mut self, dimension: Dimension, value: Option<String>) {
        match dimension {
            Dimension::Region => self.region = value,
            Dimension::Customer => self.customer = value,
            Dimension::Partner => self.partner = value,
            Dimension::Technician => self.technician = value,
        }
    }
}

/// Which rows of a collection a caller sees: those whose columns equal every value given here.
/// A column without a value equals none. Columns the collection has not are never named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sight {
    /// Only rows of this region.
    pub region: Option<String>,
    /// Only rows of this customer.
    pub customer: Option<String>,
    /// Only rows of this partner.
    pub partner: Option<String>,
    /// Only rows of this technician.
    pub technician: Option<String>,
}

impl Sight {
    /// True when a row that belongs there is seen.
    pub fn shows(&self, row: &Scope) -> bool {
        let equal = |asked: &Option<String>, has: &Option<String>| asked.is_none() || asked == has;
        equal(&self.region, &row.region)
            && equal(&self.customer, &row.customer)
            && equal(&self.partner, &row.partner)
            && equal(&self.technician, &row.technician)
    }
}

/// One RPC of the contract, as found by [`Authority::rpc`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rpc(u16);

/// Everything that is wrong with the policies, the schema, or the two and the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policies/authz cannot be used:\n{}", .0.join("\n"))]
pub struct Unsound(pub Vec<String>);

/// One RPC, ready to be decided.
struct Call {
    /// "fettle.ticket.v1.TicketService/CreateTicket".
    path: String,
    /// With its groups.
    action: Entity,
    /// Some resource of the kind it is about.
    resource: EntityUid,
    /// The dimensions of that kind.
    dimensions: Dimensions,
    /// It changes nothing.
    reads: bool,
    /// It is answered without a caller.
    public: bool,
    /// The policies that name the action, a group of it, or any action.
    policies: PolicySet,
}

/// Answers remembered at once, a few hundred bytes each. They never change: a process has one set
/// of policies.
const REMEMBERED: u64 = 65_536;

/// Stands for whatever value there is.
const SOME: &str = "*";

/// Everything an answer follows from; what the policies cannot see is left out.
#[derive(PartialEq, Eq, Hash)]
struct Question {
    rpc: Rpc,
    tenant: TenantId,
    principal: String,
    roles: Vec<String>,
    caller: Scope,
    of: TenantId,
    resource: Scope,
}

/// The policies, ready to answer.
pub struct Authority {
    calls: Vec<Call>,
    by_path: HashMap<String, Rpc>,
    callers: Callers,
    authorizer: Authorizer,
    /// By RPC and column.
    cells: Vec<Vec<Cell>>,
    answers: moka::sync::Cache<Question, bool>,
}

impl Authority {
    /// The policies this program was built with, checked against the schema and the contract.
    /// They are read once in a process. Refuses with everything that is wrong.
    pub fn compiled() -> Result<Arc<Authority>, Unsound> {
        static COMPILED: OnceLock<Result<Arc<Authority>, Unsound>> = OnceLock::new();
        let read = || Authority::of(law::SCHEMA, &law::POLICIES, proto::DESCRIPTORS).map(Arc::new);
        COMPILED.get_or_init(read).clone()
    }

    fn of(
        schema: &str,
        policies: &[(&str, &str)],
        descriptors: &[u8],
    ) -> Result<Authority, Unsound> {
        let (calls, callers) = law::read(schema, policies, descriptors)?;
        let paths = (0..).map(Rpc).zip(&calls);
        let mut authority = Authority {
            by_path: paths.map(|(rpc, call)| (call.path.clone(), rpc)).collect(),
            calls,
            callers,
            authorizer: Authorizer::new(),
            cells: Vec::new(),
            answers: moka::sync::Cache::new(REMEMBERED),
        };
        authority.cells = sights::all(&authority)?;
        Ok(authority)
    }

    /// The RPC of a request's path, "/fettle.ticket.v1.TicketService/CreateTicket" with or without
    /// the leading stroke; none: not in the contract, as health and reflection are not.
    pub fn rpc(&self, path: &str) -> Option<Rpc> {
        let path = path.strip_prefix('/').unwrap_or(path);
        self.by_path.get(path).copied()
    }

    /// "fettle.ticket.v1.TicketService/CreateTicket".
    pub fn path(&self, rpc: Rpc) -> &str {
        &self.call(rpc).path
    }

    /// True for a call that changes nothing.
    pub fn reads(&self, rpc: Rpc) -> bool {
        self.call(rpc).reads
    }

    /// True for a call that is answered without a caller, for it brings its own proof. Nobody is
    /// permitted it by the policies.
    pub fn is_public(&self, rpc: Rpc) -> bool {
        self.call(rpc).public
    }

    /// Whether there is any resource for which the caller may call this: asked before any work.
    pub fn may_call(&self, caller: &Caller, rpc: Rpc) -> bool {
        let Some(kind) = self.callers.kind(caller) else {
            return false;
        };
        self.callers
            .columns(kind, caller)
            .any(|column| self.cell(rpc, column).may(caller.region.is_some()))
    }

    /// Whether the caller may call this for a resource of its own tenant that belongs there.
    pub fn permits(&self, caller: &Caller, rpc: Rpc, scope: &Scope) -> bool {
        self.permits_in(caller, rpc, &caller.tenant, scope)
    }

    /// The same for a resource of any tenant.
    pub fn permits_in(&self, caller: &Caller, rpc: Rpc, tenant: &TenantId, scope: &Scope) -> bool {
        let Some(kind) = self.callers.kind(caller) else {
            return false;
        };
        let call = self.call(rpc);
        // What a kind of caller has nothing of, its policies compare with nothing: they see at most
        // whether it is there. So one answer serves all tickets of a region to somebody of the house.
        let seen = |d: Dimension| match kind.dimensions.has(d) {
            true => scope.get(d),
            false => scope.get(d).map(|_| SOME),
        };
        let scope = &Scope::of(call.dimensions, seen);
        let question = Question {
            rpc,
            tenant: caller.tenant.clone(),
            principal: caller.principal.clone(),
            roles: caller.roles.clone(),
            caller: Scope::of(kind.dimensions, |d| d.of(caller)),
            of: tenant.clone(),
            resource: scope.clone(),
        };
        if let Some(answer) = self.answers.get(&question) {
            return answer;
        }
        let asked = self.ask(kind, caller, call, tenant, scope);
        let answer = asked.is_some_and(|decision| decision == Decision::Allow);
        self.answers.insert(question, answer);
        answer
    }

    /// Which rows the caller sees in the collection that a reading RPC lists; none: no row.
    pub fn sight(&self, caller: &Caller, rpc: Rpc) -> Option<Sight> {
        let kind = self.callers.kind(caller)?;
        let bound = caller.region.is_some();
        // Of several roles the one with the fewest conditions sees what the others see.
        let wanted = self
            .callers
            .columns(kind, caller)
            .filter_map(|column| self.cell(rpc, column).sight(bound))
            .min_by_key(|conditions| conditions.0.count_ones())?;
        let mut seen = Scope::default();
        for dimension in wanted.iter() {
            seen.set(dimension, Some(dimension.of(caller)?.to_owned()));
        }
        let Scope {
            region,
            customer,
            partner,
            technician,
        } = seen;
        Some(Sight {
            region,
            customer,
            partner,
            technician,
        })
    }

    fn call(&self, rpc: Rpc) -> &Call {
        &self.calls[usize::from(rpc.0)]
    }

    fn cell(&self, rpc: Rpc, column: usize) -> &Cell {
        &self.cells[usize::from(rpc.0)][column]
    }

    /// Cedar's answer; none when the question could not be put, which permits nothing.
    fn ask(
        &self,
        kind: &Kind,
        caller: &Caller,
        call: &Call,
        tenant: &TenantId,
        scope: &Scope,
    ) -> Option<Decision> {
        let principal = EntityUid::from_type_name_and_id(
            kind.name.clone(),
            EntityId::new(caller.principal.as_str()),
        );
        let has = attributes(&caller.tenant, kind.dimensions, |d| d.of(caller));
        let roles = self.callers.parents(kind, caller);
        let is = attributes(tenant, call.dimensions, |d| scope.get(d));
        let entities = Entities::from_entities(
            [
                Entity::new_with_tags(principal.clone(), has, roles, []).ok()?,
                Entity::new_with_tags(call.resource.clone(), is, [], []).ok()?,
                call.action.clone(),
            ],
            None,
        );
        let request = Request::new(
            principal,
            call.action.uid(),
            call.resource.clone(),
            Context::empty(),
            None,
        );
        let answer = self
            .authorizer
            .is_authorized(&request.ok()?, &call.policies, &entities.ok()?);
        Some(answer.decision())
    }
}

fn attributes<'a>(
    tenant: &TenantId,
    dimensions: Dimensions,
    value: impl Fn(Dimension) -> Option<&'a str>,
) -> impl Iterator<Item = (String, RestrictedExpression)> {
    let text = |value: &str| RestrictedExpression::new_string(value.to_owned());
    let own = std::iter::once(("tenant".to_owned(), text(tenant.as_str())));
    own.chain(
        dimensions.iter().filter_map(move |dimension| {
            Some((dimension.name().to_owned(), text(value(dimension)?)))
        }),
    )
}
