//! Deadlines: each call has one, and what is left of it travels down the call chain.

use std::time::Duration;

use futures::FutureExt;
use http::{HeaderMap, Request};
use tokio::time::Instant;
use tonic::body::Body;

use super::Settings;
use super::around::{Around, Next, Reply, refuse};
use crate::refusal::Refusal;

/// The metadata key of gRPC's protocol that says how long the caller waits.
pub(crate) const GRPC_TIMEOUT: &str = "grpc-timeout";

/// How much earlier than the caller we give up, so that our answer is the one it sees; at most
/// a tenth of the deadline.
const HEAD_START: Duration = Duration::from_millis(5);

tokio::task_local! {
    static DEADLINE: Instant;
}

/// What is left of the current call's deadline; none outside of a call, and in tasks it spawned.
pub fn remaining() -> Option<Duration> {
    let deadline = DEADLINE.try_with(|deadline| *deadline).ok()?;
    Some(deadline.saturating_duration_since(Instant::now()))
}

/// Runs work under a deadline of its own, as workers do around a step: peers it calls get what is
/// left of it. `None` when it passed.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    let work = DEADLINE.scope(deadline, work);
    tokio::time::timeout_at(deadline, work).await.ok()
}

#[derive(Clone)]
pub(super) struct Bounded {
    default: Duration,
    most: Duration,
}

impl Bounded {
    pub(super) fn new(settings: &Settings) -> Self {
        Bounded {
            default: Duration::from_millis(settings.default_deadline_ms),
            most: Duration::from_millis(settings.max_deadline_ms),
        }
    }
}

impl Around for Bounded {
    fn around(&self, request: Request<Body>, next: Next) -> Reply {
        let asked = asked(request.headers())
            .unwrap_or(self.default)
            .min(self.most);
        let limit = asked - HEAD_START.min(asked / 10);
        let answer = async move {
            let answer = within(limit, async move { next(request).await }).await;
            answer.unwrap_or_else(|| refuse(Refusal::deadline_passed()))
        };
        answer.boxed()
    }
}

/// The `grpc-timeout` of a request: up to eight digits and a unit; anything else is none.
pub(crate) fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3_600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// A duration as `grpc-timeout`: microseconds while they fit, then milliseconds, then seconds.
pub(crate) fn written(limit: Duration) -> String {
    const FITS: u128 = 99_999_999;
    match limit {
        limit if limit.as_micros() <= FITS => format!("{}u", limit.as_micros()),
        limit if limit.as_millis() <= FITS => format!("{}m", limit.as_millis()),
        limit => format!("{}S", u128::from(limit.as_secs()).min(FITS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_up_to_eight_digits_and_a_unit() {
        let asked = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(GRPC_TIMEOUT, text.parse().unwrap());
            super::asked(&headers)
        };
        assert_eq!(asked("2S"), Some(Duration::from_secs(2)));
        assert_eq!(asked("99999999n"), Some(Duration::from_nanos(99_999_999)));
        assert_eq!(asked("1H"), Some(Duration::from_secs(3_600)));
        for bad in ["", "S", "123456789m", "-1S", "1.5S", "1s", "1", "+1S"] {
            assert_eq!(asked(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_written_timeout_reads_back() {
        for limit in [
            Duration::ZERO,
            Duration::from_micros(1),
            Duration::from_millis(1_500),
            Duration::from_secs(3_600),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(GRPC_TIMEOUT, written(limit).parse().unwrap());
            assert_eq!(super::asked(&headers), Some(limit));
        }
    }
}
