//! Reports what a Gamble stream carries. A service around the channel sees headers, bodies and trailers exactly as
//! HTTP/2 carries them, below the encoding and decoding of messages.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use awesomestock_proto::auth;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Bytes, Service, http};
use tonic::transport::{self, Channel};

use super::error::deepest;
use crate::app::wire::{
    Headers, MAX_MESSAGE_BYTES, MessageBytes, PREFIX_BYTES, WireEvent, WireFrame, is_result,
};

const GAMBLE: &str = "/casino.Casino/Gamble";

/// Header of a response that ends the call without a message.
const STATUS: &str = "grpc-status";

/// Events that may wait for the loop; more are counted as missed.
const EVENT_QUEUE: usize = 1024;

/// Most headers reported, and most characters of each.
const MAX_HEADERS: usize = 32;
const MAX_HEADER_CHARS: usize = 300;

#[derive(Debug)]
struct Reporter {
    events: mpsc::Sender<WireEvent>,
    /// Returns microseconds since the Unix epoch.
    clock: fn() -> i64,
}

/// The end of the reports that all streams of a client share. Without a receiver it does nothing.
#[derive(Debug, Default)]
pub(super) struct WireTap {
    reporter: OnceLock<Reporter>,
    /// Reports all messages, not only orders and results.
    reports_all: AtomicBool,
    missed: AtomicUsize,
}

impl WireTap {
    /// Starts to report. The second call returns a receiver without events.
    pub(super) fn start(&self, clock: fn() -> i64) -> mpsc::Receiver<WireEvent> {
        let (events, receiver) = mpsc::channel(EVENT_QUEUE);
        // Fails only the second time.
        let _ = self.reporter.set(Reporter { events, clock });
        receiver
    }

    pub(super) fn report_all(&self) {
        self.reports_all.store(true, Ordering::Relaxed);
    }

    fn is_started(&self) -> bool {
        self.reporter.get().is_some()
    }

    fn report(&self, frame: WireFrame) {
        let Some(Reporter { events, clock }) = self.reporter.get() else {
            return;
        };
        let missed = self.missed.swap(0, Ordering::Relaxed);
        let event = WireEvent {
            at_us: clock(),
            frame,
            missed,
        };
        if events.try_send(event).is_err() {
            self.missed.fetch_add(missed.saturating_add(1), Ordering::Relaxed);
        }
    }
}

/// A channel whose Gamble calls are reported.
#[derive(Debug, Clone)]
pub(super) struct TappedChannel {
    pub(super) channel: Channel,
    pub(super) tap: Arc<WireTap>,
}

impl Service<http::Request<Body>> for TappedChannel {
    type Response = http::Response<Body>;
    type Error = transport::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.channel, cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != GAMBLE || !self.tap.is_started() {
            return Box::pin(Service::call(&mut self.channel, request));
        }
        let path = (":path".to_owned(), GAMBLE.to_owned());
        let headers = std::iter::once(path).chain(headers_of(request.headers()));
        self.tap.report(WireFrame::Request(headers.collect()));
        let request = request.map(|body| TappedBody::wrap(body, Direction::Sent, &self.tap));
        let response = Service::call(&mut self.channel, request);
        let tap = Arc::clone(&self.tap);
        Box::pin(async move {
            let response = response
                .await
                .inspect_err(|error| tap.report(WireFrame::Broken(deepest(error))))?;
            let status = (":status".to_owned(), response.status().as_str().to_owned());
            let headers = std::iter::once(status).chain(headers_of(response.headers()));
            if response.headers().contains_key(STATUS) {
                tap.report(WireFrame::Ended(headers.collect()));
                return Ok(response);
            }
            tap.report(WireFrame::Response(headers.collect()));
            Ok(response.map(|body| TappedBody::wrap(body, Direction::Received, &tap)))
        })
    }
}

/// Returns names and values, without secrets.
fn headers_of(headers: &http::HeaderMap) -> Headers {
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        let value = match name.as_str() {
            auth::AUTHORIZATION => "Bearer (not shown)".to_owned(),
            _ => String::from_utf8_lossy(value.as_bytes())
                .chars()
                .take(MAX_HEADER_CHARS)
                .collect(),
        };
        (name.as_str().to_owned(), value)
    };
    headers.iter().take(MAX_HEADERS).map(header).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Sent,
    Received,
}

/// The body of a request or response whose messages are reported.
struct TappedBody {
    body: Body,
    direction: Direction,
    messages: Messages,
    tap: Arc<WireTap>,
    /// Its end is reported.
    is_over: bool,
}

impl TappedBody {
    fn wrap(body: Body, direction: Direction, tap: &Arc<WireTap>) -> Body {
        Body::new(Self {
            body,
            direction,
            messages: Messages::default(),
            tap: Arc::clone(tap),
            is_over: false,
        })
    }

