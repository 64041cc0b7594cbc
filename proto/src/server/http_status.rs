//! HTTP status codes for requests that are not gRPC, as specified by gRPC over HTTP/2.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::bytes::Bytes;
use tonic::body::Body;
use tonic::codegen::Body as _;
use tonic::codegen::http::{self, HeaderValue, Method, StatusCode, header};

/// Most bytes of a body that are read and discarded, and the time for it.
const DISCARDED_MAX: usize = 1 << 20;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// Returns the response to a request that is not gRPC: 405 for a method other than POST, 415 for another
/// content type.
pub(super) fn not_grpc(request: &http::Request<Body>) -> Option<http::Response<Body>> {
    let mut response = http::Response::new(Body::empty());
    if request.method() != Method::POST {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("POST"));
    } else if !is_grpc(request.headers().get(header::CONTENT_TYPE)) {
        *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    } else {
        return None;
    }
    Some(response)
}

/// Reads and discards the body of a request that is not gRPC. A response before its end is followed by a reset, which some
/// versions of curl report instead of the response.
pub(super) async fn discard(mut body: Body) {
    let read = async {
        let mut left = DISCARDED_MAX;
        while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(bytes) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    // The rest of a body that comes slowly is not read.
    let _ = timeout(DISCARD_TIMEOUT, read).await;
}

/// Matches `application/grpc` and `application/grpc+SUFFIX`, with or without parameters.
fn is_grpc(content_type: Option<&HeaderValue>) -> bool {
    let text = content_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    let base = essence.split('+').next().unwrap_or_default();
    base.eq_ignore_ascii_case("application/grpc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_are_not_grpc_get_an_http_status() {
        for (method, content_type, expected) in [
            ("POST", Some("application/grpc"), None),
            ("POST", Some("Application/gRPC+proto; charset=utf-8"), None),
            ("POST", Some("application/json"), Some(415)),
            ("POST", Some("application/grpc-web"), Some(415)),
            ("POST", Some("application/grpc+json"), None),
            ("POST", Some("application/grpcx"), Some(415)),
            ("POST", Some(""), Some(415)),
            ("POST", None, Some(415)),
            ("GET", None, Some(405)),
            ("GET", Some("application/grpc"), Some(405)),
            ("HEAD", None, Some(405)),
            ("PUT", Some("application/grpc"), Some(405)),
            ("OPTIONS", None, Some(405)),
        ] {
            let mut request = http::Request::builder().method(method).uri("/");
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            let answer = not_grpc(&request.body(Body::empty()).unwrap());
            let status = answer.map(|answer| answer.status().as_u16());
            assert_eq!(status, expected, "{method} {content_type:?}");
        }
    }
}
