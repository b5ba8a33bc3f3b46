//! The feedback service over a database of its own, and people who call it.

use std::sync::Arc;

use chassis::client::{self, Peer};
use chassis::config::Config;
use chassis::db::{self, Db};
use chassis::inbox::{Consumer, Delivered};
use chassis::service::{self, Blueprint, Running};
use chassis::testing::{self, Database};
use chassis::{Caller, Clock, Ids, TenantId};
use feedback::BLUEPRINT;
use feedback::events::Closures;
use feedback::settings::Settings;
use jiff::Timestamp;
use prost::Message;
use proto::feedback::v1::scorecard_service_client::ScorecardServiceClient;
use proto::feedback::v1::survey_service_client::SurveyServiceClient;
use proto::feedback::v1::{IssueSurveyLinkRequest, ListSurveysRequest, SubmitSurveyRequest};
use proto::ticket::v1::{TicketEventPayload, ticket};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic_types::StatusExt;
use uuid::Uuid;

/// A running service; ends with the test's process.
pub(crate) struct House {
    pub(crate) database: Database,
    pub(crate) config: Config,
    pub(crate) admin: PgPool,
    pub(crate) db: Db,
    peer: Peer,
    closures: Closures,
    _running: Running,
}

pub(crate) fn tenant() -> TenantId {
    TenantId::parse("acme").unwrap()
}

