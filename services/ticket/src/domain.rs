//! What the ticket service decides, without I/O, time or chance of its own.
//!
//! - [`moves`]: which verb leads where: the table of states
//! - [`ticket`]: the ticket and what each verb does to it
//! - [`process`]: `wanted` and `next_step`: what a ticket still needs done by the peers
//! - [`answers`]: what answers of peers and events do to a ticket
//! - [`clocks`]: promised times, computed from moments, calendar and policy
//! - [`policy`]: SLA and intake policies as data
//! - [`timeline`]: entries, their sentences and their hash chain
//! - [`history`]: the timeline as a paper to keep: signed, and checked by whoever holds it
//! - [`quote`]: offers and their totals
//! - [`number`]: service-order numbers with a check digit
//! - [`coverage`]: as much of a coverage decision as the process acts on

pub mod answers;
pub mod clocks;
pub mod coverage;
pub mod history;
pub mod moves;
pub mod number;
pub mod policy;
pub mod process;
pub mod quote;
pub mod ticket;
pub mod timeline;
