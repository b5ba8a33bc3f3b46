//! What PostgreSQL's errors mean to a caller.

use crate::db;
use crate::refusal::Refusal;

impl From<sqlx::Error> for Refusal {
    /// A lock that was held too long, a deadlock and a serialization failure are contention;
    /// a lost or exhausted connection is unavailability, and remembered; all else is a fault of
    /// ours.
    fn from(error: sqlx::Error) -> Refusal {
        db::note(&error);
        let refused = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Some(Refusal::unavailable("the store")),
            sqlx::Error::Database(said) => said.code().and_then(|code| by_sqlstate(&code)),
            _ => None,
        };
        match refused {
            Some(refused) => {
                tracing::warn!(
                    error = said(&error),
                    reason = refused.reason(),
                    "the store refused"
                );
                refused
            }
            None => Refusal::internal(said(&error)),
        }
    }
}

/// The error for the log, without values of a row, which may be personal. PostgreSQL repeats values
/// in its messages of class 22 (data exception), and who decodes a value does so in every error.
fn said(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::ColumnDecode { index, .. } => format!("column {index} cannot be decoded"),
        sqlx::Error::Decode(_) => "a value cannot be decoded".to_owned(),
        sqlx::Error::Encode(_) => "a value cannot be encoded".to_owned(),
        sqlx::Error::Database(said) => match said.code() {
            Some(code) if code.starts_with("22") => format!("data exception {code}"),
            _ => error.to_string(),
        },
        _ => error.to_string(),
    }
}

/// Codes of the PostgreSQL manual, appendix A.
fn by_sqlstate(code: &str) -> Option<Refusal> {
    match code {
        // lock_not_available, serialization_failure, deadlock_detected
        "55P03" | "40001" | "40P01" => Some(Refusal::contention()),
        // query_canceled: our statement timeout
        "57014" => Some(Refusal::deadline_passed()),
        // a demoted primary, a transaction ended because we stood still in it, too many connections,
        // a server going down or coming up
        "25006" | "25P03" | "53300" | "57P01" | "57P02" | "57P03" | "57P05" => {
            Some(Refusal::unavailable("the store"))
        }
        _ if code.starts_with("08") => Some(Refusal::unavailable("the store")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn a_value_that_cannot_be_read_is_not_repeated() {
        let value = serde_json::from_str::<u8>("\"Zhang San\"").unwrap_err();
        assert!(value.to_string().contains("Zhang San"));
        for error in [
            sqlx::Error::Decode(value.to_string().into()),
            sqlx::Error::Encode(value.to_string().into()),
            sqlx::Error::ColumnDecode {
                index: "site".to_owned(),
                source: Box::new(value),
            },
        ] {
            assert!(error.to_string().contains("Zhang San"));
            assert!(!said(&error).contains("Zhang San"), "{}", said(&error));
        }
    }

    #[test]
    fn contention_and_outage_say_when_to_try_again_and_faults_do_not() {
        for (code, expected) in [
            ("55P03", Code::Aborted),
            ("40001", Code::Aborted),
            ("40P01", Code::Aborted),
            ("25006", Code::Unavailable),
            ("25P03", Code::Unavailable),
            ("57P01", Code::Unavailable),
            ("08006", Code::Unavailable),
        ] {
            let refusal = by_sqlstate(code).unwrap();
            assert_eq!(refusal.code(), expected, "{code}");
            assert!(refusal.retry_delay().is_some(), "{code}");
        }
        assert_eq!(by_sqlstate("23505"), None);
        let pool = Refusal::from(sqlx::Error::PoolTimedOut);
        assert_eq!(pool.code(), Code::Unavailable);
        let row = Refusal::from(sqlx::Error::RowNotFound);
        assert_eq!((row.code(), row.retry_delay()), (Code::Internal, None));
    }
}