pub(crate) fn agent() -> Caller {
    Caller {
        tenant: tenant(),
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

/// The service's settings over a database and a Redis.
async fn configured(blueprint: &Blueprint, url: &str, redis: &str) -> Config {
    let servers = testing::servers().await;
    testing::identified(Config::layers(blueprint.name, blueprint.defaults))
        .set("database.url", url)
        .set("database.password", servers.password())
        .set("database.worker_password", servers.password())
        .set("database.owner_password", servers.password())
        .set("events.redis_url", redis)
        .set("events.poll_ms", "50")
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
    let key = format!("feedback {}", sums.join(" "));
    let template = testing::template(&key, async |url: &str| {
        service::migrate(
            &BLUEPRINT,
            &configured(&BLUEPRINT, url, "redis://127.0.0.1").await,
        )
        .await
    });
    template.await.clone_database().await
}

/// A service without a Redis.
pub(crate) async fn house() -> House {
    // Nobody listens there: events stay in the outbox, where tests look for them.
    house_with("redis://127.0.0.1:1").await
}

/// A service over a Redis of the test's own.
pub(crate) async fn house_with(redis: &str) -> House {
    let database = database().await;
    let config = configured(&BLUEPRINT, &database.url(), redis).await;
    let admin = PgPoolOptions::new()
        .max_connections(3)
        .after_connect(|conn, _| {
            Box::pin(async move {
                sqlx::query("set search_path to feedback")
                    .execute(conn)
                    .await
                    .map(drop)
            })
        })
        .connect(&database.url())
        .await
        .unwrap();
    let clock = Clock::system();
    let password = testing::servers().await.password().to_owned();
    let settings = db::Settings {
        password: password.clone(),
        worker_password: password,
        ..config.database.clone()
    };
    let db = Db::connect("feedback", &settings, clock.clone(), Ids::random(clock)).unwrap();
    let running = service::start(&BLUEPRINT, config.clone(), CancellationToken::new());
    let running = running.await.unwrap();
    let address = format!("http://{}", running.grpc);
    House {
        peer: client::channel(&address, &config.client)
            .unwrap()
            .with_minter(testing::minter()),
        closures: Closures::new(Arc::new(Settings::read(&config.own()).unwrap())),
        database,
        config,
        admin,
        db,
        _running: running,
    }
}

impl House {
    pub(crate) fn surveys(&self, caller: &Caller) -> SurveyServiceClient<Peer> {
        SurveyServiceClient::new(self.peer.acting_as(caller))
    }

    /// As somebody who says nothing about themselves.
    pub(crate) fn surveys_of_nobody(&self) -> SurveyServiceClient<Peer> {
        SurveyServiceClient::new(self.peer.clone())
    }

    pub(crate) fn scorecards(&self, caller: &Caller) -> ScorecardServiceClient<Peer> {
        ScorecardServiceClient::new(self.peer.acting_as(caller))
    }

    /// Hears that a ticket of `payload` was closed.
    pub(crate) async fn hears(&self, payload: &TicketEventPayload) -> Result<(), chassis::Refusal> {
        let mut tx = self.db.begin(&tenant()).await.unwrap();
        self.closures
            .handle(&mut tx, &delivered(payload.encode_to_vec()))
            .await?;
        tx.commit().await
    }

    /// A closed ticket's survey, by name.
    pub(crate) async fn survey_of(&self, payload: &TicketEventPayload) -> String {
        self.hears(payload).await.unwrap();
        let request = ListSurveysRequest {
            ticket: payload.ticket.clone(),
            ..ListSurveysRequest::default()
        };
        let listed = self.surveys(&agent()).list_surveys(request).await.unwrap();
        listed.into_inner().surveys[0].name.clone()
    }

    /// A new survey with its link.
    pub(crate) async fn link(&self) -> (String, String) {
        let name = self.survey_of(&closed(Uuid::now_v7())).await;
        let token = self.issue(&name).await.unwrap();
        (name, token)
    }

    pub(crate) async fn issue(&self, name: &str) -> Result<String, Status> {
        let request = IssueSurveyLinkRequest { name: name.into() };
        let issued = self.surveys(&agent()).issue_survey_link(request).await?;
        Ok(issued.into_inner().token)
    }

    /// Asks the survey in another way than the policy does.
    pub(crate) async fn ask(&self, name: &str, kind: i16) {
        let id = chassis::names::parse("surveys", name).unwrap();
        let sql = "update surveys set kind = $2 where survey_id = $1";
        let update = sqlx::query(sql).bind(id).bind(kind);
        update.execute(&self.admin).await.unwrap();
    }

    /// Lets the survey's time be over.
    pub(crate) async fn expire(&self, name: &str) {
        let id = chassis::names::parse("surveys", name).unwrap();
        let sql = "update surveys set created_at = now() - interval '31 days',
             expires_at = now() - interval '1 second' where survey_id = $1";
        sqlx::query(sql)
            .bind(id)
            .execute(&self.admin)
            .await
            .unwrap();
    }

    /// Kinds of the events told of a survey, in order.
    pub(crate) async fn told(&self, survey: &str) -> Vec<String> {
        let sql = "select kind from outbox where aggregate = $1 order by version, event_id";
        let kinds = sqlx::query_scalar(sql).bind(survey);
        kinds.fetch_all(&self.admin).await.unwrap()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.admin)
            .await
            .unwrap()
    }
}

/// A closed hardware fault, in its first round.
pub(crate) fn closed(ticket: Uuid) -> TicketEventPayload {
    TicketEventPayload {
        ticket: format!("tickets/{ticket}"),
        number: "CN-000017-4".into(),
        kind: ticket::Kind::HardwareFault.into(),
        state: ticket::State::Closed.into(),
        round: 1,
        region: "cn-east".into(),
        product: "ThinkPad T14".into(),
        technician: format!("technicians/{}", Uuid::from_u128(9)),
        assignee: "users/7".into(),
        time: Some(chassis::refusal::to_pb(closed_at())),
        ..TicketEventPayload::default()
    }
}

/// Years ago: the demo replays a past period.
pub(crate) fn closed_at() -> Timestamp {
    "2019-03-01T08:00:00Z".parse().unwrap()
}

pub(crate) fn delivered(payload: Vec<u8>) -> Delivered {
    Delivered {
        id: Uuid::now_v7(),
        tenant: tenant(),
        source: "ticket".into(),
        kind: "ticket.closed".into(),
        aggregate: "tickets/x".into(),
        version: 9,
        occurred_at: closed_at(),
        recorded_at: closed_at(),
        payload: payload.into(),
        trace: String::new(),
        principal: String::new(),
    }
}

pub(crate) fn submit(token: &str, score: i32) -> SubmitSurveyRequest {
    SubmitSurveyRequest {
        token: token.into(),
        score,
        ..SubmitSurveyRequest::default()
    }
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
