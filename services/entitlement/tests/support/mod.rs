//! One entitlement service on a database of its own, and clients that speak for a tenant.
#![allow(dead_code)]

use chassis::client::{self, As, Peer};
use chassis::config::Config;
use chassis::db::Db;
use chassis::service::{Running, start};
use chassis::testing::{self, Database, servers, template};
use chassis::{Caller, Clock, Ids, TenantId};
use proto::entitlement::v1::asset_service_client::AssetServiceClient;
use proto::entitlement::v1::contract_service_client::ContractServiceClient;
use proto::entitlement::v1::entitlement_service_client::EntitlementServiceClient;
use proto::entitlement::v1::policy_service_client::PolicyServiceClient;
use proto::entitlement::v1::{
    Asset, AssetFacts, CheckEntitlementRequest, EntitlementDecision, Fault, Place,
    RegisterAssetRequest,
};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic_types::StatusExt;

pub(crate) struct Suite {
    pub(crate) assets: AssetServiceClient<Peer>,
    pub(crate) contracts: ContractServiceClient<Peer>,
    pub(crate) entitlements: EntitlementServiceClient<Peer>,
    pub(crate) policies: PolicyServiceClient<Peer>,
    pub(crate) db: Db,
    pub(crate) caller: As,
    pub(crate) database: Database,
    _running: Running,
    stop: CancellationToken,
}

impl Drop for Suite {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn database() -> Database {
    let password = servers().await.password().to_owned();
    let migrations =
        chassis::migrate::combine(entitlement::NAME, &entitlement::MIGRATIONS).unwrap();
    let key: Vec<String> = migrations
        .iter()
        .map(|m| format!("{:?}", m.checksum))
        .collect();
    let key = format!("entitlement {}", key.concat());
    let build = async |url: &str| {
        let passwords = chassis::migrate::Passwords::same(&password);
        let admin = url.parse().unwrap();
        chassis::migrate::migrate(
            &admin,
            entitlement::NAME,
            &entitlement::MIGRATIONS,
            &passwords,
        )
        .await
    };
    template(&key, build).await.clone_database().await
}

pub(crate) fn caller(tenant: &str) -> As {
    let tenant = TenantId::parse(tenant).unwrap();
    As(Caller {
        principal: "users/7".into(),
        roles: vec!["admin".into()],
        ..Caller::service(tenant, "test")
    })
}

/// Serves entitlement from its blueprint and connects to it.
pub(crate) async fn suite() -> Suite {
    let (local, database) = (servers().await, database().await);
    let layers = Config::layers(entitlement::NAME, entitlement::BLUEPRINT.defaults);
    let config = testing::identified(layers)
        .set("database.url", &database.url())
        .set("database.password", local.password())
        .set("database.worker_password", local.password())
        .set("events.redis_url", &local.redis_url())
        .set("server.listen", "127.0.0.1:0")
        .set("server.admin_listen", "127.0.0.1:0")
        .read()
        .unwrap();
    let clock = Clock::system();
    let ids = Ids::random(clock.clone());
    let db = Db::connect(entitlement::NAME, &config.database, clock, ids).unwrap();
    let stop = CancellationToken::new();
    let client = config.client.clone();
    let running = start(&entitlement::BLUEPRINT, config, stop.clone())
        .await
        .unwrap();
    let address = format!("http://{}", running.grpc);
    let peer = client::channel(&address, &client).unwrap();
    let peer = peer.with_minter(testing::minter());
    Suite {
        assets: AssetServiceClient::new(peer.clone()),
        contracts: ContractServiceClient::new(peer.clone()),
        entitlements: EntitlementServiceClient::new(peer.clone()),
        policies: PolicyServiceClient::new(peer),
        db,
        caller: caller("acme"),
        database,
        _running: running,
        stop,
    }
}

pub(crate) fn notebook(serial: &str, sold: &str) -> Asset {
    Asset {
        serial_number: serial.into(),
        product: "NB-14-2024".into(),
        category: "NOTEBOOK".into(),
        vendor_policy: "xiaomi-notebook".into(),
        facts: Some(AssetFacts {
            sale_date: sold.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub(crate) fn question(
    serial: &str,
    component: &str,
    on: &str,
    region: &str,
) -> CheckEntitlementRequest {
    CheckEntitlementRequest {
        serial_number: serial.into(),
        fault: Some(Fault {
            component: component.into(),
            ..Default::default()
        }),
        on: on.into(),
        site: Some(Place {
            region: region.into(),
            city: String::new(),
        }),
        ..Default::default()
    }
}

impl Suite {
    pub(crate) async fn register(&self, asset: Asset) -> Result<Asset, Status> {
        let request = RegisterAssetRequest {
            asset: Some(asset),
            ..Default::default()
        };
        let answer = self
            .assets
            .clone()
            .register_asset(self.caller.request(request))
            .await?;
        Ok(answer.into_inner())
    }

    pub(crate) async fn check(
        &self,
        request: CheckEntitlementRequest,
    ) -> Result<EntitlementDecision, Status> {
        let request = self.caller.request(request);
        let answer = self.entitlements.clone().check_entitlement(request).await?;
        Ok(answer.into_inner())
    }
}

/// Reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    status
        .get_error_details()
        .error_info()
        .map_or(String::new(), |info| info.reason.clone())
}

/// Metadata of a refusal.
pub(crate) fn metadata(status: &Status, key: &str) -> String {
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    info.metadata.get(key).cloned().unwrap_or_default()
}

/// Violated fields of a refusal, in order.
pub(crate) fn violated(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let request = details.bad_request().unwrap();
    request
        .field_violations
        .iter()
        .map(|v| v.field.clone())
        .collect()
}
