//! The RPCs, by resource.

mod scorecard;
mod survey;

use std::sync::Arc;

use chassis::db::Db;
use chassis::page::PageKey;

use crate::settings::Settings;

/// What every RPC works with.
#[derive(Clone)]
pub(crate) struct Feedback {
    pub(crate) db: Db,
    pub(crate) page_key: PageKey,
    pub(crate) settings: Arc<Settings>,
}
