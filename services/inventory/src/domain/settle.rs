//! What a repair used of what was held: used pieces leave stock, the rest is free again.
//!
//! A technician may report a piece that this reservation does not hold (another serial number,
//! one more than held). What is held is settled; the rest is said in findings and nothing is
//! guessed: a count or an adjustment puts the shelf right.

use super::finding::{Code, Finding, Verdict};
use super::ledger::{self, At, Movement};
use super::reservation::Line;
use super::stock::part_name;

/// A part built in during a repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// Part number.
    pub part: String,
    /// Pieces, at least 1; 1 with a serial number.
    pub quantity: i64,
    /// Serial number built in; empty: none.
    pub new_serial: String,
    /// Serial number taken out; empty: none.
    pub old_serial: String,
}

/// A line after the repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettledLine {
    /// The line as it was held.
    pub line: Line,
    /// Pieces used.
    pub used: i64,
    /// Serial numbers used.
    pub used_serials: Vec<String>,
}

/// A piece that replaced another in a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    /// Part number.
    pub part: String,
    /// Taken out; empty: none.
    pub old_serial: String,
    /// Built in; empty: the part has no serial numbers.
    pub new_serial: String,
}

/// What becomes of a reservation's lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Every line.
    pub lines: Vec<SettledLine>,
    /// Every replacement that was settled.
    pub swaps: Vec<Swap>,
    /// What was said to be used but is not held.
    pub findings: Vec<Finding>,
}

/// Settles `used` against the lines held. Lines that wait (without a place) hold nothing.
pub fn settle(lines: &[Line], used: &[Used]) -> Settlement {
    let unused = |line: &Line| SettledLine {
        line: line.clone(),
        used: 0,
        used_serials: Vec::new(),
    };
    let mut settlement = Settlement {
        lines: lines.iter().map(unused).collect(),
        swaps: Vec::new(),
        findings: Vec::new(),
    };
    for one in used {
        settlement.take(one);
    }
    settlement
}

impl Settlement {
    fn take(&mut self, used: &Used) {
        let of_part = |s: &&mut SettledLine| s.line.part == used.part && s.line.location.is_some();
        let mut held: Vec<&mut SettledLine> = self.lines.iter_mut().filter(of_part).collect();
        let serialised = held.iter().any(|s| !s.line.serials.is_empty());
        let taken = match serialised {
            true => take_piece(&mut held, used),
            false => take_pieces(&mut held, used),
        };
        if taken > 0 && !(used.new_serial.is_empty() && used.old_serial.is_empty()) {
            self.swaps.push(Swap {
                part: used.part.clone(),
                old_serial: used.old_serial.clone(),
                new_serial: used.new_serial.clone(),
            });
        }
        if taken < used.quantity {
            let wrong_piece = serialised && !used.new_serial.is_empty();
            self.findings
                .push(not_held(used, used.quantity - taken, wrong_piece));
        }
    }

    /// The movements that book this settlement: consumption and release, per part.
    pub fn movements(&self) -> Vec<Movement> {
        let mut parts: Vec<&str> = self.lines.iter().map(|s| s.line.part.as_str()).collect();
        parts.sort_unstable();
        parts.dedup();
        let mut movements = Vec::new();
        for part in parts {
            let used = self.at(part, |s| s.used);
            let left = self.at(part, |s| s.line.quantity - s.used);
            if !used.is_empty() {
                movements.push(ledger::consumption(part, &used));
            }
            if !left.is_empty() {
                movements.push(ledger::release(part, &left));
            }
        }
        movements
    }

    /// Parts of which pieces are free again.
    pub fn freed(&self) -> Vec<String> {
        let free = |s: &&SettledLine| s.line.location.is_some() && s.used < s.line.quantity;
        self.lines
            .iter()
            .filter(free)
            .map(|s| s.line.part.clone())
            .collect()
    }

    fn at(&self, part: &str, pieces: impl Fn(&SettledLine) -> i64) -> Vec<At<'_>> {
        let held = self.lines.iter().filter(|s| s.line.part == part);
        let places = held.filter_map(|s| Some((s.line.location.as_deref()?, pieces(s))));
        places.filter(|(_, quantity)| *quantity > 0).collect()
    }
}

/// The named piece of a serialised part, once.
fn take_piece(held: &mut [&mut SettledLine], used: &Used) -> i64 {
    for settled in held {
        let holds = settled.line.serials.contains(&used.new_serial);
        if holds && !settled.used_serials.contains(&used.new_serial) {
            settled.used_serials.push(used.new_serial.clone());
            settled.used += 1;
            return 1;
        }
    }
    0
}

