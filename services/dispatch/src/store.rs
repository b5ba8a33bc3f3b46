//! SQL: one function per sentence, no decision.

pub(crate) mod bookings;
pub(crate) mod candidates;
pub(crate) mod claims;
pub(crate) mod technicians;
pub(crate) mod work_orders;

use jiff::Timestamp;

/// A row that the domain cannot read: a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("a stored {0} cannot be read")]
pub(crate) struct Unreadable(pub(crate) &'static str);

impl From<Unreadable> for sqlx::Error {
    fn from(error: Unreadable) -> sqlx::Error {
        sqlx::Error::Decode(Box::new(error))
    }
}

/// The error of a row that cannot be read.
pub(crate) fn unreadable(what: &'static str) -> sqlx::Error {
    Unreadable(what).into()
}

pub(crate) fn instant(at: Option<jiff_sqlx::Timestamp>) -> Option<Timestamp> {
    at.map(|at| at.to_jiff())
}
