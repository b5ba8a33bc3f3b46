//! The laws of the suite's databases: what each service says must hold of its tables, what must
//! hold of every service's, and what must hold between them.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chassis::audit::heads::Head;
use chassis::audit::{self, Entry, Wanted};
use chassis::config::Config;
use chassis::identity::Keyring;
use chassis::invariants::{self, Breach, Place, feeds_agree};
use chassis::local::Local;
use chassis::service::Blueprint;
use serde::Serialize;
use sqlx::{Connection, PgConnection};

use super::{DATABASE, PARTS, blocking, databases_configured};
use crate::client::existing_issuer;

/// Between services: what is over holds nothing, in whoever's tables it may be.
const LEFT_BEHIND: &str = "PROCESS_NOTHING_HELD_WHEN_OVER";

/// Between services: where a person is erased, no service tells of them any more.
const STILL_TOLD: &str = "NOBODY_TELLS_OF_THE_ERASED";

/// The laws between services.
const BETWEEN: [&str; 3] = [invariants::AHEAD, LEFT_BEHIND, STILL_TOLD];

/// A law and what breaks it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Law {
    /// The service that keeps it; "all": between services.
    pub(crate) service: &'static str,
    /// The law.
    pub(crate) law: String,
    /// What breaks it; empty: it holds.
    pub(crate) breaches: Vec<String>,
}

/// What the audit is held against.
#[derive(Debug, Default)]
pub(crate) struct Against {
    /// JWK Set with the public keys that are believed; none: that of the suite, or what the
    /// environment names.
    pub(crate) keys: Option<PathBuf>,
    /// Where chains stood when they were put aside.
    pub(crate) kept: Vec<Head>,
}

impl Against {
    /// The keys that a service's heads are checked with.
    fn ring(&self, dir: &Path, blueprint: &Blueprint) -> anyhow::Result<Keyring> {
        let keys = match &self.keys {
            Some(keys) => keys.clone(),
            None if databases_configured() => configured(blueprint)?.identity.keys.into(),
            None => existing_issuer(dir)?.keys,
        };
        if keys.as_os_str().is_empty() {
            bail!("the audit is signed: name the public keys with --keys or identity.keys");
        }
        Ok(Keyring::read(&keys)?)
    }
}

/// Checks every law of every service: in the databases that the environment names, else in those
/// of the private suite in `dir`. Gives also where each chain of the audit stands now.
pub(crate) async fn laws(dir: &Path, against: &Against) -> anyhow::Result<(Vec<Law>, Vec<Head>)> {
    let local = attached(dir).await?;
    let (mut laws, mut heads) = (Vec::new(), Vec::new());
    let (mut passed, mut published) = (Vec::new(), Vec::new());
    // What consumers passed is read before what producers gave: events go on meanwhile.
    for part in &PARTS {
        let mut conn = connect(part.blueprint, local.as_ref()).await?;
        passed.extend(invariants::passed(&mut conn).await?);
        conn.close().await?;
    }
    for part in &PARTS {
        let name = part.blueprint.name;
        let mut conn = connect(part.blueprint, local.as_ref())
            .await
            .context(name)?;
        published.extend(invariants::published(&mut conn, name).await.context(name)?);
        let mut found = (part.check)(&mut conn).await.context(name)?;
        found.extend(invariants::check(&mut conn).await.context(name)?);
        let ring = against.ring(dir, part.blueprint)?;
        let kept = against.kept.iter().filter(|head| head.service == name);
        let kept: Vec<Head> = kept.cloned().collect();
        let (broken, stands) = audit::check(&mut conn, name, &ring, &kept)
            .await
            .context(name)?;
        found.extend(broken);
        heads.extend(stands);
        conn.close().await?;
        let names = [part.laws, &invariants::LAWS, &audit::LAWS].concat();
        laws.extend(by_law(name, &names, found));
    }
    let between = between(local.as_ref(), &published, &passed).await?;
    laws.extend(by_law("all", &BETWEEN, between));
    Ok((laws, heads))
}

/// Entries of the audit of each service, in the same databases.
pub(crate) async fn audited(
    dir: &Path,
    wanted: &Wanted,
) -> anyhow::Result<Vec<(&'static str, Vec<Entry>)>> {
    let local = attached(dir).await?;
    let mut found = Vec::new();
    for part in &PARTS {
        let name = part.blueprint.name;
        let mut conn = connect(part.blueprint, local.as_ref())
            .await
            .context(name)?;
        found.push((name, audit::list(&mut conn, wanted).await.context(name)?));
        conn.close().await?;
    }
    Ok(found)
}

