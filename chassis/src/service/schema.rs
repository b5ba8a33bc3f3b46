//! Whether the schema is the one this release needs.

use std::collections::BTreeSet;

use super::{Blueprint, StartError};
use crate::db::Db;
use crate::migrate::combine;

/// Refuses to start on a schema that lacks migrations. Later migrations than ours are no
/// obstacle: the previous release must survive them.
pub(super) async fn check(db: &Db, blueprint: &Blueprint) -> Result<(), StartError> {
    let needed = combine(blueprint.name, blueprint.migrations)?;
    let applied = "select version from _sqlx_migrations where success";
    let applied = sqlx::query_scalar::<_, i64>(applied)
        .fetch_all(db.worker_pool())
        .await;
    let applied: BTreeSet<i64> = match applied {
        Ok(applied) => applied.into_iter().collect(),
        Err(error) if is_unmade(&error) => BTreeSet::new(),
        Err(error) => return Err(error.into()),
    };
    let missing = needed
        .iter()
        .filter(|m| !applied.contains(&m.version))
        .count();
    match missing {
        0 => Ok(()),
        missing => Err(StartError::NotMigrated {
            schema: blueprint.name,
            missing,
        }),
    }
}

/// No table, no schema or no role yet.
fn is_unmade(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|said| said.code());
    matches!(code.as_deref(), Some("42P01" | "3F000" | "28000" | "28P01"))
}
