//! A policy file as it was written: values with their lines, and the complaints about them.
//!
//! Reading goes through this tree and not straight into structs so that one reading finds every
//! mistake in a file, not only the first; [`Reading`] is how one map of it is read.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

mod reading;

pub(crate) use reading::Reading;

/// One thing wrong with a policy file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {problem}", .line.map(|l| format!("line {l}: ")).unwrap_or_default(), .path)]
pub struct Violation {
    /// Line of the value in the text, from 1; unknown where the reader does not tell.
    pub line: Option<u64>,
    /// The field, such as `terms[3].for`; `file` for the document as a whole.
    pub path: String,
    /// What is wrong and what is expected, as a sentence without a full stop.
    pub problem: String,
}

/// More violations than this are not collected.
const MAX_VIOLATIONS: usize = 200;

/// Collects what is wrong while a document is read.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Vec<Violation>);

impl Complaints {
    pub(crate) fn add(&mut self, node: &Node, path: &str, problem: impl Into<String>) {
        self.add_at(node.line, path, problem);
    }

    pub(crate) fn add_at(&mut self, line: Option<u64>, path: &str, problem: impl Into<String>) {
        if self.0.len() < MAX_VIOLATIONS {
            self.0.push(Violation {
                line,
                path: path.to_owned(),
                problem: problem.into(),
            });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In order of line.
    pub(crate) fn into_violations(mut self) -> Vec<Violation> {
        self.0.sort_by_key(|v| v.line);
        self.0
    }
}

/// A value and the line it starts on.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) line: Option<u64>,
    pub(crate) value: Value,
}

/// What a value is; scalars as they are written.
#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The text of a scalar; anything else is a violation.
    pub(crate) fn text(&self, path: &str, complaints: &mut Complaints) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            _ => {
                complaints.add(self, path, "expected a single value");
                None
            }
        }
    }

    /// The items of a list; anything else but nothing at all is a violation.
    pub(crate) fn list(&self, path: &str, complaints: &mut Complaints) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            Value::Null => &[],
            _ => {
                complaints.add(self, path, "expected a list");
                &[]
            }
        }
    }

    /// The fields of a map. Unknown and repeated fields are violations, and so is anything else
    /// than a map.
    pub(crate) fn fields<'n>(
        &'n self,
        path: &'n str,
        known: &[&str],
        complaints: &mut Complaints,
    ) -> Option<Fields<'n>> {
        let Value::Map(entries) = &self.value else {
            complaints.add(self, path, "expected fields and values");
            return None;
        };
        let mut fields = Fields {
            node: self,
            path,
            entries: Vec::new(),
        };
        for (name, value) in entries {
            let name = name.as_str();
            let full = fields.path_of(name);
            if !known.contains(&name) {
                let known = known.join(", ");
                complaints.add(value, &full, format!("unknown field; known are {known}"));
            } else if fields.optional(name).is_some() {
                complaints.add(value, &full, "given twice");
            } else {
                fields.entries.push((name, value));
            }
        }
        Some(fields)
    }
}

/// The known fields of one map.
pub(crate) struct Fields<'n> {
    node: &'n Node,
    path: &'n str,
    entries: Vec<(&'n str, &'n Node)>,
}

impl<'n> Fields<'n> {
    pub(crate) fn path_of(&self, name: &str) -> String {
        match self.path {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    pub(crate) fn optional(&self, name: &str) -> Option<&'n Node> {
        let found = self.entries.iter().find(|(n, _)| *n == name);
        found.map(|(_, node)| *node)
    }

    pub(crate) fn required(&self, name: &str, complaints: &mut Complaints) -> Option<&'n Node> {
        let found = self.optional(name);
        if found.is_none() {
            complaints.add(self.node, &self.path_of(name), "missing");
        }
        found
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        let line = spanned.referenced.line();
        Ok(Self {
            line: (line > 0).then_some(line),
            value: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or fields")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Value::Map(map))
    }
}
