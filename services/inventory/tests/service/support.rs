//! The inventory over a database of its own, and people who call it.

use chassis::client::{self, Peer};
use chassis::config::Config;
use chassis::db::{self, Db};
use chassis::inbox::{Consumer, Delivered};
use chassis::service::{self, Running};
use chassis::testing::{self, Database};
use chassis::{Caller, Clock, Ids, TenantId};
use inventory::BLUEPRINT;
use inventory::events::Settling;
use inventory::invariants::{self, Breach};
use jiff::{SignedDuration, Timestamp};
use prost::Message;
use proto::dispatch::v1::{WorkOrderEventPayload, WorkOrderFacts};
use proto::inventory::v1::part_service_client::PartServiceClient;
use proto::inventory::v1::reservation::State;
use proto::inventory::v1::reservation_service_client::ReservationServiceClient;
use proto::inventory::v1::reserve_parts_request::Line;
use proto::inventory::v1::stock_service_client::StockServiceClient;
use proto::inventory::v1::{
    AdjustStockRequest, CreatePartRequest, CreateStockLocationRequest, GetStockLevelsRequest, Part,
    PartUsed, ReceiveStockRequest, ReleaseReservationRequest, Reservation, ReservePartsRequest,
    StockLocation, StockMovement, stock_location,
};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic_types::StatusExt;
use uuid::Uuid;

pub(crate) const HOLD_FOR: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A running service; ends with the test's process.
pub(crate) struct House {
    pub(crate) admin: PgPool,
    pub(crate) db: Db,
    peer: Peer,
    _database: Database,
    _running: Running,
}

pub(crate) fn tenant() -> TenantId {
    TenantId::parse("acme").unwrap()
}

pub(crate) fn agent() -> Caller {
    Caller {
        principal: "users/7".into(),
        roles: vec!["admin".into()],
        ..Caller::service(tenant(), "test")
    }
}

/// Somebody of another tenant.
pub(crate) fn stranger() -> Caller {
    Caller {
        tenant: TenantId::parse("other").unwrap(),
        ..agent()
    }
}

async fn configured(url: &str, settings: &[(&str, &str)]) -> Config {
    let servers = testing::servers().await;
    let layers = Config::layers(BLUEPRINT.name, BLUEPRINT.defaults);
    let mut layers = testing::identified(layers)
        .set("database.url", url)
        .set("database.password", servers.password())
        .set("database.worker_password", servers.password())
        .set("database.owner_password", servers.password())
        // A busy machine is no reason to fail: what is asserted is who gets what.
        .set("database.acquire_timeout_ms", "60000")
        .set("database.lock_timeout_ms", "60000")
        .set("server.default_deadline_ms", "60000")
        .set("client.deadline_ms", "60000")
        // Nobody listens there: events stay in the outbox, where tests look for them.
        .set("events.redis_url", "redis://127.0.0.1:1")
        .set("server.listen", "127.0.0.1:0")
        .set("server.admin_listen", "127.0.0.1:0");
    for (key, value) in settings {
        layers = layers.set(key, value);
    }
    layers.read().unwrap()
}

async fn database() -> Database {
    let sums = BLUEPRINT
        .migrations
        .iter()
        .chain(chassis::migrate::MIGRATIONS.iter());
    let sums: Vec<String> = sums.map(|m| format!("{:?}", m.checksum)).collect();
    let key = format!("inventory {}", sums.join(" "));
    let template = testing::template(&key, async |url: &str| {
        service::migrate(&BLUEPRINT, &configured(url, &[]).await).await
    });
    template.await.clone_database().await
}

/// A service whose background work stays out of the way.
pub(crate) async fn house() -> House {
    let idle = [
        ("inventory.expiry_poll_ms", "600000"),
        ("inventory.sweep_poll_ms", "600000"),
    ];
    house_with(&idle).await
}

