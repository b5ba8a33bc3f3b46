//! From the commit of a new ticket to its effect in another service's transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chassis::db::{Db, Tx};
use chassis::inbox::{self, Consumer, Delivered};
use chassis::{Clock, Ids, Refusal};
use tokio_util::sync::CancellationToken;

use super::create::{RPCS_ALONE, create};
use super::{Bench, same};
use crate::client::Line;
use crate::load::{self, Load, Pace, Sample, Wait};
use crate::outcome::{Outcome, Row, Side, median};

const TENANT: &str = "bench-events";

/// The rate at which the lag is promised.
const PROMISED_RATE: f64 = 1_000.0;

/// And how long 99 of 100 events may take then.
const PROMISED_MS: f64 = 300.0;

/// Notes every report in a table of another service's schema.
struct Scribe;

#[tonic::async_trait]
impl Consumer for Scribe {
    fn name(&self) -> &'static str {
        "bench"
    }

    fn hears(&self) -> &'static [(&'static str, &'static [&'static str])] {
        &[("ticket", &["ticket.reported"])]
    }

    async fn handle(&self, tx: &mut Tx, event: &Delivered) -> Result<(), Refusal> {
        // Without a key: an event that took effect twice would be two rows.
        sqlx::query(
            "insert into bench_reports (tenant_id, aggregate, version) values ($1, $2, $3)",
        )
        .bind(event.tenant.as_str())
        .bind(&event.aggregate)
        .bind(event.version)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

pub(crate) async fn run(bench: Bench<'_>) -> anyhow::Result<Outcome> {
    let table = "create table feedback.bench_reports
            (tenant_id text not null, aggregate text not null, version bigint not null);
        grant insert on feedback.bench_reports to fettle_feedback";
    bench.execute(table.to_owned()).await?;
    let suite = bench.ground.serve(&[&RPCS_ALONE]).await?;
    let line = Line::new(
        suite.connect("ticket", bench.settings.connections).await?,
        TENANT,
        suite.minter(),
    )?;
    let (stop, hearing) = (CancellationToken::new(), hear(bench)?);
    let hearing = tokio::spawn(hearing.run(stop.clone()));

    let told = Arc::new(AtomicU64::new(0));
    sample(bench, &line, &told, "warm", Pace::Open(100.0)).await?;
    let mut sides = Vec::new();
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    for (side, pace) in [
        ("1,000 tickets/s", Pace::Open(PROMISED_RATE)),
        ("full speed", Pace::Closed),
    ] {
        let (mut lags, mut samples) = (Vec::new(), Vec::new());
        for run in 0..bench.settings.samples {
            let key = format!("{}-{run}", side.replace([',', ' ', '/'], ""));
            let (sample, lag) = sample(bench, &line, &told, &key, pace).await?;
            samples.push(sample);
            lags.push(lag);
        }
        let (p50, p99) = (
            lags.iter().map(|lag| lag.p50_ms),
            lags.iter().map(|lag| lag.p99_ms),
        );
        let (p50, p99) = (median(p50), median(p99));
        let created = median(samples.iter().map(|sample| sample.rate));
        let measure = format!("event lag at {created:.0}/s, p50");
        rows.push(Row::told(&measure, format!("{p50:.1} ms")));
        let measure = format!("event lag at {created:.0}/s, p99");
        rows.push(match pace {
            Pace::Open(rate) if created >= 0.95 * rate => {
                Row::at_most(&measure, p99, PROMISED_MS, "ms")
            }
            Pace::Open(rate) => {
                notes.push(format!(
                    "the lag is promised at {rate:.0}/s, which this machine did not reach"
                ));
                Row::told(&measure, format!("{p99:.1} ms"))
            }
            Pace::Closed => Row::told(&measure, format!("{p99:.1} ms")),
        });
        sides.push(Side {
            side: format!("CreateTicket, {side}"),
            samples,
        });
    }
    stop.cancel();
    hearing.await.context("the consumer died")?;
    suite.stop().await?;
    Ok(Outcome {
        name: "events",
        what: "tickets are created by the RPC alone; a consumer of another service inserts a row \
            per report"
            .to_owned(),
        rows,
        sides,
        notes,
    })
}

/// A consumer with its own pools in the feedback service's schema.
struct Hearing {
    db: Db,
    events: chassis::streams::Settings,
}

fn hear(bench: Bench<'_>) -> anyhow::Result<Hearing> {
    let config = bench
        .ground
        .config(&feedback::BLUEPRINT, &Default::default())?;
    let clock = Clock::system();
    let db = Db::connect(
        "feedback",
        &config.database,
        clock.clone(),
        Ids::random(clock),
    )?;
    Ok(Hearing {
        db,
        events: config.events,
    })
}

impl Hearing {
    async fn run(self, stop: CancellationToken) {
        inbox::run(self.db.clone(), self.events, Arc::new(Scribe), stop).await;
        self.db.close().await;
    }
}

/// Creates for a while, waits until everything told took effect, once, and reads the lags.
async fn sample(
    bench: Bench<'_>,
    line: &Line,
    told: &Arc<AtomicU64>,
    key: &str,
    pace: Pace,
) -> anyhow::Result<(Sample, Wait)> {
    took_effect(bench).await?;
    inbox::clear_lag_samples();
    let before = told.load(Ordering::Relaxed);
    let load = Load {
        pace,
        ..bench.load(64)
    };
    let (line, key, counter) = (line.clone(), Arc::<str>::from(key), Arc::clone(told));
    let call = move |caller, number| {
        let (line, key, counter) = (line.clone(), Arc::clone(&key), Arc::clone(&counter));
        async move {
            create(&line, caller, number, &key).await?;
            counter.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    };
    let sample = load::run(load, call).await?;
    let told = told.load(Ordering::Relaxed);
    took_effect(bench).await?;
    let lags = inbox::lag_samples();
    ensure!(
        lags.len() as u64 == told - before,
        "{} events took effect for {} tickets",
        lags.len(),
        told - before
    );
    Ok((sample, Wait::of(lags).context("no event took effect")?))
}

/// Waits until every report there is took effect; each must have, exactly once.
async fn took_effect(bench: Bench<'_>) -> anyhow::Result<()> {
    let effects = "select count(*) from feedback.bench_reports";
    let told = "select count(*) from ticket.outbox where kind = 'ticket.reported'";
    let told = bench.count(told).await?;
    let begin = Instant::now();
    while bench.count(effects).await? < told && begin.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    same("effects", told as u64, bench.count(effects).await?)
}
