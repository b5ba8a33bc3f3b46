//! What services keep of people in types of their own is not printed either.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use prost_reflect::DescriptorPool;

/// Written above a field that a derived `Debug` prints as it stands here.
const HIDDEN: &str = r##"#[debug("[personal]")]"##;

/// Fields of people that are not named as in the contract.
const OTHERWISE: [&str; 2] = ["cancel_reason", "arguments"];

/// Type and field that are so named and say nothing of a person, and what they say.
const HARMLESS: [(&str, &str, &str); 6] = [
    (
        "Finding",
        "arguments",
        "codes, dates and names of resources",
    ),
    ("History", "signature", "made by the service's key"),
    ("Number", "value", "of a finding"),
    ("Part", "title", "what the vendor calls it"),
    ("Place", "near", "a Position, which prints nothing"),
    ("Share", "value", "of answers"),
];

/// Names of fields that the contract marks.
fn marked() -> BTreeSet<String> {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
    let option = pool
        .get_extension_by_name("fettle.type.v1.personal")
        .unwrap();
    let fields = pool
        .all_messages()
        .flat_map(|m| m.fields().collect::<Vec<_>>());
    let marked = fields.filter(|f| f.options().get_extension(&option).as_bool() == Some(true));
    let names = marked.map(|field| field.name().to_owned());
    names.chain(OTHERWISE.map(str::to_owned)).collect()
}

/// Fields of the file that a derived `Debug` prints: type and name.
fn printed(text: &str, marked: &BTreeSet<String>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let (mut derives, mut within) = (false, None);
    let mut above = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[derive(") {
            derives = line.contains("Debug");
        } else if let Some(name) = type_of(line) {
            within = (derives && line.ends_with('{')).then_some(name);
            derives = false;
        } else if line == "}" {
            within = None;
        } else if let (Some(type_name), Some(field)) = (within, field_of(line))
            && marked.contains(field)
            && above != HIDDEN
        {
            found.push((type_name.to_owned(), field.to_owned()));
        }
        above = line;
    }
    found
}

/// The name of the struct that begins here.
fn type_of(line: &str) -> Option<&str> {
    let (_, name) = line.split_once("struct ")?;
    let code = !line.starts_with("//") && line.ends_with(['{', ';']);
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
    code.then(|| &name[..end.unwrap_or(name.len())])
}

/// The name of the field that stands here.
fn field_of(line: &str) -> Option<&str> {
    let (before, _) = line.split_once(": ")?;
    let name = before.rsplit(' ').next()?;
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    (plain && line.ends_with(',')).then_some(name)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn what_services_keep_of_people_is_not_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources = Vec::new();
    for service in fs::read_dir(root.join("services")).unwrap() {
        files(&service.unwrap().path().join("src"), &mut sources);
    }
    assert!(sources.len() > 50);
    let marked = marked();
    let mut bare = Vec::new();
    for source in sources {
        for (of, field) in printed(&fs::read_to_string(&source).unwrap(), &marked) {
            if !HARMLESS.iter().any(|(a, b, _)| (*a, *b) == (&*of, &*field)) {
                bare.push(format!("{of}.{field} of {}", source.display()));
            }
        }
    }
    assert!(
        bare.is_empty(),
        "write {HIDDEN} above these and derive derive_more::Debug, or list them in HARMLESS:\n  {}",
        bare.join("\n  ")
    );
}

#[test]
fn a_field_that_is_printed_is_found() {
    let marked = marked();
    let found = |fields: &str| {
        let text = format!("#[derive(Clone, Debug)]\npub struct Customer {{\n{fields}\n}}\n");
        printed(&text, &marked)
    };
    let email = [("Customer".to_owned(), "email".to_owned())];
    assert_eq!(found("    pub email: String,"), email);
    assert_eq!(
        found("    pub id: Uuid,\n    /// How to reach them.\n    email: String,"),
        email
    );
    assert_eq!(found(&format!("    {HIDDEN}\n    pub email: String,")), []);
    assert_eq!(found("    pub id: Uuid,"), []);
    assert_eq!(
        printed("pub struct Customer {\n    email: String,\n}", &marked),
        []
    );
}
