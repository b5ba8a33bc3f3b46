//! What a benchmark found, and how it is told: a table for people, a file for comparison.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde::Serialize;

use crate::Settings;
use crate::ground::Ground;
use crate::load::Sample;

/// One benchmark's findings.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    /// Name on the command line and of the file.
    pub(crate) name: &'static str,
    /// What was done, in a sentence.
    pub(crate) what: String,
    /// Rows of the table.
    pub(crate) rows: Vec<Row>,
    /// Runs of each side in the order they were made: the sides alternate.
    pub(crate) sides: Vec<Side>,
    /// What a reader should know before believing the figures.
    pub(crate) notes: Vec<String>,
}

/// A figure beside its target.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// What is measured.
    pub(crate) measure: String,
    /// What was found.
    pub(crate) found: String,
    /// What it is compared with; empty: nothing.
    pub(crate) baseline: String,
    /// Found ÷ baseline.
    pub(crate) ratio: Option<f64>,
    /// What was aimed at; empty: nothing.
    pub(crate) target: String,
    /// Whether the target is met.
    pub(crate) met: Option<bool>,
}

/// One side of a comparison.
#[derive(Debug, Serialize)]
pub(crate) struct Side {
    /// What ran.
    pub(crate) side: String,
    /// Its runs.
    pub(crate) samples: Vec<Sample>,
}

/// The figure in the middle; 0 of nothing.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

impl Side {
    /// Median of a figure of the samples.
    pub(crate) fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(of))
    }

    fn told(&self) -> String {
        let cpu = (
            self.median(|s| s.process_cpu_micros),
            self.median(|s| s.postgres_cpu_micros),
        );
        format!(
            "{:.0}/s  {:.0} + {:.0} µs",
            self.median(|s| s.rate),
            cpu.0,
            cpu.1
        )
    }
}

impl Row {
    /// Ours against a baseline of the same run; `least` is the ratio aimed at.
    pub(crate) fn ratio(measure: &str, ours: &Side, baseline: &Side, least: Option<f64>) -> Row {
        let ratio = ours.median(|s| s.rate) / baseline.median(|s| s.rate);
        Row {
            measure: measure.to_owned(),
            found: ours.told(),
            baseline: baseline.told(),
            ratio: Some(ratio),
            target: least.map_or(String::new(), |least| format!("≥ {least}×")),
            met: least.map(|least| ratio >= least),
        }
    }

    /// A figure that is to be at most so much.
    pub(crate) fn at_most(measure: &str, found: f64, most: f64, unit: &str) -> Row {
        Row::plain(
            measure,
            format!("{found:.1} {unit}"),
            format!("≤ {most} {unit}"),
            found <= most,
        )
    }

    /// A figure that is to be at least so much.
    pub(crate) fn at_least(measure: &str, found: f64, least: f64, unit: &str) -> Row {
        let target = format!("≥ {least} {unit}");
        Row::plain(
            measure,
            format!("{found:.0} {unit}"),
            target,
            found >= least,
        )
    }

    /// A figure that is compared with its target alone.
    pub(crate) fn plain(measure: &str, found: String, target: String, met: bool) -> Row {
        let measure = measure.to_owned();
        Row {
            measure,
            found,
            baseline: String::new(),
            ratio: None,
            target,
            met: Some(met),
        }
    }

    /// A figure nothing was aimed at.
    pub(crate) fn told(measure: &str, found: String) -> Row {
        Row {
            met: None,
            ..Row::plain(measure, found, String::new(), true)
        }
    }
}

/// The table. Beside a rate stands processor time per operation: services and client + PostgreSQL.
pub(crate) fn table(outcomes: &[Outcome]) -> String {
    let heads = ["measure", "found", "baseline", "ratio", "target", ""].map(str::to_owned);
    let mut lines = vec![heads];
    for row in outcomes.iter().flat_map(|outcome| &outcome.rows) {
        lines.push([
            row.measure.clone(),
            row.found.clone(),
            row.baseline.clone(),
            row.ratio
                .map_or(String::new(), |ratio| format!("{ratio:.2}×")),
            row.target.clone(),
            row.met
                .map_or("", |met| if met { "met" } else { "NOT MET" })
                .to_owned(),
        ]);
    }
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for line in &lines {
        for (cell, width) in line.iter().zip(widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    for note in outcomes
        .iter()
        .flat_map(|o| o.notes.iter().map(move |n| (o.name, n)))
    {
        text.push_str(&format!("{}: {}\n", note.0, note.1));
    }
    text
}

/// What the figures were found with.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Versions {
    git: String,
    rustc: String,
    postgresql: String,
    cores: usize,
    /// Jobs that wanted a processor when the run began, over one, five and fifteen minutes.
    load_average: String,
}

impl Versions {
    /// Of this machine and checkout.
    pub(crate) async fn read(ground: &Ground) -> anyhow::Result<Versions> {
        let version = sqlx::query_scalar("show server_version");
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Ok(Versions {
            git: said("git", &["describe", "--always", "--dirty", "--abbrev=12"]),
            rustc: said("rustc", &["--version"]),
            postgresql: version.fetch_one(ground.admin()).await?,
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            load_average: load
                .split_whitespace()
                .take(3)
                .collect::<Vec<_>>()
                .join(" "),
        })
    }
}

fn said(program: &str, arguments: &[&str]) -> String {
    let answer = Command::new(program).args(arguments).output().ok();
    let said = answer.filter(|answer| answer.status.success());
    said.map_or("unknown".to_owned(), |answer| {
        String::from_utf8_lossy(&answer.stdout).trim().to_owned()
    })
}

/// A result file.
#[derive(Serialize)]
pub(crate) struct Record<'a> {
    /// What was found.
    #[serde(flatten)]
    pub(crate) outcome: &'a Outcome,
    /// With what.
    pub(crate) versions: &'a Versions,
    /// How.
    pub(crate) settings: &'a Settings,
}

impl Record<'_> {
    /// Writes `<name>.json` into the folder.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder).context("making the folder of results")?;
        let path = folder.join(format!("{}.json", self.outcome.name));
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(&path, text + "\n").with_context(|| format!("writing {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Reading;

    fn side(rates: &[u64]) -> Side {
        let nothing = Reading::take(std::process::id()).unwrap();
        let used = nothing.until(&nothing);
        let samples = rates
            .iter()
            .map(|rate| Sample::new(*rate, 1.0, used, None))
            .collect();
        Side {
            side: "a side".to_owned(),
            samples,
        }
    }

    #[test]
    fn one_disturbed_sample_does_not_move_a_ratio() {
        let row = Row::ratio(
            "create",
            &side(&[90, 80, 5]),
            &side(&[100, 1, 100]),
            Some(0.8),
        );

        assert_eq!((row.ratio, row.met), (Some(0.8), Some(true)));
    }

    #[test]
    fn a_missed_target_is_told_plainly() {
        let row = Row::at_most("p99", 7.0, 5.0, "ms");
        let outcome = Outcome {
            name: "check",
            what: String::new(),
            rows: vec![row],
            sides: Vec::new(),
            notes: vec!["a note".to_owned()],
        };

        let text = table(&[outcome]);

        assert!(text.contains("7.0 ms"), "{text}");
        assert!(text.contains("≤ 5 ms  NOT MET"), "{text}");
        assert!(text.contains("check: a note"), "{text}");
    }
}
