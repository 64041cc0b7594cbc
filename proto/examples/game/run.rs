//! The two sides of a lesson, in two processes or in one.

use std::convert::Infallible;
use std::time::Duration;
use std::{env, io, iter};

use tokio::net::TcpListener;
use tokio::signal;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::Result;

/// The casino's address in the course.
const ADDRESS: &str = "127.0.0.1:10000";

/// Serves with `-- serve`, plays with `-- play` or `-- play URL`, and without either plays against a server of its own.
pub(crate) async fn run(
    mut serve: impl AsyncFnMut(TcpListener) -> Result<()>,
    play: impl AsyncFn(String, &mut dyn io::Write) -> Result<()>,
) -> Result<()> {
    let role = env::args().nth(1);
    match role.as_deref() {
        Some("serve") => serve(TcpListener::bind(ADDRESS).await?).await,
        Some("play") => {
            let url = env::args().nth(2).unwrap_or_else(|| format!("http://{ADDRESS}"));
            play(url, &mut io::stdout()).await
        }
        _ => play_both(serve, play, &mut io::stdout()).await,
    }
}

/// Plays against a server in this process, over a real socket on a free port, until the player has finished. A server
/// that ends before is started again at the same address.
async fn play_both(
    mut serve: impl AsyncFnMut(TcpListener) -> Result<()>,
    play: impl AsyncFn(String, &mut dyn io::Write) -> Result<()>,
    out: &mut dyn io::Write,
) -> Result<()> {
    let mut listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = async {
        loop {
            serve(listener).await?;
            listener = TcpListener::bind(address).await?;
        }
    };
    tokio::select! {
        failed = server => failed,
        played = play(format!("http://{address}"), out) => played,
    }
}

/// Plays as [`play_both`] does. Returns what the player printed.
pub(crate) async fn transcript(
    serve: impl AsyncFnMut(TcpListener) -> Result<()>,
    play: impl AsyncFn(String, &mut dyn io::Write) -> Result<()>,
) -> Result<Vec<String>> {
    let mut out = Vec::new();
    play_both(serve, play, &mut out).await?;
    Ok(String::from_utf8(out)?.lines().map(str::to_owned).collect())
}

/// Runs as [`run`] does, with a token for both sides. Ctrl-C cancels it. A server that is started again has a new one.
pub(crate) async fn run_until(
    serve: impl AsyncFn(TcpListener, CancellationToken) -> Result<()>,
    play: impl AsyncFn(String, &mut dyn io::Write, CancellationToken) -> Result<()>,
) -> Result<()> {
    let (stop, mut tokens) = tokens();
    let interrupted = stop.clone();
    tokio::spawn(async move {
        if signal::ctrl_c().await.is_ok() {
            interrupted.cancel();
        }
    });
    let serve = async |listener| serve(listener, tokens.next().unwrap_or_default()).await;
    let play = async |url, out: &mut dyn io::Write| play(url, out, stop.clone()).await;
    run(serve, play).await
}

/// Returns what the player printed, as [`transcript`] does, with the tokens of [`run_until`].
pub(crate) async fn transcript_until(
    serve: impl AsyncFn(TcpListener, CancellationToken) -> Result<()>,
    play: impl AsyncFn(String, &mut dyn io::Write, CancellationToken) -> Result<()>,
) -> Result<Vec<String>> {
    let (stop, mut tokens) = tokens();
    let serve = async |listener| serve(listener, tokens.next().unwrap_or_default()).await;
    let play = async |url, out: &mut dyn io::Write| play(url, out, stop.clone()).await;
    transcript(serve, play).await
}

/// Returns the first token, and the tokens of all starts of a server.
fn tokens() -> (CancellationToken, impl Iterator<Item = CancellationToken>) {
    let stop = CancellationToken::new();
    let later = iter::repeat_with(CancellationToken::new);
    (stop.clone(), iter::once(stop).chain(later))
}

/// Calls `tick` now, and then after each `pause`, for ever.
pub(crate) async fn every<T>(pause: Duration, mut tick: impl FnMut() -> T) -> Infallible {
    let mut ticks = interval(pause);
    loop {
        ticks.tick().await;
        let _ = tick();
    }
}
