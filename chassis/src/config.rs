//! Configuration: compiled-in defaults ← a file ← the environment, refused with all problems at once.
//!
//! The default files are the manual: every key stands there with its unit, range and effect, so
//! a key that stands in none of them is a spelling mistake and is refused at start.

use std::collections::BTreeMap;
use std::path::Path;

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

use crate::page::PageKey;
use crate::{client, db, identity, server, streams, telemetry};

/// The settings every service has, with their documentation.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// What stands in the place of a secret when the configuration is printed.
const MASK: &str = "********";

/// Why a configuration is refused: every problem found.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the configuration is refused:\n  {}", problems.join("\n  "))]
pub struct ConfigRefused {
    /// One sentence per problem, beginning with the key.
    pub problems: Vec<String>,
}

/// The effective configuration of one service.
#[derive(Clone, Debug)]
pub struct Config {
    /// The gRPC and admin listeners.
    pub server: server::Settings,
    /// How peers are called.
    pub client: client::Settings,
    /// How callers are known.
    pub identity: identity::Settings,
    /// The store.
    pub database: db::Settings,
    /// The streams of events.
    pub events: streams::Settings,
    /// Logs and traces.
    pub telemetry: telemetry::Settings,
    /// Addresses of peers by name, separated by commas.
    pub peers: BTreeMap<String, String>,
    /// The secret of page tokens.
    pub page_key: PageKey,
    service: String,
    figment: Figment,
}

impl Config {
    /// Begins with the defaults: chassis's own under the service's.
    pub fn layers(service: &str, defaults: &str) -> Layers {
        let base = Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(defaults));
        Layers {
            service: service.to_owned(),
            figment: base.clone(),
            base,
            origins: BTreeMap::new(),
        }
    }

    /// One section as a type: a service's own is named like the service.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigRefused> {
        let read = self.figment.extract_inner(name);
        read.map_err(|error: figment::Error| ConfigRefused {
            problems: error.into_iter().map(|e| said(name, &e)).collect(),
        })
    }

    /// The service's own section, `[ticket]` for ticket; empty when it has none.
    pub fn own(&self) -> Figment {
        self.figment.focus(&self.service)
    }

    /// The whole effective configuration as TOML, secrets masked.
    pub fn printed(&self) -> String {
        let mut all: Dict = self.figment.extract().unwrap_or_default();
        mask(&mut all);
        toml::to_string_pretty(&all).unwrap_or_default()
    }
}

/// The layers of a configuration, later ones over earlier ones.
pub struct Layers {
    service: String,
    base: Figment,
    figment: Figment,
    origins: BTreeMap<String, String>,
}

impl Layers {
    /// Lays a TOML file over what stands; none: nothing happens. A file that is missing or is no
    /// TOML is a problem of [`Layers::read`].
    #[must_use]
    pub fn file(mut self, path: Option<&Path>) -> Layers {
        if let Some(path) = path {
            self.figment = self.figment.merge(Toml::file_exact(path));
        }
        self
    }

    /// Lays the process environment over what stands.
    #[must_use]
    pub fn environment(self) -> Layers {
        // Names and values that are not UTF-8 are none of ours.
        let pairs = std::env::vars_os();
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        self.variables(pairs.filter_map(text))
    }

    /// Lays variables over what stands: `FETTLE__SECTION__KEY`, then `FETTLE_<SERVICE>__SECTION__KEY`.
    #[must_use]
    pub fn variables(mut self, pairs: impl IntoIterator<Item = (String, String)>) -> Layers {
        let pairs: BTreeMap<String, String> = pairs.into_iter().collect();
        let own = format!("FETTLE_{}__", self.service.to_uppercase());
        for prefix in ["FETTLE__", &own] {
            for (name, raw) in &pairs {
                let Some(rest) = name.strip_prefix(prefix) else {
                    continue;
                };
                let key = rest.to_lowercase().replace("__", ".");
                self.origins.insert(key.clone(), name.clone());
                self = self.set(&key, raw);
            }
        }
        self
    }

    /// Lays one value, written as in the environment, over what stands.
    #[must_use]
    pub fn set(mut self, key: &str, raw: &str) -> Layers {
        // A text stays as it is written ("007"); anything else is read as figment reads it.
        let is_text = matches!(self.base.find_value(key), Ok(Value::String(..)));
        let value = if is_text {
            Value::from(raw)
        } else {
            raw.parse().unwrap_or_else(|_| Value::from(raw))
        };
        self.figment = self.figment.merge(Serialized::default(key, value));
        self
    }

