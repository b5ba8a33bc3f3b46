//! GetTicket by name against pgbench's select by key, on tables of the same size.

use anyhow::ensure;
use proto::ticket::v1::GetTicketRequest;
use proto::ticket::v1::ticket_service_client::TicketServiceClient;

use super::Bench;
use crate::client::Line;
use crate::ground::SUITE;
use crate::load;
use crate::outcome::{Outcome, Row};
use crate::pgbench::Pgbench;
use crate::seed;

const TENANT: &str = "bench-get";

pub(crate) async fn run(bench: Bench<'_>) -> anyhow::Result<Outcome> {
    let suite = bench.ground.serve(&SUITE).await?;
    let channels = suite.connect("ticket", bench.settings.connections).await?;
    let line = Line::new(channels, TENANT, suite.minter())?;
    let rows = bench.settings.rows;
    fill(bench, &line, TENANT, rows).await?;

    let callers = bench.callers(64);
    let script =
        format!("\\set id random(1, {rows})\nselect body from baseline.kept where id = :id;\n");
    let seconds = bench.settings.seconds_per_sample;
    let select = Pgbench::new(bench.ground, "select", &script, callers, seconds)?;
    let load = bench.load(64);
    let ours = async |run: usize| {
        let line = line.clone();
        let get =
            move |caller, number| get(line.clone(), caller, number * 7_919 + run as u64, rows);
        load::run(load, get).await
    };
    let names = ["GetTicket", "pgbench: select by key"];
    let sides = bench
        .alternate(names, ours, async |run| select.sample(run).await)
        .await?;
    suite.stop().await?;

    let mut ratio = Row::ratio(
        "GetTicket ÷ pgbench select",
        &sides[0],
        &sides[1],
        Some(0.25),
    );
    ratio.target += " (goal 0.37×)";
    Ok(Outcome {
        name: "get",
        what: format!("{callers} callers read one of {rows} tickets each time, by name"),
        rows: vec![ratio, super::p99("GetTicket, p99", &sides[0])],
        sides: sides.into(),
        notes: Vec::new(),
    })
}

/// Creates one ticket by the RPC and copies its row; a table beside it has as many rows as wide.
pub(super) async fn fill(
    bench: Bench<'_>,
    line: &Line,
    tenant: &str,
    rows: u64,
) -> anyhow::Result<()> {
    let mut client = TicketServiceClient::new(line.channel(0));
    client
        .create_ticket(line.request(seed::report(1, "first")))
        .await?;
    let copied = "select string_agg(case column_name
            when 'ticket_id'
                then $$('01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid$$
            when 'number' then $$'B-' || i$$
            else quote_ident(column_name) end, ', ' order by ordinal_position)
        from information_schema.columns where table_schema = 'ticket' and table_name = 'tickets'";
    let copied: String = bench.read(copied.to_owned()).await?;
    bench
        .execute(format!(
            "insert into ticket.tickets select {copied} from ticket.tickets, generate_series(1, {rows}) i
                where tenant_id = '{tenant}';
            create schema if not exists baseline;
            drop table if exists baseline.kept;
            create table baseline.kept (id bigint primary key, body text not null);
            insert into baseline.kept select i, repeat('x', (select avg(pg_column_size(t.*))::int
                from ticket.tickets t where tenant_id = '{tenant}')) from generate_series(1, {rows}) i"
        ))
        .await?;
    bench
        .execute("vacuum analyze ticket.tickets".to_owned())
        .await?;
    bench
        .execute("vacuum analyze baseline.kept".to_owned())
        .await
}

pub(super) async fn get(line: Line, caller: usize, number: u64, rows: u64) -> anyhow::Result<()> {
    let id = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % rows + 1;
    let name = format!("tickets/01900000-0000-7000-8000-{id:012x}");
    let mut client = TicketServiceClient::new(line.channel(caller));
    let request = line.request(GetTicketRequest { name: name.clone() });
    let ticket = client.get_ticket(request).await?.into_inner();
    ensure!(
        ticket.name == name && ticket.number == format!("B-{id}") && !ticket.clocks.is_empty(),
        "asked for {name}, got {} {}",
        ticket.name,
        ticket.number
    );
    Ok(())
}
