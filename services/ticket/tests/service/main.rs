//! The ticket service through real clients on a real PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test's ground: what is missing ends it, and its time is the world's"
)]

mod down;
mod erased;
mod exports;
mod history;
mod lists;
mod quotes;
mod refusals;
mod support;
mod tickets;
mod twice;
mod verbs;
