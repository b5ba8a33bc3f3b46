//! CreateTicket against the same four inserts by pgbench: ticket, timeline, key and outbox; alone,
//! which the target is for, and while everything that a ticket sets going runs beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::ensure;
use chassis::service::{Blueprint, Service};
use futures::FutureExt;
use proto::ticket::v1::ticket::State;
use proto::ticket::v1::ticket_service_client::TicketServiceClient;
use proto::ticket::v1::ticket_service_server::TicketServiceServer;
use ticket::desk::Desk;

use super::{Bench, same};
use crate::client::Line;
use crate::ground::{SUITE, Suite};
use crate::load;
use crate::outcome::{Outcome, Row, Side};
use crate::pgbench::Pgbench;
use crate::seed;

/// The RPCs of the ticket service without its worker and without its ear.
pub(super) const RPCS_ALONE: Blueprint = Blueprint {
    name: ticket::BLUEPRINT.name,
    defaults: ticket::BLUEPRINT.defaults,
    migrations: ticket::BLUEPRINT.migrations,
    build: |setting| {
        async move {
            let settings: ticket::config::Settings = setting.own()?;
            let policies = ticket::policies::load(&settings.policies_dir)?;
            let desk = Desk::new(setting.db, policies, settings, setting.page_key, None);
            Ok(Service::new(ticket::BLUEPRINT.name).rpc(TicketServiceServer::new(desk)))
        }
        .boxed()
    },
};

/// Rate aimed at, as a share of pgbench's.
const LEAST: f64 = 0.8;

/// Everything runs: the process worker decides coverage, holds parts and books visits meanwhile.
pub(crate) async fn as_shipped(bench: Bench<'_>) -> anyhow::Result<Outcome> {
    let tenant = "bench-create";
    let suite = bench.ground.serve(&SUITE).await?;
    for service in ["entitlement", "inventory", "dispatch"] {
        let line = Line::new(suite.connect(service, 4).await?, tenant, suite.minter())?;
        match service {
            "entitlement" => seed::devices(&line).await?,
            "inventory" => seed::part(&line, "BATTERY", 1_000_000).await?,
            _ => seed::technicians(&line, 40).await?,
        }
    }
    let sides = compare(bench, &suite, tenant, true).await?;
    suite.stop().await?;
    let booked = "select count(*) from ticket.tickets
        where tenant_id = 'bench-create' and facts ->> 'visit' = 'BOOKED'";
    let booked = bench.count(booked).await?;
    let seconds: f64 = sides[0].samples.iter().map(|sample| sample.seconds).sum();
    let mut rows = rows(
        "CreateTicket amid its processes ÷ pgbench 4 inserts",
        &sides,
        None,
    );
    let told = format!("{booked} in {seconds:.0} s, by the worker beside the load");
    rows.push(Row::told("tickets decided, parts held, visit booked", told));
    Ok(Outcome {
        name: "create",
        what: "32 callers report faults of devices under warranty, each request with a key; all \
            services run, and the process worker takes up every ticket at once"
            .to_owned(),
        rows,
        sides: sides.into(),
        notes: vec![
            "no target: what each ticket sets going (coverage, parts, a visit) takes its share of \
             the processors beside it; what the worker has not done by the end of a sample is set \
             aside before pgbench runs"
                .to_owned(),
        ],
    })
}

/// The RPC alone with its relay: no process worker, no other service.
pub(crate) async fn alone(bench: Bench<'_>) -> anyhow::Result<Outcome> {
    let suite = bench.ground.serve(&[&RPCS_ALONE]).await?;
    let sides = compare(bench, &suite, "bench-create-alone", false).await?;
    suite.stop().await?;
    Ok(Outcome {
        name: "create-alone",
        what: "as create, with the ticket service's RPCs and relay only: no process worker, no \
            peers"
            .to_owned(),
        rows: rows("CreateTicket ÷ pgbench 4 inserts", &sides, Some(LEAST)),
        sides: sides.into(),
        notes: Vec::new(),
    })
}

fn rows(measure: &str, sides: &[Side; 2], least: Option<f64>) -> Vec<Row> {
    let mut ratio = Row::ratio(measure, &sides[0], &sides[1], least);
    if least.is_some() {
        ratio.target += " (goal 1.3×)";
    }
    vec![
        ratio,
        super::p99(&measure.replace(" ÷ pgbench 4 inserts", ", p99"), &sides[0]),
    ]
}

