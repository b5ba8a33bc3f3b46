//! What must be so at the end of every story.

use std::path::{Path, PathBuf};

use chassis::audit;
use chassis::identity::Keyring;
use chassis::testing::{self, identity_settings};
use proto::dispatch::v1::work_order::State as Visit;
use proto::inventory::v1::reservation::State as Hold;
use proto::ticket::v1::Ticket;
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use super::{SERVICES, World, until};

/// Reservations that hold parts or wait for them.
pub const HOLDS: [Hold; 2] = [Hold::Held, Hold::Backordered];

/// Work orders that take somebody's time, or will.
pub const VISITS: [Visit; 6] = [
    Visit::Open,
    Visit::Offered,
    Visit::Scheduled,
    Visit::EnRoute,
    Visit::OnSite,
    Visit::InProgress,
];

impl World {
    /// Awaits that neither parts nor anybody's time are held for a ticket, by the word of those who hold them.
    pub async fn nothing_is_held_for(&self, ticket: &Ticket) {
        until("nothing is held for the ticket", async || {
            let holds = self.reservations_of(&ticket.name, &HOLDS).await.len();
            let visits = self.work_orders_of(&ticket.name, &VISITS).await.len();
            let what = format!("{holds} reservations, {visits} visits");
            if holds + visits == 0 {
                Ok(())
            } else {
                Err(what)
            }
        })
        .await;
    }

    /// Every law of every service holds in its tables, once the events at hand have been taken.
    pub async fn verify(&self) {
        until("every law holds", async || {
            let found = self.breaches().await;
            if found.is_empty() {
                Ok(())
            } else {
                Err(found.join("\n"))
            }
        })
        .await;
    }

    /// What `fettle verify` says of these databases: whether every law holds, and its words.
    pub fn told_by_verify(&self) -> (bool, String) {
        self.told_by(&[])
    }

    /// The same, held against the heads of the audit in a file.
    pub fn told_by_verify_against(&self, heads: &Path) -> (bool, String) {
        self.told_by(&["--heads", &heads.to_string_lossy()])
    }

    fn told_by(&self, more: &[&str]) -> (bool, String) {
        let said = std::process::Command::new(crate::processes::command_line())
            .args(["verify", "--keys"])
            .arg(keys())
            .args(more)
            .env("FETTLE__DATABASE__URL", &self.database_url)
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&said.stdout).into_owned();
        (said.status.success(), words)
    }

    /// What the command line does to the services of this world, as the administrator: its exit code
    /// and its document.
    pub fn commands(&mut self, arguments: &[&str]) -> (Option<i32>, Value) {
        let at = |service: &str| {
            let address = self.suite.as_ref().map(|suite| suite.address(service));
            format!("{service}=http://{}", address.unwrap())
        };
        let endpoints = SERVICES.map(|service| at(service.name)).join(",");
        let said = std::process::Command::new(crate::processes::command_line())
            .args(["--json", "--endpoint", &endpoints])
            .args(arguments)
            .env(
                "FETTLE_TOKEN",
                testing::minter().token(&testing::agent()).unwrap(),
            )
            .output()
            .unwrap();
        let document = serde_json::from_slice(&said.stdout).unwrap_or_default();
        (said.status.code(), document)
    }

    /// Writes into the tables behind the services' backs.
    pub async fn corrupt(&self, statement: &'static str) {
        let mut conn = PgConnection::connect(&self.database_url).await.unwrap();
        let done = sqlx::query(statement).execute(&mut conn).await.unwrap();
        assert!(done.rows_affected() > 0, "nothing was there to corrupt");
        conn.close().await.unwrap();
    }

    /// What breaks a law now.
    pub async fn breaches(&self) -> Vec<String> {
        let mut conn = PgConnection::connect(&self.database_url).await.unwrap();
        let mut found = Vec::new();
        for service in SERVICES {
            let path =
                sqlx::query("select set_config('search_path', $1, false)").bind(service.name);
            path.execute(&mut conn).await.unwrap();
            let common = chassis::invariants::check(&mut conn).await.unwrap();
            let common = common
                .iter()
                .map(|breach| (breach.law, &breach.subject, &breach.detail));
            found.extend(common.map(|breach| told(service.name, breach)));
            let ring = Keyring::read(&keys()).unwrap();
            let audit = audit::check(&mut conn, service.name, &ring, &[]).await;
            let audit = audit.unwrap().0;
            let audit = audit.iter().map(|b| (b.law, &b.subject, &b.detail));
            found.extend(audit.map(|breach| told(service.name, breach)));
            found.extend(own(service.name, &mut conn).await);
        }
        conn.close().await.unwrap();
        found
    }
}

/// The public keys that the services of tests sign with.
fn keys() -> PathBuf {
    let settings = identity_settings().into_iter();
    let keys = settings.filter(|(key, _)| *key == "identity.keys");
    keys.map(|(_, path)| path.into()).next().unwrap()
}

fn told(service: &str, (law, subject, detail): (&str, &String, &String)) -> String {
    format!("{service} {law}: {subject}: {detail}")
}

/// The laws that a service adds to those that all have.
async fn own(service: &str, conn: &mut PgConnection) -> Vec<String> {
    macro_rules! checked {
        ($krate:ident) => {{
            let breaches = $krate::invariants::check(conn).await.unwrap();
            let told = breaches
                .iter()
                .map(|b| told(service, (b.law, &b.subject, &b.detail)));
            told.collect()
        }};
    }
    match service {
        "ticket" => checked!(ticket),
        "inventory" => checked!(inventory),
        "dispatch" => checked!(dispatch),
        "feedback" => checked!(feedback),
        _ => Vec::new(),
    }
}
