//! Cost of a frame: state to cells, the difference to the last frame, and the difference as bytes.
//!
//! `cargo bench -p awesomestock --bench frame` prints a table. Each frame follows one tick of a market with 10,000
//! prices, so the chart scrolls. The reference is a screen of plain text that changes completely, drawn in turn with
//! the main screen: it shows what ratatui and the escape sequences cost alone. Compare ratios, not times.

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

use awesomestock::app::chart::ChartKind;
use awesomestock::app::event::StreamEvent;
use awesomestock::app::{AppState, Event, update};
use awesomestock::ui::Renderer;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::widgets::Paragraph;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

#[path = "../tests/fixtures/mod.rs"]
mod fixtures;

/// Frames of each kind.
const FRAMES: i64 = 2_000;

/// Frames drawn before measuring.
const WARM_UP: i64 = 50;

/// Counts the bytes written to it and its clones.
#[derive(Default, Clone)]
struct Sink(Rc<Cell<usize>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A terminal whose output is only counted.
struct Screen {
    terminal: Terminal<CrosstermBackend<Sink>>,
    written: Sink,
}

impl Screen {
    fn new(columns: u16, rows: u16) -> io::Result<Self> {
        let written = Sink::default();
        let viewport = Viewport::Fixed(Rect::new(0, 0, columns, rows));
        let backend = CrosstermBackend::new(written.clone());
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport })?;
        Ok(Self { terminal, written })
    }
}

/// Measurements of one kind of frame.
#[derive(Default)]
struct Measured {
    times: Vec<Duration>,
    bytes: usize,
}

impl Measured {
    fn add(&mut self, screen: &mut Screen, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let before = screen.written.0.get();
        let start = Instant::now();
        screen.terminal.draw(draw)?;
        self.times.push(start.elapsed());
        self.bytes += screen.written.0.get() - before;
        Ok(())
    }

    /// The time in microseconds that `percent` of the frames stay below.
    fn percentile(&mut self, percent: usize) -> u128 {
        self.times.sort_unstable();
        let index = self.times.len().saturating_sub(1) * percent / 100;
        self.times.get(index).map_or(0, Duration::as_micros)
    }

    fn bytes_per_frame(&self) -> usize {
        self.bytes / self.times.len().max(1)
    }
}

/// Applies one tick of the market.
fn tick(state: &mut AppState, price: i32) {
    let at = state.now.plus_ms(1_000);
    let price = StreamEvent::Price {
        tick: None,
        price,
        at: None,
        interval_ms: Some(1_000),
    };
    update(state, at, Event::Stream(price));
}

/// Plain text of the screen's size that differs from frame to frame.
fn plain(columns: u16, rows: u16, number: i64) -> String {
    let letters = "awesomestock "
        .chars()
        .cycle()
        .skip(usize::try_from(number % 13).unwrap_or(0));
    let row: String = letters.take(usize::from(columns)).collect();
    vec![row; usize::from(rows)].join("\n")
}

fn measure(
    view: &Renderer,
    columns: u16,
    rows: u16,
    kind: ChartKind,
    zoom: Option<usize>,
) -> io::Result<[Measured; 3]> {
    let mut game_screen = Screen::new(columns, rows)?;
    let mut plain_screen = Screen::new(columns, rows)?;
    let mut state = fixtures::playing();
    state.market = fixtures::walk(10_000);
    state.chart.kind = Some(kind);
    state.chart.zoom = zoom;
    let [mut ticks, mut same, mut ceiling] = <[Measured; 3]>::default();
    for (number, price) in (0..WARM_UP + FRAMES).zip(fixtures::prices().skip(10_000)) {
        if number == WARM_UP {
            [ticks, same, ceiling] = Default::default();
        }
        tick(&mut state, price);
        ticks.add(&mut game_screen, |frame| _ = view.draw(&state, frame))?;
        same.add(&mut game_screen, |frame| _ = view.draw(&state, frame))?;
        let text = plain(columns, rows, number);
        ceiling.add(&mut plain_screen, |frame| {
            frame.render_widget(Paragraph::new(text.as_str()), frame.area());
        })?;
    }
    Ok([ticks, same, ceiling])
}

fn main() -> io::Result<()> {
    let view = fixtures::view();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{FRAMES} frames each, times in microseconds, 10,000 prices kept"
    )?;
    writeln!(
        out,
        "{:<8}  {:<40}  {:>6}  {:>6}  {:>11}  {:>7}",
        "size", "frame", "p50", "p99", "bytes/frame", "ratio"
    )?;
    let sizes = [(80, 24), (120, 36), (200, 60)].map(|size| (size, ChartKind::Area, None));
    let kinds = ChartKind::ALL.map(|kind| ((200, 60), kind, Some(10_000)));
    let rest = [ChartKind::Line, ChartKind::Candles, ChartKind::Bars].map(|kind| ((200, 60), kind, None));
    for ((columns, rows), kind, zoom) in sizes.into_iter().chain(rest).chain(kinds) {
        let [mut ticks, mut same, mut ceiling] = measure(&view, columns, rows, kind, zoom)?;
        let floor = ceiling.percentile(50).max(1);
        let size = format!("{columns}x{rows}");
        let shown = if zoom.is_some() { ", 10,000 in sight" } else { "" };
        for (name, measured) in [
            (format!("{kind:?}{shown}: after a tick").as_str(), &mut ticks),
            ("nothing changed", &mut same),
            ("ceiling: plain text", &mut ceiling),
        ] {
            let (p50, p99) = (measured.percentile(50), measured.percentile(99));
            let hundredths = p50 * 100 / floor;
            writeln!(
                out,
                "{size:<8}  {name:<40}  {p50:>6}  {p99:>6}  {:>11}  {:>4}.{:02}",
                measured.bytes_per_frame(),
                hundredths / 100,
                hundredths % 100
            )?;
        }
    }
    Ok(())
}
