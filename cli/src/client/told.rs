//! What a service said when it refused.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A refusal as a caller can act on it.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// The gRPC code.
    pub(crate) code: Code,
    /// `ErrorInfo.reason`; empty when the transport failed before a service answered.
    pub(crate) reason: String,
    message: String,
    violations: Vec<String>,
    metadata: HashMap<String, String>,
    retry_after: Option<Duration>,
}

impl Told {
    /// Whether the same call may well be answered a little later.
    pub(crate) fn is_passing(&self) -> bool {
        match self.code {
            Code::Unavailable | Code::ResourceExhausted => true,
            Code::Aborted => self.reason == "CONTENTION" || self.retry_after.is_some(),
            _ => false,
        }
    }

    /// How long the service asks to wait before the next try.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// True for this reason.
    pub(crate) fn is(&self, reason: &str) -> bool {
        self.reason == reason
    }

    /// One value of the refusal's metadata; empty when absent.
    pub(crate) fn metadata(&self, key: &str) -> &str {
        self.metadata.get(key).map_or("", String::as_str)
    }
}

impl From<Status> for Told {
    fn from(status: Status) -> Told {
        let details = status.get_error_details();
        let info = details.error_info();
        let violations = details.bad_request().map(|bad| &bad.field_violations);
        Told {
            code: status.code(),
            reason: info.map(|info| info.reason.clone()).unwrap_or_default(),
            message: status.message().to_owned(),
            violations: violations
                .into_iter()
                .flatten()
                .map(|violation| format!("{}: {}", violation.field, violation.description))
                .collect(),
            metadata: info.map(|info| info.metadata.clone()).unwrap_or_default(),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.as_str() {
            "" => write!(f, "{:?}: {}", self.code, self.message)?,
            reason => write!(f, "{reason}: {}", self.message)?,
        }
        for violation in &self.violations {
            write!(f, "; {violation}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Told {}
