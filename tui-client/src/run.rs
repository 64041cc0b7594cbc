//! Runs a game, a replay or a one-shot command: selects the mode, and starts and stops its parts in order.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use awesomestock_proto::command_line;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use crate::app::commands::lab::Faults;
use crate::app::replay::{Recording, Replay};
use crate::app::{AppState, SessionInfo, Settings};
use crate::cli::args::{OneShot, RecordingArgs};
use crate::cli::cast::{CastArgs, STANDARD_OUTPUT};
use crate::cli::config::zone::local_zone;
use crate::cli::config::{Config, ServerChoice, has_played, remember_player};
use crate::client::{Client, Endpoint};
use crate::headless::challenge::{self, ChallengeRun};
use crate::headless::{cast, commands, repl};
use crate::runtime::{self, PlayOptions};
use crate::solo::challenge::{Challenge, TICKS};
use crate::solo::lab::{self, Timing};
use crate::solo::{self, Servers, SoloOptions};
use crate::storage::keyring::Keyring;
use crate::storage::live_cast::LiveCast;
use crate::storage::progress::{self, OrdersShown};
use crate::storage::recording::{self, Recorder};
use crate::ui::text::sanitize;
use crate::ui::{self, Renderer};

/// Plays the game that `config` describes. Fails if the game cannot be started, or one of its parts fails.
pub async fn run_game(mut config: Config) -> Result<()> {
    if config.settings.watch {
        require_screen(&config, "watch:")?;
    }
    if !config.settings.lab && !config.settings.watch {
        config.settings.tour = begins_with_tour(&config);
        let is_solo = matches!(config.server, ServerChoice::Solo(_));
        config.settings.achievements = is_solo.then(|| progress::achievements(&config.data_dir));
        if let Err(error) = remember_player(&config.data_dir, &config.player) {
            // The game works, but forgets the name.
            tracing::warn!(%error, "cannot store the player name");
        }
    }
    match &config.server {
        ServerChoice::Solo(options) if config.settings.lab => play_in_lab(&config, *options).await,
        // Draws the first frame before the ledger is open.
        ServerChoice::Solo(options) if has_screen(&config) => {
            let (channel, servers) = solo::start(*options, &config.data_dir);
            let client = Client::new(channel, config.player.clone(), None);
            with_servers(play(&config, client, None), servers).await
        }
        ServerChoice::Solo(_) | ServerChoice::Shared(_) => {
            with_client(&config, async |client| play(&config, client, None).await).await
        }
    }
}

/// Plays in the lab, which has a casino of its own.
async fn play_in_lab(config: &Config, options: SoloOptions) -> Result<()> {
    require_screen(config, "the lab")?;
    let (channel, servers, faults) = lab::start(options, Timing::default())?;
    let client = Client::new(channel, config.player.clone(), None);
    let game = async {
        let played = play(config, client, Some(faults.clone())).await;
        // A casino on a full disk could not close its ledger.
        faults.send_modify(|faults| *faults = faults.ended());
        played
    };
    with_servers(game, servers).await
}

/// Runs a one-shot command and prints its result. Fails if the server rejects the command or does not answer, or a part of
/// the game fails.
pub async fn run_command(config: Config, command: OneShot) -> Result<()> {
    with_client(&config, async |client| {
        let stop = runtime::stop_requested().context("cannot listen to signals")?;
        tokio::select! {
            // Boxed because the future is large.
            done = Box::pin(commands::run(&client, command, config.timeout, io::stdout())) => done,
            () = stop => Err(anyhow!("interrupted before the command was done")),
        }
    })
    .await
}

/// Runs `action` with a client. The servers of a solo game run meanwhile.
async fn with_client(config: &Config, action: impl AsyncFnOnce(Client) -> Result<()>) -> Result<()> {
    let player = config.player.clone();
    match &config.server {
        ServerChoice::Solo(options) => {
            let (channel, servers) = solo::open(*options, &config.data_dir).await?;
            with_servers(action(Client::new(channel, player, None)), servers).await
        }
        ServerChoice::Shared(shared) => {
            let first = shared.endpoint(&shared.first)?;
            let others = shared.others.iter().map(|other| shared.endpoint(other));
            let others = others.collect::<Result<Vec<Endpoint>>>()?;
            let key = match config.settings.watch {
                true => None,
                false => Some(Keyring::new(&config.keys_dir).find_or_make(&shared.key_id(&player))?),
            };
            action(Client::with_endpoints(first, others, player, key.as_ref())).await
        }
    }
}

