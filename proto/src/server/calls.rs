//! Tower service that counts each call on its connection until the last byte of its response, limits unread responses,
//! and keeps the call's span.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Body as HttpBody, Bytes, Service, http};
use tracing::{Instrument, Span};

use super::connections::response_bodies::{CHUNK_BYTES, DetectsStall, ResponseBody, UntilRead};
use super::connections::{ActiveCall, ConnectionHandle};
use super::http_status;
use super::span::CallSpan;

#[derive(Debug, Clone)]
pub(super) struct ActiveCallService<S>(pub(super) S);

#[derive(Debug)]
pub(super) struct ActiveCallBody {
    body: Body,
    _call: Option<ActiveCall>,
    span: Option<CallSpan>,
    /// `None` if the service detects stalls itself.
    state: Option<Arc<ResponseBody>>,
    /// Bytes of `body` that are not sent yet.
    remaining: Bytes,
    /// Whether `body` is no longer read.
    rejected: bool,
}

impl<S> Service<http::Request<Body>> for ActiveCallService<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<ActiveCallBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let connection = ConnectionHandle::from_extensions(request.extensions());
        let (call, state) = (
            connection.map(ConnectionHandle::call),
            connection.map(ResponseBody::new),
        );
        let (response, mut span) = match http_status::not_grpc(&request) {
            None => {
                let span = CallSpan::start(&request);
                let entered = span.as_ref().map_or_else(Span::none, |span| span.span().clone());
                (Ok(self.0.call(request).instrument(entered)), span)
            }
            Some(rejected) => (Err((rejected, request.into_body())), None),
        };
        Box::pin(async move {
            let mut response = match response {
                Ok(response) => response.await?,
                Err((rejected, body)) => {
                    http_status::discard(body).await;
                    rejected
                }
            };
            if let Some(span) = &mut span {
                span.read_status(response.headers());
            }
            let until_read = response.extensions_mut().remove::<UntilRead>();
            let detects_stall = response.extensions_mut().remove::<DetectsStall>().is_some();
            let state = state.filter(|_| !detects_stall);
            if let (Some(state), Some(until_read)) = (&state, until_read) {
                state.keep(until_read);
            }
            Ok(response.map(|body| ActiveCallBody {
                body,
                _call: call,
                span,
                state,
                remaining: Bytes::new(),
                rejected: false,
            }))
        })
    }
}

impl ActiveCallBody {
    fn poll_bounded(
        &mut self,
        state: &Arc<ResponseBody>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.rejected {
            return Poll::Ready(None);
        }
        if self.remaining.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                other => return Poll::Ready(other),
            };
            let bytes = match frame.into_data() {
                Ok(bytes) => bytes,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            };
            let Some(counted) = state.count(bytes) else {
                self.rejected = true;
                return Poll::Ready(Some(Ok(unavailable_trailers()?)));
            };
            self.remaining = counted;
        }
        let chunk = self.remaining.split_to(self.remaining.len().min(CHUNK_BYTES));
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }
}

/// Returns the trailers of a response that exceeds the limit of unread bytes. Only reads have responses of a
/// relevant size, so clients can retry.
fn unavailable_trailers() -> Result<Frame<Bytes>, Status> {
    let mut trailers = http::HeaderMap::new();
    Status::unavailable("too many unread responses: read them, then try again").add_header(&mut trailers)?;
    Ok(Frame::trailers(trailers))
}

