//! The service's own settings; `config.default.toml` documents each key.

use std::collections::BTreeMap;

use figment::Figment;
use jiff::SignedDuration;
use proto::ticket::v1::ticket;
use serde::Deserialize;

use crate::domain::{AskPolicy, Kind, Thresholds};

/// What the service goes by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a survey waits, in system time from its creation.
    pub expiry: SignedDuration,
    /// How far ahead of now an answer may say it was given.
    pub occur_skew: SignedDuration,
    /// How each kind of ticket is asked about.
    pub ask: AskPolicy,
    /// When a score is low.
    pub low_score: Thresholds,
}

/// Why the section is refused: every problem found.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct SettingsRefused(pub Vec<String>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    expiry_days: i64,
    occur_skew_seconds: i64,
    ask: BTreeMap<String, String>,
    low_score: LowScore,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LowScore {
    csat: i16,
    nps: i16,
    ces: i16,
}

impl Settings {
    /// Reads the section `feedback`, or says everything that is wrong with it.
    pub fn read(section: &Figment) -> Result<Settings, SettingsRefused> {
        let read: Result<Section, figment::Error> = section.extract();
        let section = read.map_err(|error| {
            let said = error.into_iter().map(|e| format!("feedback: {e}"));
            SettingsRefused(said.collect())
        })?;
        let mut problems = Vec::new();
        if !(1..=365).contains(&section.expiry_days) {
            problems.push("feedback.expiry_days: must be 1 to 365".to_owned());
        }
        if !(0..=86_400).contains(&section.occur_skew_seconds) {
            problems.push("feedback.occur_skew_seconds: must be 0 to 86400".to_owned());
        }
        let low_score = Thresholds {
            csat: section.low_score.csat,
            nps: section.low_score.nps,
            ces: section.low_score.ces,
        };
        for kind in Kind::ALL {
            let (least, most) = (*kind.range().start() - 1, *kind.range().end());
            if !(least..=most).contains(&low_score.of(kind)) {
                let name = format!("{kind:?}").to_lowercase();
                problems.push(format!(
                    "feedback.low_score.{name}: must be {least} to {most}"
                ));
            }
        }
        let ask = ask(&section.ask, &mut problems);
        if !problems.is_empty() {
            return Err(SettingsRefused(problems));
        }
        Ok(Settings {
            expiry: SignedDuration::from_hours(24 * section.expiry_days),
            occur_skew: SignedDuration::from_secs(section.occur_skew_seconds),
            ask,
            low_score,
        })
    }
}

fn ask(named: &BTreeMap<String, String>, problems: &mut Vec<String>) -> AskPolicy {
    let mut policy = AskPolicy::default();
    for (ticket_kind, asked) in named {
        let known = ticket::Kind::from_str_name(&ticket_kind.to_uppercase());
        let Some(known) = known.filter(|kind| *kind != ticket::Kind::Unspecified) else {
            problems.push(format!(
                "feedback.ask.{ticket_kind}: no such kind of ticket"
            ));
            continue;
        };
        let kind = match asked.as_str() {
            "CSAT" => Kind::Csat,
            "NPS" => Kind::Nps,
            "CES" => Kind::Ces,
            "NONE" => continue,
            _ => {
                problems.push(format!(
                    "feedback.ask.{ticket_kind}: must be CSAT, NPS, CES or NONE"
                ));
                continue;
            }
        };
        policy.0.insert(known as i32, kind);
    }
    policy
}

#[cfg(test)]
mod tests {
    use figment::providers::{Format, Toml};

    use super::*;

    fn read(more: &str) -> Result<Settings, SettingsRefused> {
        let defaults = Figment::from(Toml::string(include_str!("../config.default.toml")));
        Settings::read(&defaults.merge(Toml::string(more)).focus("feedback"))
    }

    #[test]
    fn by_default_every_kind_of_ticket_is_asked_about() {
        let settings = read("").unwrap();
        let kinds = (1..32).filter_map(|n| ticket::Kind::try_from(n).ok());
        for kind in kinds {
            assert_eq!(
                settings.ask.0.get(&(kind as i32)),
                Some(&Kind::Csat),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn every_wrong_setting_is_told_at_once() {
        let wrong = "[feedback]\nexpiry_days = 0\n[feedback.ask]\ninquiry = \"csat\"\n\
                     [feedback.low_score]\nnps = 11\n";
        let SettingsRefused(problems) = read(wrong).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
    }

    #[test]
    fn a_kind_may_be_left_unasked() {
        let settings = read("[feedback.ask]\ninquiry = \"NONE\"\n").unwrap();
        let inquiry = ticket::Kind::Inquiry as i32;
        assert_eq!(settings.ask.0.get(&inquiry), None);
    }
}
