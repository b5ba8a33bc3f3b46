//! PostgreSQL's own load tool: what the database does when nothing stands between.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail};
use tokio::process::Command;

use crate::cpu::Reading;
use crate::ground::Ground;
use crate::load::Sample;

/// A script and how it is run: prepared statements, the faster of pgbench's ways.
pub(crate) struct Pgbench {
    program: PathBuf,
    script: PathBuf,
    url: String,
    postmaster: u32,
    clients: usize,
    seconds: u64,
}

impl Pgbench {
    /// Writes the script. In it `:base` is another number in each run, far enough from the last.
    pub(crate) fn new(
        ground: &Ground,
        name: &str,
        script: &str,
        clients: usize,
        seconds: u64,
    ) -> anyhow::Result<Pgbench> {
        let program = ground.programs().join("pgbench");
        if !program.is_file() {
            bail!(
                "{} is missing; it comes with PostgreSQL's client programs",
                program.display()
            );
        }
        let path = ground.folder().join(format!("{name}.pgbench"));
        std::fs::write(&path, script).context("writing pgbench's script")?;
        Ok(Pgbench {
            program,
            script: path,
            url: ground.database_url("postgres"),
            postmaster: ground.postmaster(),
            clients,
            seconds,
        })
    }

    /// Runs it once; `run` counts from 0.
    pub(crate) async fn sample(&self, run: usize) -> anyhow::Result<Sample> {
        let before = Reading::take(self.postmaster)?;
        let begin = Instant::now();
        let mut command = Command::new(&self.program);
        command
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
            .arg(format!("--client={}", self.clients))
            .arg(format!("--time={}", self.seconds))
            .arg(format!("--define=base={}", (run + 1) * 100_000_000))
            .arg("--define=n=0")
            .arg(format!("--file={}", self.script.display()))
            .arg(&self.url);
        let answer = command.output().await.context("running pgbench")?;
        let seconds = begin.elapsed().as_secs_f64();
        let used = before.until(&Reading::take(self.postmaster)?);
        let said = String::from_utf8_lossy(&answer.stdout);
        let (rate, operations) = match (answer.status.success(), read(&said)) {
            (true, Some(told)) => told,
            _ => bail!(
                "pgbench failed: {said}{}",
                String::from_utf8_lossy(&answer.stderr)
            ),
        };
        let mut sample = Sample::new(operations, seconds, used, None);
        // Its own rate leaves out the time it takes to connect.
        sample.rate = rate;
        Ok(sample)
    }
}

/// Rate and number of transactions, none of which may have failed.
fn read(said: &str) -> Option<(f64, u64)> {
    let after = |words: &str| {
        said.lines()
            .find_map(|line| line.trim().strip_prefix(words))
    };
    let number = |text: &str| text.split_whitespace().next().map(str::to_owned);
    let failed = after("number of failed transactions:").and_then(number);
    if failed.is_some_and(|failed| failed != "0") {
        return None;
    }
    let rate = number(after("tps =")?)?.parse().ok()?;
    let operations = number(after("number of transactions actually processed:")?)?;
    Some((rate, operations.split('/').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pgbench_is_believed_only_when_no_transaction_failed() {
        let said = "number of transactions actually processed: 24210\n\
            number of failed transactions: 0 (0.000%)\n\
            tps = 8070.123 (without initial connection time)\n";

        assert_eq!(read(said), Some((8_070.123, 24_210)));
        assert_eq!(read(&said.replace(": 0 (", ": 3 (")), None);
        assert_eq!(read("pgbench: error"), None);
    }
}
