//! The ground of tests that span services: a small world seeded through the public contract, and verbs that read
//! as a story.
//!
//! [`world::World`] is one vendor's after-sales service with everything a story needs. The tests beside this crate
//! tell what happens in it: `stories` the whole job and its other endings, `trace` that one trace shows all of it,
//! `privacy` that nothing else shows what is known of people.
//! [`processes::Suite`] runs the services as they are deployed, to be killed: `crashes`, `processes`, `events`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test cannot go on without its ground; it says so by a panic"
)]

pub mod collector;
pub mod processes;
pub mod world;
