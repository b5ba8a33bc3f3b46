//! Where the pieces of a reservation come from: all lines or none.
//!
//! A line is served by one location when one holds enough: the preferred region first, then the
//! nearest by great circle, then by code. Only where no single location holds enough a line is
//! split, over the same order.

use std::cmp::Ordering;

use super::finding::{Code, Finding, Verdict};
use super::stock::{Level, Place, Wanted, location_name, part_name};

/// Locations passed over that a line's findings name, at most.
const MOST_PASSED_OVER: usize = 3;

/// Pieces of a part taken from one location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allotted {
    /// Part number.
    pub part: String,
    /// Location code.
    pub location: String,
    /// Pieces, at least 1.
    pub quantity: i64,
}

/// What can be held, and why so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// Every line is served.
    Held {
        /// In the order of the lines wanted.
        lines: Vec<Allotted>,
        /// Why each location was or was not chosen.
        findings: Vec<Finding>,
    },
    /// Nothing is held.
    Backorder {
        /// Part numbers that are short.
        short: Vec<String>,
        /// What is short and where.
        findings: Vec<Finding>,
    },
}

/// Allocates all lines, or none when one is short. `levels` may hold other parts too; each part
/// is wanted by at most one line.
pub fn allocate(wanted: &[Wanted], levels: &[Level], place: &Place) -> Allocation {
    let mut lines = Vec::new();
    let mut met = Vec::new();
    let mut short = Vec::new();
    let mut missing = Vec::new();
    for line in wanted {
        let candidates = ranked(line, levels, place);
        let total: i64 = candidates.iter().map(|c| c.level.available).sum();
        if total < line.quantity {
            short.push(line.part.clone());
            missing.extend(explain_short(line, &candidates, total));
        } else {
            let taken = take(line, &candidates);
            met.extend(explain_choice(line, &candidates, &taken));
            lines.extend(taken);
        }
    }
    if short.is_empty() {
        return Allocation::Held {
            lines,
            findings: met,
        };
    }
    Allocation::Backorder {
        short,
        findings: missing,
    }
}

struct Candidate<'a> {
    level: &'a Level,
    in_region: bool,
    meters: Option<f64>,
}

/// The locations that have the part, best first.
fn ranked<'a>(line: &Wanted, levels: &'a [Level], place: &Place) -> Vec<Candidate<'a>> {
    let of_part = levels
        .iter()
        .filter(|l| l.part == line.part && l.available > 0);
    let mut candidates: Vec<Candidate<'_>> = of_part
        .map(|level| Candidate {
            level,
            in_region: !place.region.is_empty() && level.region == place.region,
            meters: place
                .near
                .zip(level.position)
                .map(|(here, there)| here.meters_to(&there)),
        })
        .collect();
    candidates.sort_by(|a, b| {
        let nearer = match (a.meters, b.meters) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        b.in_region
            .cmp(&a.in_region)
            .then(nearer)
            .then_with(|| a.level.location.cmp(&b.level.location))
    });
    candidates
}

/// One location when one holds enough, else as many as it takes.
fn take(line: &Wanted, candidates: &[Candidate<'_>]) -> Vec<Allotted> {
    let allot = |candidate: &Candidate<'_>, quantity| Allotted {
        part: line.part.clone(),
        location: candidate.level.location.clone(),
        quantity,
    };
    if let Some(whole) = candidates
        .iter()
        .find(|c| c.level.available >= line.quantity)
    {
        return vec![allot(whole, line.quantity)];
    }
    let mut left = line.quantity;
    let mut taken = Vec::new();
    for candidate in candidates {
        let quantity = left.min(candidate.level.available);
        if quantity == 0 {
            break;
        }
        taken.push(allot(candidate, quantity));
        left -= quantity;
    }
    taken
}

