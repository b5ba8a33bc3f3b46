//! The services as separate processes: the job gets done whoever is away for a while, a process that is told to end
//! fails nobody, and one that cannot work says why and ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on says so by a panic"
)]

#[path = "processes/away.rs"]
mod away;
#[path = "processes/end.rs"]
mod end;
#[path = "processes/flags.rs"]
mod flags;
#[path = "processes/late.rs"]
mod late;
