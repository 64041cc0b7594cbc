//! Viewing the chart by keys and mouse: the visible range before and after.

mod fixtures;

use awesomestock::app::chart::{ChartKind, Crosshair, MAX_MARKERS, TradeMarkers};
use awesomestock::app::commands::action::Action;
use awesomestock::app::event::{OrderResult, Request, RequestError, Response, StreamEvent, TradeRow};
use awesomestock::app::overlay::screen::ClickAction;
use awesomestock::app::portfolio::money::{Side, UnixMillis};
use awesomestock::app::portfolio::order::Order;
use awesomestock::app::prices::PricePoint;
use awesomestock::app::{AppState, Effect, Event, update};
use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// A game at 120x36 that draws a frame after each event, like the event loop.
struct Game(AppState);

impl Game {
    /// Creates a game that has the prices of `ticks`.
    fn new(ticks: std::ops::RangeInclusive<i64>) -> Self {
        let prices = fixtures::prices().take(12_000).collect::<Vec<_>>();
        let points = ticks.map(|tick| (tick, prices[usize::try_from(tick).unwrap()]));
        let mut game = Self(fixtures::priced(points));
        game.draw();
        game
    }

    /// Draws a frame, and returns what it has changed.
    fn frame_change(&self) -> Option<Event> {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 36));
        fixtures::view().draw_to(&self.0, &mut buffer).change(&self.0)
    }

    fn draw(&mut self) {
        if let Some(change) = self.frame_change() {
            update(&mut self.0, fixtures::NOW, change);
        }
    }

    fn event(&mut self, event: Event) -> Vec<Effect> {
        let effects = update(&mut self.0, fixtures::NOW, event);
        self.draw();
        effects
    }

    fn press(&mut self, codes: &[KeyCode]) -> Vec<Effect> {
        let press = |code: &KeyCode| self.event(Event::Key(KeyEvent::new(*code, KeyModifiers::NONE)));
        codes.iter().flat_map(press).collect()
    }

    fn keys(&mut self, letters: &str) -> Vec<Effect> {
        let codes: Vec<_> = letters.chars().map(KeyCode::Char).collect();
        self.press(&codes)
    }

    fn mouse(&mut self, kind: MouseEventKind, column: u16, row: u16) -> Vec<Effect> {
        self.event(Event::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }))
    }

    /// The first and the last visible tick.
    fn visible_ticks(&self) -> (i64, i64) {
        let hit_map = &self.0.chart.hit_map;
        (hit_map.first, hit_map.slots.last().unwrap().tick)
    }

    fn visible_count(&self) -> i64 {
        let (first, last) = self.visible_ticks();
        last - first + 1
    }

    fn crosshair(&self) -> Option<i64> {
        self.0.chart.crosshair.map(|crosshair| crosshair.tick)
    }

    fn tick(&mut self) {
        let tick = self.0.market.last().map(|last| last.tick + 1);
        self.event(Event::Stream(StreamEvent::Price {
            tick,
            price: 50,
            at: None,
            interval_ms: Some(1000),
        }));
    }
}

fn older(before: i64) -> Vec<Effect> {
    vec![Effect::Call(Request::History { before: Some(before) })]
}

#[test]
fn one_key_cycles_through_all_kinds() {
    let mut game = Game::new(0..=500);
    let mut kinds = Vec::new();
    for _ in 0..5 {
        kinds.push(game.0.chart.hit_map.kind);
        game.keys("c");
    }
    assert_eq!(
        kinds,
        [
            ChartKind::Area,
            ChartKind::Line,
            ChartKind::Candles,
            ChartKind::Bars,
            ChartKind::Area
        ]
    );
}

#[test]
fn one_key_cycles_through_the_intervals_of_candles() {
    let mut game = Game::new(0..=2_000);
    let mut visible = Vec::new();
    for _ in 0..6 {
        game.keys("i");
        let slots = &game.0.chart.hit_map.slots;
        let ticks = slots[slots.len() - 2].tick - slots[slots.len() - 3].tick;
        visible.push((game.0.chart.hit_map.kind, game.0.chart.interval, ticks));
    }
    let candles = |interval, ticks| (ChartKind::Candles, interval, ticks);
    assert_eq!(
        visible,
        [
            candles(None, 5),
            candles(Some(5), 5),
            candles(Some(15), 15),
            candles(Some(60), 60),
            candles(None, 5),
            candles(Some(5), 5),
        ]
    );
}

