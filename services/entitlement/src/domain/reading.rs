//! Reading one map of a file, field by field, with every complaint collected.

use serde_saphyr::DuplicateKeyPolicy;

use calendar::document::{Complaints, Fields, Node, Value, Violation};

/// Items of one list that are read.
const MAX_ITEMS: usize = 500;
/// Longer texts are refused unread.
const MAX_BYTES: usize = 1 << 20;

/// A map that is being read, with the list its complaints go to.
pub(crate) struct Reading<'n, 'c> {
    fields: Fields<'n>,
    complaints: &'c mut Complaints,
}

impl Reading<'_, '_> {
    /// Reads a whole file as one map; all complaints at once.
    pub(crate) fn file<T>(
        text: &str,
        known: &[&str],
        read: impl FnOnce(&mut Reading<'_, '_>) -> Option<T>,
    ) -> Result<T, Vec<Violation>> {
        let mut complaints = Complaints::default();
        let node = parse(text)?;
        let found = node.fields("", known, &mut complaints).and_then(|fields| {
            let complaints = &mut complaints;
            read(&mut Reading { fields, complaints })
        });
        match found {
            Some(found) if complaints.is_empty() => Ok(found),
            _ => Err(complaints.into_violations()),
        }
    }

    /// Notes a complaint about a field, or about the map itself.
    pub(crate) fn complain(&mut self, field: &str, problem: impl Into<String>) {
        let node = self.fields.optional(field).unwrap_or(self.fields.node);
        let path = self.fields.path_of(field);
        self.complaints.add(node, &path, problem);
    }

    /// True when the field is given.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.fields.optional(field).is_some()
    }

    /// A value that must be given.
    pub(crate) fn required<T>(
        &mut self,
        field: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.fields.required(field, self.complaints)?;
        self.optional(field, expected, read)
    }

    /// A value that may be given.
    pub(crate) fn optional<T>(
        &mut self,
        field: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let node = self.fields.optional(field)?;
        let path = self.fields.path_of(field);
        self.value(node, &path, expected, read)
    }

    /// A list of values; absent is empty.
    pub(crate) fn list<T>(
        &mut self,
        field: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let Some(node) = self.fields.optional(field) else {
            return Vec::new();
        };
        let path = self.fields.path_of(field);
        let items = node.list(&path, self.complaints).iter().take(MAX_ITEMS);
        let read = items.filter_map(|item| self.value(item, &path, expected, &read));
        read.collect()
    }

    /// A list of maps; absent is empty.
    pub(crate) fn each<T>(
        &mut self,
        field: &str,
        known: &[&str],
        read: impl Fn(&mut Reading<'_, '_>) -> Option<T>,
    ) -> Vec<T> {
        let Some(node) = self.fields.optional(field) else {
            return Vec::new();
        };
        let path = self.fields.path_of(field);
        let mut found = Vec::new();
        let items = node.list(&path, self.complaints).iter().take(MAX_ITEMS);
        for (n, item) in items.enumerate() {
            let path = format!("{path}[{n}]");
            let Some(fields) = item.fields(&path, known, self.complaints) else {
                continue;
            };
            let complaints = &mut *self.complaints;
            found.extend(read(&mut Reading { fields, complaints }));
        }
        found
    }

    /// A map of maps under free names; absent is empty.
    pub(crate) fn named<T>(
        &mut self,
        field: &str,
        known: &[&str],
        read: impl Fn(&str, &mut Reading<'_, '_>) -> Option<T>,
    ) -> Vec<T> {
        let Some(node) = self.fields.optional(field) else {
            return Vec::new();
        };
        let path = self.fields.path_of(field);
        let Value::Map(entries) = &node.value else {
            self.complain(field, "expected names with fields");
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, item) in entries.iter().take(MAX_ITEMS) {
            let path = format!("{path}.{name}");
            let Some(fields) = item.fields(&path, known, self.complaints) else {
                continue;
            };
            let complaints = &mut *self.complaints;
            found.extend(read(name, &mut Reading { fields, complaints }));
        }
        found
    }

    fn value<T>(
        &mut self,
        node: &Node,
        path: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = node.text(path, self.complaints)?;
        let found = read(text.trim());
        if found.is_none() {
            let shown: String = text.chars().take(60).collect();
            let problem = format!("`{shown}` is not {expected}");
            self.complaints.add(node, path, problem);
        }
        found
    }
}

/// The tree of a file; what is no YAML at all is one complaint.
fn parse(text: &str) -> Result<Node, Vec<Violation>> {
    let whole = |line, problem| {
        let path = "file".to_owned();
        vec![Violation {
            line,
            path,
            problem,
        }]
    };
    if text.len() > MAX_BYTES {
        return Err(whole(None, format!("longer than {MAX_BYTES} bytes")));
    }
    let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::PassThrough };
    serde_saphyr::from_str_with_options::<Node>(text, options).map_err(|error| {
        let line = error.location().map(|l| l.line()).filter(|l| *l > 0);
        whole(line, error.without_snippet().to_string())
    })
}
