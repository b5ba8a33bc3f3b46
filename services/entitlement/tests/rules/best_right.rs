//! Best right wins: another layer never makes an answer worse.

use entitlement::domain::Policy;
use proptest::prelude::*;

use super::*;

const COMPONENTS: [&str; 6] = ["", "MAINBOARD", "MEMORY", "POWER_SUPPLY", "LCD", "KEYBOARD"];
const CAUSES: [Option<&str>; 5] = [
    None,
    Some("LIQUID"),
    Some("VIRUS"),
    Some("MISUSE"),
    Some("SELF_MODIFICATION"),
];
const REGIONS: [&str; 4] = ["CN", "CN-ZJ", "US", "FR"];

/// The shipped rules without some policies.
fn without(left_out: &[bool]) -> Rulebook {
    let all = RULES.policies().iter().enumerate();
    let kept = all
        .filter(|(n, _)| !left_out[*n])
        .map(|(_, policy)| policy.clone());
    let kept: Vec<Policy> = kept.collect();
    let calendar = RULES.calendar("cn-workdays").unwrap().clone();
    Rulebook::new(kept, RULES.prices().to_vec(), vec![calendar]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn another_layer_never_makes_an_answer_worse(
        left_out in prop::collection::vec(any::<bool>(), 32),
        component in prop::sample::select(&COMPONENTS[..]),
        cause in prop::sample::select(&CAUSES[..]),
        region in prop::sample::select(&REGIONS[..]),
        vendor in prop::sample::select(&[None, Some("xiaomi-notebook"), Some("lenovo-notebook")][..]),
        age in 0i32..1500,
        repaired in prop::collection::vec((0i32..1400, 0i32..40, 0usize..6), 0..4),
        planned in any::<bool>(),
    ) {
        let sold = day("2021-03-01");
        let after = |days: i32| sold.checked_add(jiff::Span::new().days(days)).unwrap();
        let mut asset = device("NOTEBOOK", vendor, "2021-03-01");
        asset.repairs = repaired.iter().enumerate().map(|(n, (from, days, part))| Repair {
            work_order: Uuid::from_u128(n as u128),
            components: vec![COMPONENTS[*part].into()],
            received_on: after(*from),
            completed_on: after(from + days),
        }).collect();
        asset.repairs.sort_by_key(|repair| repair.completed_on);
        if planned {
            asset.contracts = vec![contract("four-hour-24x7", "2022-01-01", "2024-01-01")];
        }
        let on = after(age).to_string();
        let question = Question { cause, ..fault(component, &on, region) };
        let fewer = without(&left_out);

        let all = decide(&question, &asset, &RULES);
        let some = decide(&question, &asset, &fewer);

        prop_assert!(all.outcome <= some.outcome, "{:?} is worse than {:?}", all.outcome, some.outcome);
        if all.outcome == some.outcome {
            prop_assert!(all.covered_until >= some.covered_until);
            for remedy in &some.remedies {
                prop_assert!(all.remedies.contains(remedy), "{remedy:?} was lost");
            }
        }
        for term in &some.terms {
            let best = all.terms.iter().find(|t| t.component == term.component);
            prop_assert!(best.is_some_and(|best| best.end >= term.end), "{}", term.component);
        }
        prop_assert_eq!(digest(&question, &asset, &all), digest(&question, &asset, &decide(&question, &asset, &RULES)));
    }
}
