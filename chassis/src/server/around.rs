//! One shape for all layers: a function around the rest of the stack.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};

use crate::refusal::Refusal;

/// The answer to come.
pub(super) type Reply = BoxFuture<'static, Response<Body>>;
/// The rest of the stack; called at most once.
pub(super) type Next = Box<dyn FnOnce(Request<Body>) -> Reply + Send>;

/// What a layer does with a request and with the rest of the stack.
pub(super) trait Around: Clone + Send + Sync + 'static {
    /// Answers, usually by `next`.
    fn around(&self, request: Request<Body>, next: Next) -> Reply;
}

/// The tower layer of an [`Around`].
pub(super) fn wrap<A: Around>(around: A) -> Wrap<A> {
    Wrap(around)
}

/// See [`wrap`].
#[derive(Clone)]
pub(super) struct Wrap<A>(A);

impl<A: Around, S> Layer<S> for Wrap<A> {
    type Service = Wrapped<A, S>;

    fn layer(&self, inner: S) -> Self::Service {
        let around = self.0.clone();
        Wrapped { around, inner }
    }
}

/// A service with a layer around it.
#[derive(Clone)]
pub(super) struct Wrapped<A, S> {
    around: A,
    inner: S,
}

impl<A, S> Service<Request<Body>> for Wrapped<A, S>
where
    A: Around,
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The clone has not been polled ready, the original has.
        let fresh = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, fresh);
        let next = move |request| {
            let answer = ready.call(request);
            answer.map(|Ok(response)| response).boxed()
        };
        self.around.around(request, Box::new(next)).map(Ok).boxed()
    }
}

/// A refusal as an answer.
pub(super) fn refuse(refusal: Refusal) -> Response<Body> {
    tonic::Status::from(refusal).into_http()
}

/// True for the services that tell about this process itself.
pub(super) fn is_infrastructure(path: &str) -> bool {
    path.starts_with("/grpc.health.") || path.starts_with("/grpc.reflection.")
}
