//! What `fettle verify` asks of this service; it has no law of its own tables.

use chassis::invariants::Breach;
use sqlx::PgConnection;
use uuid::Uuid;

/// Parties (tenant, identifier) that were erased a while ago ([`Breach::SETTLES_SECONDS`]).
pub async fn erased(conn: &mut PgConnection) -> Result<Vec<(String, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select tenant_id, party_id from parties
         where erased_at < now() - make_interval(secs => $1)",
        Breach::SETTLES_SECONDS,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    Ok(rows.map(|row| (row.tenant_id, row.party_id)).collect())
}