pub(crate) async fn house_with(settings: &[(&str, &str)]) -> House {
    let database = database().await;
    let config = configured(&database.url(), settings).await;
    let admin = PgPoolOptions::new()
        .max_connections(3)
        .after_connect(|conn, _| {
            let set = sqlx::query("set search_path to inventory");
            Box::pin(async move { set.execute(conn).await.map(drop) })
        })
        .connect(&database.url())
        .await
        .unwrap();
    let password = testing::servers().await.password().to_owned();
    let settings = db::Settings {
        password: password.clone(),
        worker_password: password,
        ..config.database.clone()
    };
    let clock = Clock::system();
    let db = Db::connect("inventory", &settings, clock.clone(), Ids::random(clock)).unwrap();
    let running = service::start(&BLUEPRINT, config.clone(), CancellationToken::new());
    let running = running.await.unwrap();
    let address = format!("http://{}", running.grpc);
    let peer = client::channel(&address, &config.client).unwrap();
    let peer = peer.with_minter(testing::minter());
    House {
        admin,
        db,
        peer,
        _database: database,
        _running: running,
    }
}

impl House {
    pub(crate) fn parts(&self) -> PartServiceClient<Peer> {
        PartServiceClient::new(self.peer.acting_as(&agent()))
    }

    pub(crate) fn stock(&self) -> StockServiceClient<Peer> {
        StockServiceClient::new(self.peer.acting_as(&agent()))
    }

    pub(crate) fn reservations(&self) -> ReservationServiceClient<Peer> {
        self.reservations_as(&agent())
    }

    pub(crate) fn reservations_as(&self, caller: &Caller) -> ReservationServiceClient<Peer> {
        ReservationServiceClient::new(self.peer.acting_as(caller))
    }

    pub(crate) async fn part(&self, number: &str, serialised: bool) {
        let part = Some(Part {
            serialised,
            ..part(number)
        });
        let request = CreatePartRequest {
            part,
            ..CreatePartRequest::default()
        };
        self.parts().create_part(request).await.unwrap();
    }

    /// A location at a latitude, all on one meridian.
    pub(crate) async fn location(&self, code: &str, latitude: f64) {
        let stock_location = Some(StockLocation {
            latitude,
            ..location(code)
        });
        let request = CreateStockLocationRequest {
            stock_location,
            ..Default::default()
        };
        self.stock().create_stock_location(request).await.unwrap();
    }

    pub(crate) async fn receive(&self, part: &str, location: &str, quantity: i64) {
        self.try_receive(part, location, quantity, &[])
            .await
            .unwrap();
    }

    pub(crate) async fn receive_pieces(&self, part: &str, location: &str, serials: &[&str]) {
        let quantity = i64::try_from(serials.len()).unwrap();
        self.try_receive(part, location, quantity, serials)
            .await
            .unwrap();
    }

    pub(crate) async fn try_receive(
        &self,
        part: &str,
        location: &str,
        quantity: i64,
        serials: &[&str],
    ) -> Result<StockMovement, Status> {
        let request = ReceiveStockRequest {
            part: format!("parts/{part}"),
            location: format!("stockLocations/{location}"),
            quantity,
            serial_numbers: serials.iter().map(|s| (*s).to_owned()).collect(),
            ..ReceiveStockRequest::default()
        };
        Ok(self.stock().receive_stock(request).await?.into_inner())
    }

    pub(crate) async fn adjust(&self, part: &str, at: &str, delta: i64) -> Result<(), Status> {
        let request = AdjustStockRequest {
            part: format!("parts/{part}"),
            location: format!("stockLocations/{at}"),
            delta,
            reason: "counted".into(),
            ..AdjustStockRequest::default()
        };
        self.stock().adjust_stock(request).await.map(drop)
    }

    pub(crate) async fn reserve(&self, request: ReservePartsRequest) -> Reservation {
        self.try_reserve(request).await.unwrap()
    }

