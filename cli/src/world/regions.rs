//! Regions of the demo, and the cities in them.

use std::path::Path;

use super::{column, open};

/// Fewest people of a city that gets tickets.
const SMALLEST: u64 = 500_000;
/// Most cities per region.
const MOST: usize = 12;

/// A region whose call center owns its tickets.
#[derive(Debug, PartialEq)]
pub(crate) struct Region {
    /// ISO 3166-2 code.
    pub(crate) code: &'static str,
    /// ISO 3166-1 code of its country.
    pub(crate) country: &'static str,
    /// IANA zone.
    pub(crate) zone: &'static str,
    /// First-level code in GeoNames; empty: no Chinese province.
    admin: &'static str,
    /// The city its regional stock lies in.
    pub(crate) seat: (&'static str, f64, f64),
    /// Share of its country's tickets, in parts.
    pub(crate) weight: u32,
}

const fn chinese(
    code: &'static str,
    admin: &'static str,
    seat: (&'static str, f64, f64),
    weight: u32,
) -> Region {
    Region {
        code,
        country: "CN",
        zone: "Asia/Shanghai",
        admin,
        seat,
        weight,
    }
}

/// Every region used: seven of China, and Massachusetts.
pub(crate) static REGIONS: [Region; 8] = [
    chinese("CN-ZJ", "02", ("Hangzhou", 30.293_65, 120.161_42), 4),
    chinese("CN-SH", "23", ("Shanghai", 31.222_22, 121.458_06), 4),
    chinese("CN-GD", "30", ("Guangzhou", 23.116_67, 113.25), 4),
    chinese("CN-BJ", "22", ("Beijing", 39.907_5, 116.397_23), 3),
    chinese("CN-JS", "04", ("Nanjing", 32.061_67, 118.777_78), 3),
    chinese("CN-SC", "32", ("Chengdu", 30.666_67, 104.066_67), 2),
    chinese("CN-HB", "12", ("Wuhan", 30.583_33, 114.266_67), 2),
    Region {
        code: "US-MA",
        country: "US",
        zone: "America/New_York",
        admin: "",
        seat: ("Boston", 42.358_4, -71.059_8),
        weight: 1,
    },
];

/// The region outside of China.
pub(crate) fn massachusetts() -> &'static Region {
    &REGIONS[7]
}

fn chinese_regions() -> impl Iterator<Item = &'static Region> {
    REGIONS.iter().filter(|region| region.country == "CN")
}

/// A city in one of the Chinese regions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct City {
    /// Name in Latin letters.
    pub(crate) name: String,
    /// Degrees north.
    pub(crate) latitude: f64,
    /// Degrees east.
    pub(crate) longitude: f64,
    /// Its region.
    pub(crate) region: &'static Region,
}

/// Reads the largest cities of the Chinese regions, at most twelve each.
pub(crate) fn read_cities(path: &Path) -> anyhow::Result<Vec<City>> {
    let mut reader = open(path)?;
    let headers = reader.headers()?.clone();
    let at = |name: &str| column(&headers, name);
    let (name, latitude, longitude) = (at("name")?, at("latitude")?, at("longitude")?);
    let (country, admin, people) = (at("countrycode")?, at("admin1code")?, at("population")?);
    let mut found: Vec<(u64, City)> = Vec::new();
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row)? {
        let text = |index: usize| row.get(index).unwrap_or_default();
        let region = chinese_regions().find(|region| region.admin == text(admin));
        let people: u64 = text(people).parse().unwrap_or_default();
        if let Some(region) = region
            && text(country) == "CN"
            && people >= SMALLEST
        {
            let city = City {
                name: text(name).replace('’', "'"),
                latitude: text(latitude).parse()?,
                longitude: text(longitude).parse()?,
                region,
            };
            found.push((people, city));
        }
    }
    found.sort_by_key(|(people, _)| std::cmp::Reverse(*people));
    let mut cities: Vec<City> = Vec::new();
    for (_, city) in found {
        if cities
            .iter()
            .filter(|other| other.region == city.region)
            .count()
            < MOST
        {
            cities.push(city);
        }
    }
    for region in chinese_regions() {
        anyhow::ensure!(
            cities.iter().any(|c| c.region == region),
            "no city of {}",
            region.code
        );
    }
    Ok(cities)
}

/// The regions' seats, for a world without real data.
pub(crate) fn known_cities() -> Vec<City> {
    let seat = |region: &'static Region| City {
        name: region.seat.0.to_owned(),
        latitude: region.seat.1,
        longitude: region.seat.2,
        region,
    };
    chinese_regions().map(seat).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::tests::data;

    #[test]
    fn every_chinese_region_has_its_large_cities() {
        let Some(folder) = data() else { return };

        let cities = read_cities(&folder.join("geography/cities1000_cn.csv.zst")).unwrap();

        let hangzhou = cities.iter().find(|city| city.name == "Hangzhou").unwrap();
        assert_eq!(hangzhou.region.code, "CN-ZJ");
        assert!(cities.iter().all(|city| city.region.country == "CN"));
        assert!(cities.len() > 40, "{}", cities.len());
    }
}
