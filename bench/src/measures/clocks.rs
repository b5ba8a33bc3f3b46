//! SLA clocks from ten moments of a year in China's working days, on one core.

use std::time::Instant;

use anyhow::{Context, ensure};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ticket::domain::clocks::{Counting, explain, read};
use ticket::domain::ticket::{Moment, PauseReason, What};

use super::Bench;
use crate::cpu::Reading;
use crate::load::Sample;
use crate::outcome::{Outcome, Row, Side};

pub(crate) fn run(bench: Bench<'_>) -> anyhow::Result<Outcome> {
    let policies = ticket::policies::load("").map_err(|error| anyhow::anyhow!("{error}"))?;
    let policy = policies
        .find("complaint")
        .context("the complaint policy is not shipped")?;
    let zone = TimeZone::get("Asia/Shanghai")?;
    let calendar = policies.calendar(policy, "CN");
    ensure!(
        calendar.id() == "cn-workdays",
        "complaints count in {}",
        calendar.id()
    );
    let counting = Counting {
        calendar,
        zone: &zone,
        policy,
    };
    let moments = year()?;
    let now: Timestamp = "2021-12-31T04:00:00Z".parse()?;
    adds_up(counting, &moments, now)?;

    let mut side = Side {
        side: "ticket::domain::clocks::read".to_owned(),
        samples: Vec::new(),
    };
    for _ in 0..bench.settings.samples {
        let before = Reading::take(bench.ground.postmaster())?;
        let (begin, mut clocks) = (Instant::now(), 0_u64);
        while begin.elapsed() < bench.settings.span() {
            for _ in 0..1_000 {
                let clocks_read = read(counting, std::hint::black_box(&moments), now);
                clocks += std::hint::black_box(clocks_read).len() as u64;
            }
        }
        let seconds = begin.elapsed().as_secs_f64();
        let used = before.until(&Reading::take(bench.ground.postmaster())?);
        side.samples.push(Sample::new(clocks, seconds, used, None));
    }
    // Others may have had the core for a while: what counts is the time it worked.
    let rate = 1e6 / side.median(|sample| sample.process_cpu_micros);
    Ok(Outcome {
        name: "clocks",
        what: format!(
            "{} moments from January to December, {} promises, calendar cn-workdays, by processor \
             time",
            moments.len(),
            policy.promises.len()
        ),
        rows: vec![Row::at_least("SLA clocks per core", rate, 200_000.0, "/s")],
        sides: vec![side],
        notes: Vec::new(),
    })
}

/// A matter that went on for a year: it waited three times, was resolved and came back.
fn year() -> anyhow::Result<Vec<Moment>> {
    let waits = What::Paused(PauseReason::WaitingCustomer);
    [
        ("2021-01-04T02:00:00Z", What::Reported),
        ("2021-02-01T03:00:00Z", waits),
        ("2021-02-26T06:00:00Z", What::Resumed),
        ("2021-04-06T02:00:00Z", waits),
        ("2021-04-28T07:00:00Z", What::Resumed),
        ("2021-06-10T02:00:00Z", What::Resolved),
        ("2021-07-08T02:00:00Z", What::Reopened),
        ("2021-09-15T02:00:00Z", waits),
        ("2021-10-11T02:00:00Z", What::Resumed),
        ("2021-11-15T02:00:00Z", What::Quoted),
    ]
    .into_iter()
    .map(|(at, what)| {
        Ok(Moment {
            at: at.parse()?,
            what,
        })
    })
    .collect()
}

/// What is counted is what the explanation's counted stretches come to.
fn adds_up(counting: Counting<'_>, moments: &[Moment], now: Timestamp) -> anyhow::Result<()> {
    let clocks = read(counting, moments, now);
    ensure!(
        clocks.len() == counting.policy.promises.len(),
        "a promise has no clock"
    );
    for clock in clocks {
        let stretches = explain(counting, &clock, moments, now);
        let counted = stretches.iter().filter(|stretch| stretch.counted);
        let sum = counted.fold(SignedDuration::ZERO, |sum, s| {
            sum + s.end.duration_since(s.start)
        });
        ensure!(
            sum == clock.counted && sum > SignedDuration::ZERO,
            "{:?} counts {} and explains {sum}",
            clock.milestone,
            clock.counted
        );
    }
    Ok(())
}
