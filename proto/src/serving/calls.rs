//! Which connections have open calls: each response, until its last byte, counts for the connection it goes to.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http_body::{Frame, SizeHint};
use tonic::{
    Status,
    body::Body,
    codegen::{Body as HttpBody, Bytes, Service, http},
};
use tower::Layer;

use super::connections::{Call, Line};

/// Has the calls of a service counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct CountCalls;

/// A service whose calls are counted.
#[derive(Debug, Clone)]
pub(super) struct Counting<S>(S);

/// A response's body, and the call it belongs to.
#[derive(Debug)]
pub(super) struct Counted {
    body: Body,
    _call: Option<Call>,
}

impl<S> Layer<S> for CountCalls {
    type Service = Counting<S>;

    fn layer(&self, service: S) -> Counting<S> {
        Counting(service)
    }
}

impl<S> Service<http::Request<Body>> for Counting<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Counted>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let call = Line::of(request.extensions()).map(Line::call);
        let answer = self.0.call(request);
        Box::pin(async move { Ok(answer.await?.map(|body| Counted { body, _call: call })) })
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
