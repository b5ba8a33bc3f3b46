//! The shares a replay is measured by hold in the plan already.

use std::path::PathBuf;

use super::*;

/// The folder of the real material; says so and skips the test when there is none.
pub(crate) fn data() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let folder = std::env::var_os("FETTLE_DATA").unwrap_or_else(|| beside.into());
    let folder = PathBuf::from(folder);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "SKIPPED: no real data in {} (FETTLE_DATA names the folder)",
        folder.display()
    );
    None
}

fn recipe(data: Option<PathBuf>) -> Recipe {
    Recipe {
        tickets: 2_000,
        data,
        seed: 7,
        begin: None,
    }
}

fn share(world: &World, such: impl Fn(&Plan) -> bool) -> f64 {
    let found = world.plans.iter().filter(|plan| such(plan)).count();
    found as f64 / world.plans.len() as f64
}

fn check_shares(world: &World) {
    assert_eq!(world.plans.len(), 2_000);
    assert!(share(world, |plan| plan.site.region.country == "CN") >= 0.4);
    assert!(share(world, |plan| plan.course.cancel.is_some()) >= 0.03);

    let repaired = |plan: &Plan| plan.course.cancel.is_none() && !plan.course.declines;
    let with_part = |plan: &Plan| !plan.fault.component.is_empty();
    assert!(share(world, |plan| repaired(plan) && with_part(plan)) >= 0.6);

    let years_old = |plan: &Plan| {
        let day = plan.at.to_zoned(jiff::tz::TimeZone::UTC).date();
        (day - plan.sold).get_days() > 4 * 365 - 2
    };
    assert!(share(world, years_old) >= 0.1);

    let scarce: Vec<&str> = world
        .spares
        .iter()
        .filter(|s| s.stock.is_empty())
        .map(|s| &*s.number)
        .collect();
    let waits = |plan: &Plan| {
        repaired(plan)
            && scarce.contains(&&*supply::number(plan.product.code, plan.fault.component))
    };
    assert!(share(world, waits) >= 0.05);
}

#[test]
fn a_generated_world_has_the_shares_a_replay_is_measured_by() {
    let world = World::plan(&recipe(None)).unwrap();

    check_shares(&world);
    assert!(!world.real);
    assert_eq!(world.generated.fault_texts, 2_000);
}

#[test]
fn a_world_of_real_material_has_the_same_shares_and_invents_no_texts() {
    let Some(folder) = data() else { return };

    let world = World::plan(&recipe(Some(folder))).unwrap();

    check_shares(&world);
    assert!(world.real);
    assert_eq!(world.generated.fault_texts, 0);
    assert_eq!(world.generated.serials, 2_000);
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let one = World::plan(&recipe(None)).unwrap();
    let two = World::plan(&recipe(None)).unwrap();
    let other = World::plan(&Recipe {
        seed: 8,
        ..recipe(None)
    })
    .unwrap();

    assert_eq!(one.plans, two.plans);
    assert_ne!(one.plans, other.plans);
}

#[test]
fn a_world_can_begin_at_any_instant() {
    let begin = "2026-03-02T02:00:00Z".parse().unwrap();
    let world = World::plan(&Recipe {
        begin: Some(begin),
        ..recipe(None)
    })
    .unwrap();

    assert_eq!(world.plans[0].at, begin);
}
