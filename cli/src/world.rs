//! The world a demo plays in: faults people really reported, sites in real cities, and, generated
//! from a seed and counted as such, the devices, parts, people and luck around them.

pub(crate) mod arrivals;
pub(crate) mod category;
mod chance;
mod generated;
pub(crate) mod keywords;
mod people;
mod plan;
pub(crate) mod regions;
pub(crate) mod repairs;
pub(crate) mod seeding;
mod supply;

use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::Timestamp;
use serde::Serialize;

pub(crate) use category::{Category, Product};
pub(crate) use chance::Chance;
pub(crate) use people::Person;
pub(crate) use plan::{Cancel, Plan, minutes_after};
pub(crate) use supply::{Place, Spare};

/// What to make a world of.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// Tickets to plan.
    pub(crate) tickets: usize,
    /// Folder of the real material; `None`: everything is generated.
    pub(crate) data: Option<PathBuf>,
    /// Everything generated follows from it.
    pub(crate) seed: u64,
    /// First report; `None`: as the arrivals say.
    pub(crate) begin: Option<Timestamp>,
}

/// How much of the world nobody reported or measured.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Generated {
    /// Fault texts.
    pub(crate) fault_texts: usize,
    /// Times of arrival.
    pub(crate) arrivals: usize,
    /// Sites whose position is invented.
    pub(crate) sites: usize,
    /// Faulty components that no word of the text names.
    pub(crate) components: usize,
    /// Serial numbers of devices, and their sale dates.
    pub(crate) serials: usize,
    /// Pieces of stock.
    pub(crate) stock_pieces: usize,
    /// Technicians.
    pub(crate) technicians: usize,
    /// Courses of events: who cancels, declines, is unhappy.
    pub(crate) courses: usize,
}

/// Everything a replay needs to know in advance.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// Whether fault texts, cities and arrivals are real.
    pub(crate) real: bool,
    /// Parts that repair them.
    pub(crate) spares: Vec<Spare>,
    /// Where parts lie.
    pub(crate) places: Vec<Place>,
    /// Who repairs.
    pub(crate) people: Vec<Person>,
    /// Customers, by region.
    pub(crate) customers: Vec<Customer>,
    /// What will be reported, in order of arrival.
    pub(crate) plans: Vec<Plan>,
    /// What is invented.
    pub(crate) generated: Generated,
}

/// A person who owns devices.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    /// Name to address them by.
    pub(crate) name: String,
    /// Region they live in.
    pub(crate) region: &'static str,
}

/// A fault as somebody told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// What kind of device it is about.
    pub(crate) category: Category,
    /// Brand as written; empty: not known.
    pub(crate) brand: String,
    /// The reporter's words.
    pub(crate) text: String,
}

/// When and where something was reported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arrival {
    /// The instant.
    pub(crate) at: Timestamp,
    /// Degrees north.
    pub(crate) latitude: f64,
    /// Degrees east.
    pub(crate) longitude: f64,
}

impl World {
    /// Plans a world. Refuses a data folder in which a needed file is missing or unreadable.
    pub(crate) fn plan(recipe: &Recipe) -> anyhow::Result<World> {
        let mut generated = Generated::default();
        let (told, arrivals, cities) = match &recipe.data {
            Some(folder) => material(folder)?,
            None => {
                let chance = &mut Chance::of(recipe.seed, "material");
                generated.fault_texts = recipe.tickets;
                generated.arrivals = recipe.tickets;
                generated.sites = recipe.tickets;
                let told = generated::faults(chance, recipe.tickets);
                let arrivals = generated::arrivals(chance, recipe.tickets);
                (told, arrivals, regions::known_cities())
            }
        };
        let products = category::products();
        let staff = people::staff(recipe.tickets);
        let mut arrivals = arrivals::spread(&arrivals, recipe.tickets, staff);
        arrivals::shift(&mut arrivals, recipe.begin);
        let begin = arrivals.first().map(|first| first.at).unwrap_or_default();
        let people = people::hire(&mut Chance::of(recipe.seed, "people"), staff, begin);
        let plans = plan::plan(recipe, &told, &arrivals, &cities, &products, &mut generated);
        let (spares, places) = supply::stock(&products, &plans, &mut generated);
        generated.technicians = people.len();
        Ok(World {
            real: recipe.data.is_some(),
            customers: customers(recipe.tickets),
            spares,
            places,
            people,
            plans,
            generated,
        })
    }
}

type Material = (Vec<Told>, Vec<Arrival>, Vec<regions::City>);

fn material(folder: &Path) -> anyhow::Result<Material> {
    let told = folder.join("repairs-openrepair/ords_repairs_to2022.csv.zst");
    let arrivals = folder.join("field-service-boston311/boston311_2015H1.csv.zst");
    let cities = folder.join("geography/cities1000_cn.csv.zst");
    let reading = |path: &Path| format!("reading {}", path.display());
    Ok((
        repairs::read(&told).with_context(|| reading(&told))?,
        arrivals::read(&arrivals).with_context(|| reading(&arrivals))?,
        regions::read_cities(&cities).with_context(|| reading(&cities))?,
    ))
}

/// One customer for every four tickets, at least one per region, at most 50 per region.
fn customers(tickets: usize) -> Vec<Customer> {
    let each = (tickets / 4 / regions::REGIONS.len()).clamp(1, 50);
    let of_region = |region: &'static regions::Region| {
        (1..=each).map(move |number| Customer {
            name: format!("Customer {number} of {}", region.code),
            region: region.code,
        })
    };
    regions::REGIONS.iter().flat_map(of_region).collect()
}

/// Opens a compressed file of comma-separated values with a heading.
fn open(path: &Path) -> anyhow::Result<csv::Reader<impl std::io::Read>> {
    let file = std::fs::File::open(path)?;
    Ok(csv::Reader::from_reader(zstd::Decoder::new(file)?))
}

/// The position of a named column.
fn column(headers: &csv::StringRecord, name: &str) -> anyhow::Result<usize> {
    let found = headers.iter().position(|header| header == name);
    found.with_context(|| format!("there is no column {name}"))
}

#[cfg(test)]
pub(crate) mod tests;
