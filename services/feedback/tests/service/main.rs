//! The feedback service through real clients on a real PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test's ground: what is missing ends it, and its ids are its own"
)]

mod answers;
mod closures;
mod erased;
mod laws;
mod links;
mod lists;
mod scorecards;
mod support;
