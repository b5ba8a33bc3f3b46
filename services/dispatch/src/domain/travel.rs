//! Travel times without a map: great-circle distance, a detour factor, speed bands, parking.
//!
//! Deterministic and offline. A trip passes through the bands one after another (its first
//! kilometres at town speed, the rest faster), so a longer trip never takes less time and a detour
//! over a third place is never quicker than the direct way.

use chassis::Position;
use jiff::SignedDuration;

/// Up to which length of a trip which speed holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Upper end of the band, kilometres of road; infinite for the last.
    pub below_km: f64,
    /// Kilometres per hour within it, above 0.
    pub kmh: f64,
}

/// How travel is estimated.
#[derive(Clone, Debug, PartialEq)]
pub struct Travel {
    /// Road length divided by great-circle distance, 1 or more.
    pub detour: f64,
    /// Bands in ascending order; the last one's speed holds beyond its end.
    pub bands: Vec<Band>,
    /// Parking and walking at the end of each trip.
    pub parking: SignedDuration,
}

/// One trip by the estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leg {
    /// Time from door to door, whole seconds, rounded up.
    pub time: SignedDuration,
    /// Length of the road, whole metres.
    pub meters: i64,
}

impl Travel {
    /// The trip from one place to another; nothing at all within the same metre.
    pub fn between(&self, from: &Position, to: &Position) -> Leg {
        let road = from.meters_to(to) * self.detour;
        if road < 1.0 {
            return Leg {
                time: SignedDuration::ZERO,
                meters: 0,
            };
        }
        let seconds = self.driving_seconds(road / 1_000.0).ceil();
        Leg {
            // A way around the earth at walking pace fits an i64 many times over.
            time: SignedDuration::from_secs(seconds as i64) + self.parking,
            meters: road.round() as i64,
        }
    }

    fn driving_seconds(&self, road_km: f64) -> f64 {
        let last = self.bands.len().saturating_sub(1);
        let (mut seconds, mut from) = (0.0, 0.0);
        for (index, band) in self.bands.iter().enumerate() {
            let to = if index == last {
                road_km
            } else {
                road_km.min(band.below_km)
            };
            if to > from {
                seconds += (to - from) / band.kmh * 3_600.0;
                from = to;
            }
        }
        seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn travel() -> Travel {
        let band = |below_km, kmh| Band { below_km, kmh };
        Travel {
            detour: 1.3,
            bands: vec![
                band(10.0, 25.0),
                band(50.0, 45.0),
                band(f64::INFINITY, 80.0),
            ],
            parking: SignedDuration::from_mins(5),
        }
    }

    /// A place so many kilometres of road east of the origin on the equator.
    fn east(road_km: f64) -> Position {
        let degrees = road_km / 1.3 / 111.195_08;
        Position::new(0.0, degrees).unwrap()
    }

    #[test]
    fn the_first_kilometres_are_slow_and_parking_is_paid_once() {
        let home = east(0.0);
        for (km, minutes) in [
            (0.0, 0.0),
            (5.0, 17.0),
            (10.0, 29.0),
            (50.0, 82.333),
            (90.0, 112.333),
        ] {
            let leg = travel().between(&home, &east(km));
            let spent = leg.time.as_secs_f64() / 60.0;
            assert!(
                (spent - minutes).abs() < 0.1,
                "{km} km took {spent} minutes"
            );
            assert!((leg.meters as f64 - km * 1_000.0).abs() < 20.0);
        }
    }

    #[test]
    fn a_longer_way_never_takes_less_time_and_a_detour_never_saves_any() {
        let (travel, home) = (travel(), east(0.0));
        let mut before = SignedDuration::ZERO;
        for km in 1..200 {
            let place = east(f64::from(km));
            let direct = travel.between(&home, &place).time;
            assert!(direct >= before, "{km}");
            before = direct;
            let half = east(f64::from(km) / 2.0);
            let over = travel.between(&home, &half).time + travel.between(&half, &place).time;
            assert!(over >= direct, "{km}");
        }
    }
}