/// As many pieces as are held and not used yet, line by line.
fn take_pieces(held: &mut [&mut SettledLine], used: &Used) -> i64 {
    let mut taken = 0;
    for settled in held {
        let piece = (used.quantity - taken).min(settled.line.quantity - settled.used);
        settled.used += piece;
        taken += piece;
    }
    taken
}

fn not_held(used: &Used, pieces: i64, wrong_piece: bool) -> Finding {
    let subject = part_name(&used.part);
    let code = if wrong_piece {
        Code::SerialNotHeld
    } else {
        Code::UsedNotHeld
    };
    let mut finding = Finding::new(code, Verdict::NotMet, subject).pieces("pieces", pieces);
    // The piece taken out is kept too: who puts the shelf right later needs both.
    for (name, serial) in [
        ("serial_number", &used.new_serial),
        ("old_serial", &used.old_serial),
    ] {
        if !serial.is_empty() {
            finding = finding.fact(name, serial.as_str());
        }
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(position: i16, part: &str, quantity: i64, location: &str, serials: &[&str]) -> Line {
        Line {
            position,
            part: part.to_owned(),
            quantity,
            location: (!location.is_empty()).then(|| location.to_owned()),
            serials: serials.iter().map(|s| (*s).to_owned()).collect(),
            used: 0,
        }
    }

    fn used(part: &str, quantity: i64, new: &str, old: &str) -> Used {
        Used {
            part: part.to_owned(),
            quantity,
            new_serial: new.to_owned(),
            old_serial: old.to_owned(),
        }
    }

    fn counts(settlement: &Settlement) -> Vec<i64> {
        settlement.lines.iter().map(|s| s.used).collect()
    }

    #[test]
    fn used_pieces_leave_stock_and_the_rest_is_free() {
        let lines = [
            line(0, "SCREW", 5, "SH", &[]),
            line(1, "SCREW", 5, "BJ", &[]),
        ];

        let settlement = settle(&lines, &[used("SCREW", 7, "", "")]);

        assert_eq!(counts(&settlement), [5, 2]);
        assert_eq!(settlement.freed(), ["SCREW"]);
        let kinds: Vec<_> = settlement.movements().iter().map(|m| m.kind).collect();
        assert_eq!(kinds, [ledger::Kind::Consumption, ledger::Kind::Release]);
        assert!(settlement.findings.is_empty() && settlement.swaps.is_empty());
    }

    #[test]
    fn a_swap_names_both_pieces() {
        let lines = [line(0, "BAT", 2, "SH", &["N1", "N2"])];

        let settlement = settle(&lines, &[used("BAT", 1, "N2", "O1")]);

        assert_eq!(settlement.lines[0].used_serials, ["N2"]);
        let swap = Swap {
            part: "BAT".into(),
            old_serial: "O1".into(),
            new_serial: "N2".into(),
        };
        assert_eq!(settlement.swaps, [swap]);
    }

    #[test]
    fn what_is_not_held_is_said_and_not_settled() {
        let lines = [
            line(0, "BAT", 1, "SH", &["N1"]),
            line(1, "SCREW", 2, "SH", &[]),
        ];
        for (what, used, expected, code) in [
            (
                "another piece",
                used("BAT", 1, "N9", "O1"),
                [0, 0],
                Code::SerialNotHeld,
            ),
            (
                "no piece named",
                used("BAT", 1, "", "O1"),
                [0, 0],
                Code::UsedNotHeld,
            ),
            (
                "one more than held",
                used("SCREW", 3, "", ""),
                [0, 2],
                Code::UsedNotHeld,
            ),
            (
                "a part not held",
                used("FAN", 1, "", ""),
                [0, 0],
                Code::UsedNotHeld,
            ),
        ] {
            let settlement = settle(&lines, &[used]);
            assert_eq!(counts(&settlement), expected, "{what}");
            let codes: Vec<_> = settlement.findings.iter().map(|f| f.code).collect();
            assert_eq!(codes, [code], "{what}");
        }
    }

    #[test]
    fn a_piece_is_built_in_once() {
        let lines = [line(0, "BAT", 2, "SH", &["N1", "N2"])];
        let twice = [used("BAT", 1, "N1", ""), used("BAT", 1, "N1", "")];
        let settlement = settle(&lines, &twice);
        assert_eq!(counts(&settlement), [1]);
        assert_eq!(settlement.findings[0].code, Code::SerialNotHeld);
    }

    #[test]
    fn lines_that_wait_hold_nothing() {
        let settlement = settle(&[line(0, "BAT", 1, "", &[])], &[used("BAT", 1, "N1", "")]);
        assert_eq!(counts(&settlement), [0]);
        assert!(settlement.movements().is_empty() && settlement.freed().is_empty());
        assert_eq!(settlement.findings[0].code, Code::UsedNotHeld);
    }
}
