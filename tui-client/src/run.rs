//! One game, from its configuration to its end: on the screen or line by line, alone or at a shared table; or one deed.
//!
//! Owns the choice of the mode and the order in which things are started and ended.

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
};

use awesomestock_proto::{names, tls};
use color_eyre::eyre::{Result, WrapErr, eyre};
use jiff::tz::TimeZone;

use crate::{
    app::{Seat, replay::Replay},
    cli::Deed,
    client::{Client, Way},
    config::{Address, Config, Shared, Table, remember_player},
    keyring::Keyring,
    oneshot, plain,
    recording::{self, Recorder},
    shell::{self, Ended},
    solo::{self, Servers},
    text::harmless,
    ui::{self, View},
};

/// Plays the game that `config` describes, to its end.
///
/// # Errors
///
/// When the game cannot be started, or a part of it breaks down.
pub async fn game(config: Config) -> Result<()> {
    remember(&config.data_dir, &config.player);
    match &config.table {
        // The first thing on the screen does not wait for a disk.
        Table::Solo(rules) if has_screen(&config) => {
            let (channel, servers) = solo::start(*rules, &config.data_dir);
            let client = Client::new(channel, config.player.clone(), None);
            with_servers(play(&config, client), servers).await
        }
        Table::Solo(_) | Table::Shared(_) => {
            at_the_table(&config, async |client| play(&config, client).await).await
        }
    }
}

/// Does one thing at the casino that `config` names, and prints it.
///
/// # Errors
///
/// When the casino refuses it or does not answer, or a part of the game breaks down.
pub async fn deed(config: Config, deed: Deed) -> Result<()> {
    at_the_table(&config, async |client| {
        let stop = shell::told_to_stop().wrap_err("cannot listen to signals")?;
        tokio::select! {
            done = oneshot::run(&client, deed, io::stdout()) => done,
            () = stop => Err(eyre!("told to end before it was done")),
        }
    })
    .await
}

/// Does something with the player's way to the casino, and their key there; of a solo game, the servers run meanwhile.
async fn at_the_table(config: &Config, doing: impl AsyncFnOnce(Client) -> Result<()>) -> Result<()> {
    let player = config.player.clone();
    match &config.table {
        Table::Solo(rules) => {
            let (channel, servers) = solo::open(*rules, &config.data_dir).await?;
            with_servers(doing(Client::new(channel, player, None)), servers).await
        }
        Table::Shared(shared) => {
            let first = way_to(&shared.first, shared)?;
            let others: Result<Vec<Way>> = shared.others.iter().map(|other| way_to(other, shared)).collect();
            let key = Keyring::new(&config.keys_dir).find_or_make(&shared.place(&player))?;
            doing(Client::of(first, others?, player, Some(&key))).await
        }
    }
}

/// The way to one address of a casino. Nothing is connected yet.
pub(crate) fn way_to(address: &Address, shared: &Shared) -> Result<Way> {
    let endpoint = tls::endpoint(&address.url, shared.tls_ca.as_deref())
        .wrap_err_with(|| format!("casino: {} cannot be connected to", address.name()))?;
    Ok(Way {
        name: address.name().to_owned(),
        in_plaintext: address.is_in_plaintext(),
        channel: names::channel(&endpoint),
    })
}

/// Plays a recorded session again, `speed` times as fast as it was.
///
/// # Errors
///
/// When the file is no recording, or there is no terminal to show it on.
pub async fn replay(config: Config, file: &Path, speed: u32) -> Result<()> {
    let tape = recording::read(file).wrap_err_with(|| file.display().to_string())?;
    if !has_terminal() {
        return Err(eyre!(
            "a replay needs a terminal: standard input and output are none"
        ));
    }
    shell::replay(Replay::new(tape, speed), view(&config)).await
}

async fn play(config: &Config, client: Client) -> Result<()> {
    if !has_screen(config) {
        if config.record.is_some() {
            return Err(eyre!("record: a game without a screen is not recorded"));
        }
        let lines = plain::read_lines(|| io::stdin().lock()).wrap_err("cannot start to read lines")?;
        let stop = shell::told_to_stop().wrap_err("cannot listen to signals")?;
        plain::converse(client, lines, io::stdout(), stop)
            .await
            .wrap_err("cannot write to standard output")
    } else {
        let seat = Seat {
            player: config.player.clone(),
            table: config.table.to_string(),
        };
        let recorder = config.record.as_deref().map(create_recording).transpose()?;
        let ended = shell::play(client, seat, config.settings.clone(), view(config), recorder).await?;
        say_goodbye(&ended);
        Ok(())
    }
}

/// Whether the game is played on the screen, and not line by line.
fn has_screen(config: &Config) -> bool {
    !config.plain && has_terminal()
}

fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

fn view(config: &Config) -> View {
    View {
        theme: config.theme.clone(),
        markers: config.markers,
        zone: TimeZone::system(),
    }
}

/// A file that is there is somebody's: it is not written over.
fn create_recording(path: &Path) -> Result<Recorder> {
    Recorder::create(path).wrap_err_with(|| format!("record: cannot make the file {}", path.display()))
}

/// Tells on the player's shell how it went. After a hang-up nobody is there to read it.
fn say_goodbye(ended: &Ended) {
    let mut lines = ui::summary(&ended.state);
    if let Some(why) = &ended.recording_stopped {
        lines.push(format!("recording     stopped before the end: {}", harmless(why)));
    }
    let mut shell = io::stdout().lock();
    let said = lines.iter().try_for_each(|line| writeln!(shell, "{line}"));
    if let Err(error) = said {
        tracing::info!(%error, "the summary could not be printed");
    }
}

/// Plays while the servers run, then ends them: in this order, so that every answer is read and the ledger is closed.
/// The game comes first: a failure of the servers ends it, after it has drawn what it begins with.
async fn with_servers(playing: impl Future<Output = Result<()>>, mut servers: Servers) -> Result<()> {
    let played = tokio::select! {
        biased;
        played = playing => played,
        broken = servers.failed() => Err(broken),
    };
    let closed = servers.close().await;
    played.and(closed)
}

/// A game without a writable data folder is still a game: the name is asked of the system again.
fn remember(data_dir: &Path, player: &str) {
    if let Err(error) = remember_player(data_dir, player) {
        tracing::warn!(%error, "the player's name could not be remembered");
    }
}
