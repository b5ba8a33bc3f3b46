//! What will be reported, and how it will go on as far as people decide it.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};

use super::regions::{self, City, Region};
use super::{Arrival, Chance, Generated, Product, Recipe, Told, keywords};

/// Share of sites in Chinese cities; the rest lies at the arrivals' own positions in Boston.
const CHINESE: f64 = 0.6;
/// Share of faults without a telling word whose component the agent finds out by asking.
const FOUND_OUT: f64 = 0.75;
/// Share of devices that are older than any term.
const OLD: f64 = 0.13;

/// Where a device stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Site {
    /// Region whose call center owns the ticket.
    pub(crate) region: &'static Region,
    /// City.
    pub(crate) city: String,
    /// Degrees north.
    pub(crate) latitude: f64,
    /// Degrees east.
    pub(crate) longitude: f64,
}

/// At which step a customer loses interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancel {
    /// Right after the report.
    AtOnce,
    /// While a quote, a part or a registration is waited for; else once a visit is booked.
    Waiting,
    /// Once a visit is booked.
    Scheduled,
    /// When the technician is already on the way.
    EnRoute,
}

/// What people will do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Course {
    /// When the customer cancels.
    pub(crate) cancel: Option<Cancel>,
    /// A quote, should one come, is declined.
    pub(crate) declines: bool,
    /// The first visit ends without a fix.
    pub(crate) incomplete: bool,
    /// The customer confirms; else the ticket closes by policy.
    pub(crate) confirms: bool,
    /// The answer to the first survey, 1 to 5; `None`: none is given.
    pub(crate) score: Option<i32>,
    /// The device is registered only after the report.
    pub(crate) registered_late: bool,
    /// Minutes until the agent answers.
    pub(crate) response_minutes: i64,
    /// Minutes by which the technician is late (positive) or early.
    pub(crate) late_minutes: i64,
    /// Days until a part that is out of stock arrives.
    pub(crate) supply_days: i64,
}

/// One ticket to come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Position, from 0.
    pub(crate) index: usize,
    /// When it is reported.
    pub(crate) at: Timestamp,
    /// What breaks.
    pub(crate) product: Product,
    /// Its serial number.
    pub(crate) serial: String,
    /// When it was sold.
    pub(crate) sold: Date,
    /// Where it stands.
    pub(crate) site: Site,
    /// The reporter's words.
    pub(crate) text: String,
    /// The fault as understood.
    pub(crate) fault: keywords::Reading,
    /// 1 high to 3 low.
    pub(crate) impact: i32,
    /// 1 high to 3 low.
    pub(crate) urgency: i32,
    /// What people will do.
    pub(crate) course: Course,
}

impl Plan {
    /// The caller's own key of the ticket.
    pub(crate) fn key(&self) -> String {
        format!("replay-{:06}", self.index)
    }

    /// The matter in a line of at most 100 characters.
    pub(crate) fn title(&self) -> String {
        let first: String = self.text.chars().take(100).collect();
        first.trim().to_owned()
    }
}

/// Plans every ticket; faults and arrivals are used in order, again from the first when too few.
pub(super) fn plan(
    recipe: &Recipe,
    told: &[Told],
    arrivals: &[Arrival],
    cities: &[City],
    products: &[Product],
    generated: &mut Generated,
) -> Vec<Plan> {
    let mut chance = Chance::of(recipe.seed, "plan");
    let weights: Vec<u32> = cities.iter().map(|city| city.region.weight).collect();
    let plans = arrivals.iter().zip(told.iter().cycle()).enumerate();
    plans
        .map(|(index, (arrival, told))| {
            let site = site(&mut chance, arrival, cities, &weights);
            let fault = fault(&mut chance, told, generated);
            let models: Vec<&Product> = products
                .iter()
                .filter(|product| product.category == told.category)
                .collect();
            let product = (*chance.one_of(&models)).clone();
            generated.serials += 1;
            generated.courses += 1;
            Plan {
                index,
                at: arrival.at,
                serial: format!("{}-{:04X}-{index:06}", product.code, recipe.seed & 0xffff),
                sold: sold(&mut chance, arrival.at, site.region.zone),
                product,
                site,
                text: told.text.clone(),
                fault,
                impact: level(&mut chance),
                urgency: level(&mut chance),
                course: course(&mut chance),
            }
        })
        .collect()
}

fn site(chance: &mut Chance, arrival: &Arrival, cities: &[City], weights: &[u32]) -> Site {
    if !chance.happens(CHINESE) {
        return Site {
            region: regions::massachusetts(),
            city: "Boston".to_owned(),
            latitude: arrival.latitude,
            longitude: arrival.longitude,
        };
    }
    let city = &cities[chance.weighted(weights)];
    Site {
        region: city.region,
        city: city.name.clone(),
        latitude: chance.around(city.latitude, 0.04),
        longitude: chance.around(city.longitude, 0.04),
    }
}

fn fault(chance: &mut Chance, told: &Told, generated: &mut Generated) -> keywords::Reading {
    let mut fault = keywords::read(told.category, &told.text);
    if fault.component.is_empty() && chance.happens(FOUND_OUT) {
        let known = told.category.components();
        fault.component = *chance.one_of::<&str>(&known[..known.len().min(3)]);
        generated.components += 1;
    }
    fault
}

/// Within the shortest term, or years before any.
fn sold(chance: &mut Chance, at: Timestamp, zone: &str) -> Date {
    let days = match chance.happens(OLD) {
        true => chance.between(4 * 365, 7 * 365),
        false => chance.between(3, 170),
    };
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let today = at.to_zoned(zone).date();
    today.checked_sub(days.days()).unwrap_or(today)
}

fn level(chance: &mut Chance) -> i32 {
    [1, 2, 3][chance.weighted(&[1, 6, 3])]
}

fn course(chance: &mut Chance) -> Course {
    let cancels = [
        Cancel::AtOnce,
        Cancel::Waiting,
        Cancel::Scheduled,
        Cancel::EnRoute,
    ];
    let scores = [1, 2, 3, 4, 5];
    Course {
        cancel: chance.happens(0.05).then(|| *chance.one_of(&cancels)),
        declines: chance.happens(0.2),
        incomplete: chance.happens(0.025),
        confirms: chance.happens(0.6),
        score: chance
            .happens(0.75)
            .then(|| scores[chance.weighted(&[2, 2, 10, 30, 56])]),
        registered_late: chance.happens(0.005),
        response_minutes: match chance.happens(0.93) {
            true => chance.between(3, 40),
            false => chance.between(60, 400),
        },
        late_minutes: chance.between(-8, 15),
        supply_days: chance.between(1, 6),
    }
}

/// The instant some minutes later.
pub(crate) fn minutes_after(at: Timestamp, minutes: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_mins(minutes))
        .unwrap_or(at)
}
