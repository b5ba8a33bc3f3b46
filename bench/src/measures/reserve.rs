//! ReserveParts of one hot part against pgbench's update of one row.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use anyhow::{bail, ensure};
use chassis::{Clock, Ids};
use futures::{StreamExt, TryStreamExt, stream};
use proto::inventory::v1::ReservePartsRequest;
use proto::inventory::v1::reservation::State;
use proto::inventory::v1::reservation_service_client::ReservationServiceClient;
use proto::inventory::v1::reserve_parts_request::Line as Wanted;

use super::{Bench, same};
use crate::client::Line;
use crate::ground::SUITE;
use crate::load;
use crate::outcome::{Outcome, Row};
use crate::pgbench::Pgbench;
use crate::seed;

/// Longest time a caller may wait while others are served.
const LONGEST_MS: f64 = 2_000.0;

pub(crate) async fn run(bench: Bench<'_>) -> anyhow::Result<Outcome> {
    let suite = bench.ground.serve(&SUITE).await?;
    let channels = suite
        .connect("inventory", bench.settings.connections)
        .await?;
    let line = Line::new(channels, "bench-reserve", suite.minter())?;
    seed::part(&line, "HOT", 1_000_000).await?;
    let callers = bench.callers(64);
    let update = hot_row(bench, callers).await?;

    let (load, ids) = (bench.load(64), Ids::random(Clock::system()));
    let held = Arc::new(AtomicU64::new(0));
    let ours = async |_| {
        let (line, ids, held) = (line.clone(), ids.clone(), Arc::clone(&held));
        let reserve = move |caller, _| {
            let (line, ids, held) = (line.clone(), ids.clone(), Arc::clone(&held));
            async move {
                match reserve(&line, &ids, caller, "HOT").await? {
                    State::Held => held.fetch_add(1, Ordering::Relaxed),
                    other => bail!("with pieces in stock a reservation is {other:?}"),
                };
                Ok(())
            }
        };
        load::run(load, reserve).await
    };
    let updated = AtomicI64::new(0);
    let theirs = async |run| {
        let sample = update.sample(run).await?;
        updated.fetch_add(sample.operations as i64, Ordering::Relaxed);
        Ok(sample)
    };
    let names = ["ReserveParts", "pgbench: update of one row"];
    let sides = bench.alternate(names, ours, theirs).await?;

    let counted = "select coalesce(sum(held), 0)::bigint from inventory.stock_levels
        where tenant_id = 'bench-reserve' and part = 'HOT'";
    same(
        "pieces held",
        held.load(Ordering::Relaxed),
        bench.count(counted).await?,
    )?;
    let counted = bench.count("select n::bigint from baseline.hot").await?;
    same(
        "updates of the hot row",
        updated.load(Ordering::Relaxed) as u64,
        counted,
    )?;
    let (pieces, served) = scarce(&line, &ids, callers).await?;
    lawful(bench).await?;
    suite.stop().await?;

    let longest = sides[0]
        .samples
        .iter()
        .filter_map(|s| s.wait)
        .map(|w| w.longest_ms);
    let longest = longest.fold(0.0, f64::max);
    let row = Row::ratio(
        "ReserveParts ÷ pgbench update",
        &sides[0],
        &sides[1],
        Some(0.5),
    );
    let told = format!("{served} held of {pieces} in stock");
    Ok(Outcome {
        name: "reserve",
        what: format!("{callers} callers reserve one piece of one part on one shelf each time"),
        rows: vec![
            row,
            super::p99("ReserveParts, p99", &sides[0]),
            Row::at_most("ReserveParts, longest wait", longest, LONGEST_MS, "ms"),
            Row::plain(
                "ReserveParts, no over-reservation",
                told,
                "=".to_owned(),
                served == pieces,
            ),
        ],
        sides: sides.into(),
        notes: Vec::new(),
    })
}

async fn hot_row(bench: Bench<'_>, callers: usize) -> anyhow::Result<Pgbench> {
    let table = "create schema if not exists baseline;
        create table baseline.hot (id bigint primary key, n bigint not null);
        insert into baseline.hot values (1, 0)";
    bench.execute(table.to_owned()).await?;
    let script = "update baseline.hot set n = n + 1 where id = 1;\n";
    let seconds = bench.settings.seconds_per_sample;
    Pgbench::new(bench.ground, "hot", script, callers, seconds)
}

async fn reserve(line: &Line, ids: &Ids, caller: usize, part: &str) -> anyhow::Result<State> {
    let wanted = Wanted {
        part: format!("parts/{part}"),
        quantity: 1,
    };
    let request = ReservePartsRequest {
        ticket: format!("tickets/{}", ids.v7()),
        step: "HOLD_PARTS".to_owned(),
        round: 1,
        lines: vec![wanted],
        region: seed::REGION.to_owned(),
        request_id: ids.v7().to_string(),
        ..ReservePartsRequest::default()
    };
    let mut client = ReservationServiceClient::new(line.channel(caller));
    Ok(client
        .reserve_parts(line.request(request))
        .await?
        .into_inner()
        .state())
}

/// Twice as many callers' wishes as there are pieces: pieces, and how many were held.
async fn scarce(line: &Line, ids: &Ids, callers: usize) -> anyhow::Result<(usize, usize)> {
    let pieces = 250_usize;
    seed::part(line, "SCARCE", pieces as i64).await?;
    let wishes = stream::iter(0..2 * pieces).map(|wish| reserve(line, ids, wish, "SCARCE"));
    let states: Vec<State> = wishes.buffer_unordered(callers).try_collect().await?;
    let served = states.iter().filter(|state| **state == State::Held).count();
    ensure!(
        states
            .iter()
            .all(|state| matches!(state, State::Held | State::Backordered)),
        "a wish is neither held nor waiting"
    );
    Ok((pieces, served))
}

/// Every law of the inventory holds after the load.
async fn lawful(bench: Bench<'_>) -> anyhow::Result<()> {
    let mut conn = bench.ground.in_schema("inventory").await?;
    let breaches = inventory::invariants::check(&mut conn).await?;
    ensure!(breaches.is_empty(), "after the load: {breaches:?}");
    Ok(())
}
