//! One game, from its configuration to its end: on the screen or line by line, alone or at a shared table.
//!
//! Owns the choice of the mode and the order in which things are started and ended.

use std::{
    io::{self, IsTerminal},
    path::Path,
};

use awesomestock_proto::transport;
use color_eyre::eyre::{Result, WrapErr};
use jiff::tz::TimeZone;
use tonic::transport::Channel;

use crate::{
    app::Seat,
    client::Client,
    config::{Config, Table, remember_player},
    plain, shell,
    solo::{self, Servers},
    ui::View,
};

/// Plays the game that `config` describes, to its end.
///
/// # Errors
///
/// When the game cannot be started, or a part of it breaks down.
pub async fn game(config: Config) -> Result<()> {
    remember(&config.data_dir, &config.player);
    match &config.table {
        Table::Solo(rules) => {
            let (channel, servers) = solo::open(*rules, &config.data_dir).await?;
            with_servers(play(&config, channel), servers).await
        }
        Table::Shared(url) => {
            let endpoint = transport::endpoint(url).wrap_err("casino: cannot be connected to")?;
            play(&config, endpoint.connect_lazy()).await
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
        shell::play(client, seat, view).await
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
