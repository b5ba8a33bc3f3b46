//! What happens to tickets, told over all services: the main job and its other endings.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "stories/audited.rs"]
mod audited;
#[path = "stories/cancelled.rs"]
mod cancelled;
#[path = "stories/coverage.rs"]
mod coverage;
#[path = "stories/detours.rs"]
mod detours;
#[path = "stories/erased.rs"]
mod erased;
#[path = "stories/main_job.rs"]
mod main_job;
#[path = "stories/outages.rs"]
mod outages;
#[path = "stories/promises.rs"]
mod promises;
#[path = "stories/rights.rs"]
mod rights;
#[path = "stories/rights_matrix.rs"]
mod rights_matrix;
#[path = "stories/rounds.rs"]
mod rounds;
#[path = "stories/verified.rs"]
mod verified;
#[path = "stories/walls.rs"]
mod walls;
