//! Every RPC through a real client, against the real service on a real PostgreSQL.

#![allow(
    clippy::unwrap_used,
    reason = "a test's ground: what is missing ends it"
)]

mod appointments;
mod erased;
mod laws;
mod races;
mod support;
mod technicians;
mod verbs;
mod work_orders;
