//! A YAML or JSON document as it was written: values with their lines, and the complaints about
//! them. Policy files of other crates are read with it as well.
//!
//! Reading goes through this tree and not straight into structs so that one reading finds every
//! mistake in a file, not only the first.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// One thing wrong with a calendar document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {problem}", .line.map(|l| format!("line {l}: ")).unwrap_or_default(), .path)]
pub struct Violation {
    /// Line of the value in the text, from 1; unknown where the format does not tell (JSON).
    pub line: Option<u64>,
    /// The field, such as `holidays[3].date`; `calendar` for the document as a whole.
    pub path: String,
    /// What is wrong and what is expected, as a sentence without a full stop.
    pub problem: String,
}

/// More violations than this are not collected.
const MAX_VIOLATIONS: usize = 200;

/// Collects what is wrong while a document is read.
#[derive(Debug, Default)]
pub struct Complaints(Vec<Violation>);

impl Complaints {
    /// Notes what is wrong with a value.
    pub fn add(&mut self, node: &Node, path: &str, problem: impl Into<String>) {
        self.add_at(node.line, path, problem);
    }

    /// Notes what is wrong at a line.
    pub fn add_at(&mut self, line: Option<u64>, path: &str, problem: impl Into<String>) {
        if self.0.len() < MAX_VIOLATIONS {
            self.0.push(Violation {
                line,
                path: path.to_owned(),
                problem: problem.into(),
            });
        }
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In order of line.
    pub fn into_violations(mut self) -> Vec<Violation> {
        self.0.sort_by_key(|v| v.line);
        self.0
    }
}

/// A value and the line it starts on.
#[derive(Debug)]
pub struct Node {
    /// Line in the text, from 1; unknown where the format does not tell.
    pub line: Option<u64>,
    /// What is written there.
    pub value: Value,
}

/// What a value is; scalars as they are written.
#[derive(Debug)]
pub enum Value {
    /// Nothing.
    Null,
    /// A text, number or truth value, as written.
    Scalar(String),
    /// Values in their order.
    List(Vec<Node>),
    /// Named values in their order.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The text of a scalar; anything else is a violation.
    pub fn text(&self, path: &str, complaints: &mut Complaints) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            _ => {
                complaints.add(self, path, "expected a single value");
                None
            }
        }
    }

    /// The items of a list; anything else but nothing at all is a violation.
    pub fn list(&self, path: &str, complaints: &mut Complaints) -> &[Node] {
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
    pub fn fields<'n>(
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
pub struct Fields<'n> {
    /// The map itself.
    pub node: &'n Node,
    path: &'n str,
    entries: Vec<(&'n str, &'n Node)>,
}

impl<'n> Fields<'n> {
    /// Path of one of its fields.
    pub fn path_of(&self, name: &str) -> String {
        match self.path {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    /// The field, if it is there.
    pub fn optional(&self, name: &str) -> Option<&'n Node> {
        let found = self.entries.iter().find(|(n, _)| *n == name);
        found.map(|(_, node)| *node)
    }

    /// The field; its absence is noted.
    pub fn required(&self, name: &str, complaints: &mut Complaints) -> Option<&'n Node> {
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
