//! What the field knows about stock: pure rules, no clock, no store.
//!
//! - [`allocate`](mod@allocate): where the pieces of a reservation come from.
//! - [`queue`]: who is served when pieces arrive.
//! - [`settle`](mod@settle): what a repair used of what was held.
//! - [`reservation`]: states, verbs and the moves between them.
//! - [`ledger`]: movements whose entries add up to zero.
//! - [`stock`]: parts, places and levels.
//! - [`finding`]: how all of these explain themselves.

pub mod allocate;
pub mod finding;
pub mod ledger;
pub mod queue;
pub mod reservation;
pub mod settle;
pub mod stock;