#[test]
fn zoom_is_limited_to_a_few_prices_and_all() {
    let mut game = Game::new(0..=2_999);
    game.keys("++++++++++++");
    assert_eq!(game.0.chart.zoom, Some(20));
    assert!(
        (15..=20).contains(&game.visible_count()),
        "{:?}",
        game.visible_ticks()
    );
    game.keys("------------");
    assert_eq!(game.0.chart.zoom, Some(5_000));
    assert_eq!(game.visible_ticks(), (0, 2_999));
    game.press(&[KeyCode::End]);
    assert_eq!(game.0.chart.zoom, None);
}

#[test]
fn panning_stops_at_both_ends() {
    let mut game = Game::new(0..=2_999);
    game.keys("++-");
    let count = i64::try_from(game.0.chart.zoom.unwrap()).unwrap();
    game.press(&[KeyCode::Left]);
    let (_, right) = game.visible_ticks();
    assert_eq!(right, 2_999 - count / 4);
    // New prices do not move the visible range.
    game.tick();
    assert_eq!(game.visible_ticks().1, right);
    for _ in 0..100 {
        assert_eq!(game.press(&[KeyCode::Left]), []);
    }
    assert_eq!(game.visible_ticks(), (0, count - 1));
    game.press(&[KeyCode::End]);
    game.press(&[KeyCode::Home]);
    assert_eq!(game.visible_ticks(), (0, count - 1));
    for _ in 0..200 {
        game.press(&[KeyCode::Right]);
    }
    assert_eq!(
        game.0.chart.right, None,
        "at the newest price the chart follows again"
    );
    game.tick();
    assert_eq!(game.visible_ticks().1, 3_001);
}

#[test]
fn a_held_key_pans_and_never_trades() {
    let mut game = Game::new(0..=999);
    game.keys("+");
    let held = |code| {
        Event::Key(KeyEvent {
            kind: KeyEventKind::Repeat,
            ..KeyEvent::new(code, KeyModifiers::NONE)
        })
    };
    let before = game.visible_ticks();
    game.event(held(KeyCode::Left));
    assert_ne!(game.visible_ticks(), before);
    assert_eq!(game.event(held(KeyCode::Char('b'))), []);
}

#[test]
fn older_prices_are_requested_once_at_the_left_end() {
    let mut game = Game::new(5_000..=6_999);
    assert_eq!(game.press(&[KeyCode::Home]), older(5_000));
    assert_eq!(game.press(&[KeyCode::Home, KeyCode::Left]), []);
    game.event(Event::Failed(
        Request::History { before: Some(5_000) },
        RequestError::Unanswered("no".to_owned()),
    ));
    assert_eq!(game.press(&[KeyCode::Left]), older(5_000));
    let visible = game.visible_ticks();
    let page: Vec<_> = (3_000..5_000)
        .map(|tick| PricePoint {
            tick,
            price: 9,
            at: UnixMillis(tick),
        })
        .collect();
    game.event(Event::Answered(Response::History {
        before: Some(5_000),
        prices: page,
        more: true,
    }));
    assert_eq!(
        game.visible_ticks().1,
        visible.1,
        "the visible range does not move"
    );
    game.press(&[KeyCode::Left]);
    assert!(game.visible_ticks().0 < 5_000);
    assert_eq!(game.press(&[KeyCode::Home]), older(3_000));
}

#[test]
fn older_prices_are_not_requested_if_there_are_none() {
    let mut first = Game::new(0..=600);
    assert_eq!(first.press(&[KeyCode::Home]), []);
    let mut live = Game::new(50..=100);
    assert_eq!(live.keys("++c%x"), []);
}

#[test]
fn the_crosshair_moves_by_slot_and_scrolls_the_chart() {
    let mut game = Game::new(0..=999);
    game.keys("++++");
    game.keys("x");
    assert_eq!(game.crosshair(), Some(999));
    game.press(&[KeyCode::Left, KeyCode::Left, KeyCode::Right]);
    assert_eq!(game.crosshair(), Some(998));
    for _ in 0..40 {
        game.press(&[KeyCode::Left]);
    }
    assert_eq!(game.crosshair(), Some(958));
    let (first, last) = game.visible_ticks();
    assert!((first..=last).contains(&958), "{first} to {last}");
    game.press(&[KeyCode::Home]);
    assert_eq!((game.crosshair(), game.visible_ticks().0), (Some(0), 0));
    game.press(&[KeyCode::Left]);
    assert_eq!(game.crosshair(), Some(0));
    game.press(&[KeyCode::End]);
    assert_eq!(game.crosshair(), Some(999));
    game.keys("x");
    assert_eq!(game.crosshair(), None);
}