/// Plays a challenge on a ledger of its own, prints its result and copies it to the clipboard. Fails if there is no
/// terminal, or a part of the game fails.
pub async fn challenge(config: Config, challenge: Challenge) -> Result<()> {
    require_screen(&config, &format!("{challenge}:"))?;
    let run = ChallengeRun::begin(&config.data_dir, challenge, &config.player)?;
    let info = SessionInfo::new(config.player.clone(), run.title());
    let settings = Settings {
        splash: false,
        last_tick: Some(TICKS),
        confirm_quit: run.is_only_try(),
        ..config.settings.clone()
    };
    let (channel, servers) = solo::open(challenge.options(), &run.ledger).await?;
    let client = Client::new(channel, config.player.clone(), None);
    let mut trades = Vec::new();
    let options = PlayOptions {
        trades: run.trade_file(),
        ..PlayOptions::default()
    };
    let game = async {
        challenge::deposit(&client).await?;
        runtime::play(client.clone(), info, settings, view(&config), options).await?;
        trades = challenge::trades(&client).await?;
        Ok(())
    };
    Box::pin(with_servers(game, servers)).await?;
    run.finish(trades, &mut io::stdout().lock())
}

/// Replays a recorded session at `speed` times its speed. Fails if the file is not a recording, or there is no terminal.
pub async fn replay(config: Config, file: &Path, speed: u32) -> Result<()> {
    let recording = read_recording(file)?;
    require_screen(&config, "a replay")?;
    let mut replay = Replay::new(recording, speed);
    if config.settings.wire {
        replay.open_wire();
    }
    runtime::replay(replay, view(&config)).await
}

/// Turns a recorded session into an asciicast or a picture. Times are shown in UTC, and the characters of the chart do not
/// depend on the locale: the result is the same on every machine. Fails if the file is not a recording, or the result cannot
/// be written.
pub fn cast(config: Config, arguments: &CastArgs) -> Result<()> {
    let view = Renderer {
        theme: config.theme,
        markers: config.markers,
        zone: TimeZone::UTC,
    };
    cast::run(read_recording(&arguments.file)?, arguments, &view)
}

/// Reads a recording. An incomplete last line is left out, with a notice on standard error.
fn read_recording(file: &Path) -> Result<Recording> {
    let recording = recording::read(file).with_context(|| command_line::shown_path(file))?;
    if recording.is_torn {
        let file = command_line::shown_path(file);
        // A closed standard error is not a failure.
        let _ = writeln!(
            io::stderr(),
            "{file}: the last line is incomplete and is left out: the recording was cut off"
        );
    }
    Ok(recording)
}

async fn play(config: &Config, client: Client, faults: Option<watch::Sender<Faults>>) -> Result<()> {
    let orders_shown = orders_shown(config);
    if !has_screen(config) {
        return play_line_by_line(config, client, orders_shown).await;
    }
    let server = match config.settings.lab {
        true => "lab".to_owned(),
        false => config.server.to_string(),
    };
    let info = SessionInfo::new(config.player.clone(), server);
    let settings = Settings {
        orders_shown: orders_shown.as_ref().and_then(OrdersShown::end),
        ..config.settings.clone()
    };
    let achievements = config.settings.achievements.as_ref();
    let options = PlayOptions {
        recorder: create("record", config.recording.record.as_deref(), Recorder::create)?,
        cast: create("cast", config.recording.cast.as_deref(), LiveCast::create)?,
        faults,
        achievements: achievements.map(|_| config.data_dir.clone()),
        trades: None,
        orders_shown,
    };
    let played = runtime::play(client, info, settings, view(config), options);
    // Boxed because the future is large.
    let (state, options) = Box::pin(played).await?;
    print_summary(&state, &options);
    Ok(())
}

