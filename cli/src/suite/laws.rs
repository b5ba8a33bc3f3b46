//! The laws of the suite's databases: what each service says must hold of its tables, and what must
//! hold of every service's.

use std::path::Path;

use anyhow::Context;
use chassis::config::Config;
use chassis::local::Local;
use chassis::service::Blueprint;
use serde::Serialize;
use sqlx::{Connection, PgConnection};

use super::{DATABASE, Found, PARTS, blocking, databases_configured};

/// A law and what breaks it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Law {
    /// The service that keeps it.
    pub(crate) service: &'static str,
    /// The law; "every law" when none of the service's is broken.
    pub(crate) law: String,
    /// What breaks it; empty: it holds.
    pub(crate) breaches: Vec<String>,
}

/// Checks every law of every service: in the databases that the environment names, else in those
/// of the private suite in `dir`.
pub(crate) async fn laws(dir: &Path) -> anyhow::Result<Vec<Law>> {
    let dir = dir.to_path_buf();
    let local = match databases_configured() {
        true => None,
        false => {
            let found = blocking(move || Local::attach(&dir)).await?;
            Some(found.context("no database runs here")?)
        }
    };
    let mut laws = Vec::new();
    for part in &PARTS {
        let name = part.blueprint.name;
        let mut conn = connect(part.blueprint, local.as_ref())
            .await
            .context(name)?;
        let mut found = (part.check)(&mut conn).await.context(name)?;
        found.extend(given_up(&mut conn).await.context(name)?);
        conn.close().await?;
        laws.extend(by_law(name, found));
    }
    Ok(laws)
}

/// Connects as whoever may read all of the service's schema.
async fn connect(blueprint: &Blueprint, local: Option<&Local>) -> anyhow::Result<PgConnection> {
    let name = blueprint.name;
    let url = match local {
        Some(local) => local.pg_url(DATABASE, &format!("fettle_{name}_worker")),
        None => {
            let config = Config::layers(name, blueprint.defaults)
                .environment()
                .read()?;
            let database = config.database;
            let admin = Some(database.admin_url).filter(|url| !url.is_empty());
            admin.unwrap_or(database.url)
        }
    };
    let mut conn = PgConnection::connect(&url).await?;
    sqlx::query("select set_config('search_path', $1, false)")
        .bind(format!("{name}, public, pg_temp"))
        .execute(&mut conn)
        .await?;
    Ok(conn)
}

/// The law that every service has: no event is among the dead letters, waiting for a person.
async fn given_up(conn: &mut PgConnection) -> anyhow::Result<Vec<Found>> {
    let letters: Vec<(String, String, String, String)> = sqlx::query_as(
        "select consumer, kind, aggregate, reason from dead_letters
         where replayed_at is null order by failed_at limit 100",
    )
    .fetch_all(conn)
    .await?;
    let words = |(consumer, kind, aggregate, reason): (String, String, String, String)| Found {
        law: "no event is given up",
        words: format!("{aggregate}: {consumer} could not take in {kind}: {reason}"),
    };
    Ok(letters.into_iter().map(words).collect())
}

fn by_law(service: &'static str, found: Vec<Found>) -> Vec<Law> {
    let mut laws: Vec<Law> = Vec::new();
    for one in found {
        match laws.iter_mut().find(|law| law.law == one.law) {
            Some(law) => law.breaches.push(one.words),
            None => {
                laws.push(Law {
                    service,
                    law: one.law.to_owned(),
                    breaches: vec![one.words],
                });
            }
        }
    }
    if laws.is_empty() {
        laws.push(Law {
            service,
            law: "every law".to_owned(),
            breaches: Vec::new(),
        });
    }
    laws
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaches_are_told_law_by_law() {
        let found = |law: &'static str, words: &str| Found {
            law,
            words: words.to_owned(),
        };

        let laws = by_law(
            "inventory",
            vec![found("a", "1"), found("b", "2"), found("a", "3")],
        );

        let told: Vec<_> = laws
            .iter()
            .map(|law| (law.law.as_str(), law.breaches.len()))
            .collect();
        assert_eq!(told, [("a", 2), ("b", 1)]);
        assert!(by_law("inventory", Vec::new())[0].breaches.is_empty());
    }
}
