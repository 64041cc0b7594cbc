//! One game, from its configuration to its end: on the screen or line by line, alone or at a shared table; or one deed.
//!
//! Owns the choice of the mode and the order in which things are started and ended.

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
};

use awesomestock_proto::transport;
use color_eyre::eyre::{Result, WrapErr, eyre};
use jiff::tz::TimeZone;
use tonic::transport::Channel;

use crate::{
    app::{AppState, Seat},
    cli::Deed,
    client::Client,
    config::{Config, Table, remember_player},
    oneshot, plain, shell,
    solo::{self, Servers},
    ui::{self, View},
};

/// Plays the game that `config` describes, to its end.
///
/// # Errors
///
/// When the game cannot be started, or a part of it breaks down.
pub async fn game(config: Config) -> Result<()> {
    remember(&config.data_dir, &config.player);
    at_the_table(&config, async |channel| play(&config, channel).await).await
}

/// Does one thing at the casino that `config` names, and prints it.
///
/// # Errors
///
/// When the casino refuses it or does not answer, or a part of the game breaks down.
pub async fn deed(config: Config, deed: Deed) -> Result<()> {
    at_the_table(&config, async |channel| {
        let client = Client::new(channel, config.player.clone());
        let stop = shell::told_to_stop().wrap_err("cannot listen to signals")?;
        tokio::select! {
            done = oneshot::run(&client, deed, io::stdout()) => done,
            () = stop => Err(eyre!("told to end before it was done")),
        }
    })
    .await
}

/// Does something with the way to the casino; of a solo game, the servers run meanwhile.
async fn at_the_table(config: &Config, doing: impl AsyncFnOnce(Channel) -> Result<()>) -> Result<()> {
    match &config.table {
        Table::Solo(rules) => {
            let (channel, servers) = solo::open(*rules, &config.data_dir).await?;
            with_servers(doing(channel), servers).await
        }
        Table::Shared(url) => {
            let endpoint = transport::endpoint(url).wrap_err("casino: cannot be connected to")?;
            doing(endpoint.connect_lazy()).await
        }
    }
}

async fn play(config: &Config, channel: Channel) -> Result<()> {
    let client = Client::new(channel, config.player.clone());
    if config.plain || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
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
        let view = View {
            theme: config.theme.clone(),
            zone: TimeZone::system(),
        };
        let ended = shell::play(client, seat, view).await?;
        say_goodbye(&ended);
        Ok(())
    }
}

/// Tells on the player's shell how it went. After a hang-up nobody is there to read it.
fn say_goodbye(ended: &AppState) {
    let mut shell = io::stdout().lock();
    let said = ui::summary(ended)
        .iter()
        .try_for_each(|line| writeln!(shell, "{line}"));
    if let Err(error) = said {
        tracing::info!(%error, "the summary could not be printed");
    }
}

/// Plays while the servers run, then ends them: in this order, so that every answer is read and the ledger is closed.
async fn with_servers(playing: impl Future<Output = Result<()>>, mut servers: Servers) -> Result<()> {
    let played = tokio::select! {
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
