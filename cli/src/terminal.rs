//! What people see: colours and progress on a terminal only, plain text and JSON everywhere else.

use std::fmt::Display;
use std::io::IsTerminal;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

/// Headings.
pub(crate) const HEADING: Style = Style::new().bold();
/// What went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What did not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Side remarks.
pub(crate) const QUIET: Style = Style::new().dimmed();

/// The text in a style; the style is dropped where the output is no terminal.
pub(crate) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Prints one line for people.
pub(crate) fn say(line: impl Display) {
    anstream::println!("{line}");
}

/// Prints one line for people beside the answer: what is being done, and warnings.
pub(crate) fn remark(line: impl Display) {
    anstream::eprintln!("{line}");
}

/// Prints one JSON document on one line.
pub(crate) fn emit(document: &Value) {
    anstream::println!("{document}");
}

/// Where a command's answer goes: sentences for people, or JSON for programs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Voice {
    /// JSON instead of sentences.
    pub(crate) json: bool,
}

impl Voice {
    /// A line that only people get.
    pub(crate) fn tell(self, line: impl Display) {
        if !self.json {
            say(line);
        }
    }

    /// A remark about what is being done: beside the answer, so that JSON stays clean.
    pub(crate) fn note(self, line: impl Display) {
        match self.json {
            true => remark(line),
            false => say(styled(QUIET, line)),
        }
    }

    /// A progress bar over `total` steps; it draws on a terminal only.
    pub(crate) fn progress(self, what: &'static str, total: u64) -> ProgressBar {
        let bar = ProgressBar::new(total);
        if self.json || !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let template = "{prefix:>12} {bar:32} {pos}/{len} {elapsed} {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(what);
        bar
    }
}

/// A duration for people: `840 ms`, `12.3 s`, `3 min 20 s`.
pub(crate) fn spell(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..120_000 => format!("{:.1} s", duration.as_secs_f64()),
        _ => format!(
            "{} min {} s",
            duration.as_secs() / 60,
            duration.as_secs() % 60
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_spelled_in_the_unit_a_person_would_choose() {
        assert_eq!(spell(Duration::from_millis(840)), "840 ms");
        assert_eq!(spell(Duration::from_millis(12_340)), "12.3 s");
        assert_eq!(spell(Duration::from_secs(200)), "3 min 20 s");
    }
}