#[test]
fn the_mouse_moves_pins_and_zooms_only_over_the_chart() {
    let mut game = Game::new(0..=999);
    let area = game.0.chart.hit_map.area;
    let (right, bottom) = (area.x + area.width - 1, area.y + area.height - 1);
    game.mouse(MouseEventKind::Moved, area.x, area.y);
    assert_eq!(game.crosshair(), Some(game.0.chart.hit_map.slots[0].tick));
    game.mouse(MouseEventKind::Moved, right + 1, bottom);
    assert_eq!(game.crosshair(), None, "beside the chart");
    for outside in [(0, 0), (u16::MAX, u16::MAX), (area.x, 0)] {
        game.mouse(MouseEventKind::Moved, outside.0, outside.1);
        game.mouse(MouseEventKind::Down(MouseButton::Left), outside.0, outside.1);
        game.mouse(MouseEventKind::ScrollUp, outside.0, outside.1);
        assert_eq!((game.crosshair(), game.0.chart.zoom), (None, None), "{outside:?}");
    }
    let middle = area.x + area.width / 2;
    game.mouse(MouseEventKind::Down(MouseButton::Left), middle, bottom);
    let pinned = game.0.chart.crosshair;
    assert!(matches!(pinned, Some(Crosshair { pinned: true, .. })));
    game.mouse(MouseEventKind::Moved, right, bottom);
    assert_eq!(game.0.chart.crosshair, pinned, "a pinned crosshair does not move");
    game.mouse(MouseEventKind::Down(MouseButton::Left), middle, bottom);
    assert_eq!(game.crosshair(), None);
    game.mouse(MouseEventKind::ScrollUp, middle, bottom);
    assert!(game.0.chart.zoom.is_some());
}

#[test]
fn a_dragged_chart_follows_the_mouse() {
    let mut game = Game::new(0..=2_999);
    game.keys("++");
    let (first, last) = game.visible_ticks();
    let area = game.0.chart.hit_map.area;
    let row = area.y + 1;
    let tick_at = |game: &Game, column| game.0.chart.hit_map.tick_at(column, row).unwrap();
    let held = tick_at(&game, area.x + 10);
    game.mouse(MouseEventKind::Down(MouseButton::Left), area.x + 10, row);
    game.mouse(MouseEventKind::Drag(MouseButton::Left), area.x + 20, row);
    game.mouse(MouseEventKind::Drag(MouseButton::Left), area.x + 40, row);
    let moved_to = tick_at(&game, area.x + 40);
    let ticks_per_column = (last - first) / i64::from(area.width) + 1;
    assert!(
        (held - moved_to).abs() <= 2 * ticks_per_column,
        "{held} is at {moved_to}"
    );
    assert_eq!(game.crosshair(), None, "dragging shows no crosshair");
    let dragged = game.visible_ticks();
    // A key still pans while the mouse holds the chart.
    game.press(&[KeyCode::Left]);
    assert!(dragged.0 - game.visible_ticks().0 > 5 * ticks_per_column);
    game.mouse(MouseEventKind::Moved, area.x + 40, row);
    let released = game.visible_ticks();
    game.mouse(MouseEventKind::Drag(MouseButton::Left), area.x, row);
    assert_eq!(game.visible_ticks(), released, "the drag has ended");
    game.mouse(MouseEventKind::Down(MouseButton::Left), area.x + 60, row);
    for column in (0..area.width).rev() {
        game.mouse(MouseEventKind::Drag(MouseButton::Left), area.x + column, row);
    }
    game.mouse(
        MouseEventKind::Down(MouseButton::Left),
        area.x + area.width - 1,
        row,
    );
    game.mouse(MouseEventKind::Drag(MouseButton::Left), 0, row);
    assert_eq!(
        game.0.chart.right, None,
        "dragged to the newest price the chart follows again"
    );
}

/// The centre of the button for `action`.
fn button(game: &Game, action: Action) -> (u16, u16) {
    let buttons = &game.0.screen.buttons;
    let button = buttons
        .iter()
        .rfind(|button| button.action == ClickAction::Act(action))
        .unwrap();
    (button.area.x + button.area.width / 2, button.area.y)
}

