//! What happens to tickets, told over all services: the main job and its other endings.

#[path = "stories/main_job.rs"]
mod main_job;
