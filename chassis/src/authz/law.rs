//! The schema and the policies, read and checked.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;
use std::str::FromStr as _;

use cedar_policy::{
    ActionConstraint, EntityId, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet,
    PrincipalConstraint, Schema, SchemaFragment, ValidationMode, Validator,
};
use serde::Deserialize;

use super::callers::{Callers, Column, Kind, Role};
use super::contract::{self, Method};
use super::{Call, Dimension, Dimensions, Unsound};

/// The schema this program was built with.
pub(super) const SCHEMA: &str = include_str!("../../../policies/authz/fettle.cedarschema");

macro_rules! policy {
    ($file:literal) => {
        (
            $file,
            include_str!(concat!("../../../policies/authz/", $file)),
        )
    };
}

/// The policies this program was built with, by file.
pub(super) const POLICIES: [(&str, &str); 6] = [
    policy!("walls.cedar"),
    policy!("staff.cedar"),
    policy!("customer.cedar"),
    policy!("technician.cedar"),
    policy!("partner.cedar"),
    policy!("service.cedar"),
];

/// Namespace of the schema in which callers are.
const CALLER: &str = "Caller";
/// Name in the schema of roles that combine.
const ROLE: &str = "Role";
/// Group of the actions that change nothing.
const READ: &str = "Read";
/// Group of the actions that need no caller.
const PUBLIC: &str = "Public";

/// What of a schema's JSON is read here; Cedar itself does not tell an entity's attributes.
#[derive(Deserialize)]
struct Namespace {
    #[serde(default, rename = "entityTypes")]
    entities: HashMap<String, EntityType>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct EntityType {
    #[serde(rename = "enum")]
    values: Vec<String>,
    #[serde(rename = "memberOfTypes")]
    members: Vec<String>,
    shape: Shape,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Shape {
    attributes: HashMap<String, Attribute>,
}

#[derive(Deserialize)]
struct Attribute {
    #[serde(default = "yes")]
    required: bool,
}

fn yes() -> bool {
    true
}

impl EntityType {
    /// Its dimensions, and those that are never missing.
    fn dimensions(&self) -> (Dimensions, Dimensions) {
        let mut found = (Dimensions::default(), Dimensions::default());
        for dimension in Dimension::ALL {
            if let Some(attribute) = self.shape.attributes.get(dimension.name()) {
                found.0 = found.0.with(dimension);
                if attribute.required {
                    found.1 = found.1.with(dimension);
                }
            }
        }
        found
    }
}

/// Everything that is wrong so far.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn note<T>(&mut self, what: &str, result: Result<T, impl Display>) -> Option<T> {
        result
            .map_err(|why| self.0.push(format!("{what}: {why}")))
            .ok()
    }

    fn over<T>(self, value: Option<T>) -> Result<T, Unsound> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Unsound(self.0)),
        }
    }
}

/// Reads schema and policies and lays them beside the contract.
pub(super) fn read(
    schema: &str,
    policies: &[(&str, &str)],
    descriptors: &[u8],
) -> Result<(Vec<Call>, Callers), Unsound> {
    let mut faults = Faults::default();
    let policies = parsed(policies, &mut faults);
    let methods = faults.note("contract", contract::methods(descriptors));
    let types = faults.note("schema", types(schema));
    let schema = faults.note("schema", Schema::from_str(schema));
    let (Some(schema), Some(types), Some(methods)) = (schema, types, methods) else {
        return faults.over(None);
    };
    let checked = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
    let errors = checked.validation_errors().map(ToString::to_string);
    // A warning is a policy that can never hold, or a text that misleads the reader.
    let warnings = checked.validation_warnings().map(ToString::to_string);
    faults.0.extend(errors.chain(warnings));
    let callers = callers(&types, &policies, &mut faults);
    let calls = calls(&schema, &types, &policies, methods, &mut faults);
    faults.over(Some((calls, callers)))
}

/// All files as one set; a policy is called what its `@id` says.
fn parsed(files: &[(&str, &str)], faults: &mut Faults) -> PolicySet {
    let mut all = PolicySet::new();
    for (file, text) in files {
        let Some(set) = faults.note(file, PolicySet::from_str(text)) else {
            continue;
        };
        if set.templates().next().is_some() {
            faults.0.push(format!("{file}: templates are not used"));
        }
        for policy in set.policies() {
            let Some(id) = policy.annotation("id") else {
                faults.0.push(format!("{file}: a policy has no @id"));
                continue;
            };
            // What a caller has nothing of is shown to the policies as a mere presence.
            if policy
                .to_json()
                .is_ok_and(|json| has_literal(&json["conditions"]))
            {
                faults
                    .0
                    .push(format!("{file}: {id} compares with a text of its own"));
            }
            faults.note(file, all.add(policy.new_id(PolicyId::new(id))));
        }
    }
    all
}

/// Whether an expression holds a text that is no name of an entity.
fn has_literal(expression: &serde_json::Value) -> bool {
    use serde_json::Value;
    match expression {
        Value::Object(fields) => fields.iter().any(|(key, value)| match key.as_str() {
            "Value" => value.is_string(),
            "__entity" => false,
            _ => has_literal(value),
        }),
        Value::Array(parts) => parts.iter().any(has_literal),
        _ => false,
    }
}

fn types(schema: &str) -> Result<HashMap<String, Namespace>, String> {
    let (fragment, _) =
        SchemaFragment::from_cedarschema_str(schema).map_err(|why| why.to_string())?;
    let json = fragment.to_json_value().map_err(|why| why.to_string())?;
    serde_json::from_value(json).map_err(|why| why.to_string())
}