impl HttpBody for ActiveCallBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = match self.state.clone() {
            Some(state) => {
                let polled = self.poll_bounded(&state, cx);
                state.polled(matches!(polled, Poll::Ready(Some(Ok(_)))));
                polled
            }
            None => Pin::new(&mut self.body).poll_frame(cx),
        };
        if let (Some(span), Poll::Ready(Some(Ok(frame)))) = (&mut self.span, &polled)
            && let Some(trailers) = frame.trailers_ref()
        {
            span.read_status(trailers);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.rejected || (self.remaining.is_empty() && self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match self.remaining.is_empty() {
            true => self.body.size_hint(),
            false => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;
    use std::time::Duration;

    use tokio::io::DuplexStream;
    use tokio::sync::{OwnedSemaphorePermit, Semaphore};
    use tokio::task::JoinHandle;
    use tokio::time::{Instant, sleep};
    use tokio_stream::StreamExt;
    use tokio_util::sync::CancellationToken;
    use tonic::server::NamedService;
    use tonic::service::Routes;

    use super::*;
    use crate::server::{ConnectionLimiter, ConnectionLimits, ServedService, serve};

    const RESPONSE_BYTES: usize = 100 * 1024;

    /// Answers each call with [`RESPONSE_BYTES`], and holds a permit until that is read.
    #[derive(Clone)]
    struct Large(Arc<Semaphore>);

    struct OneFrame(Option<Bytes>);

    impl NamedService for Large {
        const NAME: &'static str = "some.Service";
    }

    impl Service<http::Request<Body>> for Large {
        type Response = http::Response<Body>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: http::Request<Body>) -> Self::Future {
            let bytes = Bytes::from(vec![7; RESPONSE_BYTES]);
            let mut response = http::Response::new(Body::new(OneFrame(Some(bytes))));
            let permit: OwnedSemaphorePermit = Arc::clone(&self.0).try_acquire_owned().unwrap();
            response.extensions_mut().insert(UntilRead(Arc::new(permit)));
            std::future::ready(Ok(response))
        }
    }

    impl HttpBody for OneFrame {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
        }
    }

    /// A server of large responses, and a client whose window is as large.
    struct Scene {
        connections: ConnectionLimiter,
        permits: Arc<Semaphore>,
        client: h2::client::SendRequest<Bytes>,
        connection: JoinHandle<Result<(), h2::Error>>,
        _serving: JoinHandle<()>,
    }

    impl Scene {
        async fn with(limits: ConnectionLimits, window: u32) -> Self {
            let (near, far): (DuplexStream, DuplexStream) = tokio::io::duplex(64 * 1024);
            let connections = ConnectionLimiter::new(limits);
            let permits = Arc::new(Semaphore::new(1_000));
            let (limiter, routes) = (connections.clone(), Routes::new(Large(Arc::clone(&permits))));
            let serving = tokio::spawn(async move {
                let incoming = tokio_stream::once(Ok(far)).chain(tokio_stream::pending());
                let never = CancellationToken::new();
                let _ = serve(ServedService::TEST, routes, incoming, &limiter, None, never).await;
            });
            let mut client = h2::client::Builder::new();
            client
                .initial_window_size(window)
                .initial_connection_window_size(1 << 30);
            let (client, connection) = client.handshake(near).await.unwrap();
            Self {
                connections,
                permits,
                client,
                connection: tokio::spawn(connection),
                _serving: serving,
            }
        }

        async fn call(&mut self) -> h2::RecvStream {
            let request = http::Request::post("http://x/some.Service/Get")
                .header("content-type", "application/grpc")
                .body(())
                .unwrap();
            let (response, _) = self.client.send_request(request, true).unwrap();
            response.await.unwrap().into_body()
        }

        /// Reads `response` in pieces, with a pause after each; `None` if the stream breaks.
        async fn read(response: &mut h2::RecvStream, pause: Duration) -> Option<usize> {
            let mut read = 0;
            while let Some(piece) = response.data().await {
                let piece = piece.ok()?.len();
                read += piece;
                sleep(pause).await;
                response.flow_control().release_capacity(piece).unwrap();
            }
            Some(read)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_response_closes_its_connection() {
        // Nothing, one byte now and then, and a piece that is large enough.
        for (window, pause, is_read) in [(0, 0, false), (1, 4, false), (16 * 1024, 20, true)] {
            let mut scene = Scene::with(ConnectionLimits::default(), window).await;
            let began = Instant::now();
            let mut response = scene.call().await;
            let read = Scene::read(&mut response, Duration::from_secs(pause)).await;
            let elapsed = began.elapsed().as_secs();
            if is_read {
                assert_eq!(read, Some(RESPONSE_BYTES));
                assert!(elapsed > 100, "longer than any stall: {elapsed} s");
                continue;
            }
            assert_eq!(read, None, "a window of {window}");
            assert!((30..=45).contains(&elapsed), "a window of {window}: {elapsed} s");
            let _ = scene.connection.await.unwrap();
            while scene.connections.open() > 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn unread_bytes_are_limited_per_connection_and_in_total() {
        for (unread, unread_total, kept) in [
            (1024 * 1024, 1 << 30, 10),
            (1 << 30, 512 * 1024, 5),
            (1, 1 << 30, 1),
        ] {
            let limits = ConnectionLimits {
                max_per_address: NonZero::new(1),
                unread,
                unread_total,
                ..ConnectionLimits::default()
            };
            let mut scene = Scene::with(limits, 0).await;
            let mut responses = Vec::new();
            for _ in 0..100 {
                responses.push(scene.call().await);
            }
            for mut rejected in responses.split_off(kept) {
                assert!(rejected.data().await.is_none());
                let trailers = rejected.trailers().await.unwrap().unwrap();
                assert_eq!(trailers["grpc-status"], "14");
            }
            assert_eq!(
                scene.permits.available_permits(),
                1_000 - kept,
                "kept until they are read"
            );
            // Closed connections free their share of the total.
            drop(responses);
            while scene.permits.available_permits() < 1_000 {
                tokio::task::yield_now().await;
            }
            let mut next = scene.call().await;
            let rejected = next.data();
            assert!(
                tokio::time::timeout(Duration::from_millis(50), rejected)
                    .await
                    .is_err()
            );
        }
    }

    #[tokio::test]
    async fn a_permit_is_held_until_the_response_is_read() {
        let mut scene = Scene::with(ConnectionLimits::default(), 1024).await;
        let mut response = scene.call().await;
        assert_eq!(scene.permits.available_permits(), 999);
        assert_eq!(
            Scene::read(&mut response, Duration::ZERO).await,
            Some(RESPONSE_BYTES)
        );
        while scene.permits.available_permits() < 1_000 {
            tokio::task::yield_now().await;
        }
    }
}
