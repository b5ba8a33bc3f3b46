//! The inventory service through real clients on a real PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test's ground: what is missing ends it, and its ids are its own"
)]

mod catalogue;
mod erased;
mod laws;
mod races;
mod reserving;
mod settling;
mod stock;
mod support;
mod waiting;