#[test]
fn a_click_on_a_hint_or_a_button_acts_like_its_key() {
    let mut game = Game::new(0..=99);
    let down = MouseEventKind::Down(MouseButton::Left);
    let buy = game.0.screen.buttons[0];
    let buys = |effects: &[Effect]| {
        matches!(
            effects,
            [Effect::Send(Order {
                side: Side::Buy,
                count: 2,
                ..
            })]
        )
    };
    assert_eq!(buy.action, ClickAction::Act(Action::Buy));
    assert!(buys(&game.mouse(down, buy.area.x, buy.area.y)));
    let (column, row) = button(&game, Action::Buy);
    assert_eq!(row, 35, "the hint in the footer");
    assert!(buys(&game.mouse(down, column, row)));
    for not_a_click in [
        MouseEventKind::Moved,
        MouseEventKind::Up(MouseButton::Left),
        MouseEventKind::Drag(MouseButton::Left),
        MouseEventKind::Down(MouseButton::Right),
        MouseEventKind::ScrollUp,
    ] {
        assert_eq!(game.mouse(not_a_click, column, row), []);
    }
    let (column, row) = button(&game, Action::Help);
    game.mouse(down, column, row);
    assert_eq!(game.0.screen.overlays.len(), 1);
    // A button under an overlay is not clicked.
    assert_eq!(game.mouse(down, buy.area.x, buy.area.y), []);
}

#[test]
fn a_frame_reports_only_what_it_has_changed() {
    let mut game = Game::new(0..=99);
    assert_eq!(game.frame_change(), None);
    let help = Event::Key(KeyEvent::new(KeyCode::Char('?'), KeyModifiers::NONE));
    update(&mut game.0, fixtures::NOW, help);
    let Some(Event::Rendered(change)) = game.frame_change() else {
        panic!("a window has opened");
    };
    assert!(change.reach.is_some() && change.visible.is_some() && change.buttons.is_some());
    assert_eq!(change.hit_map, None);
}

#[test]
fn the_wheel_scrolls_the_top_overlay() {
    let mut game = Game::new(0..=99);
    game.keys("?");
    game.mouse(MouseEventKind::ScrollDown, 10, 10);
    game.keys("k");
    assert_eq!(game.0.chart.zoom, None);
    let shown = format!("{:?}", game.0.screen.overlays);
    assert!(shown.contains("top: 2"), "{shown}");
}

#[test]
fn own_trades_have_markers_at_their_ticks() {
    let mut game = Game::new(0..=99);
    game.0.log = Default::default();
    game.keys("2s");
    game.event(Event::Stream(StreamEvent::Result(OrderResult {
        executed: true,
        message: "operation executed successfully".to_owned(),
        price: Some(60),
        tick: Some(97),
        ..OrderResult::default()
    })));
    let trade = |tick, side, count, price| TradeRow {
        tick,
        at: fixtures::NOW,
        side,
        count,
        price,
    };
    let expected = [
        trade(3, Side::Buy, 5, 7),
        trade(4, Side::Buy, 5, 7),
        trade(97, Side::Sell, 2, 60),
    ];
    game.event(Event::Answered(Response::Trades(expected[..2].to_vec())));
    let markers: Vec<_> = game.0.chart.markers.iter().copied().collect();
    assert_eq!(markers, expected);
}

#[test]
fn markers_are_bounded_and_the_oldest_are_removed() {
    let mut markers = TradeMarkers::default();
    let marker = |tick| TradeRow {
        tick,
        at: fixtures::NOW,
        side: Side::Buy,
        count: 1,
        price: 1,
    };
    (0..1_500).for_each(|tick| markers.push(marker(tick)));
    assert_eq!(markers.iter().len(), MAX_MARKERS);
    assert_eq!(markers.iter().next().map(|marker| marker.tick), Some(500));
    markers.take_earlier(&[marker(1)]);
    assert_eq!(markers.iter().next().map(|marker| marker.tick), Some(500));
}

#[test]
fn a_new_market_resets_the_view() {
    let mut game = Game::new(100..=999);
    game.press(&[KeyCode::Home, KeyCode::Char('x')]);
    game.event(Event::Stream(StreamEvent::Price {
        tick: Some(0),
        price: 10,
        at: None,
        interval_ms: None,
    }));
    let chart = &game.0.chart;
    assert_eq!((chart.right, chart.crosshair), (None, None));
    assert_eq!(chart.markers.iter().len(), 0);
}