/// Kinds of callers; a role is named like its kind, or like one of the roles that combine.
fn callers(
    types: &HashMap<String, Namespace>,
    policies: &PolicySet,
    faults: &mut Faults,
) -> Callers {
    let mut callers = Callers {
        kinds: Vec::new(),
        roles: HashMap::new(),
        columns: Vec::new(),
        named: HashMap::new(),
    };
    let combine = types.get("").and_then(|root| root.entities.get(ROLE));
    let combine: &[String] = combine.map_or(&[], |role| &role.values);
    let entities = types.get(CALLER).into_iter().flat_map(|n| &n.entities);
    let mut entities: Vec<(&String, &EntityType)> = entities.collect();
    entities.sort_by_key(|(name, _)| *name);
    for (name, entity) in entities {
        let parsed = EntityTypeName::from_str(&format!("{CALLER}::{name}"));
        let Some(type_name) = faults.note(name, parsed) else {
            continue;
        };
        let named = named(policies, &type_name);
        let role = |parent: Option<EntityUid>, column| Role {
            kind: callers.kinds.len(),
            parent,
            column,
        };
        if entity.members.is_empty() {
            let word = snake(name);
            let column = named.is_empty().then_some(callers.columns.len());
            callers.roles.insert(word.clone(), role(None, column));
            if named.is_empty() {
                callers.columns.push(column_of(&word, None));
            }
            for principal in named {
                let at = callers.columns.len();
                callers.named.insert(principal.clone(), at);
                callers.columns.push(column_of(&word, Some(principal)));
            }
        } else {
            for word in combine {
                let Some(type_name) = faults.note(ROLE, EntityTypeName::from_str(ROLE)) else {
                    continue;
                };
                let uid = EntityUid::from_type_name_and_id(type_name, EntityId::new(word));
                let held = role(Some(uid), Some(callers.columns.len()));
                callers.roles.insert(word.clone(), held);
                callers.columns.push(column_of(word, None));
            }
        }
        let (dimensions, required) = entity.dimensions();
        callers.kinds.push(Kind {
            name: type_name,
            dimensions,
            required,
        });
    }
    callers
}

fn column_of(role: &str, principal: Option<String>) -> Column {
    Column {
        role: role.to_owned(),
        principal,
    }
}

/// Principals of a type that policies name.
fn named(policies: &PolicySet, kind: &EntityTypeName) -> BTreeSet<String> {
    let named = policies.policies().filter_map(|policy| {
        let PrincipalConstraint::Eq(uid) = policy.principal_constraint() else {
            return None;
        };
        (uid.type_name() == kind).then(|| uid.id().unescaped().to_owned())
    });
    named.collect()
}

/// "PartnerAdmin" as "partner_admin".
fn snake(name: &str) -> String {
    let mut word = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

/// One call for each RPC; says which RPCs the schema lacks and which actions are none.
fn calls(
    schema: &Schema,
    types: &HashMap<String, Namespace>,
    policies: &PolicySet,
    methods: Vec<Method>,
    faults: &mut Faults,
) -> Vec<Call> {
    let groups: Vec<&EntityUid> = schema.action_groups().collect();
    let Some(entities) = faults.note("schema", schema.action_entities()) else {
        return Vec::new();
    };
    let of_calls = schema.actions().filter(|action| !groups.contains(action));
    let mut actions: HashMap<&str, &EntityUid> = of_calls
        .map(|action| (action.id().unescaped(), action))
        .collect();
    let mut calls = Vec::new();
    for method in methods {
        let Some(action) = actions.remove(method.action.as_str()) else {
            let path = &method.path;
            faults.0.push(format!("schema: no action for {path}"));
            continue;
        };
        let kinds: Vec<&EntityTypeName> = schema
            .resources_for_action(action)
            .into_iter()
            .flatten()
            .collect();
        let ([kind], Some(entity)) = (&kinds[..], entities.get(action)) else {
            let action = &method.action;
            faults
                .0
                .push(format!("schema: {action} is of one resource"));
            continue;
        };
        let groups: BTreeSet<&EntityUid> =
            entities.ancestors(action).into_iter().flatten().collect();
        let in_group = |name: &str| groups.iter().any(|group| group.id().unescaped() == name);
        let shape = types
            .get("")
            .and_then(|root| root.entities.get(&kind.to_string()));
        calls.push(Call {
            path: method.path,
            action: entity.clone(),
            resource: EntityUid::from_type_name_and_id((*kind).clone(), EntityId::new("it")),
            dimensions: shape.map(|shape| shape.dimensions().0).unwrap_or_default(),
            reads: in_group(READ),
            public: in_group(PUBLIC),
            policies: bearing_on(action, &groups, policies, faults),
        });
    }
    let mut none: Vec<&&str> = actions.keys().collect();
    none.sort_unstable();
    let none = none.into_iter();
    faults
        .0
        .extend(none.map(|action| format!("schema: {action} is no RPC of the contract")));
    calls
}

/// The policies that can hold for an action. The others cannot, whoever asks: leaving them out
/// changes no answer and makes it several times as fast.
fn bearing_on(
    action: &EntityUid,
    groups: &BTreeSet<&EntityUid>,
    policies: &PolicySet,
    faults: &mut Faults,
) -> PolicySet {
    let is = |uid: &EntityUid| uid == action || groups.contains(uid);
    let bears = |policy: &&Policy| match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => uid == *action,
        ActionConstraint::In(any) => any.iter().any(is),
    };
    let bearing = policies.policies().filter(bears).cloned();
    let set = PolicySet::from_policies(bearing);
    faults.note("policies", set).unwrap_or_default()
}
