//! Serves the metrics over HTTP/1. Each connection serves one request. Above [`CONNECTIONS_MAX`] the oldest connection is
//! closed, so that unfinished requests cannot block a scrape.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue, VARY};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::Metrics;

const PATH: &str = "/metrics";

const CONNECTIONS_MAX: usize = 64;

/// Time limit for receiving a request's head.
const HEAD_DEADLINE: Duration = Duration::from_secs(1);

/// Time limit for a whole connection.
const REQUEST_DEADLINE: Duration = Duration::from_secs(3);

/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

const OPENMETRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Returns true if `Accept` lists `OpenMetrics` with a weight at least that of plain text.
fn prefers_openmetrics(headers: &HeaderMap) -> bool {
    let (mut openmetrics, mut plain) = (0.0, 0.0);
    let accepted = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    for range in accepted.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        let weight: f32 = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        match kind.to_ascii_lowercase().as_str() {
            "application/openmetrics-text" => openmetrics = weight.max(openmetrics),
            "text/plain" | "text/*" => plain = weight.max(plain),
            _ => {}
        }
    }
    openmetrics > 0.0 && openmetrics >= plain
}

/// Converts `OpenMetrics` to text format 0.0.4: `HELP` and `TYPE` name counters with `_total`, and there is no `# EOF`.
fn plain(openmetrics: &str) -> String {
    let lines: Vec<&str> = openmetrics.lines().filter(|line| *line != "# EOF").collect();
    let counters: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    let mut text = String::with_capacity(openmetrics.len());
    for line in lines {
        let named = ["# HELP ", "# TYPE "]
            .iter()
            .find_map(|mark| Some((mark, line.strip_prefix(*mark)?.split_once(' ')?)));
        match named {
            Some((mark, (name, rest))) if counters.contains(&name) => {
                for part in [mark, name, "_total ", rest] {
                    text.push_str(part);
                }
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

impl Metrics {
    /// Serves `/metrics` on `listener`.
    pub async fn serve(self, listener: TcpListener) -> Infallible {
        let mut open = VecDeque::<JoinHandle<()>>::new();
        loop {
            match listener.accept().await {
                Ok((connection, _)) => {
                    let metrics = self.clone();
                    open.retain(|task| !task.is_finished());
                    if open.len() >= CONNECTIONS_MAX
                        && let Some(oldest) = open.pop_front()
                    {
                        oldest.abort();
                    }
                    open.push_back(tokio::spawn(async move { metrics.answer(connection).await }));
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot accept a connection to the metrics");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn answer(&self, connection: TcpStream) {
        let service = service_fn(|request| ready(Ok::<_, Infallible>(self.response(&request))));
        let serving = http1::Builder::new()
            .keep_alive(false)
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_DEADLINE)
            .serve_connection(TokioIo::new(connection), service);
        match timeout(REQUEST_DEADLINE, serving).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a request for the metrics failed"),
            Err(_) => tracing::debug!("a request for the metrics timed out"),
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
            let headers = response.headers_mut();
            headers.insert(VARY, HeaderValue::from_static("accept"));
            if prefers_openmetrics(request.headers()) {
                headers.insert(CONTENT_TYPE, OPENMETRICS);
                *response.body_mut() = self.text();
            } else {
                headers.insert(CONTENT_TYPE, PLAIN_TEXT);
                *response.body_mut() = plain(&self.text());
            }
        }
        response
    }
}
