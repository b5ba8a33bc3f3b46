//! Parts, places and levels.

use chassis::{Money, Position};
use jiff::Timestamp;

/// A part as catalogued.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// 1 to 40 of `A-Z`, `0-9`, `-`, `.`.
    pub number: String,
    /// What it is.
    pub title: String,
    /// Component class it replaces.
    pub component: String,
    /// Products it fits.
    pub products: Vec<String>,
    /// Every piece has its own serial number.
    pub serialised: bool,
    /// What one piece costs us.
    pub cost: Option<Money>,
    /// Needs dangerous-goods handling.
    pub hazardous: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// Ascending with each change.
    pub version: i64,
}

/// A place that holds stock.
#[derive(Clone, derive_more::Debug, PartialEq)]
pub struct Location {
    /// 1 to 40 of `A-Z`, `0-9`, `-`.
    pub code: String,
    /// The contract's kind by name: `DEPOT`.
    pub kind: String,
    /// What people call it.
    #[debug("[personal]")]
    pub title: String,
    /// Where it is.
    pub position: Position,
    /// Region it serves; empty: none in particular.
    pub region: String,
}

/// How many of a part are free at a location, and where that is.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Part number.
    pub part: String,
    /// Location code.
    pub location: String,
    /// Pieces free to hold.
    pub available: i64,
    /// Where the location is; none: not known.
    pub position: Option<Position>,
    /// Region it serves; empty: none in particular.
    pub region: String,
}

/// Where parts are needed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// The point; none: distance does not matter.
    pub near: Option<Position>,
    /// Region whose stock is preferred; empty: none.
    pub region: String,
}

/// A number of pieces of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Part number.
    pub part: String,
    /// Pieces, at least 1.
    pub quantity: i64,
}

/// `parts/{number}`.
pub fn part_name(number: &str) -> String {
    format!("parts/{number}")
}

/// `stockLocations/{code}`.
pub fn location_name(code: &str) -> String {
    format!("stockLocations/{code}")
}
