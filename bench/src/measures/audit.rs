//! The audit: a million changes chained by the sealer, then followed by `fettle verify`'s check.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chassis::db::Db;
use chassis::identity::Keyring;
use chassis::{Clock, Ids, audit};
use tokio_util::sync::CancellationToken;

use super::Bench;
use crate::outcome::{Outcome, Row, median};

/// Changes that are chained.
const CHANGES: i64 = 1_000_000;

/// Whose they are, as many of each.
const TENANTS: i64 = 20;

/// Longest that the sealer may take.
const PATIENCE: Duration = Duration::from_secs(900);

pub(crate) async fn run(bench: Bench<'_>) -> anyhow::Result<Outcome> {
    let blueprint = &inventory::BLUEPRINT;
    let config = bench.ground.config(blueprint, &Default::default())?;
    let clock = Clock::system();
    let identity = config.identity.open(blueprint.name, clock.clone())?;
    let signer = identity.minter.map(|minter| minter.key().clone());
    let ids = Ids::random(clock.clone());
    let db = Db::connect(blueprint.name, &config.database, clock, ids)?;
    bench
        .execute(format!(
            "truncate inventory.audit_pending, inventory.audit_entries, inventory.audit_heads;
             insert into inventory.audit_pending (id, tenant_id, recorded_at, principal, rpc,
                 origin, request_id, resource, before, after)
             select gen_random_uuid(), 'tenant-' || n % {TENANTS}, now(), 'services/ticket',
                 'fettle.inventory.v1.ReservationService/ReserveParts', '192.0.2.1',
                 gen_random_uuid()::text, 'reservations/' || gen_random_uuid(),
                 sha256(('before' || n)::bytea), sha256(('after' || n)::bytea)
             from generate_series(1, {CHANGES}) as n;
             analyze inventory.audit_pending"
        ))
        .await?;

    let stop = CancellationToken::new();
    let begin = Instant::now();
    let work = audit::run(db.clone(), config.events.clone(), signer, stop.clone());
    let work = tokio::spawn(work);
    while bench
        .count("select count(*) from inventory.audit_heads")
        .await?
        < TENANTS
        || bench
            .count("select count(*) from (select from inventory.audit_pending limit 1) waiting")
            .await?
            > 0
    {
        ensure!(begin.elapsed() < PATIENCE, "the sealer takes too long");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let sealed = begin.elapsed().as_secs_f64();
    stop.cancel();
    work.await?;
    bench
        .execute("vacuum analyze inventory.audit_entries".to_owned())
        .await?;

    let ring = Keyring::read(Path::new(&config.identity.keys))?;
    let mut conn = bench.ground.admin().acquire().await?;
    sqlx::query("select set_config('search_path', 'inventory, public', false)")
        .execute(&mut *conn)
        .await?;
    let mut spent = Vec::new();
    for _ in 0..bench.settings.samples {
        let begin = Instant::now();
        let (breaches, heads) = audit::check(&mut conn, blueprint.name, &ring, &[]).await?;
        spent.push(begin.elapsed().as_secs_f64());
        ensure!(breaches.is_empty(), "the chain is broken: {breaches:?}");
        let numbers: i64 = heads.iter().map(|head| head.number).sum();
        ensure!(numbers == CHANGES, "{numbers} of {CHANGES} are chained");
    }
    // A check that finds nothing proves something only where it can find.
    bench
        .execute(
            "update inventory.audit_entries set principal = 'users/1'
             where tenant_id = 'tenant-7' and number = 25000"
                .to_owned(),
        )
        .await?;
    let (breaches, _) = audit::check(&mut conn, blueprint.name, &ring, &[]).await?;
    let named = breaches.first().context("an edited entry is not seen")?;
    ensure!(named.subject == "tenant-7/auditEntries/25000", "{named:?}");
    bench
        .execute(
            "truncate inventory.audit_pending, inventory.audit_entries, inventory.audit_heads"
                .to_owned(),
        )
        .await?;
    db.close().await;
    let seconds = median(spent.into_iter());
    #[expect(clippy::cast_precision_loss, reason = "a million is exact")]
    let rate = CHANGES as f64 / sealed;
    Ok(Outcome {
        name: "audit",
        what: format!("{CHANGES} changes of {TENANTS} tenants, chained, signed and followed again"),
        rows: vec![
            Row::at_most("a million audit entries verified", seconds, 10.0, "s"),
            Row::told("changes chained", format!("{rate:.0}/s")),
        ],
        sides: Vec::new(),
        notes: Vec::new(),
    })
}