    pub(crate) async fn try_reserve(
        &self,
        request: ReservePartsRequest,
    ) -> Result<Reservation, Status> {
        Ok(self
            .reservations()
            .reserve_parts(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn release(&self, name: &str) -> Result<Reservation, Status> {
        let request = ReleaseReservationRequest {
            name: name.into(),
            ..Default::default()
        };
        Ok(self
            .reservations()
            .release_reservation(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn get(&self, name: &str) -> Reservation {
        let request = proto::inventory::v1::GetReservationRequest { name: name.into() };
        self.reservations()
            .get_reservation(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub(crate) async fn state(&self, name: &str) -> State {
        self.get(name).await.state()
    }

    /// Available and held of a part over all locations.
    pub(crate) async fn level(&self, part: &str) -> (i64, i64) {
        let part = format!("parts/{part}");
        let request = GetStockLevelsRequest {
            part,
            ..GetStockLevelsRequest::default()
        };
        let levels = self
            .stock()
            .get_stock_levels(request)
            .await
            .unwrap()
            .into_inner()
            .levels;
        let available = levels.iter().map(|l| l.available).sum();
        (available, levels.iter().map(|l| l.held).sum())
    }

    /// Hears that a visit ended.
    pub(crate) async fn hears(
        &self,
        kind: &str,
        reservation: &str,
        used: Vec<PartUsed>,
    ) -> Result<(), chassis::Refusal> {
        let visit = WorkOrderFacts {
            name: format!("workOrders/{}", Uuid::from_u128(9)),
            reservation: reservation.into(),
            parts_used: used,
            ..WorkOrderFacts::default()
        };
        let payload = WorkOrderEventPayload {
            work_order: Some(visit),
            time: None,
        };
        self.hears_bytes(kind, payload.encode_to_vec()).await
    }

    pub(crate) async fn hears_bytes(
        &self,
        kind: &str,
        payload: Vec<u8>,
    ) -> Result<(), chassis::Refusal> {
        let event = Delivered {
            id: Uuid::now_v7(),
            tenant: tenant(),
            source: "dispatch".into(),
            kind: kind.into(),
            aggregate: "workOrders/x".into(),
            version: 7,
            occurred_at: long_ago(),
            recorded_at: long_ago(),
            payload: payload.into(),
            trace: String::new(),
            principal: String::new(),
        };
        let mut tx = self.db.begin(&tenant()).await.unwrap();
        Settling { hold_for: HOLD_FOR }
            .handle(&mut tx, &event)
            .await?;
        tx.commit().await
    }

    /// Kinds of the events told of a resource, in order.
    pub(crate) async fn told(&self, aggregate: &str) -> Vec<String> {
        let sql = "select kind from outbox where aggregate = $1 order by version, event_id";
        let kinds = sqlx::query_scalar(sql).bind(aggregate);
        kinds.fetch_all(&self.admin).await.unwrap()
    }

    pub(crate) async fn breaches(&self) -> Vec<Breach> {
        let mut conn = self.admin.acquire().await.unwrap();
        invariants::check(&mut conn).await.unwrap()
    }
}

/// Years ago: the demo replays a past period.
pub(crate) fn long_ago() -> Timestamp {
    "2019-03-01T08:00:00Z".parse().unwrap()
}

pub(crate) fn part(number: &str) -> Part {
    Part {
        number: number.into(),
        title: format!("Part {number}"),
        component: "BATTERY".into(),
        products: vec!["ThinkPad T14".into()],
        ..Part::default()
    }
}

pub(crate) fn location(code: &str) -> StockLocation {
    StockLocation {
        code: code.into(),
        kind: stock_location::Kind::Depot.into(),
        title: format!("Depot {code}"),
        longitude: 120.0,
        ..StockLocation::default()
    }
}

/// What a new ticket asks for.
pub(crate) fn wants(lines: &[(&str, i64)]) -> ReservePartsRequest {
    let line = |(part, quantity): &(&str, i64)| Line {
        part: format!("parts/{part}"),
        quantity: *quantity,
    };
    ReservePartsRequest {
        ticket: format!("tickets/{}", Uuid::now_v7()),
        step: "HOLD_PARTS".into(),
        lines: lines.iter().map(line).collect(),
        ..ReservePartsRequest::default()
    }
}

pub(crate) fn used(part: &str, quantity: i64, new_serial: &str, old_serial: &str) -> PartUsed {
    PartUsed {
        part: format!("parts/{part}"),
        quantity,
        new_serial: new_serial.into(),
        old_serial: old_serial.into(),
    }
}

/// Codes of a reservation's findings.
pub(crate) fn codes(reservation: &Reservation) -> Vec<&str> {
    reservation
        .findings
        .iter()
        .map(|f| f.code.as_str())
        .collect()
}

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
