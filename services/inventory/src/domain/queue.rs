//! Who is served when pieces are free: strictly in order, part by part.
//!
//! The order is priority, then time. A reservation that a part is too short for keeps everybody
//! behind it from taking *that* part, however few they want: a large order is not starved by
//! small ones. A reservation that only waits because of another part (short itself, or kept for
//! somebody before it) does not keep the parts it could have: they go to the next.

use std::collections::BTreeSet;

use super::allocate::{Allocation, Allotted, allocate};
use super::finding::{Code, Finding, Verdict};
use super::stock::{Level, Place, Wanted, part_name};

/// A reservation that waits.
#[derive(Clone, Debug)]
pub struct Waiting<Id> {
    /// Who.
    pub id: Id,
    /// All of its lines.
    pub wanted: Vec<Wanted>,
    /// Where the parts are needed.
    pub place: Place,
}

/// What the queue gave to one who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served<Id> {
    /// Who.
    pub id: Id,
    /// What is held and why, or why it goes on waiting.
    pub allocation: Allocation,
}

/// Serves those who wait, in the order given. A part whose levels are not given counts as short.
pub fn serve<Id: Clone>(waiting: &[Waiting<Id>], mut levels: Vec<Level>) -> Vec<Served<Id>> {
    let mut kept: BTreeSet<&str> = BTreeSet::new();
    let mut answers = Vec::with_capacity(waiting.len());
    for one in waiting {
        let mut allocation = allocate(&one.wanted, &levels, &one.place);
        let before: Vec<&Wanted> = one
            .wanted
            .iter()
            .filter(|w| kept.contains(w.part.as_str()))
            .collect();
        match &mut allocation {
            Allocation::Held { lines, .. } if before.is_empty() => deduct(&mut levels, lines),
            Allocation::Held { .. } => {
                let findings = before.iter().map(|w| others_first(w, &levels)).collect();
                allocation = Allocation::Backorder {
                    short: Vec::new(),
                    findings,
                };
            }
            Allocation::Backorder { short, findings } => {
                findings.extend(before.iter().map(|w| others_first(w, &levels)));
                let short = one.wanted.iter().filter(|w| short.contains(&w.part));
                kept.extend(short.map(|w| w.part.as_str()));
            }
        }
        answers.push(Served {
            id: one.id.clone(),
            allocation,
        });
    }
    answers
}

fn deduct(levels: &mut [Level], lines: &[Allotted]) {
    for line in lines {
        let of_line = |l: &&mut Level| l.part == line.part && l.location == line.location;
        if let Some(level) = levels.iter_mut().find(of_line) {
            level.available -= line.quantity;
        }
    }
}

fn others_first(wanted: &Wanted, levels: &[Level]) -> Finding {
    let available = levels
        .iter()
        .filter(|l| l.part == wanted.part)
        .map(|l| l.available)
        .sum();
    Finding::new(Code::OthersFirst, Verdict::NotMet, part_name(&wanted.part))
        .pieces("wanted", wanted.quantity)
        .pieces("available", available)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn waits(id: u32, wants: &[(&str, i64)]) -> Waiting<u32> {
        let want = |(part, quantity): &(&str, i64)| Wanted {
            part: (*part).to_owned(),
            quantity: *quantity,
        };
        Waiting {
            id,
            wanted: wants.iter().map(want).collect(),
            place: Place::default(),
        }
    }

    fn stock(part: &str, available: i64) -> Level {
        Level {
            part: part.to_owned(),
            location: "SH".to_owned(),
            available,
            position: None,
            region: String::new(),
        }
    }

    fn held(served: &[Served<u32>]) -> Vec<u32> {
        let is_held = |s: &&Served<u32>| matches!(s.allocation, Allocation::Held { .. });
        served.iter().filter(is_held).map(|s| s.id).collect()
    }

    #[test]
    fn those_who_wait_are_served_in_order_while_pieces_last() {
        let queue = [
            waits(1, &[("P", 1)]),
            waits(2, &[("P", 1)]),
            waits(3, &[("P", 1)]),
        ];
        assert_eq!(held(&serve(&queue, vec![stock("P", 2)])), [1, 2]);
    }

    #[test]
    fn a_large_order_is_not_starved_by_small_ones_behind_it() {
        let queue = [waits(1, &[("P", 5)]), waits(2, &[("P", 1)])];
        let served = serve(&queue, vec![stock("P", 3)]);
        assert_eq!(held(&served), [0_u32; 0]);
        let Allocation::Backorder { findings, .. } = &served[1].allocation else {
            panic!("the second must wait");
        };
        assert_eq!(findings[0].code, Code::OthersFirst);
    }

    #[test]
    fn one_that_waits_for_another_part_keeps_nobody_from_this_one() {
        let queue = [waits(1, &[("P", 1), ("Q", 1)]), waits(2, &[("P", 1)])];
        assert_eq!(held(&serve(&queue, vec![stock("P", 1)])), [2]);
    }

    #[test]
    fn one_kept_back_by_an_earlier_one_does_not_keep_its_other_parts() {
        let queue = [
            waits(1, &[("P", 5)]),
            waits(2, &[("P", 1), ("Q", 1)]),
            waits(3, &[("Q", 1)]),
        ];
        assert_eq!(
            held(&serve(&queue, vec![stock("P", 1), stock("Q", 1)])),
            [3]
        );
    }

    proptest! {
        #[test]
        fn nobody_who_could_be_served_waits_behind_nobody(
            wants in proptest::collection::vec((1_i64..5, 0_i64..5), 1..8),
            p in 0_i64..12,
            q in 0_i64..12,
        ) {
            let queue: Vec<Waiting<u32>> = wants.iter().zip(0..).map(|((of_p, of_q), id)| {
                if *of_q == 0 { waits(id, &[("P", *of_p)]) } else { waits(id, &[("P", *of_p), ("Q", *of_q)]) }
            }).collect();

            let served = serve(&queue, vec![stock("P", p), stock("Q", q)]);

            // What is given never exceeds what there is, and the first is served when possible.
            let given = |part: &str| -> i64 {
                held(&served).iter().flat_map(|id| &queue[*id as usize].wanted)
                    .filter(|w| w.part == part).map(|w| w.quantity).sum()
            };
            prop_assert!(given("P") <= p && given("Q") <= q);
            let first = wants[0].0 <= p && wants[0].1 <= q;
            prop_assert_eq!(held(&served).contains(&0), first);
        }
    }
}
