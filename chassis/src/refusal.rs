//! Refusals: what a caller can act on, as a `tonic::Status` with google.rpc details.
//!
//! Every refusal carries an `ErrorInfo` with a reason from the contract; all field violations
//! travel at once; where a retry helps, `RetryInfo` says when; `INTERNAL` says nothing but a
//! trace id.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use proto::kinds::v1::ErrorReason;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

mod sql;
mod violations;

pub use violations::{Violation, Violations, from_pb, to_pb};

/// The ErrorInfo domain of the reasons that every service shares.
pub const TYPE_DOMAIN: &str = "type.fettle";

/// A reason's name as the contract writes it: `STALE_ETAG`.
pub trait ReasonName {
    /// The name, in capitals.
    fn reason_name(&self) -> &'static str;
}

impl ReasonName for &'static str {
    fn reason_name(&self) -> &'static str {
        self
    }
}

/// The contract's packages each have an enum of reasons; prost gives them no trait in common.
macro_rules! reason_names {
    ($($package:ident),+) => {
        $(impl ReasonName for proto::$package::v1::ErrorReason {
            fn reason_name(&self) -> &'static str {
                self.as_str_name()
            }
        })+
    };
}

reason_names!(
    kinds,
    ticket,
    entitlement,
    inventory,
    dispatch,
    feedback,
    channel
);

/// Why a call was refused, and what the caller can do about it.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal(Box<Content>);

#[derive(Clone, PartialEq, Eq)]
struct Content {
    code: Code,
    reason: &'static str,
    domain: &'static str,
    message: Cow<'static, str>,
    metadata: BTreeMap<String, String>,
    violations: Vec<Violation>,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal with a reason of `domain` ("ticket.fettle"); the message is for developers.
    pub fn new(
        code: Code,
        domain: &'static str,
        reason: impl ReasonName,
        message: impl Into<String>,
    ) -> Self {
        Refusal(Box::new(Content {
            code,
            reason: reason.reason_name(),
            domain,
            message: Cow::Owned(message.into()),
            metadata: BTreeMap::new(),
            violations: Vec::new(),
            retry_after: None,
        }))
    }

    /// Adds metadata to the ErrorInfo: the facts a program needs to act.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.0.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// Says when a retry is worth it.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// `NOT_FOUND`: the named resource does not exist for this caller. Metadata: `name`.
    pub fn not_found(name: &str) -> Self {
        let message = format!("{name} does not exist");
        Self::new(Code::NotFound, TYPE_DOMAIN, ErrorReason::NotFound, message).with("name", name)
    }

    /// `ALREADY_EXISTS`: the key is taken by the named resource. Metadata: `name`.
    pub fn already_exists(name: &str) -> Self {
        let message = format!("{name} exists already");
        let reason = ErrorReason::AlreadyExists;
        Self::new(Code::AlreadyExists, TYPE_DOMAIN, reason, message).with("name", name)
    }

    /// `INVALID_ARGUMENT`, reason `INVALID_FIELDS`, with every violation.
    pub fn invalid(violations: Violations) -> Self {
        let violations = violations.into_list();
        let said: Vec<String> = violations.iter().map(Violation::to_string).collect();
        let reason = ErrorReason::InvalidFields;
        let mut refusal = Self::new(Code::InvalidArgument, TYPE_DOMAIN, reason, said.join("; "));
        refusal.0.violations = violations;
        refusal
    }

    /// `ABORTED`, reason `STALE_ETAG`: read the resource again. Metadata: `name`.
    pub fn stale_etag(name: &str) -> Self {
        let message = format!("{name} has changed since the etag was given");
        Self::new(Code::Aborted, TYPE_DOMAIN, ErrorReason::StaleEtag, message).with("name", name)
    }

    /// `ABORTED`, reason `CONTENTION`: another writer held the resource; try again soon.
    pub fn contention() -> Self {
        let reason = ErrorReason::Contention;
        let message = "another writer held the resource too long";
        Self::new(Code::Aborted, TYPE_DOMAIN, reason, message)
            .retry_after(Duration::from_millis(100))
    }

