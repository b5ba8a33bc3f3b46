//! The service over a database of its own, and the world its tests begin with.

use std::time::Duration;

use chassis::config::Config;
use chassis::migrate::Passwords;
use chassis::service;
use chassis::testing::{self, Database};
use chassis::{Caller, Clock, Ids, TenantId, client};
use proto::dispatch::v1 as pb;
use proto::dispatch::v1::appointment_service_client::AppointmentServiceClient;
use proto::dispatch::v1::technician_service_client::TechnicianServiceClient;
use proto::dispatch::v1::work_order_service_client::WorkOrderServiceClient;
use proto::kinds::v1 as kinds;
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic_types::StatusExt;

pub(crate) use client::Peer;

/// Longest wait for something that happens in the background.
pub(crate) const WAIT: Duration = Duration::from_secs(30);

/// A running service; it stops when dropped.
pub(crate) struct House {
    pub(crate) database: Database,
    pub(crate) technicians: TechnicianServiceClient<Peer>,
    pub(crate) orders: WorkOrderServiceClient<Peer>,
    pub(crate) appointments: AppointmentServiceClient<Peer>,
    shutdown: CancellationToken,
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// A service with these settings laid over its defaults.
pub(crate) async fn house_with(settings: &[(&str, &str)]) -> House {
    let database = database().await;
    let servers = testing::servers().await;
    let layers = Config::layers("dispatch", dispatch::BLUEPRINT.defaults);
    let mut layers = testing::identified(layers)
        .set("server.listen", "127.0.0.1:0")
        .set("server.admin_listen", "127.0.0.1:0")
        .set("database.url", &database.url())
        .set("database.password", servers.password())
        .set("database.worker_password", servers.password())
        .set("events.redis_url", &servers.redis_url());
    for (key, value) in settings {
        layers = layers.set(key, value);
    }
    let config = layers.read().unwrap();
    let client_settings = config.client.clone();
    let shutdown = CancellationToken::new();
    let running = service::start(&dispatch::BLUEPRINT, config, shutdown.clone())
        .await
        .unwrap();
    let caller = Caller {
        principal: "users/7".into(),
        roles: vec!["admin".into()],
        ..Caller::service(TenantId::parse("acme").unwrap(), "test")
    };
    let peer = client::channel(&format!("http://{}", running.grpc), &client_settings).unwrap();
    let peer = peer.with_minter(testing::minter()).acting_as(&caller);
    House {
        database,
        technicians: TechnicianServiceClient::new(peer.clone()),
        orders: WorkOrderServiceClient::new(peer.clone()),
        appointments: AppointmentServiceClient::new(peer),
        shutdown,
    }
}

/// A service with its defaults.
pub(crate) async fn house() -> House {
    house_with(&[]).await
}

async fn database() -> Database {
    let sums: Vec<String> = dispatch::MIGRATIONS
        .iter()
        .chain(chassis::migrate::MIGRATIONS.iter())
        .map(|migration| format!("{:?}", migration.checksum))
        .collect();
    let build = async |url: &str| -> Result<(), String> {
        let passwords = Passwords::same(testing::servers().await.password());
        let admin = url.parse().map_err(|error| format!("{error}"))?;
        let done = chassis::migrate::migrate(&admin, "dispatch", &dispatch::MIGRATIONS, &passwords);
        done.await.map_err(|error| error.to_string())
    };
    let template = testing::template(&format!("dispatch {}", sums.concat()), build).await;
    template.clone_database().await
}

impl House {
    /// A connection of the superuser within the service's schema.
    pub(crate) async fn sql(&self) -> PgConnection {
        let mut conn = PgConnection::connect(&self.database.url()).await.unwrap();
        let path = "set search_path to dispatch, public";
        sqlx::query(path).execute(&mut conn).await.unwrap();
        conn
    }

