//! The page: the metrics over HTTP/1, for a Prometheus that comes by every few seconds.
//!
//! A connection is one request, answered or given up within [`REQUEST_DEADLINE`]; of connections there are at most
//! [`CONNECTIONS_MAX`], and more wait to be accepted.

use std::{
    convert::Infallible,
    future::{pending, ready},
    sync::Arc,
    time::Duration,
};

use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::Metrics;

/// Where the page is.
const PATH: &str = "/metrics";

/// Connections served at once.
const CONNECTIONS_MAX: usize = 8;

/// How long a connection may take from being accepted to its end.
const REQUEST_DEADLINE: Duration = Duration::from_secs(5);

/// How long accepting rests after it has failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

/// The format, by the name that Prometheus asks for it.
const FORMAT: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

impl Metrics {
    /// Serves the page at `/metrics` on `listener`, for ever.
    pub async fn serve(self, listener: TcpListener) -> Infallible {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                // Nobody closes it.
                return pending().await;
            };
            match listener.accept().await {
                Ok((connection, _)) => {
                    let metrics = self.clone();
                    tokio::spawn(async move {
                        metrics.answer(connection).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection to the metrics could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn answer(&self, connection: TcpStream) {
        let service = service_fn(|request| ready(Ok::<_, Infallible>(self.response(&request))));
        let serving = http1::Builder::new()
            .keep_alive(false)
            .serve_connection(TokioIo::new(connection), service);
        match timeout(REQUEST_DEADLINE, serving).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a request for the metrics failed"),
            Err(_) => tracing::debug!("a request for the metrics was not made in time"),
        }
    }

    fn response(&self, request: &Request<Incoming>) -> Response<String> {
        let mut response = Response::new(String::new());
        if request.uri().path() != PATH {
            *response.status_mut() = StatusCode::NOT_FOUND;
        } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        } else {
            response.headers_mut().insert(CONTENT_TYPE, FORMAT);
            *response.body_mut() = self.text();
        }
        response
    }
}
