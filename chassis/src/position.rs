//! Points on the earth and the distance between them.

/// Mean radius of the earth in metres (IUGG R1).
const EARTH_RADIUS_METERS: f64 = 6_371_008.8;

/// A point on WGS 84, in degrees.
#[derive(Clone, Copy, PartialEq)]
pub struct Position {
    lat: f64,
    lng: f64,
}

impl std::fmt::Debug for Position {
    /// Most points are somebody's home or site: no log shows one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[personal]")
    }
}

impl Position {
    /// A point at `lat` degrees north (-90 to 90) and `lng` degrees east (-180 to 180);
    /// `None` outside of these or when not a number.
    pub fn new(lat: f64, lng: f64) -> Option<Position> {
        let inside = (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lng);
        inside.then_some(Position { lat, lng })
    }

    /// Degrees north.
    pub fn lat(&self) -> f64 {
        self.lat
    }

    /// Degrees east.
    pub fn lng(&self) -> f64 {
        self.lng
    }

    /// Great-circle distance in metres by the haversine formula (R. W. Sinnott, 1984); within
    /// 0.6 % of the ellipsoid's.
    pub fn meters_to(&self, other: &Position) -> f64 {
        let (from, to) = (self.lat.to_radians(), other.lat.to_radians());
        let north = (to - from) / 2.0;
        let east = (other.lng - self.lng).to_radians() / 2.0;
        let chord = north.sin().powi(2) + from.cos() * to.cos() * east.sin().powi(2);
        2.0 * EARTH_RADIUS_METERS * chord.sqrt().min(1.0).asin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boston_is_as_far_from_paris_as_paris_from_boston() {
        let boston = Position::new(42.3601, -71.0589).unwrap();
        let paris = Position::new(48.8566, 2.3522).unwrap();
        let there = boston.meters_to(&paris);
        assert!((there - 5_531_000.0).abs() < 10_000.0, "{there}");
        assert!((there - paris.meters_to(&boston)).abs() < 1e-6);
    }

    #[test]
    fn the_date_line_is_no_wall() {
        let west = Position::new(0.0, 179.9).unwrap();
        let east = Position::new(0.0, -179.9).unwrap();
        assert!((west.meters_to(&east) - 22_239.0).abs() < 10.0);
    }

    #[test]
    fn a_point_off_the_map_is_none() {
        assert_eq!(Position::new(90.1, 0.0), None);
        assert_eq!(Position::new(0.0, -180.5), None);
        assert_eq!(Position::new(f64::NAN, 0.0), None);
    }
}
