//! Feedback: what customers say of a closed ticket, and how sure one can be of it.
//!
//! A closed ticket ([`events`]) becomes one survey per closure round, asked as [`settings`] say.
//! The customer opens it by a link that only the customer has ([`domain`]: `Link`) and answers
//! once; both RPCs are public, and the token alone says whose survey it is. A low score is told
//! in the transaction of the answer, so that the ticket is looked at again. Scorecards are
//! counted from the surveys when they are read, never kept beside them.
//!
//! - [`domain`]: whom to ask, what a score means, how sure a share is; pure.
//! - `grpc`, `wire`, `error`: the contract's side.
//! - `store`: SQL.
//! - [`events`]: what is heard and told.
//! - [`invariants`]: what must hold of the tables at every moment.

use std::sync::Arc;

use chassis::service::{Blueprint, BuildError, Service, Setting};
use futures::FutureExt;
use futures::future::BoxFuture;
use proto::feedback::v1::scorecard_service_server::ScorecardServiceServer;
use proto::feedback::v1::survey_service_server::SurveyServiceServer;

pub mod domain;
mod erasure;
mod error;
pub mod events;
mod grpc;
pub mod invariants;
mod scope;
pub mod settings;
mod store;
mod wire;

/// The service's tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// What makes the service.
pub const BLUEPRINT: Blueprint = Blueprint {
    name: "feedback",
    defaults: include_str!("../config.default.toml"),
    migrations: &MIGRATIONS,
    build,
};

fn build(setting: Setting) -> BoxFuture<'static, Result<Service, BuildError>> {
    async move {
        let erasing = chassis::erasure::worker(setting.db.clone(), Arc::new(erasure::Surveys));
        let settings = Arc::new(settings::Settings::read(&setting.config)?);
        let feedback = grpc::Feedback {
            db: setting.db,
            page_key: setting.page_key,
            settings: Arc::clone(&settings),
        };
        Ok(Service::new(BLUEPRINT.name)
            .rpc(SurveyServiceServer::new(feedback.clone()))
            .rpc(ScorecardServiceServer::new(feedback))
            .worker(erasing)
            .consumer(Arc::new(events::Closures::new(settings))))
    }
    .boxed()
}