fn explain_choice(line: &Wanted, candidates: &[Candidate<'_>], taken: &[Allotted]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut passed_over = 0;
    for candidate in candidates {
        let name = location_name(&candidate.level.location);
        let part = part_name(&line.part);
        let chosen = taken
            .iter()
            .find(|t| t.location == candidate.level.location);
        if let Some(chosen) = chosen {
            let finding = Finding::new(Code::LocationChosen, Verdict::Met, name).fact("part", part);
            findings.push(with_distance(finding, candidate).pieces("pieces", chosen.quantity));
            continue;
        }
        passed_over += 1;
        if passed_over > MOST_PASSED_OVER {
            continue;
        }
        findings.push(if candidate.level.available < line.quantity {
            short_here(line, candidate)
        } else {
            let finding = Finding::new(Code::LocationFarther, Verdict::NotMet, name);
            with_distance(finding.fact("part", part), candidate)
        });
    }
    findings
}

fn explain_short(line: &Wanted, candidates: &[Candidate<'_>], total: i64) -> Vec<Finding> {
    let backorder = Finding::new(Code::Backorder, Verdict::NotMet, part_name(&line.part))
        .pieces("wanted", line.quantity)
        .pieces("available", total);
    let here = candidates
        .iter()
        .take(MOST_PASSED_OVER)
        .map(|c| short_here(line, c));
    std::iter::once(backorder).chain(here).collect()
}

fn short_here(line: &Wanted, candidate: &Candidate<'_>) -> Finding {
    let name = location_name(&candidate.level.location);
    Finding::new(Code::StockShort, Verdict::NotMet, name)
        .fact("part", part_name(&line.part))
        .pieces("available", candidate.level.available)
        .pieces("wanted", line.quantity)
}

fn with_distance(finding: Finding, candidate: &Candidate<'_>) -> Finding {
    match candidate.meters {
        // A distance on earth is at most 20,038 km: it fits.
        Some(meters) => finding.number("distance", meters.round() as i64, "meters"),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use chassis::Position;
    use proptest::prelude::*;

    use super::*;

    fn level(part: &str, location: &str, available: i64, lat: f64, region: &str) -> Level {
        Level {
            part: part.to_owned(),
            location: location.to_owned(),
            available,
            position: Position::new(lat, 120.0),
            region: region.to_owned(),
        }
    }

    fn wanted(part: &str, quantity: i64) -> Wanted {
        Wanted {
            part: part.to_owned(),
            quantity,
        }
    }

    fn at(lat: f64, region: &str) -> Place {
        Place {
            near: Position::new(lat, 120.0),
            region: region.to_owned(),
        }
    }

    /// What is taken from where: "P 2 from SH".
    fn taken(allocation: &Allocation) -> Vec<String> {
        match allocation {
            Allocation::Held { lines, .. } => lines
                .iter()
                .map(|l| format!("{} {} from {}", l.part, l.quantity, l.location))
                .collect(),
            Allocation::Backorder { short, .. } => short
                .iter()
                .map(|part| format!("{part} is short"))
                .collect(),
        }
    }

    #[test]
    fn the_place_decides_where_pieces_come_from() {
        let levels = [
            level("P", "NEAR", 1, 31.0, "east"),
            level("P", "FAR", 5, 39.0, "north"),
            level("P", "MIDDLE", 2, 33.0, "north"),
            level("Q", "FAR", 9, 39.0, "north"),
        ];
        for (what, lines, place, expected) in [
            (
                "the nearest",
                vec![wanted("P", 1)],
                at(30.0, ""),
                vec!["P 1 from NEAR"],
            ),
            (
                "the region's first",
                vec![wanted("P", 1)],
                at(30.0, "north"),
                vec!["P 1 from MIDDLE"],
            ),
            (
                "one that has all",
                vec![wanted("P", 3)],
                at(30.0, ""),
                vec!["P 3 from FAR"],
            ),
            (
                "a split when none has all",
                vec![wanted("P", 7)],
                at(30.0, ""),
                vec!["P 1 from NEAR", "P 2 from MIDDLE", "P 4 from FAR"],
            ),
            (
                "by code without a place",
                vec![wanted("P", 2)],
                Place::default(),
                vec!["P 2 from FAR"],
            ),
            (
                "each line by itself",
                vec![wanted("P", 1), wanted("Q", 9)],
                at(30.0, ""),
                vec!["P 1 from NEAR", "Q 9 from FAR"],
            ),
            (
                "none when one is short",
                vec![wanted("P", 1), wanted("Q", 10)],
                at(30.0, ""),
                vec!["Q is short"],
            ),
            (
                "none of an unknown part",
                vec![wanted("X", 1)],
                at(30.0, ""),
                vec!["X is short"],
            ),
        ] {
            assert_eq!(
                taken(&allocate(&lines, &levels, &place)),
                expected,
                "{what}"
            );
        }
    }

    #[test]
    fn the_findings_say_who_was_chosen_who_was_short_and_who_was_farther() {
        let levels = [
            level("P", "NEAR", 1, 31.0, ""),
            level("P", "CHOSEN", 4, 33.0, ""),
            level("P", "FAR", 5, 39.0, ""),
        ];

        let Allocation::Held { findings, .. } = allocate(&[wanted("P", 2)], &levels, &at(30.0, ""))
        else {
            panic!("five are enough for two");
        };

        let said: Vec<_> = findings
            .iter()
            .map(|f| (f.code, f.subject.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (Code::StockShort, "stockLocations/NEAR"),
                (Code::LocationChosen, "stockLocations/CHOSEN"),
                (Code::LocationFarther, "stockLocations/FAR"),
            ]
        );
        let distance = findings[1]
            .numbers
            .iter()
            .find(|n| n.0 == "distance")
            .unwrap();
        assert!((distance.1 - 333_585).abs() < 100, "{distance:?}");
    }

    #[test]
    fn a_backorder_says_how_many_are_missing() {
        let levels = [level("P", "SH", 1, 31.0, "")];
        let Allocation::Backorder { findings, .. } =
            allocate(&[wanted("P", 2)], &levels, &at(30.0, ""))
        else {
            panic!("one is too few");
        };
        assert_eq!(findings[0].code, Code::Backorder);
        assert_eq!(
            findings[0].sentence(),
            "parts/P waits for stock: 2 wanted, 1 available."
        );
        assert_eq!(findings[1].code, Code::StockShort);
    }

    proptest! {
        #[test]
        fn all_lines_or_none_and_never_more_than_there_is(
            stock in proptest::collection::vec((0_usize..3, 0_i64..6, 20.0..50.0_f64), 0..12),
            orders in proptest::collection::vec(1_i64..8, 1..3),
        ) {
            let parts = ["A", "B", "C"];
            let levels: Vec<Level> = stock
                .iter()
                .enumerate()
                .map(|(i, (part, available, lat))| level(parts[*part], &format!("L{i}"), *available, *lat, ""))
                .collect();
            let lines: Vec<Wanted> = orders.iter().zip(parts).map(|(q, p)| wanted(p, *q)).collect();
            let stocked = |part: &str| -> i64 {
                levels.iter().filter(|l| l.part == part).map(|l| l.available).sum()
            };

            match allocate(&lines, &levels, &at(30.0, "")) {
                Allocation::Held { lines: taken, .. } => {
                    for line in &lines {
                        let held: i64 = taken.iter().filter(|t| t.part == line.part).map(|t| t.quantity).sum();
                        prop_assert_eq!(held, line.quantity);
                    }
                    for t in &taken {
                        let there = levels.iter().find(|l| l.location == t.location && l.part == t.part);
                        prop_assert!(there.is_some_and(|l| l.available >= t.quantity));
                    }
                }
                Allocation::Backorder { short, .. } => {
                    prop_assert!(!short.is_empty());
                    for line in &lines {
                        prop_assert_eq!(short.contains(&line.part), stocked(&line.part) < line.quantity);
                    }
                }
            }
        }
    }
}