/// The private suite's servers; none where the environment names the databases.
async fn attached(dir: &Path) -> anyhow::Result<Option<Local>> {
    if databases_configured() {
        return Ok(None);
    }
    let dir = dir.to_path_buf();
    let found = blocking(move || Local::attach(&dir)).await?;
    Ok(Some(found.context("no database runs here")?))
}

fn configured(blueprint: &Blueprint) -> anyhow::Result<Config> {
    let layers = Config::layers(blueprint.name, blueprint.defaults);
    Ok(layers.environment().read()?)
}

/// What breaks the laws between services.
async fn between(
    local: Option<&Local>,
    published: &[Place],
    passed: &[Place],
) -> anyhow::Result<Vec<Breach>> {
    let mut inventory = connect(&inventory::BLUEPRINT, local).await?;
    let mut held = inventory::invariants::holding(&mut inventory).await?;
    let mut dispatch = connect(&dispatch::BLUEPRINT, local).await?;
    held.extend(dispatch::invariants::wanting(&mut dispatch).await?);
    // A ticket may keep both.
    held.sort_unstable();
    held.dedup();
    let mut ticket = connect(&ticket::BLUEPRINT, local).await?;
    let over = ticket::invariants::at_rest(&mut ticket, &held).await?;
    let left = over.into_iter().map(|(tenant, id)| Breach {
        law: LEFT_BEHIND,
        subject: format!("{tenant}/tickets/{id}"),
        detail: "it is over, and parts or a technician's time are still kept for it".to_owned(),
    });
    let mut found = feeds_agree(published, passed);
    found.extend(left);

    let mut channel = connect(&channel::BLUEPRINT, local).await?;
    let mut feedback = connect(&feedback::BLUEPRINT, local).await?;
    let parties = channel::invariants::erased(&mut channel).await?;
    let tickets = ticket::invariants::erased(&mut ticket).await?;
    let tell = [
        (
            "ticket",
            ticket::invariants::unerased_of(&mut ticket, &parties).await?,
        ),
        (
            "dispatch",
            dispatch::invariants::telling_of(&mut dispatch, &tickets).await?,
        ),
        (
            "inventory",
            inventory::invariants::telling_of(&mut inventory, &tickets).await?,
        ),
        (
            "feedback",
            feedback::invariants::telling_of(&mut feedback, &tickets).await?,
        ),
    ];
    for (service, told) in tell {
        found.extend(told.into_iter().map(|(tenant, id)| Breach {
            law: STILL_TOLD,
            subject: format!("{tenant}/tickets/{id}"),
            detail: format!("its customer was erased, and the {service} service tells of them"),
        }));
    }
    Ok(found)
}

/// Connects as whoever may read all of the service's schema.
async fn connect(blueprint: &Blueprint, local: Option<&Local>) -> anyhow::Result<PgConnection> {
    let name = blueprint.name;
    let url = match local {
        Some(local) => local.pg_url(DATABASE, &format!("fettle_{name}_auditor")),
        None => {
            let database = configured(blueprint)?.database;
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

/// Each law with what breaks it, those that hold included.
fn by_law(service: &'static str, names: &[&'static str], found: Vec<Breach>) -> Vec<Law> {
    let of = |name: &str| {
        let broken = found.iter().filter(|breach| breach.law == name);
        broken
            .map(|breach| format!("{}: {}", breach.subject, breach.detail))
            .collect()
    };
    let law = |name: &&'static str| Law {
        service,
        law: (*name).to_owned(),
        breaches: of(name),
    };
    names.iter().map(law).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaches_are_told_law_by_law_and_laws_that_hold_as_well() {
        let found = |law: &'static str, subject: &str| Breach {
            law,
            subject: subject.to_owned(),
            detail: "wrong".to_owned(),
        };
        let told = by_law(
            "inventory",
            &["G3", "G6"],
            vec![found("G3", "a"), found("G3", "b")],
        );
        assert_eq!(told.len(), 2);
        assert_eq!(told[0].breaches, ["a: wrong", "b: wrong"]);
        assert!(told[1].breaches.is_empty());
    }
}