    /// Reads all settings, or says everything that is wrong with them.
    pub fn read(self) -> Result<Config, ConfigRefused> {
        let mut problems = Vec::new();
        let known: Dict = self.base.extract().unwrap_or_else(|error| {
            problems.extend(error.into_iter().map(|e| said("defaults", &e)));
            Dict::new()
        });
        let given: Dict = self.figment.extract().unwrap_or_else(|error| {
            problems.extend(error.into_iter().map(|e| said("configuration", &e)));
            Dict::new()
        });
        self.compare("", &known, &given, &mut problems);
        if !problems.is_empty() {
            return Err(ConfigRefused { problems });
        }
        let sections = self.sections(&mut problems);
        match sections {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigRefused { problems }),
        }
    }

    fn sections(&self, problems: &mut Vec<String>) -> Option<Config> {
        let server: Option<server::Settings> = self.section("server", problems);
        let client: Option<client::Settings> = self.section("client", problems);
        let identity: Option<identity::Settings> = self.section("identity", problems);
        let telemetry: Option<telemetry::Settings> = self.section("telemetry", problems);
        let database: Option<db::Settings> = self.section("database", problems);
        let events: Option<streams::Settings> = self.section("events", problems);
        let peers = self.section("peers", problems);
        let key: String = self.figment.extract_inner("paging.key").unwrap_or_default();
        if let Some(server) = &server {
            server.check(problems);
        }
        if let Some(client) = &client {
            client.check(problems);
        }
        if let Some(identity) = &identity {
            identity.check(problems);
        }
        if let Some(telemetry) = &telemetry {
            telemetry.check(problems);
        }
        Some(Config {
            server: server?,
            client: client?,
            identity: identity?,
            database: database?,
            events: events?,
            telemetry: telemetry?,
            peers: peers?,
            page_key: match key.is_empty() {
                true => PageKey::random(),
                false => PageKey::from_secret(key.as_bytes()),
            },
            service: self.service.clone(),
            figment: self.figment.clone(),
        })
    }

    fn section<T: DeserializeOwned>(&self, name: &str, problems: &mut Vec<String>) -> Option<T> {
        match self.figment.extract_inner(name) {
            Ok(section) => Some(section),
            Err(error) => {
                problems.extend(error.into_iter().map(|e| said(name, &e)));
                None
            }
        }
    }

    /// Notes every key that no default names, and every value of another kind than its default.
    fn compare(&self, path: &str, known: &Dict, given: &Dict, problems: &mut Vec<String>) {
        for (name, value) in given {
            let key = match path {
                "" => name.clone(),
                path => format!("{path}.{name}"),
            };
            let origin = self.origins.get(&key);
            let origin = origin.map_or_else(String::new, |o| format!(" (from {o})"));
            match (known.get(name), value) {
                (None, _) => problems.push(format!("{key}{origin}: no such setting")),
                (Some(Value::Dict(_, known)), Value::Dict(_, given)) => {
                    self.compare(&key, known, given, problems);
                }
                (Some(known), given) if kind(known) != kind(given) => {
                    let (wanted, found) = (kind(known), kind(given));
                    problems.push(format!("{key}{origin}: {wanted} is needed, not {found}"));
                }
                _ => {}
            }
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(..) | Value::Char(..) => "a text",
        Value::Bool(..) => "true or false",
        Value::Num(..) => "a number",
        Value::Empty(..) => "nothing",
        Value::Dict(..) => "a section",
        Value::Array(..) => "a list",
    }
}

fn said(section: &str, error: &figment::Error) -> String {
    let path = error.path.join(".");
    let key = if path.is_empty() { section } else { &path };
    format!("{key}: {}", error.kind)
}

/// Notes a number outside of its range.
pub(crate) fn within(
    key: &str,
    value: u64,
    range: std::ops::RangeInclusive<u64>,
    problems: &mut Vec<String>,
) {
    if !range.contains(&value) {
        let (least, most) = (range.start(), range.end());
        problems.push(format!("{key}: {value} is not within {least} to {most}"));
    }
}

fn mask(section: &mut Dict) {
    for (name, value) in section {
        match value {
            Value::Dict(_, inner) => mask(inner),
            Value::String(_, text) if text.is_empty() => {}
            Value::String(_, text) if is_secret(name) => *text = MASK.to_owned(),
            Value::String(_, text) => *text = without_password(text),
            _ => {}
        }
    }
}

/// `tls_key` and `signing_key` name a file; the other names hold the secret itself.
fn is_secret(name: &str) -> bool {
    let ends = ["password", "secret", "token", "_key"];
    !["tls_key", "signing_key"].contains(&name)
        && (name == "key" || ends.iter().any(|end| name.ends_with(end)))
}

/// Masks the password of `scheme://user:password@host` wherever one stands.
fn without_password(text: &str) -> String {
    let parts = text.split(',').map(|url| {
        let (scheme, rest) = url.split_once("://")?;
        let end = rest.find('/').unwrap_or(rest.len());
        let at = rest[..end].rfind('@')?;
        let (user, _) = rest[..at].split_once(':')?;
        Some(format!("{scheme}://{user}:{MASK}{}", &rest[at..]))
    });
    let parts: Vec<String> = parts
        .zip(text.split(','))
        .map(|(masked, plain)| masked.unwrap_or_else(|| plain.to_owned()))
        .collect();
    parts.join(",")
}

#[cfg(test)]
mod tests;
