//! The benchmarks, one per file; each checks its answers.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod clocks;
pub(crate) mod create;
pub(crate) mod events;
pub(crate) mod get;
pub(crate) mod main_job;
pub(crate) mod reserve;
pub(crate) mod rights;
pub(crate) mod walls;

use anyhow::ensure;

use crate::Settings;
use crate::ground::Ground;
use crate::load::{Load, Pace, Sample};
use crate::outcome::{Row, Side};

/// What a benchmark is given.
#[derive(Clone, Copy)]
pub(crate) struct Bench<'a> {
    pub(crate) ground: &'a Ground,
    pub(crate) settings: &'a Settings,
}

impl Bench<'_> {
    /// A closed loop of one sample's length; `usual` callers unless the settings say otherwise.
    fn load(&self, usual: usize) -> Load {
        Load {
            callers: self.callers(usual),
            span: self.settings.span(),
            pace: Pace::Closed,
            postmaster: self.ground.postmaster(),
        }
    }

    fn callers(&self, usual: usize) -> usize {
        self.settings.callers.unwrap_or(usual)
    }

    /// Runs both sides in turn, ours first, after one run of each that is not counted. A side
    /// gets the number of its run, from 0, the uncounted one included.
    async fn alternate(
        &self,
        names: [&str; 2],
        mut ours: impl AsyncFnMut(usize) -> anyhow::Result<Sample>,
        mut baseline: impl AsyncFnMut(usize) -> anyhow::Result<Sample>,
    ) -> anyhow::Result<[Side; 2]> {
        let mut sides = names.map(|side| Side {
            side: side.to_owned(),
            samples: Vec::new(),
        });
        ours(0).await?;
        baseline(0).await?;
        for run in 1..=self.settings.samples as usize {
            sides[0].samples.push(ours(run).await?);
            sides[1].samples.push(baseline(run).await?);
        }
        Ok(sides)
    }

    /// A number that the database counts.
    async fn count(&self, sql: &'static str) -> anyhow::Result<i64> {
        Ok(sqlx::query_scalar(sql)
            .fetch_one(self.ground.admin())
            .await?)
    }

    /// Executes statements of set-up, as the superuser.
    async fn execute(&self, sql: String) -> anyhow::Result<()> {
        let sql = sqlx::AssertSqlSafe(sql);
        sqlx::raw_sql(sql).execute(self.ground.admin()).await?;
        Ok(())
    }

    /// A query whose text is put together here.
    async fn read<T>(&self, sql: String) -> anyhow::Result<T>
    where
        T: Send + Unpin,
        for<'r> T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let sql = sqlx::AssertSqlSafe(sql);
        Ok(sqlx::query_scalar(sql)
            .fetch_one(self.ground.admin())
            .await?)
    }
}

/// Refuses a benchmark whose rows are not what its answers promised.
fn same(what: &str, answered: u64, found: i64) -> anyhow::Result<()> {
    ensure!(
        i64::try_from(answered) == Ok(found),
        "{what}: {answered} were answered and {found} are there"
    );
    Ok(())
}

/// A row that tells how long callers of a side waited.
fn p99(measure: &str, side: &Side) -> Row {
    let wait = side.median(|sample| sample.wait.map_or(0.0, |wait| wait.p99_ms));
    Row::told(measure, format!("{wait:.1} ms"))
}
