//! What it costs a service to know who asks and whether it may: the token, the roles, and Cedar's
//! answer about one resource; by processor time, on one core.

use std::time::Duration;

use anyhow::{Context, ensure};
use chassis::authz::{Authority, Rpc, Scope};
use chassis::identity::{Issuer, Verifier};
use chassis::{Caller, Clock, TenantId};
use http::HeaderValue;

use super::Bench;
use crate::cpu::Reading;
use crate::load::Sample;
use crate::outcome::{Outcome, Row, Side};

/// At most so much per call, in microseconds.
const MOST: f64 = 40.0;

/// Calls between two looks at the clock.
const STRIDE: u64 = 1_000;

/// Who asks, for what.
struct Gate {
    verifier: Verifier,
    authority: std::sync::Arc<Authority>,
    rpc: Rpc,
    tokens: Vec<HeaderValue>,
}

pub(crate) fn run(bench: Bench<'_>) -> anyhow::Result<Outcome> {
    let gate = Gate::new(bench)?;
    let first = gate.side(bench, "a ticket nobody asked for before", |number| number)?;
    let again = gate.side(bench, "a ticket asked for before", |number| number % 64)?;
    let per_call = |side: &Side| side.median(|sample| sample.process_cpu_micros);
    let row = |what: &str, side: &Side| {
        Row::at_most(
            &format!("token + rights, {what}"),
            per_call(side),
            MOST,
            "µs",
        )
    };
    Ok(Outcome {
        name: "rights",
        what:
            "a token that was verified before, of 100 callers in turn; its role asked for the RPC, \
            and Cedar for one ticket; one core, by processor time"
                .to_owned(),
        rows: vec![
            row("a ticket nobody asked for before", &first),
            row("one asked for before", &again),
        ],
        sides: vec![first, again],
        notes: Vec::new(),
    })
}

impl Gate {
    fn new(bench: Bench<'_>) -> anyhow::Result<Gate> {
        let minter = bench.ground.minter()?;
        let ring = minter.key().ring(&Issuer::Development);
        let authority = Authority::compiled()?;
        let rpc = authority.rpc("fettle.ticket.v1.TicketService/GetTicket");
        let caller = |number: u32| {
            anyhow::Ok(Caller {
                principal: format!("users/{number}"),
                roles: vec!["agent".to_owned()],
                ..Caller::service(TenantId::parse("bench-rights")?, "bench")
            })
        };
        let token = |number| anyhow::Ok(minter.authorization(&caller(number)?)?);
        Ok(Gate {
            verifier: Verifier::new(ring, "fettle", Duration::from_secs(5), Clock::system()),
            authority,
            rpc: rpc.context("the contract has no GetTicket")?,
            tokens: (0..100).map(token).collect::<anyhow::Result<_>>()?,
        })
    }

    /// Answers until the time is over; `resource` says which ticket the numbered call is about.
    fn side(
        &self,
        bench: Bench<'_>,
        name: &str,
        resource: impl Fn(u64) -> u64,
    ) -> anyhow::Result<Side> {
        let mut side = Side {
            side: name.to_owned(),
            samples: Vec::new(),
        };
        let mut number = 0;
        for run in 0..=bench.settings.samples {
            let before = Reading::take(bench.ground.postmaster())?;
            let (begin, from) = (std::time::Instant::now(), number);
            while begin.elapsed() < bench.settings.span() {
                for _ in 0..STRIDE {
                    self.pass(number, resource(number))?;
                    number += 1;
                }
            }
            let seconds = begin.elapsed().as_secs_f64();
            let used = before.until(&Reading::take(bench.ground.postmaster())?);
            // The first run warms up.
            if run > 0 {
                side.samples
                    .push(Sample::new(number - from, seconds, used, None));
            }
        }
        Ok(side)
    }

    fn pass(&self, number: u64, resource: u64) -> anyhow::Result<()> {
        let token = &self.tokens[number as usize % self.tokens.len()];
        let caller = self.verifier.believe(token)?;
        let scope = Scope {
            region: Some(format!("region-{}", resource % 8)),
            customer: Some(format!("parties/{resource}")),
            ..Scope::default()
        };
        let may = self.authority.may_call(&caller, self.rpc)
            && self.authority.permits(&caller, self.rpc, &scope);
        ensure!(may, "an agent may not read ticket {resource}");
        Ok(())
    }
}
