//! What a service keeps: keyed writes, events told and heard, leases, partitions, migrations, all on a real
//! PostgreSQL and Redis.

#![allow(
    clippy::unwrap_used,
    reason = "a test's ground: what is missing ends it"
)]

mod audit;
mod delivery;
mod erasure;
mod faults;
mod given_up;
mod house;
mod keys;
mod laws;
mod leases;
mod migrations;
mod poison;
mod tables;
mod walls;
