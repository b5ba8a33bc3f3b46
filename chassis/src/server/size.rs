//! Refuses requests that are larger than the service reads.

use futures::FutureExt;
use http::{Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use proto::kinds::v1::ErrorReason;
use tonic::body::Body;
use tonic::{Code, Status};

use super::Settings;
use super::around::{Around, Next, Reply, refuse};
use crate::refusal::{Refusal, TYPE_DOMAIN};

/// How tonic's codec begins its own refusal, by the length a message announces.
const TOO_LARGE_FOR_TONIC: &str = "Error, decoded message length too large";
/// A message's head on the wire: a flag and its length.
const MESSAGE_HEAD: usize = 5;

#[derive(Clone)]
pub(super) struct Sized {
    limit: usize,
}

impl Sized {
    pub(super) fn new(settings: &Settings) -> Self {
        let limit = settings.max_request_bytes;
        Sized { limit }
    }
}

impl Around for Sized {
    fn around(&self, request: Request<Body>, next: Next) -> Reply {
        let limit = self.limit;
        let request = request.map(|body| counted(body, limit));
        next(request)
            .map(move |response| explained(response, limit))
            .boxed()
    }
}

/// Gives tonic's refusal the contract's reason.
fn explained(response: Response<Body>, limit: usize) -> Response<Body> {
    let status = Status::from_header_map(response.headers());
    let by_tonic = status.is_some_and(|status| {
        status.code() == Code::OutOfRange && status.message().starts_with(TOO_LARGE_FOR_TONIC)
    });
    if by_tonic {
        return refuse(too_large(limit));
    }
    response
}

fn too_large(limit: usize) -> Refusal {
    let message = format!("the request is larger than {limit} bytes");
    Refusal::new(
        Code::OutOfRange,
        TYPE_DOMAIN,
        ErrorReason::TooLarge,
        message,
    )
    .with("limit_bytes", limit)
}

/// The body, ending with a refusal where it grows past the limit.
fn counted(body: Body, limit: usize) -> Body {
    let explain = move |error: Box<dyn std::error::Error + Send + Sync>| match error
        .is::<LengthLimitError>()
    {
        true => too_large(limit).into(),
        false => Status::from_error(error),
    };
    Body::new(Limited::new(body, limit + MESSAGE_HEAD).map_err(explain))
}
