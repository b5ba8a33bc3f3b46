//! Policy files into memory: the built-in ones, or those of a folder. All mistakes at once.

use std::path::Path;

use calendar::Calendar;
use include_dir::{Dir, include_dir};

use crate::domain::price::PriceList;
use crate::domain::{Policy, Rulebook};

static WARRANTY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../policies/warranty");
static PRICES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../policies/prices");
static CALENDARS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../policies/calendars");

/// Most files of one kind.
const MOST_FILES: usize = 10_000;

/// Why the policy files are refused: one sentence per problem, with file and line.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the policy files are refused:\n  {}", problems.join("\n  "))]
pub struct LoadRefused {
    /// Every problem found.
    pub problems: Vec<String>,
}

/// One file: its name for messages, and its text.
type File = (String, String);

/// Loads policies, price lists and calendars: the built-in files, or `warranty/`, `prices/` and
/// `calendars/` of a folder instead. Refuses with every problem of every file.
pub fn load(folder: Option<&Path>) -> Result<Rulebook, LoadRefused> {
    let mut problems = Vec::new();
    let mut files = |name: &str, built_in: &Dir<'_>| match folder {
        Some(folder) => on_disk(&folder.join(name), &mut problems),
        None => embedded(built_in),
    };
    let warranty = files("warranty", &WARRANTY);
    let prices = files("prices", &PRICES);
    let calendars = files("calendars", &CALENDARS);
    let policies = read_all(&warranty, &mut problems, Policy::read);
    let prices = read_all(&prices, &mut problems, PriceList::read);
    let calendars = read_all(&calendars, &mut problems, Calendar::from_yaml);
    let rules = Rulebook::new(policies, prices, calendars);
    let rules = rules.map_err(|more| problems.extend(more));
    match rules {
        Ok(rules) if problems.is_empty() => Ok(rules),
        _ => Err(LoadRefused { problems }),
    }
}

fn read_all<T, V: std::fmt::Display>(
    files: &[File],
    problems: &mut Vec<String>,
    read: impl Fn(&str) -> Result<T, Vec<V>>,
) -> Vec<T> {
    let mut found = Vec::with_capacity(files.len());
    for (name, text) in files {
        match read(text) {
            Ok(one) => found.push(one),
            Err(violations) => {
                problems.extend(
                    violations
                        .iter()
                        .map(|violation| format!("{name}: {violation}")),
                );
            }
        }
    }
    found
}

fn embedded(dir: &Dir<'_>) -> Vec<File> {
    let yaml = dir.files().filter(|file| is_yaml(file.path()));
    let text = |file: &include_dir::File<'_>| {
        let text = String::from_utf8_lossy(file.contents()).into_owned();
        (file.path().display().to_string(), text)
    };
    yaml.map(text).collect()
}

fn on_disk(folder: &Path, problems: &mut Vec<String>) -> Vec<File> {
    let listed = std::fs::read_dir(folder).and_then(|entries| {
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths.take(MOST_FILES).collect::<Result<Vec<_>, _>>()
    });
    let mut paths = match listed {
        Ok(paths) => paths,
        Err(error) => {
            problems.push(format!("{}: {error}", folder.display()));
            return Vec::new();
        }
    };
    paths.retain(|path| is_yaml(path));
    paths.sort();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        match std::fs::read_to_string(&path) {
            Ok(text) => files.push((path.display().to_string(), text)),
            Err(error) => problems.push(format!("{}: {error}", path.display())),
        }
    }
    files
}

fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml")
}