    /// `UNAVAILABLE`, reason `TEMPORARILY_UNAVAILABLE`: `what` cannot be reached now.
    pub fn unavailable(what: &str) -> Self {
        let reason = ErrorReason::TemporarilyUnavailable;
        let message = format!("{what} cannot be reached now");
        Self::new(Code::Unavailable, TYPE_DOMAIN, reason, message)
            .retry_after(Duration::from_secs(1))
    }

    /// `DEADLINE_EXCEEDED`, reason `DEADLINE_PASSED`.
    pub fn deadline_passed() -> Self {
        let reason = ErrorReason::DeadlinePassed;
        let message = "the deadline passed before the answer was ready";
        Self::new(Code::DeadlineExceeded, TYPE_DOMAIN, reason, message)
    }

    /// `INTERNAL`: a fault of ours. The error goes to the log with the trace id; the caller
    /// gets the trace id and nothing else.
    pub fn internal(error: impl fmt::Display) -> Self {
        let trace_id = crate::telemetry::current_trace_id();
        tracing::error!(%trace_id, error = %error, "internal error");
        Self::fault(&trace_id)
    }

    /// `INTERNAL` that names a trace.
    pub(crate) fn fault(trace_id: &str) -> Self {
        let message = format!("internal error, trace {trace_id}");
        Self::new(Code::Internal, TYPE_DOMAIN, ErrorReason::Internal, message)
            .with("trace_id", trace_id)
    }

    /// The gRPC code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The reason's name.
    pub fn reason(&self) -> &str {
        self.0.reason
    }

    /// The reason's domain.
    pub fn domain(&self) -> &str {
        self.0.domain
    }

    /// The message for developers.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The ErrorInfo metadata.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.0.metadata
    }

    /// All field violations; empty unless the arguments were invalid.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// When a retry is worth it; none where it is not said.
    pub fn retry_delay(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason(), self.message())
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, metadata) = (self.code(), self.metadata());
        write!(f, "{code:?} {self} {metadata:?}")
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Status {
        let Content {
            code,
            reason,
            domain,
            message,
            metadata,
            violations,
            retry_after,
        } = *refusal.0;
        let metadata: HashMap<String, String> = metadata.into_iter().collect();
        let mut details = ErrorDetails::with_error_info(reason, domain, metadata);
        for violation in violations {
            details.add_bad_request_violation(violation.field, violation.description);
        }
        if let Some(delay) = retry_after {
            details.set_retry_info(Some(delay));
        }
        Status::with_error_details(code, message, details)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_carries_the_reason_the_facts_and_the_delay() {
        let refusal = Refusal::new(
            Code::Aborted,
            "ticket.fettle",
            "BUSY",
            "somebody else works",
        )
        .with("holder", "users/7")
        .retry_after(Duration::from_secs(2));

        let status = Status::from(refusal);

        assert_eq!(status.code(), Code::Aborted);
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((&*info.reason, &*info.domain), ("BUSY", "ticket.fettle"));
        assert_eq!(info.metadata["holder"], "users/7");
        let delay = details.retry_info().unwrap().retry_delay;
        assert_eq!(delay, Some(Duration::from_secs(2)));
    }

    #[test]
    fn all_violations_travel_at_once() {
        let mut violations = Violations::new();
        violations.add("serial_number", "is required");
        violations.add("site.time_zone", "is no IANA time zone");

        let status = Status::from(Refusal::invalid(violations));

        let details = status.get_error_details();
        let named: Vec<&str> = details
            .bad_request()
            .unwrap()
            .field_violations
            .iter()
            .map(|v| v.field.as_str())
            .collect();
        assert_eq!(named, ["serial_number", "site.time_zone"]);
        assert_eq!(details.error_info().unwrap().reason, "INVALID_FIELDS");
        assert!(details.retry_info().is_none());
    }

    #[test]
    fn a_fault_of_ours_tells_nothing_but_a_trace_id() {
        let refusal = Refusal::internal("password of the database is hunter2");
        let status = Status::from(refusal);
        assert_eq!(status.code(), Code::Internal);
        assert!(!format!("{status:?}").contains("hunter2"));
        let details = status.get_error_details();
        assert!(
            details
                .error_info()
                .unwrap()
                .metadata
                .contains_key("trace_id")
        );
    }
}
