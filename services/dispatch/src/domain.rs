//! What dispatch decides, without touching anything: who can come, when, and which moves are legal.

pub mod finding;
pub mod moves;
pub mod openings;
pub mod plan;
pub mod technician;
pub mod travel;
pub mod work_order;

/// A half-open span of time: start included, end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First instant.
    pub start: jiff::Timestamp,
    /// First instant after it.
    pub end: jiff::Timestamp,
}

impl Window {
    /// Whether the two share an instant.
    pub fn overlaps(&self, other: &Window) -> bool {
        self.start < other.end && other.start < self.end
    }
}
