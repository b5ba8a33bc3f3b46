//! The pure part: what a contact is, and how its parts are spelled.

mod contact;
mod language;
mod spelling;

pub use contact::{Change, Contact, Unreachable};
pub use language::language;
pub use spelling::{mail_address, mail_for_look_up, phone_number};
