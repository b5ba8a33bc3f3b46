//! Crash points: places where a test ends the process, enumerated from the step table.
//!
//! Compiled into debug builds only. `FETTLE_CRASH_AT=HOLD_PARTS/AFTER_CALL` ends the process there
//! as `kill -9` would: nothing is flushed, nothing is dropped.

use crate::domain::process::Step;

/// Where in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The step is decided, the peer not called.
    BeforeCall,
    /// The peer has answered, nothing is saved.
    AfterCall,
    /// The outcome is saved.
    AfterSave,
}

impl Point {
    /// Every point of a step.
    pub const ALL: [Point; 3] = [Point::BeforeCall, Point::AfterCall, Point::AfterSave];

    /// Name in the environment.
    pub fn name(self) -> &'static str {
        match self {
            Point::BeforeCall => "BEFORE_CALL",
            Point::AfterCall => "AFTER_CALL",
            Point::AfterSave => "AFTER_SAVE",
        }
    }
}

/// Ends the process when this point was chosen.
#[cfg(debug_assertions)]
pub(super) fn point(step: Step, point: Point) {
    use std::sync::LazyLock;
    static CHOSEN: LazyLock<Option<String>> =
        LazyLock::new(|| std::env::var("FETTLE_CRASH_AT").ok());
    if let Some(chosen) = CHOSEN.as_deref()
        && chosen.split_once('/') == Some((step.name(), point.name()))
    {
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
pub(super) fn point(_: Step, _: Point) {}
