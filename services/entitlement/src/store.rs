//! SQL: one function per sentence, no decision.

pub(crate) mod asset;
pub(crate) mod contract;
pub(crate) mod repair;
pub(crate) mod standing;
