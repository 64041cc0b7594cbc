//! Probes the system without changing it: creates no file, and opens a ledger only if it exists.

use std::io;
use std::path::Path;

use awesomestock_proto::auth::PlayerKey;
use rustix::fs::{Access, access};
use tokio::time::{Duration, Instant, timeout};

use super::{Check, Support, TickProbe, fail, ok};
use crate::app::commands::request::Request;
use crate::app::event::{Response, StreamEvent};
use crate::app::portfolio::money::UnixMillis;
use crate::cli::config::{Config, ServerAddress, ServerChoice, SharedServer};
use crate::client::{Client, GambleSession, RequestError};
use crate::solo::{self, SoloOptions};
use crate::storage::keyring::Keyring;
use crate::storage::log_file;

const PRICE_DEADLINE: Duration = Duration::from_secs(3);

/// Checks a folder that is written to or will be created.
pub(super) fn folder(topic: &'static str, path: &Path) -> Check {
    let shown = path.display();
    if path.is_dir() {
        return match access(path, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => ok(topic, shown.to_string()),
            Err(error) => fail(topic, format!("{shown}: {}", io::Error::from(error))),
        };
    }
    if path.exists() {
        return fail(topic, format!("{shown}: not a folder"));
    }
    let parent = path.ancestors().skip(1).find(|parent| parent.exists());
    // The parent of a relative name is the current folder. Its path is empty, which does not exist.
    let parent = parent.unwrap_or(Path::new("."));
    match access(parent, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) if parent.is_dir() => ok(topic, format!("{shown}: not created yet")),
        Ok(()) => fail(topic, format!("{shown}: {} is not a folder", parent.display())),
        Err(error) => {
            let (parent, why) = (parent.display(), io::Error::from(error));
            fail(topic, format!("{shown}: {parent}: {why}"))
        }
    }
}

/// Checks the log file, or its folder if there is none.
pub(super) fn log() -> Check {
    match log_file::path() {
        Err(error) => fail("log", format!(": {error}")),
        Ok(path) if path.exists() => match access(&path, Access::WRITE_OK) {
            Ok(()) => ok("log", path.display().to_string()),
            Err(error) => fail("log", format!("{}: {}", path.display(), io::Error::from(error))),
        },
        Ok(path) => folder("log", path.parent().unwrap_or(Path::new("."))),
    }
}

/// Checks the key for a shared server; solo games have none.
pub(super) fn key(config: &Config) -> Option<Check> {
    let ServerChoice::Shared(shared) = &config.server else {
        return None;
    };
    let (keyring, id) = (Keyring::new(&config.keys_dir), shared.key_id(&config.player));
    Some(match keyring.find(&id) {
        Ok(Some(_)) => ok("key", format!("of {id}, in {}", keyring.path().display())),
        Ok(None) => ok("key", format!("of {id}: none yet, the first game creates it")),
        Err(error) => fail("key", format!("{error:#}")),
    })
}

/// Checks each address of the server. Also returns the latest tick of the first that sends one.
pub(super) async fn servers(config: &Config) -> (Vec<Check>, Option<TickProbe>) {
    let shared = match &config.server {
        ServerChoice::Solo(options) => return (vec![ledger(*options, &config.data_dir).await], None),
        ServerChoice::Shared(shared) => shared,
    };
    let key = Keyring::new(&config.keys_dir).find(&shared.key_id(&config.player));
    let key = key.ok().flatten();
    let (mut checks, mut newest) = (Vec::new(), None);
    for address in shared.addresses() {
        let answered = casino(address, shared, &config.player, key.as_ref()).await;
        let unreached = |why| (fail("casino", format!("{}: {why}", address.url)), None);
        let (check, tick) = answered.unwrap_or_else(unreached);
        checks.push(check);
        newest = newest.or(tick);
    }
    (checks, newest)
}

async fn ledger(options: SoloOptions, data_dir: &Path) -> Check {
    if !solo::has_ledger(data_dir) {
        return ok("casino", "solo: the first game creates the ledger");
    }
    let result = match solo::open(options, data_dir).await {
        Ok((_, servers)) => servers.close().await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => ok("casino", "solo: the ledger is intact and not in use"),
        Err(error) => fail("casino", format!("solo: {error:#}")),
    }
}

async fn casino(
    address: &ServerAddress,
    shared: &SharedServer,
    player: &str,
    key: Option<&PlayerKey>,
) -> Result<(Check, Option<TickProbe>), String> {
    let endpoint = shared.endpoint(address).map_err(|error| format!("{error:#}"))?;
    let client = Client::with_endpoints(endpoint, Vec::new(), player.to_owned(), key);
    let text = |failure: RequestError| failure.to_string();
    // The first call connects, the second one is measured.
    client.call(Request::Holdings).await.map_err(text)?;
    let sent = Instant::now();
    let holdings = client.call(Request::Holdings).await.map_err(text)?;
    let latency_ms = sent.elapsed().as_millis();
    let (support, tick) = match holdings {
        Response::Wallet(_) => session(&client).await,
        // It sends no times.
        _ => (Support::Old, None),
    };
    Ok((super::casino(&address.url, latency_ms, &support), tick))
}

/// Opens a session and returns what it supports, and the latest tick, if it is sent in time.
async fn session(client: &Client) -> (Support, Option<TickProbe>) {
    let opened = timeout(PRICE_DEADLINE, client.open_session()).await;
    let timed_out = |_| Err(RequestError::timeout(PRICE_DEADLINE));
    let (mut session, _orders) = match opened.unwrap_or_else(timed_out) {
        Ok(opened) => opened,
        Err(failure) => return (Support::NoSession(failure.to_string()), None),
    };
    let tick = timeout(PRICE_DEADLINE, newest_tick(&mut session)).await;
    (Support::AllBut(session.missing()), tick.ok().flatten())
}

async fn newest_tick(session: &mut GambleSession) -> Option<TickProbe> {
    loop {
        if let StreamEvent::Price { at, interval_ms, .. } = session.next().await.ok()? {
            return Some(TickProbe {
                at: at?,
                interval_ms: interval_ms?,
                now: UnixMillis(jiff::Timestamp::now().as_millisecond()),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn probing_a_folder_does_not_create_it() {
        let home = tempfile::tempdir().unwrap();
        let (new, file, below) = (
            home.path().join("a/b/c"),
            home.path().join("file"),
            home.path().join("file/below"),
        );
        fs::write(&file, "").unwrap();
        let probed = |path: &Path| {
            let line = folder("data", path).to_string();
            line.replace(home.path().to_str().unwrap(), "HOME")
        };
        assert_eq!(probed(home.path()), "ok    data      HOME");
        assert_eq!(probed(&new), "ok    data      HOME/a/b/c: not created yet");
        assert!(!home.path().join("a").exists());
        assert_eq!(probed(&file), "fail  data      HOME/file: not a folder");
        assert!(probed(&below).starts_with("fail  data      HOME/file/below: HOME/file"));
        let relative = probed(Path::new("a-missing-folder"));
        assert_eq!(relative, "ok    data      a-missing-folder: not created yet");
        // The superuser may write anywhere.
        if !rustix::process::geteuid().is_root() {
            fs::set_permissions(home.path(), fs::Permissions::from_mode(0o500)).unwrap();
            assert!(probed(&new).starts_with("fail  data      HOME/a/b/c: HOME: "));
        }
    }
}
