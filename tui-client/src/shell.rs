//! The game on the screen: the loop between what happens, the game that decides, and what it asks for.
//!
//! Owns the order of things: take the terminal, draw, wait, hand on, give the terminal back. It decides nothing: every
//! event goes to [`update`](crate::app::update), every effect is carried out as it says. One loop owns the state; the
//! tasks beside it only tell it what happens.

mod clock;
mod ids;
mod keys;
mod pace;
mod replay;
mod signals;
mod stream;
mod tasks;
mod terminal;

pub use replay::replay;
pub use signals::told_to_stop;
pub use terminal::restore;

use std::{
    collections::VecDeque,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use color_eyre::eyre::{Result, WrapErr};
use tokio::sync::mpsc;

use crate::{
    app::{self, AppState, Effect, Event},
    cli::VERSION,
    client::{Client, Order},
    recording::{Header, Recorder},
    ui::{Seen, View},
};
use ids::Ids;
use pace::Pace;
use signals::{Signal, Signals};
use tasks::{News, Tasks};
use terminal::Screen;

/// Events that may wait for the loop.
const EVENT_QUEUE: usize = 1024;

/// Events taken before the next look at the clock.
const EVENT_BATCH: usize = 256;

/// How long leaving waits for the answers to orders that are under way.
const LEAVE_DEADLINE: Duration = Duration::from_secs(2);

/// How a game ended.
#[derive(Debug)]
pub struct Ended {
    /// How it stood then.
    pub state: AppState,
    /// In words, why the recording is not of the whole game, if it is not.
    pub recording_stopped: Option<String>,
}

/// Plays on the screen until the player leaves or the process is told to end. What happens is written down by
/// `recorder`, if there is one.
///
/// # Errors
///
/// When the terminal cannot be used, or a part of the game breaks down. The terminal is whole again by then.
pub async fn play(
    client: Client,
    seat: app::Seat,
    settings: app::Settings,
    view: View,
    mut recorder: Option<Recorder>,
) -> Result<Ended> {
    let signals = Signals::listen().wrap_err("cannot listen to signals")?;
    let screen = Screen::take().wrap_err("cannot take the terminal")?;
    let size = screen.size().wrap_err("cannot ask for the terminal's size")?;
    let (sender, events) = mpsc::channel(EVENT_QUEUE);
    let tasks = Tasks::start(client, sender)?;
    let now = clock::now();
    if let Some(recorder) = &mut recorder {
        recorder.start(&Header {
            version: VERSION.to_owned(),
            seat: seat.clone(),
            settings: settings.clone(),
            columns: size.0,
            rows: size.1,
            at: now,
        });
    }
    let (state, first) = AppState::with(settings, seat, size, now);
    let game = Game {
        state,
        view,
        seen: Seen::default(),
        screen,
        pace: Pace::new(),
        signals,
        tasks,
        ids: Ids::new(),
        recorder,
    };
    game.play(first, events).await
}

/// What wakes the loop.
enum Happening {
    Signal(Signal),
    News(News),
    Events,
    FrameDue,
    Woken,
}

/// The game, its screen and its tasks: all that the loop owns.
struct Game {
    state: AppState,
    view: View,
    /// What the last frame showed.
    seen: Seen,
    screen: Screen,
    pace: Pace,
    signals: Signals,
    tasks: Tasks,
    ids: Ids,
    recorder: Option<Recorder>,
}

impl Game {
    /// Plays, gives the terminal back, and leaves the table in order: also after a failure.
    async fn play(mut self, first: Vec<Effect>, mut events: mpsc::Receiver<Event>) -> Result<Ended> {
        let played = self.run(first, &mut events).await;
        drop(self.screen);
        let finished = self.tasks.finish(events, LEAVE_DEADLINE).await;
        match played {
            // The window may be closed in the middle of a frame, before the signal says so.
            Err(error) if terminal::has_hung_up() => {
                tracing::warn!(error = %format_args!("{error:#}"), "the terminal has hung up");
                finished?;
            }
            played => played.and(finished)?,
        }
        let stopped = self.recorder.as_ref().and_then(|recorder| recorder.stopped());
        Ok(Ended {
            recording_stopped: stopped.map(str::to_owned),
            state: self.state,
        })
    }

    async fn run(&mut self, first: Vec<Effect>, events: &mut mpsc::Receiver<Event>) -> Result<()> {
        let mut batch = Vec::with_capacity(EVENT_BATCH);
        let mut flow = self.carry_out(first).await?;
        while flow.is_continue() {
            self.draw_if_due()?;
            flow = match self.next(events, &mut batch).await? {
                Happening::Signal(Signal::Stop) | Happening::News(News::TerminalGone) => {
                    self.tell(Event::ToldToStop).await?
                }
                Happening::Signal(Signal::Continued) => self.retake_screen().await?,
                Happening::News(News::Seat(event)) => self.tell(Event::Stream(event)).await?,
                Happening::Events => self.tell_all(batch.drain(..)).await?,
                Happening::FrameDue => ControlFlow::Continue(()),
                Happening::Woken => self.tell(Event::Woken).await?,
            };
        }
        Ok(())
    }

    /// Sleeps until something happens.
    async fn next(
        &mut self,
        events: &mut mpsc::Receiver<Event>,
        batch: &mut Vec<Event>,
    ) -> Result<Happening> {
        let now = Instant::now();
        let frame = self.pace.next_frame(now);
        let wake = self
            .state
            .next_wake()
            .map(|at| now + clock::until(at, clock::now()));
        Ok(tokio::select! {
            biased;
            signal = self.signals.next() => Happening::Signal(signal),
            _ = events.recv_many(batch, EVENT_BATCH) => Happening::Events,
            news = self.tasks.next() => Happening::News(news?),
            () = at(frame) => Happening::FrameDue,
            () = at(wake) => Happening::Woken,
        })
    }

    fn draw_if_due(&mut self) -> Result<()> {
        let now = Instant::now();
        if !self.pace.is_due(now) {
            return Ok(());
        }
        self.pace.note_frame(now);
        self.screen
            .draw(|frame| self.seen = self.view.draw(&self.state, frame))
            .wrap_err("cannot draw on the terminal")
    }

    async fn tell_all(&mut self, events: impl Iterator<Item = Event>) -> Result<ControlFlow<()>> {
        for event in events {
            if self.tell(event).await?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Hands an event to the game and carries out what it asks for.
    async fn tell(&mut self, event: Event) -> Result<ControlFlow<()>> {
        self.pace.note_change();
        let effects = self.update(event);
        self.carry_out(effects).await
    }

    /// The one way of an event into the game. A key or a click is meant for what its player saw, so that is told first.
    fn update(&mut self, event: Event) -> Vec<Effect> {
        if matches!(event, Event::Key(_) | Event::Mouse(_)) {
            if self.seen.reach != self.state.screen.reach {
                self.take_in(Event::Reach(self.seen.reach));
            }
            if self.seen.buttons != self.state.screen.buttons {
                self.take_in(Event::Buttons(self.seen.buttons.clone()));
            }
            if self.seen.sight != self.state.chart.sight {
                self.take_in(Event::Sight(self.seen.sight.clone()));
            }
        }
        self.take_in(event)
    }

    /// What is not recorded here has not happened.
    fn take_in(&mut self, event: Event) -> Vec<Effect> {
        let now = clock::now();
        if let Some(recorder) = &mut self.recorder {
            recorder.note(now, self.state.as_recorded(&event));
        }
        app::update(&mut self.state, now, event)
    }

    /// Carries out effects in order; what comes of one at once is told to the game, and may ask for more.
    async fn carry_out(&mut self, effects: Vec<Effect>) -> Result<ControlFlow<()>> {
        let mut waiting = VecDeque::from(effects);
        while let Some(effect) = waiting.pop_front() {
            let outcome = match effect {
                Effect::Connect { after_ms } => {
                    self.tasks
                        .connect(Duration::from_millis(u64::try_from(after_ms).unwrap_or(0)));
                    None
                }
                Effect::Send {
                    side,
                    count,
                    limit,
                    slip,
                } => {
                    let id = self.ids.of(slip);
                    self.tasks.send(Order {
                        side,
                        count,
                        limit,
                        id,
                    })
                }
                Effect::Leave => {
                    self.tasks.leave();
                    None
                }
                Effect::Call(call) => self.tasks.call(call),
                Effect::Copy(text) => {
                    self.screen.copy(&text).wrap_err("cannot write to the terminal")?;
                    None
                }
                Effect::Export { file_name, text } => {
                    self.tasks.export(file_name, text);
                    None
                }
                Effect::Repaint => {
                    self.repaint()?;
                    None
                }
                Effect::Suspend => Some(self.suspend().await?),
                Effect::Quit => return Ok(ControlFlow::Break(())),
            };
            if let Some(event) = outcome {
                waiting.extend(self.update(event));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn repaint(&mut self) -> Result<()> {
        self.pace.note_change();
        self.screen.forget().wrap_err("cannot repaint the terminal")
    }

    /// Gives the terminal back, stops the process, and takes the terminal again when it is continued.
    async fn suspend(&mut self) -> Result<Event> {
        restore();
        self.signals
            .stop_process()
            .await
            .wrap_err("cannot stop the process")?;
        self.screen_again()
    }

    async fn retake_screen(&mut self) -> Result<ControlFlow<()>> {
        let resized = self.screen_again()?;
        self.tell(resized).await
    }

    /// Takes the screen after somebody else had it; it may have another size.
    fn screen_again(&mut self) -> Result<Event> {
        self.pace.note_change();
        self.screen.retake().wrap_err("cannot take the terminal again")?;
        let (columns, rows) = self
            .screen
            .size()
            .wrap_err("cannot ask for the terminal's size")?;
        Ok(Event::Resized(columns, rows))
    }
}

/// Completes at `moment`; without one, never.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}