async fn compare(
    bench: Bench<'_>,
    suite: &Suite,
    tenant: &'static str,
    worked_on: bool,
) -> anyhow::Result<[Side; 2]> {
    let line = Line::new(
        suite.connect("ticket", bench.settings.connections).await?,
        tenant,
        suite.minter(),
    )?;
    let created = Arc::new(AtomicU64::new(1));
    create(&line, 0, 0, "first").await?;
    let callers = bench.callers(32);
    let inserts = four_inserts(bench, tenant, callers).await?;
    let load = bench.load(32);
    let ours = async |run: usize| {
        let (line, created) = (line.clone(), Arc::clone(&created));
        let key: Arc<str> = format!("run-{run}").into();
        let call = move |caller, number| {
            let (line, created, key) = (line.clone(), Arc::clone(&created), Arc::clone(&key));
            async move {
                create(&line, caller, number, &key).await?;
                created.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        };
        let sample = load::run(load, call).await?;
        if worked_on {
            set_aside(bench).await?;
        }
        Ok(sample)
    };
    let inserted = AtomicU64::new(0);
    let theirs = async |run| {
        let sample = inserts.sample(run).await?;
        inserted.fetch_add(sample.operations, Ordering::Relaxed);
        Ok(sample)
    };
    let names = ["CreateTicket", "pgbench: four inserts in a transaction"];
    let sides = bench.alternate(names, ours, theirs).await?;
    stored(bench, tenant, created.load(Ordering::Relaxed)).await?;
    let rows = bench.count("select count(*) from baseline.tickets").await?;
    same("pgbench's tickets", inserted.load(Ordering::Relaxed), rows)?;
    Ok(sides)
}

/// Opens one ticket and checks the answer.
pub(super) async fn create(
    line: &Line,
    caller: usize,
    number: u64,
    key: &str,
) -> anyhow::Result<()> {
    let mut client = TicketServiceClient::new(line.channel(caller));
    let answer = client
        .create_ticket(line.request(seed::report(number, key)))
        .await?;
    let ticket = answer.into_inner();
    ensure!(
        ticket.state() == State::Acknowledged && !ticket.number.is_empty(),
        "a new ticket is {:?}",
        ticket.state()
    );
    ensure!(
        ticket.serial_number == seed::serial(number),
        "another device's ticket was answered"
    );
    Ok(())
}

/// Every answered ticket is there, once, with its first entry, its key and its event.
async fn stored(bench: Bench<'_>, tenant: &str, answered: u64) -> anyhow::Result<()> {
    for (what, rows) in [
        ("tickets", "ticket.tickets where true"),
        ("first entries", "ticket.ticket_events where sequence = 1"),
        ("keys", "ticket.request_keys where answer is not null"),
        ("events", "ticket.outbox where kind = 'ticket.reported'"),
    ] {
        let sql = format!("select count(*) from {rows} and tenant_id = '{tenant}'");
        same(what, answered, bench.read(sql).await?)?;
    }
    Ok(())
}

/// Lets the worker finish what it has begun and takes the rest from it.
async fn set_aside(bench: Bench<'_>) -> anyhow::Result<()> {
    let aside = "update ticket.processes set due_at = null where due_at is not null";
    let later = "update dispatch.work_orders set next_try_at = now() + interval '1 day'
        where state = 'OPEN' and next_try_at < now() + interval '1 hour'";
    let mut quiet = 0;
    for _ in 0..100 {
        let taken = sqlx::query(aside)
            .execute(bench.ground.admin())
            .await?
            .rows_affected();
        sqlx::query(later).execute(bench.ground.admin()).await?;
        quiet = if taken == 0 { quiet + 1 } else { 0 };
        if quiet == 3 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    anyhow::bail!("the process worker does not come to rest")
}

/// The four rows a new ticket leaves, into tables of the same shape and indexes.
async fn four_inserts(bench: Bench<'_>, tenant: &str, callers: usize) -> anyhow::Result<Pgbench> {
    const ID: &str = "('01900000-0000-7000-8000-' || lpad(to_hex(:id::bigint), 12, '0'))::uuid";
    let mut script = "\\set n :n + 1\n\\set id :base + :n * 128 + :client_id\nbegin;\n".to_owned();
    bench
        .execute("create schema if not exists baseline".to_owned())
        .await?;
    for (table, own) in [
        (
            "tickets",
            vec![("ticket_id", ID), ("number", "'B-' || :id::bigint")],
        ),
        ("ticket_events", vec![("ticket_id", ID)]),
        (
            "request_keys",
            vec![("request_id", "'bench-' || :id::bigint")],
        ),
        ("outbox", vec![("event_id", ID), ("sequence", "null")]),
    ] {
        bench
            .execute(format!(
                "drop table if exists baseline.{table};
                create table baseline.{table} (like ticket.{table} including all)"
            ))
            .await?;
        script += &insert(bench, tenant, table, &own).await?;
    }
    script += "end;\n";
    Pgbench::new(
        bench.ground,
        "create",
        &script,
        callers,
        bench.settings.seconds_per_sample,
    )
}

/// An insert of the tenant's row of a table, but for the columns that are its own each time.
async fn insert(
    bench: Bench<'_>,
    tenant: &str,
    table: &str,
    own: &[(&str, &str)],
) -> anyhow::Result<String> {
    let columns: Vec<String> = bench
        .read(format!(
            "select array_agg(column_name::text order by ordinal_position)
            from information_schema.columns
            where table_schema = 'ticket' and table_name = '{table}'"
        ))
        .await?;
    let texts: Vec<String> = columns
        .iter()
        .map(|name| format!("quote_nullable(\"{name}\"::text)"))
        .collect();
    let texts = texts.join(", ");
    let mut values: Vec<String> = bench
        .read(format!(
            "select array[{texts}] from ticket.{table} where tenant_id = '{tenant}' limit 1"
        ))
        .await?;
    for (column, value) in columns.iter().zip(&mut values) {
        if let Some((_, expression)) = own.iter().find(|(name, _)| name == column) {
            (*expression).clone_into(value);
        }
    }
    let columns = columns.join(", ");
    Ok(format!(
        "insert into baseline.{table} ({columns}) values ({});\n",
        values.join(", ")
    ))
}
