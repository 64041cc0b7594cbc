//! The event loop of the game on the screen. One loop owns the state: it passes every event to
//! [`update`](crate::app::update) and runs the effects. It reads the session itself; tasks send it the other events.

pub(crate) mod clock;
mod ids;
mod input;
mod replay;
pub mod report;
mod session;
mod signals;
mod tasks;
mod terminal;

use std::collections::VecDeque;
use std::future;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ids::OrderIds;
pub use replay::replay;
use session::Session;
use signals::{Signal, Signals};
pub use signals::{end_by_signal, stop_requested};
use tasks::Tasks;
use terminal::TerminalGuard;
pub use terminal::restore;
use tokio::sync::{mpsc, watch};

use crate::app::commands::lab::Faults;
use crate::app::event::Kept;
use crate::app::wire::WireEvent;
use crate::app::{self, AppState, Effect, Event};
use crate::client::Client;
use crate::solo::challenge::trade_file::TradeFile;
use crate::storage::live_cast::LiveCast;
use crate::storage::progress::{self, OrdersShown};
use crate::storage::recording::{Header, Recorder};
use crate::ui::frame_limiter::FrameLimiter;
use crate::ui::{FrameInfo, Renderer};

/// Events that may wait for the loop.
const EVENT_QUEUE: usize = 1024;

/// Most events handled before a frame may be drawn.
const EVENT_BATCH: usize = 256;

/// Longest wait for the results of open orders when the player leaves.
const LEAVE_DEADLINE: Duration = Duration::from_secs(2);

/// Optional parts of a game.
#[derive(Debug, Default)]
pub struct PlayOptions {
    /// Records the events.
    pub recorder: Option<Recorder>,
    /// Writes the frames to a file.
    pub cast: Option<LiveCast>,
    /// Receives the faults of the lab.
    pub faults: Option<watch::Sender<Faults>>,
    /// The data folder of a game with achievements.
    pub achievements: Option<PathBuf>,
    /// The proof of a challenge that counts.
    pub trades: Option<TradeFile>,
    /// Which ends of resting orders the player has been shown.
    pub orders_shown: Option<OrdersShown>,
}

impl PlayOptions {
    /// Returns the files that are incomplete, each with the reason.
    pub(crate) fn stopped(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let recording = self.recorder.as_ref().and_then(Recorder::stopped);
        let cast = self.cast.as_ref().and_then(LiveCast::stopped);
        [("recording", recording), ("cast", cast)]
            .into_iter()
            .filter_map(|(name, why)| Some((name, why?)))
    }
}

/// Plays on the screen until the player leaves or a signal ends the process. Returns the last state, and the options with
/// their files. Fails if the terminal cannot be used, or a task failed. The terminal is restored before.
pub async fn play(
    client: Client,
    info: app::SessionInfo,
    settings: app::Settings,
    view: Renderer,
    mut options: PlayOptions,
) -> Result<(AppState, PlayOptions)> {
    let signals = Signals::listen().context("cannot listen to signals")?;
    let screen = TerminalGuard::enter().context("cannot set up the terminal")?;
    let size = screen.size()?;
    let (sender, events) = mpsc::channel(EVENT_QUEUE);
    let wire = client.watch_wire(clock::unix_micros);
    let tasks = Tasks::start(client.clone(), sender)?;
    let now = clock::now();
    if let Some(recorder) = &mut options.recorder {
        recorder.start(&Header {
            version: awesomestock_proto::VERSION.to_owned(),
            info: info.clone(),
            settings: settings.clone(),
            columns: size.0,
            rows: size.1,
            at: now,
        });
    }
    let (state, first) = AppState::with_settings(settings, info, size, now);
    let game = Runtime {
        state,
        view,
        seen: FrameInfo::default(),
        screen,
        pace: FrameLimiter::new(),
        signals,
        client,
        session: Session::Closed,
        tasks,
        ids: OrderIds::new(),
        wire,
        options,
        reported: Vec::new(),
    };
    game.play(first, events).await
}

struct Runtime {
    state: AppState,
    view: Renderer,
    seen: FrameInfo,
    screen: TerminalGuard,
    pace: FrameLimiter,
    signals: Signals,
    client: Client,
    session: Session,
    tasks: Tasks,
    ids: OrderIds,
    wire: mpsc::Receiver<WireEvent>,
    options: PlayOptions,
    /// Incomplete files that were reported to the player.
    reported: Vec<&'static str>,
}

