//! The channel service through real clients on a real PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test's ground: what is missing ends it, and its ids are its own"
)]

mod erasing;
mod parties;
mod secrecy;
mod support;
mod updates;
