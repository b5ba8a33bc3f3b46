//! What a fault is owed, and why: pure decisions over facts and policies.
//!
//! - [`asset`] – a device and the facts known of it
//! - [`length`] – lengths of terms in months and days
//! - [`policy`] – law, vendor terms and plans as data; [`price`] – price lists; `reading`
//!   how their files are read
//! - [`rulebook`] – everything a decision is made by
//! - [`decide`] – the decision; `standing`: which policies speak of the device; `term`: how long;
//!   `trial`: every rule tried; `owed`: what follows from the rights that hold
//! - [`finding`] – each rule tried, and its sentence; [`digest`] – the decision's fingerprint

pub mod asset;
pub mod decide;
pub mod digest;
pub mod finding;
pub mod length;
mod owed;
pub mod policy;
pub mod price;
mod reading;
pub mod rulebook;
mod standing;
mod term;
mod trial;

pub use asset::{Asset, Component, Contract, Fact, Facts, Repair};
pub use calendar::document::Violation;
pub use decide::{ComponentTerm, Decision, Outcome, Question, decide};
pub use digest::digest;
pub use finding::{Code, Finding, Value, Verdict};
pub use policy::{Layer, Mode, Policy, Remedy};
pub use rulebook::Rulebook;