    pub(crate) async fn add(&self, technician: pb::Technician) -> pb::Technician {
        let request = pb::CreateTechnicianRequest {
            technician: Some(technician),
            request_id: String::new(),
        };
        self.technicians
            .clone()
            .create_technician(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub(crate) async fn create(&self, request: pb::CreateWorkOrderRequest) -> pb::WorkOrder {
        self.orders
            .clone()
            .create_work_order(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub(crate) async fn get(&self, name: &str) -> pb::WorkOrder {
        let request = pb::GetWorkOrderRequest {
            name: name.to_owned(),
        };
        self.orders
            .clone()
            .get_work_order(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Kinds told of the work order, in order.
    pub(crate) async fn told(&self, name: &str) -> Vec<String> {
        let kinds = "select kind from outbox where aggregate = $1 order by version, event_id";
        let query = sqlx::query_scalar(kinds).bind(name);
        query.fetch_all(&mut self.sql().await).await.unwrap()
    }

    pub(crate) async fn breaches(&self) -> Vec<dispatch::invariants::Breach> {
        dispatch::invariants::check(&mut self.sql().await)
            .await
            .unwrap()
    }
}

pub(crate) fn name(collection: &str) -> String {
    format!("{collection}/{}", Ids::random(Clock::system()).v7())
}

pub(crate) fn instant(text: &str) -> prost_types::Timestamp {
    chassis::refusal::to_pb(text.parse().unwrap())
}

pub(crate) fn window(start: &str, end: &str) -> kinds::TimeWindow {
    kinds::TimeWindow {
        start: Some(instant(start)),
        end: Some(instant(end)),
    }
}

/// In Hangzhou, on all days from 09:00 to 18:00.
pub(crate) fn technician(code: &str) -> pb::Technician {
    let shift = |weekday| pb::technician::Shift {
        weekday,
        start: "09:00".into(),
        end: "18:00".into(),
    };
    let skill = pb::technician::Skill {
        skill: "NOTEBOOK_REPAIR".into(),
        level: 3,
        valid_until: String::new(),
    };
    pb::Technician {
        code: code.into(),
        display_name: "Li Wei".into(),
        region: "cn-east".into(),
        home_latitude: 30.2741,
        home_longitude: 120.1551,
        time_zone: "Asia/Shanghai".into(),
        skills: vec![skill],
        shifts: (1..=7).map(shift).collect(),
        ..pb::Technician::default()
    }
}

/// One hour at Hangzhou's station within the week after 2021-03-01: a past period, as a replay asks.
pub(crate) fn visit() -> pb::CreateWorkOrderRequest {
    let need = pb::work_order::SkillNeed {
        skill: "NOTEBOOK_REPAIR".into(),
        level: 1,
    };
    pb::CreateWorkOrderRequest {
        name: name("workOrders"),
        ticket: name("tickets"),
        step: "BOOK_VISIT".into(),
        round: 1,
        mode: pb::WorkMode::OnSite.into(),
        required_skills: vec![need],
        site: Some(kinds::Site {
            address: None,
            latitude: 30.2436,
            longitude: 120.1826,
            time_zone: "Asia/Shanghai".into(),
        }),
        region: "cn-east".into(),
        occur_time: Some(instant("2021-03-01T00:00:00Z")),
        ..pb::CreateWorkOrderRequest::default()
    }
}

pub(crate) fn state(order: &pb::WorkOrder) -> &'static str {
    order.state().as_str_name()
}

pub(crate) fn codes(findings: &[kinds::Finding]) -> Vec<&str> {
    findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect()
}

/// The reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default()
}

pub(crate) fn fact(status: &Status, key: &str) -> String {
    let details = status.get_error_details();
    details
        .error_info()
        .and_then(|info| info.metadata.get(key).cloned())
        .unwrap_or_default()
}

/// The fields that were violated.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    assert_eq!(reason(status), "INVALID_FIELDS", "{status:?}");
    let details = status.get_error_details();
    let list = details
        .bad_request()
        .map(|bad| bad.field_violations.clone())
        .unwrap_or_default();
    list.into_iter().map(|violation| violation.field).collect()
}
