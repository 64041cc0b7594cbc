//! Looks at the system, for the judgements.
//!
//! Owns how a thing is looked at without changing it: nothing is made, and no ledger is opened that is not there.

use std::{
    env,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use awesomestock_proto::credentials::PlayerKey;
use rustix::fs::{Access, access};
use tokio::time::{Duration, Instant, timeout};

use super::{KeySeen, PathSeen, TableSeen, TerminalSeen, TickSeen};
use crate::{
    app::{
        event::{Answer, Call, StreamEvent},
        money::UnixMs,
    },
    cli::Cli,
    client::Client,
    config::{Address, Config, Shared, SoloRules, Surroundings, Table},
    journal,
    keyring::Keyring,
    run::way_to,
    solo,
};

/// How long to wait for the first price.
const PRICE_DEADLINE: Duration = Duration::from_secs(3);

pub(super) fn terminal(around: &Surroundings) -> TerminalSeen {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    TerminalSeen {
        is_terminal,
        size: crossterm::terminal::size().ok().filter(|_| is_terminal),
        term: set("TERM"),
        colorterm: set("COLORTERM"),
        no_colour: around.no_colour,
        locale: set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")),
    }
}

/// The configuration and its file; or in words, why there is none.
pub(super) fn config(cli: &Cli, around: &Surroundings) -> Result<(Config, PathBuf), String> {
    let path = Config::path(cli, around);
    let config = Config::load(cli, around).map_err(|error| format!("{error:#}"))?;
    Ok((config, path))
}

/// A folder that is written to, or will be made.
pub(super) fn folder(path: &Path) -> PathSeen {
    let unusable = |why: &str| PathSeen::Unusable(path.to_owned(), why.to_owned());
    if path.is_dir() {
        return match access(path, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => PathSeen::Usable(path.to_owned()),
            Err(error) => unusable(&io::Error::from(error).to_string()),
        };
    }
    if path.exists() {
        return unusable("it is no folder");
    }
    let above = path.ancestors().skip(1).find(|above| above.exists());
    // A relative path of one name has no folder above it but the one we are in.
    let above = above
        .filter(|above| !above.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    match access(above, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) if above.is_dir() => PathSeen::ToBeMade(path.to_owned()),
        Ok(()) => unusable(&format!("{} is no folder", above.display())),
        Err(error) => unusable(&format!("{}: {}", above.display(), io::Error::from(error))),
    }
}

/// The log: its folder, or the file in it where there is one.
pub(super) fn log() -> PathSeen {
    let path = match journal::path() {
        Ok(path) => path,
        Err(error) => return PathSeen::Unusable(PathBuf::new(), error.to_string()),
    };
    if path.exists() {
        return match access(&path, Access::WRITE_OK) {
            Ok(()) => PathSeen::Usable(path),
            Err(error) => PathSeen::Unusable(path, io::Error::from(error).to_string()),
        };
    }
    folder(path.parent().unwrap_or(Path::new(".")))
}

/// The key that would be shown, if one would be.
pub(super) fn key(config: &Config) -> Option<KeySeen> {
    let Table::Shared(shared) = &config.table else {
        return None;
    };
    let (ring, place) = (Keyring::new(&config.keys_dir), shared.place(&config.player));
    let place_words = place.to_string();
    Some(match ring.find(&place) {
        Ok(Some(_)) => KeySeen::Kept(place_words, ring.path()),
        Ok(None) => KeySeen::ToBeMade(place_words),
        Err(error) => KeySeen::Unusable(format!("{error:#}")),
    })
}

/// Where one would play, each address of a casino by itself; and the newest tick of the first that tells it.
pub(super) async fn tables(config: &Config) -> (Vec<TableSeen>, Option<TickSeen>) {
    let shared = match &config.table {
        Table::Solo(rules) => return (vec![ledger(*rules, &config.data_dir).await], None),
        Table::Shared(shared) => shared,
    };
    let key = Keyring::new(&config.keys_dir).find(&shared.place(&config.player));
    let key = key.ok().flatten();
    let (mut all, mut newest) = (Vec::new(), None);
    for address in shared.addresses() {
        match casino(address, shared, &config.player, key.as_ref()).await {
            Ok((seen, tick)) => {
                all.push(seen);
                newest = newest.or(tick);
            }
            Err(why) => all.push(TableSeen::Unreached {
                url: address.url.clone(),
                why,
            }),
        }
    }
    (all, newest)
}

async fn ledger(rules: SoloRules, data_dir: &Path) -> TableSeen {
    if !solo::has_ledger(data_dir) {
        return TableSeen::NoLedger;
    }
    let opened = match solo::open(rules, data_dir).await {
        Ok((_, servers)) => servers.close().await,
        Err(error) => Err(error),
    };
    match opened {
        Ok(()) => TableSeen::LedgerFree,
        Err(error) => TableSeen::LedgerUnusable(format!("{error:#}")),
    }
}

async fn casino(
    address: &Address,
    shared: &Shared,
    player: &str,
    key: Option<&PlayerKey>,
) -> Result<(TableSeen, Option<TickSeen>), String> {
    let way = way_to(address, shared).map_err(|error| format!("{error:#}"))?;
    let client = Client::of(way, Vec::new(), player.to_owned(), key);
    let words = |failure: crate::client::Failure| failure.into_words();
    // The first call also connects: the second one measures.
    client.call(Call::Holdings).await.map_err(words)?;
    let asked = Instant::now();
    let holdings = client.call(Call::Holdings).await.map_err(words)?;
    let seen = TableSeen::Reached {
        url: address.url.clone(),
        latency_ms: i64::try_from(asked.elapsed().as_millis()).unwrap_or(i64::MAX),
        is_extended: matches!(holdings, Answer::Wallet(_)),
    };
    let tick = timeout(PRICE_DEADLINE, newest_tick(&client)).await;
    Ok((seen, tick.ok().flatten()))
}

/// The newest tick, where the casino tells it.
async fn newest_tick(client: &Client) -> Option<TickSeen> {
    let (mut seat, _orders) = client.sit_down().await.ok()?;
    loop {
        if let StreamEvent::Price { at, interval_ms, .. } = seat.next().await.ok()? {
            return Some(TickSeen {
                at: at?,
                interval_ms: interval_ms?,
                now: UnixMs(jiff::Timestamp::now().as_millisecond()),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn folders_are_looked_at_and_not_made() {
        let home = tempfile::tempdir().unwrap();
        let (new, file, below) = (
            home.path().join("a/b/c"),
            home.path().join("file"),
            home.path().join("file/below"),
        );
        fs::write(&file, "").unwrap();
        assert_eq!(folder(home.path()), PathSeen::Usable(home.path().to_owned()));
        assert_eq!(folder(&new), PathSeen::ToBeMade(new.clone()));
        assert!(!home.path().join("a").exists());
        for path in [&file, &below] {
            assert!(
                matches!(folder(path), PathSeen::Unusable(..)),
                "{}",
                path.display()
            );
        }
        assert_eq!(
            folder(Path::new("a-name-nobody-has")),
            PathSeen::ToBeMade("a-name-nobody-has".into())
        );
        // The superuser may write anywhere.
        if !rustix::process::geteuid().is_root() {
            fs::set_permissions(home.path(), fs::Permissions::from_mode(0o500)).unwrap();
            assert!(matches!(folder(&new), PathSeen::Unusable(..)));
        }
    }
}
