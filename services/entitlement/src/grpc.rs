//! RPCs in the contract's order: parse, load, decide, save, reply.

mod asset;
mod contract;
mod entitlement;
mod policy;

use std::sync::Arc;

use chassis::db::Db;
use chassis::page::{Page, PageKey};
use chassis::{Caller, Refusal};
use uuid::Uuid;

use crate::domain::Rulebook;

/// What every RPC of this service works with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Rpc {
    pub(crate) db: Db,
    pub(crate) rules: Arc<Rulebook>,
    pub(crate) page_key: PageKey,
}

impl Rpc {
    /// The page of a list that is ordered by identifier, and the identifier to go on after.
    ///
    /// `filter` is the request without its page fields: a token is good for no other.
    fn page(
        &self,
        caller: &Caller,
        rpc: &str,
        (size, token): (i32, &str),
        filter: &impl prost::Message,
    ) -> Result<(Page, Option<Uuid>), Refusal> {
        let filter = filter.encode_to_vec();
        let page = Page::parse(size, token, &caller.tenant, rpc, &filter, &self.page_key)?;
        let after = page
            .after
            .as_ref()
            .and_then(|cursor| Uuid::try_parse(cursor.first()?).ok());
        Ok((page, after))
    }
}

/// Cuts rows to the page and gives the token of the next one.
fn cut<T>(page: &Page, rows: &mut Vec<T>, id: impl Fn(&T) -> String) -> String {
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    if rows.len() <= size {
        return String::new();
    }
    rows.truncate(size);
    rows.last()
        .map_or(String::new(), |last| page.next(vec![id(last)]))
}
