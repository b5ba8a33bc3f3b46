//! Situations a caller can act on.

use chassis::Refusal;
use jiff::Timestamp;
use proto::feedback::v1::ErrorReason;
use tonic::Code;

use crate::domain::Closed;

const DOMAIN: &str = "feedback.fettle";

/// A survey that takes no answer any more: `SURVEY_ANSWERED` or `SURVEY_EXPIRED`.
pub(crate) fn closed(why: Closed, expires_at: Timestamp) -> Refusal {
    let refuse = |reason, said: &str| Refusal::new(Code::FailedPrecondition, DOMAIN, reason, said);
    match why {
        Closed::Answered => refuse(
            ErrorReason::SurveyAnswered,
            "the survey was answered before",
        ),
        Closed::Expired => refuse(ErrorReason::SurveyExpired, "the survey waits no longer")
            .with("expire_time", expires_at),
    }
}

/// A link that leads nowhere: malformed, never given out, or replaced. One answer for all, and
/// nothing of the token in it.
pub(crate) fn no_such_link() -> Refusal {
    Refusal::not_found("the survey of this link")
}
