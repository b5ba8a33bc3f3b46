//! Technicians: some with a certificate that has lapsed, none who can everything.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use super::regions::{REGIONS, Region};
use super::{Category, Chance};

/// One skill with the last day of its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// Skill code.
    pub(crate) skill: String,
    /// 1 to 5.
    pub(crate) level: i32,
    /// Last day; `None`: does not expire.
    pub(crate) until: Option<Date>,
}

/// A technician.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Person {
    /// The vendor's own code.
    pub(crate) code: String,
    /// Name on the work order.
    pub(crate) name: String,
    /// Region they serve.
    pub(crate) region: &'static Region,
    /// Degrees north of where the day starts.
    pub(crate) latitude: f64,
    /// Degrees east of where the day starts.
    pub(crate) longitude: f64,
    /// What they can.
    pub(crate) certificates: Vec<Certificate>,
}

/// How many technicians that many tickets need: 40 to 80.
pub(super) fn staff(tickets: usize) -> usize {
    (tickets / 25).clamp(40, 80)
}

/// Hires about as many; each region gets at least four, Massachusetts two fifths.
pub(super) fn hire(chance: &mut Chance, staff: usize, begin: Timestamp) -> Vec<Person> {
    let chinese: u32 = REGIONS
        .iter()
        .filter(|r| r.country == "CN")
        .map(|r| r.weight)
        .sum();
    let share = |region: &Region| match region.country {
        "CN" => staff * 3 * region.weight as usize / (5 * chinese as usize),
        _ => staff * 2 / 5,
    };
    let today = begin.to_zoned(TimeZone::UTC).date();
    let mut people = Vec::new();
    for region in &REGIONS {
        for number in 0..share(region).max(4) {
            people.push(person(chance, region, number, today));
        }
    }
    people
}

fn person(chance: &mut Chance, region: &'static Region, number: usize, today: Date) -> Person {
    let (_, latitude, longitude) = region.seat;
    Person {
        code: format!("T-{}-{number:02}", region.code),
        name: format!("Technician {} of {}", number + 1, region.code),
        region,
        latitude: chance.around(latitude, 0.08),
        longitude: chance.around(longitude, 0.08),
        certificates: certificates(chance, number, today),
    }
}

/// Four of five repair notebooks, every second phones, and each two of the other kinds in turn;
/// every sixth holds a certificate that has lapsed.
fn certificates(chance: &mut Chance, number: usize, today: Date) -> Vec<Certificate> {
    let others = [
        Category::Desktop,
        Category::Tablet,
        Category::Printer,
        Category::Monitor,
    ];
    let mut skills = vec![others[number % 4], others[(number + 1) % 4]];
    if number % 5 != 4 {
        skills.push(Category::Notebook);
    }
    if number.is_multiple_of(2) || number % 5 == 4 {
        skills.push(Category::Phone);
    }
    let lapses = today.checked_add(3.years()).ok();
    let lapsed = today.checked_sub(200.days()).ok();
    let mut held: Vec<Certificate> = skills
        .into_iter()
        .map(|category| Certificate {
            skill: category.skill(),
            level: i32::try_from(chance.between(2, 6)).unwrap_or(3),
            until: if chance.happens(0.5) { lapses } else { None },
        })
        .collect();
    if number % 6 == 5 {
        let skill = others[(number + 2) % 4].skill();
        held.push(Certificate {
            skill,
            level: 3,
            until: lapsed,
        });
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_can_repair_everything_and_somebody_holds_a_lapsed_certificate() {
        let begin: Timestamp = "2015-01-01T00:00:00Z".parse().unwrap();
        let people = hire(&mut Chance::of(1, "people"), staff(10_000), begin);

        assert!((40..=90).contains(&people.len()), "{}", people.len());
        let valid = |c: &Certificate| {
            c.until
                .is_none_or(|day| day >= jiff::civil::date(2015, 1, 1))
        };
        for region in &REGIONS {
            for category in super::super::category::CATEGORIES {
                let able = people.iter().filter(|person| {
                    person.region == region
                        && person
                            .certificates
                            .iter()
                            .any(|c| c.skill == category.skill() && valid(c))
                });
                assert!(able.count() >= 2, "{} {category:?}", region.code);
            }
        }
        assert!(
            people
                .iter()
                .any(|person| !person.certificates.iter().all(valid))
        );
    }
}
