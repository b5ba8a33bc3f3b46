//! When and where people of Boston asked their city for field work in the first half of 2015.

use std::path::Path;

use anyhow::Context;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{Arrival, column, open};

/// Civil time in which the file's instants are written.
const ZONE: &str = "America/New_York";
/// Visits a technician makes per calendar day, free days included, when well used.
const VISITS_PER_DAY: usize = 3;

/// Reads requests with an opening time and a position, in order of time.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Arrival>> {
    let zone = TimeZone::get(ZONE).context("the time zone database lacks America/New_York")?;
    let mut reader = open(path)?;
    let headers = reader.headers()?.clone();
    let opened = column(&headers, "OPEN_DT")?;
    let latitude = column(&headers, "LATITUDE")?;
    let longitude = column(&headers, "LONGITUDE")?;
    let mut arrivals = Vec::new();
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row)? {
        let number = |index: usize| row.get(index).and_then(|text| text.parse::<f64>().ok());
        let time = DateTime::strptime("%m/%d/%Y %I:%M:%S %p", row.get(opened).unwrap_or_default());
        if let (Ok(time), Some(latitude), Some(longitude)) =
            (time, number(latitude), number(longitude))
            && latitude.abs() > 1.0
        {
            let at = zone.to_ambiguous_zoned(time).compatible()?.timestamp();
            arrivals.push(Arrival {
                at,
                latitude,
                longitude,
            });
        }
    }
    anyhow::ensure!(
        !arrivals.is_empty(),
        "no request with a time and a position"
    );
    // The hour that a clock change repeats is written twice; order by instants again.
    arrivals.sort_by_key(|arrival| arrival.at);
    Ok(arrivals)
}

/// As many arrivals as tickets, evenly from the first days: as many days as the technicians need
/// for that many visits, at least two weeks. Fewer arrivals than tickets are used again.
pub(crate) fn spread(all: &[Arrival], tickets: usize, technicians: usize) -> Vec<Arrival> {
    let Some(first) = all.first() else {
        return Vec::new();
    };
    let days = (tickets / (technicians * VISITS_PER_DAY).max(1)).max(14);
    let last = first.at + jiff::SignedDuration::from_hours(days as i64 * 24);
    let used = all.partition_point(|arrival| arrival.at < last).max(1);
    let index = |ticket: usize| ticket * used / tickets.max(1);
    (0..tickets).map(|ticket| all[index(ticket)]).collect()
}

/// Moves all arrivals so that the first one is at `begin`.
pub(crate) fn shift(arrivals: &mut [Arrival], begin: Option<jiff::Timestamp>) {
    if let (Some(begin), Some(first)) = (begin, arrivals.first().map(|first| first.at)) {
        let by = begin.duration_since(first);
        for arrival in arrivals {
            arrival.at += by;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::tests::data;

    #[test]
    fn opening_times_are_wall_clock_of_new_york() {
        let Some(folder) = data() else { return };

        let path = folder.join("field-service-boston311/boston311_2015H1.csv.zst");
        let arrivals = read(&path).unwrap();

        let first: jiff::Timestamp = "2015-01-01T05:20:09Z".parse().unwrap();
        assert_eq!(arrivals[0].at, first);
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
        assert!(arrivals.len() > 50_000, "{}", arrivals.len());
    }

    #[test]
    fn arrivals_keep_their_order_and_leave_technicians_time() {
        let start: jiff::Timestamp = "2015-01-01T00:00:00Z".parse().unwrap();
        let at = |hour: i64| Arrival {
            at: start + jiff::SignedDuration::from_hours(hour),
            latitude: 42.0,
            longitude: -71.0,
        };
        let all: Vec<Arrival> = (0..24 * 180).map(at).collect();

        let few = spread(&all, 100, 50);
        assert_eq!(few.len(), 100);
        assert!(few.is_sorted_by_key(|arrival| arrival.at));
        assert!(few[99].at < start + jiff::SignedDuration::from_hours(14 * 24));

        let many = spread(&all, 9_000, 50);
        assert!(many[8_999].at > start + jiff::SignedDuration::from_hours(58 * 24));
    }
}