async fn play_line_by_line(config: &Config, client: Client, orders_shown: Option<OrdersShown>) -> Result<()> {
    let RecordingArgs { record, cast } = &config.recording;
    for (option, file) in [("record", record), ("cast", cast)] {
        if file.is_some() {
            return Err(anyhow!(
                "{option}: only a game on the screen can be recorded; leave out --{option} or --plain"
            ));
        }
    }
    // A script reads and writes no greeting.
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        let greeted = writeln!(
            io::stdout(),
            "AwesomeStock, line by line: type a command; help lists them"
        );
        greeted.context("cannot write to standard output")?;
    }
    let lines = repl::read_lines(|| io::stdin().lock()).context("cannot read standard input")?;
    let stop = runtime::stop_requested().context("cannot listen to signals")?;
    let wire = config.settings.wire;
    let ended = repl::run_repl(client, wire, orders_shown, lines, io::stdout(), stop).await;
    ended.context("cannot write to standard output")
}

/// Returns which ends of resting orders earlier games have shown; `None` in the lab and without a player.
fn orders_shown(config: &Config) -> Option<OrdersShown> {
    let casino = match &config.server {
        _ if config.settings.lab || config.settings.watch => return None,
        ServerChoice::Solo(_) => config.server.to_string(),
        ServerChoice::Shared(shared) => shared.first.normalized.clone(),
    };
    Some(OrdersShown::read(&config.data_dir, &casino, &config.player))
}

/// Returns whether this is the first game of a new player: solo, with a start screen, not recorded, and without a file of
/// an earlier game.
fn begins_with_tour(config: &Config) -> bool {
    matches!(config.server, ServerChoice::Solo(_))
        && has_screen(config)
        && config.settings.splash
        && config.recording == RecordingArgs::default()
        && !config.keys_dir.exists()
        && !has_played(&config.data_dir)
}

fn has_screen(config: &Config) -> bool {
    !config.plain && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Fails if there is no screen for `what`.
fn require_screen(config: &Config, what: &str) -> Result<()> {
    match has_screen(config) {
        true => Ok(()),
        false => Err(anyhow!(
            "{what} needs a terminal: standard input or output is not a terminal, TERM is dumb or not set, or plain is chosen"
        )),
    }
}

fn view(config: &Config) -> Renderer {
    Renderer {
        theme: config.theme.clone(),
        markers: config.markers,
        zone: local_zone(),
    }
}

/// Creates the file of an option, if it is given.
fn create<T>(
    option: &str,
    path: Option<&Path>,
    create: impl Fn(&Path) -> io::Result<T>,
) -> Result<Option<T>> {
    if path == Some(Path::new(STANDARD_OUTPUT)) {
        return Err(anyhow!("{option}: standard output shows the game; name a file"));
    }
    let created = path.map(|path| {
        create(path).with_context(|| format!("{option}: cannot create the file {}", path.display()))
    });
    created.transpose()
}

/// Prints the session summary, if there was a player. After a hang-up there is no terminal to print to.
fn print_summary(state: &AppState, options: &PlayOptions) {
    let mut lines = match state.session.settings.watch {
        true => Vec::new(),
        false => ui::summary(state),
    };
    for (name, why) in options.stopped() {
        lines.push(format!("{name:<14}stopped before the end: {}", sanitize(why)));
    }
    let mut stdout = io::stdout().lock();
    let written = lines.iter().try_for_each(|line| writeln!(stdout, "{line}"));
    if let Err(error) = written {
        tracing::info!(%error, "cannot print the summary");
    }
}

/// Runs a game while the servers run, then stops them, so that every answer is read and the ledger is closed.
/// The game is polled first: it draws a frame before a failure of the servers ends it.
async fn with_servers(game: impl Future<Output = Result<()>>, mut servers: Servers) -> Result<()> {
    let game_result = tokio::select! {
        biased;
        game_result = game => game_result,
        error = servers.failed() => Err(error),
    };
    let close_result = servers.close().await;
    game_result.and(close_result)
}
