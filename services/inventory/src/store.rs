//! SQL, one function per sentence; no decision.
//!
//! Locks are always taken in this order: reservation rows, then `parts` rows by number, then
//! `stock_levels` rows by part and location. A reservation that finds enough free stock locks
//! levels only; whoever changes a queue or brings pieces locks the parts first.

pub mod catalogue;
pub mod hold;
pub mod ledger;
pub mod levels;
pub mod reservations;
pub mod serials;
pub mod waiting;