    fn end(&mut self, frame: WireFrame) {
        if !self.is_over {
            self.is_over = true;
            self.tap.report(frame);
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        let (tap, direction) = (&self.tap, self.direction);
        let reports_all = direction == Direction::Sent || tap.reports_all.load(Ordering::Relaxed);
        self.messages.read(bytes, reports_all, |message| {
            tap.report(match direction {
                Direction::Sent => WireFrame::Sent(message),
                Direction::Received => WireFrame::Received(message),
            });
        });
    }
}

impl http_body::Body for TappedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match (&frame, self.direction) {
            (Some(Ok(frame)), _) => {
                if let Some(bytes) = frame.data_ref() {
                    self.read(bytes);
                } else if let Some(trailers) = frame.trailers_ref() {
                    self.end(WireFrame::Ended(headers_of(trailers)));
                }
            }
            (Some(Err(status)), _) => self.end(WireFrame::Broken(deepest(status))),
            (None, Direction::Sent) => self.end(WireFrame::HalfClosed),
            (None, Direction::Received) => {
                self.end(WireFrame::Broken("the stream ended without trailers".to_owned()));
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for TappedBody {
    /// Dropping a response before its end resets the stream.
    fn drop(&mut self) {
        if self.direction == Direction::Received {
            self.end(WireFrame::Reset);
        }
    }
}

/// Finds the messages in a body: each has a flag, a length of four bytes, and its bytes.
#[derive(Default)]
struct Messages {
    prefix: [u8; PREFIX_BYTES],
    /// Bytes read of the prefix.
    prefix_bytes: usize,
    /// Bytes not yet read of the message.
    left: usize,
    message: MessageBytes,
    /// The whole message is kept.
    keeps: bool,
}

/// First bytes kept of every message, enough to recognize a result.
const FIRST_BYTES: usize = 2;

impl Messages {
    /// Reads a part of a body, and passes on each message that ends in it: all, or only results.
    fn read(&mut self, mut bytes: &[u8], reports_all: bool, mut report: impl FnMut(MessageBytes)) {
        loop {
            if self.prefix_bytes < PREFIX_BYTES {
                let Some((byte, rest)) = bytes.split_first() else {
                    return;
                };
                self.prefix[self.prefix_bytes] = *byte;
                self.prefix_bytes += 1;
                bytes = rest;
                if self.prefix_bytes < PREFIX_BYTES {
                    continue;
                }
                let [_, length @ ..] = self.prefix;
                self.left = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                self.message.length = self.left;
                self.keeps = reports_all;
            }
            let (part, rest) = bytes.split_at(self.left.min(bytes.len()));
            self.keep(part);
            self.left -= part.len();
            bytes = rest;
            if self.left > 0 {
                return;
            }
            let message = std::mem::take(&mut self.message);
            self.prefix_bytes = 0;
            if self.keeps {
                report(message);
            }
        }
    }

    fn keep(&mut self, part: &[u8]) {
        let before = self.message.kept.len();
        let first = part.len().min(FIRST_BYTES.saturating_sub(before));
        let (first, rest) = part.split_at(first);
        self.message.kept.extend_from_slice(first);
        self.keeps |= is_result(&self.message.kept);
        if self.keeps {
            let room = MAX_MESSAGE_BYTES.saturating_sub(self.message.kept.len());
            self.message.kept.extend(rest.iter().take(room));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(messages: &[&[u8]]) -> Vec<u8> {
        let framed = messages.iter().map(|message| {
            let length = u32::try_from(message.len()).unwrap().to_be_bytes();
            [&[0], &length[..], message].concat()
        });
        framed.collect::<Vec<_>>().concat()
    }

    fn read(parts: &[&[u8]], reports_all: bool) -> Vec<MessageBytes> {
        let (mut messages, mut found) = (Messages::default(), Vec::new());
        for part in parts {
            messages.read(part, reports_all, |message| found.push(message));
        }
        found
    }

    #[test]
    fn messages_are_found_wherever_the_body_is_cut() {
        let whole = [&b""[..], b"\x08\x01abc", b"\x12", b"\x08\x02x"];
        let body = framed(&whole);
        let expected: Vec<MessageBytes> = whole.iter().map(|bytes| MessageBytes::new(bytes)).collect();
        for cut in 0..=body.len() {
            let (before, after) = body.split_at(cut);
            assert_eq!(read(&[before, after], true), expected, "{cut}");
            // Without the pane only results are kept.
            assert_eq!(read(&[before, after], false), expected[1..2], "{cut}");
        }
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(read(&bytes, true), expected);
    }

    #[test]
    fn a_long_message_is_cut_but_keeps_its_length() {
        let long = vec![7; MAX_MESSAGE_BYTES + 1];
        let body = framed(&[&long, b"x"]);
        let found = read(&[&body], true);
        assert_eq!(
            (found[0].length, found[0].kept.len()),
            (MAX_MESSAGE_BYTES + 1, MAX_MESSAGE_BYTES)
        );
        assert_eq!(found[1], MessageBytes::new(b"x"));
    }

    #[test]
    fn what_does_not_fit_into_the_queue_is_counted() {
        let tap = WireTap::default();
        tap.report(WireFrame::HalfClosed);
        let mut events = tap.start(|| 0);
        for _ in 0..EVENT_QUEUE + 3 {
            tap.report(WireFrame::HalfClosed);
        }
        let first = events.try_recv().unwrap();
        tap.report(WireFrame::Reset);
        let mut last = first.clone();
        while let Ok(event) = events.try_recv() {
            last = event;
        }
        assert_eq!((first.missed, last.missed, last.frame), (0, 3, WireFrame::Reset));
    }

    #[test]
    fn a_key_is_never_reported() {
        let mut headers = http::HeaderMap::new();
        headers.insert(auth::AUTHORIZATION, "Bearer s3cret".parse().unwrap());
        headers.insert("te", "trailers".parse().unwrap());
        let shown = headers_of(&headers);
        assert_eq!(shown[1], ("te".to_owned(), "trailers".to_owned()));
        assert!(!format!("{shown:?}").contains("s3cret"), "{shown:?}");
    }
}
