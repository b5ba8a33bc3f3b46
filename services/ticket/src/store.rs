//! SQL of the ticket service, one function a sentence; no decision.

pub mod erasure;
pub mod process;
pub mod quote;
pub mod ticket;
pub mod timeline;