impl Runtime {
    /// Plays, restores the terminal and leaves the session in order, also after a failure.
    async fn play(
        mut self,
        first: Vec<Effect>,
        mut events: mpsc::Receiver<Event>,
    ) -> Result<(AppState, PlayOptions)> {
        let played = self.run(first, &mut events).await;
        drop(self.screen);
        let finish = async {
            let session = async {
                self.session.finish().await;
                Ok(())
            };
            tokio::try_join!(session, self.tasks.finish()).map(drop)
        };
        let finished = tokio::select! {
            finished = finish => finished,
            // No task waits for room in the queue.
            () = async { while events.recv().await.is_some() {} } => Ok(()),
            () = tokio::time::sleep(LEAVE_DEADLINE) => Ok(()),
        };
        match played {
            // The window was closed during a frame, before SIGHUP arrived.
            Err(error) if terminal::has_hung_up() => {
                tracing::warn!(error = %format_args!("{error:#}"), "the terminal has hung up");
                signals::end_by_hangup();
                finished?;
            }
            played => played.and(finished)?,
        }
        if let Some(cast) = &mut self.options.cast {
            cast.finish(&self.state);
        }
        Ok((self.state, self.options))
    }

    /// Draws if a frame is due, waits for the next events, and passes them to the reducer, up to one that ends the game.
    async fn run(&mut self, first: Vec<Effect>, events: &mut mpsc::Receiver<Event>) -> Result<()> {
        let mut batch = Vec::with_capacity(EVENT_BATCH);
        let mut flow = self.run_effects(first).await?;
        while flow.is_continue() {
            self.draw_if_due()?;
            let now = Instant::now();
            let frame = self.pace.next_frame(now);
            let wake = self
                .state
                .next_wake()
                .map(|at| now + clock::until(at, clock::now()));
            tokio::select! {
                biased;
                signal = self.signals.next() => batch.push(self.on_signal(signal).await?),
                _ = events.recv_many(&mut batch, EVENT_BATCH) => {}
                Some(event) = self.wire.recv() => self.show_wire(event),
                event = self.session.next() => {
                    batch.push(Event::Stream(event));
                    self.read_ready(&mut batch).await;
                }
                gone = self.tasks.terminal_gone() => {
                    gone?;
                    signals::end_by_hangup();
                    batch.push(Event::Shutdown);
                }
                () = at(frame) => {}
                () = at(wake) => batch.push(Event::Timer),
            }
            for event in batch.drain(..) {
                let effects = self.update(event);
                flow = self.run_effects(effects).await?;
                if flow.is_break() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Adds the events of the session that are ready, so that one frame shows them.
    async fn read_ready(&mut self, batch: &mut Vec<Event>) {
        while batch.len() < EVENT_BATCH {
            tokio::select! {
                biased;
                event = self.session.next() => batch.push(Event::Stream(event)),
                () = future::ready(()) => break,
            }
        }
        // A message is shown before what it changes.
        while let Ok(event) = self.wire.try_recv() {
            self.show_wire(event);
        }
    }

    fn draw_if_due(&mut self) -> Result<()> {
        let now = Instant::now();
        if !self.pace.is_due(now) {
            return Ok(());
        }
        self.write_trades();
        self.report_stopped();
        self.pace.mark_drawn(now);
        self.screen
            .draw(|frame| self.seen = self.view.draw(&self.state, frame))?;
        if let Some(cast) = &mut self.options.cast {
            cast.draw(&self.view, &self.state);
        }
        Ok(())
    }

    /// Shows once that the recording or the cast has stopped, for example because the disk is full.
    fn report_stopped(&mut self) {
        let is_new = |(name, _): &(&str, &str)| !self.reported.contains(name);
        let stopped = self.options.stopped().filter(is_new);
        let notices: Vec<_> = stopped
            .map(|(name, why)| (name, format!("{name} stopped: {why}")))
            .collect();
        for (name, text) in notices {
            self.reported.push(name);
            self.update(Event::Notice(text));
        }
    }

    /// Adds a row to the wire pane. It is not recorded: a replay encodes the messages again.
    fn show_wire(&mut self, event: WireEvent) {
        if self.state.wire.view.is_open {
            self.pace.mark_changed();
        }
        app::update(&mut self.state, clock::now(), Event::Wire(event));
    }

    /// Updates the state. Every event passes here, so that a recording is complete. Before a key or a click comes the frame
    /// that the player saw, if it has changed.
    fn update(&mut self, event: Event) -> Vec<Effect> {
        if let Event::Key(_) | Event::Mouse(_) = event
            && let Some(frame) = self.seen.change(&self.state)
        {
            self.update(frame);
        }
        self.pace.mark_changed();
        let now = clock::now();
        if let Some(recorder) = &mut self.options.recorder {
            recorder.record(now, self.state.redacted(&event));
        }
        let effects = app::update(&mut self.state, now, event);
        if let (Some(shown), Some(end)) = (&mut self.options.orders_shown, self.state.orders.shown()) {
            shown.keep(end);
        }
        effects
    }

    /// Runs effects in order. An effect may cause an event at once, and that event more effects.
    async fn run_effects(&mut self, effects: Vec<Effect>) -> Result<ControlFlow<()>> {
        let mut waiting = VecDeque::from(effects);
        while let Some(effect) = waiting.pop_front() {
            let mut caused = None;
            match effect {
                Effect::Connect { after_ms } => {
                    let after = Duration::from_millis(u64::try_from(after_ms).unwrap_or(0));
                    self.client.set_orders_seen(self.state.orders.seen());
                    self.session = Session::open(self.client.clone(), after);
                }
                Effect::Send(order) => {
                    let order = order.with_id(self.ids.request_id(order.id));
                    caused = self.session.send(order).map(Event::Stream);
                }
                Effect::CollectWire => self.client.collect_wire(),
                Effect::Leave => self.session.leave(),
                Effect::Call(call) => caused = self.tasks.call(call),
                Effect::Copy(text) => self.screen.copy(&text)?,
                Effect::Ring(text) => self.screen.ring(text.as_deref())?,
                Effect::Export { file_name, text } => self.tasks.export(file_name, text),
                Effect::Keep(kept) => caused = self.keep(kept),
                Effect::Inject(faults) => {
                    if let Some(sender) = &self.options.faults {
                        sender.send_replace(faults);
                    }
                }
                Effect::Repaint => {
                    self.pace.mark_changed();
                    self.screen.invalidate().context("cannot repaint the terminal")?;
                }
                Effect::Suspend => caused = Some(self.reclaim_terminal(Signal::Suspend).await?),
                Effect::Quit => return Ok(ControlFlow::Break(())),
            }
            if let Some(event) = caused {
                waiting.extend(self.update(event));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Writes the trades of a challenge that the next frame shows.
    fn write_trades(&mut self) {
        let written = self.options.trades.as_mut().map_or(Ok(()), TradeFile::write);
        if let Err(error) = written {
            tracing::warn!(error = %format_args!("{error:#}"), "the trades are not kept");
            self.update(Event::Notice(format!("cannot keep the trades: {error:#}")));
        }
    }

    /// Stores a result in its file. Returns the event that reports a failure.
    fn keep(&mut self, kept: Kept) -> Option<Event> {
        let (done, what) = match kept {
            Kept::Achievement(earned) => {
                let data_dir = self.options.achievements.as_deref()?;
                let added = progress::add_achievement(data_dir, earned);
                (added.map_err(Into::into), "achievement")
            }
            Kept::Trade(trade) => (self.options.trades.as_mut()?.add(trade), "trade"),
        };
        let error = done.err()?;
        tracing::warn!(error = %format_args!("{error:#}"), what, "not kept");
        Some(Event::Notice(format!("cannot keep the {what}: {error:#}")))
    }

    async fn on_signal(&mut self, signal: Signal) -> Result<Event> {
        match signal {
            Signal::Stop => Ok(Event::Shutdown),
            Signal::Resized => self.resized(),
            // As the key.
            Signal::Suspend if self.state.session.settings.is_challenge() => {
                Ok(Event::Notice("a challenge cannot be suspended".to_owned()))
            }
            Signal::Continued | Signal::Suspend => self.reclaim_terminal(signal).await,
        }
    }

    /// Takes the terminal again after it was given up; its size may have changed.
    async fn reclaim_terminal(&mut self, signal: Signal) -> Result<Event> {
        let signal = self.screen.re_enter(signal, &mut self.signals).await;
        match signal.context("cannot set up the terminal again")? {
            Signal::Stop => Ok(Event::Shutdown),
            Signal::Continued | Signal::Suspend | Signal::Resized => self.resized(),
        }
    }

    fn resized(&mut self) -> Result<Event> {
        self.pace.mark_changed();
        let (columns, rows) = self.screen.size()?;
        Ok(Event::Resized(columns, rows))
    }
}

/// Completes at `moment`; never without one.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => future::pending().await,
    }
}
