//! The channel service over a database of its own, and people who call it.

use channel::BLUEPRINT;
use chassis::client::{self, Peer};
use chassis::config::Config;
use chassis::service::{self, Running};
use chassis::testing::{self, Database};
use chassis::{Caller, TenantId};
use proto::channel::v1::party_service_client::PartyServiceClient;
use proto::channel::v1::{
    CreatePartyRequest, ErasePartyRequest, ErasePartyResponse, GetPartyRequest, Party,
};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic_types::StatusExt;

/// A running service; ends with the test's process.
pub(crate) struct House {
    pub(crate) admin: PgPool,
    database: Database,
    peer: Peer,
    _running: Running,
}

/// The master key of these tests.
pub(crate) const MASTER: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

pub(crate) fn agent() -> Caller {
    Caller {
        tenant: TenantId::parse("acme").unwrap(),
        principal: "users/7".into(),
        region: None,
        roles: vec!["admin".into()],
        customer: None,
        partner: None,
    }
}

/// Somebody of another tenant.
pub(crate) fn stranger() -> Caller {
    Caller {
        tenant: TenantId::parse("other").unwrap(),
        ..agent()
    }
}

async fn configured(url: &str, master: &str) -> Config {
    let servers = testing::servers().await;
    testing::identified(Config::layers(BLUEPRINT.name, BLUEPRINT.defaults))
        .set("channel.master_key", master)
        .set("database.url", url)
        .set("database.password", servers.password())
        .set("database.worker_password", servers.password())
        .set("database.owner_password", servers.password())
        // Nobody listens there, and nothing is told.
        .set("events.redis_url", "redis://127.0.0.1:1")
        .set("server.listen", "127.0.0.1:0")
        .set("server.admin_listen", "127.0.0.1:0")
        .read()
        .unwrap()
}

async fn database() -> Database {
    let sums = BLUEPRINT
        .migrations
        .iter()
        .chain(chassis::migrate::MIGRATIONS.iter());
    let sums: Vec<String> = sums.map(|m| format!("{:?}", m.checksum)).collect();
    let key = format!("channel {}", sums.join(" "));
    let template = testing::template(&key, async |url: &str| {
        service::migrate(&BLUEPRINT, &configured(url, MASTER).await).await
    });
    template.await.clone_database().await
}

pub(crate) async fn house() -> House {
    open(database().await, MASTER).await
}

async fn open(database: Database, master: &str) -> House {
    let config = configured(&database.url(), master).await;
    let admin = PgPoolOptions::new()
        .max_connections(2)
        .after_connect(|conn, _| {
            Box::pin(async move {
                sqlx::query("set search_path to channel")
                    .execute(conn)
                    .await
                    .map(drop)
            })
        })
        .connect(&database.url())
        .await
        .unwrap();
    let running = service::start(&BLUEPRINT, config.clone(), CancellationToken::new());
    let running = running.await.unwrap();
    let address = format!("http://{}", running.grpc);
    House {
        admin,
        database,
        peer: client::channel(&address, &config.client)
            .unwrap()
            .with_minter(testing::minter()),
        _running: running,
    }
}

impl House {
    pub(crate) fn parties(&self, caller: &Caller) -> PartyServiceClient<Peer> {
        PartyServiceClient::new(self.peer.acting_as(caller))
    }

    /// The same database under another master key.
    pub(crate) async fn with_master(&self, master: &str) -> House {
        open(self.database.clone(), master).await
    }

    pub(crate) async fn create(&self, party: Party) -> Party {
        let request = CreatePartyRequest {
            party: Some(party),
            ..CreatePartyRequest::default()
        };
        let created = self.parties(&agent()).create_party(request).await.unwrap();
        created.into_inner()
    }

    pub(crate) async fn get(&self, name: &str) -> Result<Party, Status> {
        let request = GetPartyRequest { name: name.into() };
        let got = self.parties(&agent()).get_party(request).await?;
        Ok(got.into_inner())
    }

    pub(crate) async fn erase(&self, name: &str) -> Result<ErasePartyResponse, Status> {
        let request = ErasePartyRequest {
            name: name.into(),
            ..ErasePartyRequest::default()
        };
        let erased = self.parties(&agent()).erase_party(request).await?;
        Ok(erased.into_inner())
    }
}

pub(crate) fn li() -> Party {
    Party {
        display_name: "Li Weizhong".into(),
        email: "Li.Weizhong@example.com".into(),
        phone: "+8613812345678".into(),
        language: "zh-Hans".into(),
        region: "cn-east".into(),
        ..Party::default()
    }
}

/// Everything of [`li`] that must not be found where it is not sealed.
pub(crate) const SECRETS: [&str; 5] = [
    "Weizhong",
    "weizhong",
    "example.com",
    "13812345678",
    "zh-Hans",
];

/// Reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default()
}

/// Fields that were refused.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = details.bad_request().map(|b| b.field_violations.clone());
    violations
        .unwrap_or_default()
        .into_iter()
        .map(|v| v.field)
        .collect()
}
