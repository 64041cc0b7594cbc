//! Snapshots of every screen at four sizes, styles with a meaning, and drawing at all other sizes without a panic.

mod fixtures;

use awesomestock::app::chart::ChartKind;
use awesomestock::app::event::TradeRow;
use awesomestock::app::overlay::tour::Tour;
use awesomestock::app::overlay::{AmountKind, Overlay};
use awesomestock::app::portfolio::money::Side;
use awesomestock::app::portfolio::order_log::ActionLog;
use awesomestock::app::portfolio::wallet::{Wallet, WalletState};
use awesomestock::app::{AppState, Event, update};
use awesomestock::ui::{Markers, Renderer, Theme};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

const SIZES: [(u16, u16); 4] = [(40, 12), (80, 24), (120, 36), (200, 60)];

/// States without an overlay that are drawn at all four sizes. The other ones are variants, drawn at the two smaller
/// sizes; states with an overlay are drawn at all.
const FULL: &[&str] = &[
    "first_start",
    "connected",
    "playing",
    "limited",
    "alert",
    "stale",
    "reconnecting",
    "old_casino",
    "lab_frozen",
    "crowded",
    "tour",
    "with_bots",
    "lobby",
    "chart_area",
    "chart_line",
    "chart_candles",
    "chart_bars",
    "chart_close",
    "chart_candles_far",
    "chart_crosshair",
    "chart_candles_crosshair",
    "chart_back_in_percent",
    "chart_history",
    "chart_history_candles",
    "chart_history_crosshair",
    "watch",
    "watch_connecting",
    "watch_lost",
    "wire",
    "wire_ended",
    "ticket_rest",
    "chart_orders",
    "chart_order_selected",
    "chart_selected_order_ended",
    "round",
    "round_paused",
    "round_watch",
];

fn draw(state: &AppState, size: (u16, u16)) -> Buffer {
    fixtures::draw(&fixtures::view(), state, size)
}

/// The rows of a buffer as text.
fn text(buffer: &Buffer) -> String {
    let mut rows = String::new();
    for y in 0..buffer.area.height {
        let mut row = String::new();
        let mut x = 0;
        while let Some(cell) = buffer.cell((x, y)) {
            row.push_str(cell.symbol());
            x += u16::try_from(cell.symbol().width()).unwrap_or(1).max(1);
        }
        rows.push_str(row.trim_end());
        rows.push('\n');
    }
    rows
}

#[test]
fn screens_match_their_snapshots() {
    for (name, state) in fixtures::all() {
        let is_full = FULL.contains(&name) || !state.screen.overlays.is_empty();
        let sizes = if is_full { &SIZES[..] } else { &SIZES[..2] };
        for size in sizes {
            let (columns, rows) = size;
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), text(&draw(&state, *size)));
            });
        }
    }
}

#[test]
fn every_size_can_be_drawn() {
    let states: Vec<AppState> = fixtures::all()
        .into_iter()
        .map(|(_, state)| state)
        .chain([fixtures::hostile(), fixtures::watching(fixtures::hostile())])
        .collect();
    // Below the minimum size all states are drawn alike.
    let too_small = (0..=220)
        .flat_map(|columns| (0..=9).map(move |rows| (columns, rows)))
        .chain((0..=37).flat_map(|columns| (0..=70).map(move |rows| (columns, rows))));
    for size in too_small {
        draw(&fixtures::hostile(), size);
    }
    // For every state: all small sizes, and both sides of each layout boundary.
    let small = (38..=48).flat_map(|columns| (10..=14).map(move |rows| (columns, rows)));
    let edges = [(76, 18), (108, 32), (160, 48)]
        .into_iter()
        .flat_map(|(columns, rows)| {
            [
                (columns - 1, rows - 1),
                (columns - 1, rows),
                (columns, rows - 1),
                (columns, rows),
            ]
        });
    let corners = [(38, 70), (220, 10), (220, 70)];
    let each: Vec<(u16, u16)> = small.chain(edges).chain(corners).collect();
    // Every other size with one of the states.
    let all: Vec<(u16, u16)> = (38..=220)
        .flat_map(|columns| (10..=70).map(move |rows| (columns, rows)))
        .collect();
    let in_turn = states.iter().cycle().zip(&all);
    let draws: Vec<(&AppState, &(u16, u16))> = states
        .iter()
        .flat_map(|state| each.iter().map(move |size| (state, size)))
        .chain(in_turn)
        .collect();
    std::thread::scope(|scope| {
        for half in draws.chunks(draws.len().div_ceil(2)) {
            scope.spawn(move || half.iter().for_each(|(state, size)| _ = draw(state, **size)));
        }
    });
}

#[test]
fn a_too_small_terminal_shows_the_required_size() {
    let shown = |size| text(&draw(&fixtures::playing(), size)).replace('\n', " ");
    assert!(shown((37, 10)).contains("AwesomeStock needs 38x10"));
    assert!(shown((80, 9)).contains("needs 38x10; this terminal is 80x9"));
    assert_eq!(shown((11, 1)).trim(), "needs 38x10");
    assert_eq!(shown((5, 1)).trim(), "38x10");
    assert!(shown((38, 10)).contains("BUY"));
}

#[test]
fn rises_are_green_with_an_arrow_and_a_sign_and_falls_are_red() {
    let mut state = fixtures::playing();
    let last = state.market.last().map_or(0, |last| last.price);
    for (to, text, color) in [(last + 30, "▲ +30", Color::Green), (last, "▼ -30", Color::Red)] {
        state.market.push(None, to, fixtures::NOW, None);
        for size in SIZES {
            let buffer = draw(&state, size);
            let cells = fixtures::cells(&buffer, text);
            assert!(!cells.is_empty(), "{text} at {size:?}");
            assert!(
                cells.iter().step_by(2).all(|cell| cell.fg == color),
                "{text} at {size:?}"
            );
        }
    }
}

#[test]
fn an_outdated_price_is_never_shown_as_current() {
    for (name, state) in [
        ("stale", fixtures::stale()),
        ("reconnecting", fixtures::reconnecting()),
    ] {
        for size in SIZES {
            let buffer = draw(&state, size);
            let screen = text(&buffer);
            assert!(screen.contains("12 s old"), "{name} at {size:?}");
            assert!(!screen.contains("live"), "{name} at {size:?}");
            let header = buffer.content.iter().take(usize::from(size.0) * 3);
            let green = header.filter(|cell| cell.fg == Color::Green).count();
            assert_eq!(green, 0, "{name} at {size:?}");
        }
    }
}

#[test]
fn an_order_that_would_be_rejected_has_no_coloured_button() {
    let label = |state: &AppState, text| {
        let buffer = draw(state, (80, 24));
        fixtures::cells(&buffer, text).first().map(|cell| cell.bg)
    };
    let playing = fixtures::playing();
    assert_eq!(label(&playing, "b  BUY"), Some(Color::Green));
    assert_eq!(label(&playing, "s  SELL"), Some(Color::Red));
    for state in [fixtures::connected(), fixtures::reconnecting()] {
        assert_eq!(label(&state, "b  BUY"), Some(Color::Reset));
        assert_eq!(label(&state, "s  SELL"), Some(Color::Reset));
    }
}

#[test]
fn the_lab_leaves_wallet_and_log_beside_the_wire() {
    let states = fixtures::all();
    let (_, state) = states.iter().find(|(name, _)| *name == "wire_in_lab").unwrap();
    let screen = text(&draw(state, (80, 24)));
    for text in [
        "tokens                 1,204",
        "stocks                    12",
        "equity                 2,644",
        "STOCK_INFO",
        "… BUY 2         waiting",
    ] {
        assert!(screen.contains(text), "{text}: {screen}");
    }
}

/// Returns the rows of the plot that show a part of a label, with toasts of these widths.
fn cut_labels(state: &AppState, toasts: &[usize], size: (u16, u16), markers: Markers) -> Vec<String> {
    const LABELS: [&str; 10] = [
        " high 122 ",
        " low 1 ",
        "average cost ",
        " SELL 12 limit 130 ",
        " SELL 12 limit 130 ↑ ",
        " BUY 5 limit 95 ",
        " SELL 4 stop 80 ",
        " BUY 1,000 stop 1,250 ↑ ",
        " +1 ",
        " +2 ",
    ];
    let mut state = state.clone();
    for columns in toasts {
        state.alerts.toast("■".repeat(*columns), fixtures::NOW);
    }
    let view = Renderer {
        markers,
        ..fixtures::view()
    };
    let Ok(mut terminal) = Terminal::new(TestBackend::new(size.0, size.1));
    let mut plot = None;
    let Ok(_) = terminal.draw(|frame| plot = Some(view.draw(&state, frame).hit_map.area));
    let plot = plot.unwrap();
    let buffer = terminal.backend().buffer();
    let rows = (plot.y..plot.y + plot.height).map(|y| {
        let cells = (plot.x..plot.x + plot.width).filter_map(|x| buffer.cell((x, y)));
        cells.map(Cell::symbol).collect::<String>()
    });
    let is_cut = |row: &String| {
        let rest = LABELS
            .iter()
            .fold(row.clone(), |row, label| row.replace(label, ""));
        rest.contains(|letter: char| letter.is_ascii_alphanumeric())
    };
    rows.filter(is_cut).collect()
}

#[test]
fn labels_of_the_chart_are_whole_or_absent() {
    let states = fixtures::all();
    let (_, resting) = states.iter().find(|(name, _)| *name == "chart_orders").unwrap();
    let mut orders = resting.clone();
    orders.alerts = Default::default();
    let mut marked = orders.clone();
    for tick in 0..239 {
        let price = i32::try_from(tick * 7 % 130).unwrap();
        let side = if tick % 2 == 0 { Side::Buy } else { Side::Sell };
        let count = 1;
        let marker = TradeRow {
            tick,
            at: fixtures::NOW,
            side,
            count,
            price,
        };
        marked.chart.markers.push(marker);
    }
    let mut costly = marked.clone();
    costly.holdings = WalletState::Known(Wallet {
        stocks: 12,
        cost_basis: 12_000,
        ..Wallet::default()
    });
    for state in [orders, marked, costly] {
        for kind in [ChartKind::Area, ChartKind::Candles] {
            let mut state = state.clone();
            state.chart.kind = Some(kind);
            for size in [(80, 24), (60, 30), (120, 36)] {
                for columns in (0..80).step_by(3) {
                    for toasts in [&[columns][..], &[columns, 9, columns / 2]] {
                        let cut = cut_labels(&state, toasts, size, Markers::Block);
                        assert_eq!(cut, [""; 0], "{toasts:?} at {size:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_result_of_an_export_is_shown_in_the_window() {
    let states = fixtures::all();
    for (name, title) in [
        ("trades", "╭ Trades"),
        ("payments", "╭ Payments"),
        ("statement", "╭ Statement"),
    ] {
        let (_, state) = states.iter().find(|(known, _)| *known == name).unwrap();
        let mut state = state.clone();
        let path = "/home/ann/awesomestock.csv".to_owned();
        update(&mut state, fixtures::NOW, Event::Exported(Ok(path)));
        for (size, shown) in [
            ((80, 24), "exported to /home/ann/awesomestock.csv"),
            ((40, 12), "exported to"),
        ] {
            let screen = text(&draw(&state, size));
            let is_border = |line: &str| line.contains(title) && line.contains(shown);
            let border = screen.lines().find(|line| is_border(line));
            assert!(border.is_some(), "{name} at {size:?}: {screen}");
            assert!(screen.contains("╰ Esc"), "the hints at {size:?}: {screen}");
        }
    }
}

#[test]
fn a_message_does_not_cover_the_selected_order() {
    let states = fixtures::all();
    let (_, state) = states
        .iter()
        .find(|(name, _)| *name == "chart_order_selected")
        .unwrap();
    for size in SIZES {
        let screen = text(&draw(state, size));
        for shown in ["95 → 106  ↑ ↓", "cancelled: BUY 3 limit 50"] {
            assert!(screen.contains(shown), "{shown} at {size:?}: {screen}");
        }
    }
}

#[test]
fn orders_without_room_for_a_label_are_counted() {
    let states = fixtures::all();
    let (_, state) = states
        .iter()
        .find(|(name, _)| *name == "chart_orders_many")
        .unwrap();
    for size in &SIZES[1..] {
        let screen = text(&draw(state, *size));
        let labels = screen.matches("1,000 limit ").count();
        let counted = screen.lines().filter_map(|line| {
            let (_, label) = line.rsplit_once("1,000 limit ")?;
            let mut words = label.split_whitespace().skip(1).filter(|word| *word != "↑");
            words.next()?.strip_prefix('+')?.parse::<usize>().ok()
        });
        assert_eq!(counted.sum::<usize>(), 32 - labels, "{size:?}: {screen}");
    }
}

#[test]
fn a_pending_order_is_not_shown_as_executed() {
    let screen = text(&draw(&fixtures::playing(), (80, 24)));
    let line = screen.lines().find(|line| line.contains("14:03:22  … BUY 2"));
    assert!(line.is_some_and(|line| line.contains("waiting") && !line.contains('✓')));
}

#[test]
fn hostile_text_is_drawn_safely() {
    let mut hostile = fixtures::hostile();
    for overlay in [
        None,
        Some(Overlay::Statement(fixtures::ready(
            vec!["a\u{1b}]52;c;x\u{7}\u{202e}b".to_owned()],
            0,
        ))),
        Some(fixtures::palette("\u{1b}[2J\u{200b}buy", Some("no \u{1b}c"))),
    ] {
        hostile.screen.overlays.extend(overlay);
        let states = [hostile.clone(), fixtures::watching(hostile.clone())];
        for (size, state) in SIZES
            .into_iter()
            .flat_map(|size| states.iter().map(move |state| (size, state)))
        {
            for cell in draw(state, size).content {
                let is_unsafe = |letter: char| {
                    letter.is_control() || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
                };
                assert!(
                    !cell.symbol().contains(is_unsafe),
                    "{:?} at {size:?}",
                    cell.symbol()
                );
            }
        }
    }
}

/// Returns the numbers of a screen that are cut off, or joined with another one.
fn broken_figures(screen: &str) -> Vec<String> {
    let is_part = |letter: char| letter.is_ascii_digit() || matches!(letter, ',' | '.');
    let is_whole = |figure: &str| {
        let (whole, decimals) = figure.split_once('.').unwrap_or((figure, "0"));
        let mut groups = whole.split(',');
        let first = groups.next().unwrap_or_default();
        let others: Vec<&str> = groups.collect();
        // A year has four digits and no comma.
        let most = if others.is_empty() { 4 } else { 3 };
        (1..=most).contains(&first.len())
            && others.iter().all(|group| group.len() == 3)
            && decimals.bytes().all(|digit| digit.is_ascii_digit())
    };
    let mut broken = Vec::new();
    for line in screen.lines() {
        let mut rest = line;
        while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
            let before = rest[..start].chars().next_back();
            let end = rest[start..].find(|letter| !is_part(letter));
            let end = end.map_or(rest.len(), |length| start + length);
            let (figure, after) = (&rest[start..end], &rest[end..]);
            let trimmed = figure.trim_end_matches([',', '.']);
            let is_cut = after.starts_with('…') || trimmed != figure && !after.starts_with(' ');
            if before != Some(':') && (is_cut || !is_whole(trimmed)) {
                broken.push(line.to_owned());
            }
            rest = after;
        }
    }
    broken
}

#[test]
fn numbers_are_never_cut() {
    assert_eq!(broken_figures("a 2,147,48│ b").len(), 1);
    assert_eq!(broken_figures("2,147,…\n2,147,4832,147\n21474836").len(), 3);
    assert_eq!(
        broken_figures("at 2,147,483,647, for -37.50 in 2026-11-22 2.147B"),
        [""; 0]
    );
    for (name, state) in fixtures::with_large_figures() {
        let sizes = [(38, 10), (76, 18), (108, 32)].into_iter().chain(SIZES);
        for size in sizes {
            let screen = text(&draw(&state, size));
            assert_eq!(broken_figures(&screen), [""; 0], "{name} at {size:?}\n{screen}");
        }
    }
    // So that they are not left out either.
    let states = fixtures::with_large_figures();
    let shown = |name: &str, size| {
        let (_, state) = states.iter().find(|(known, _)| *known == name).unwrap();
        text(&draw(state, size))
    };
    for (name, size, figures) in [
        ("ticket", (80, 24), &["BUY 2.147B", "◂ 2,147,483,647 ▸"][..]),
        ("ticket", (40, 12), &["BUY 2,147,483,647"]),
        ("limit", (80, 24), &["◂ 2.147B ▸ limit 2.147B"]),
        ("log", (40, 12), &["SELL 2.147B limit 2.147B"]),
        ("lobby", (40, 12), &["+2,147,483,647  +100.0 %"]),
        (
            "ticket_rest",
            (80, 24),
            &["◂ 2.147B ▸ @ 2.147B_ rests", "or less"],
        ),
        ("ticket_rest", (40, 12), &["at 2.147B or less", "at once"]),
        ("ticket_stop", (80, 24), &["◂ 2.147B ▸ stop 2.147B_"]),
        ("chart_orders", (80, 24), &["SELL 2.147B stop 2.147B ↑"]),
        ("chart_order_moved", (40, 12), &["2.147B → 2.147B ↑"]),
        ("orders", (40, 12), &["SELL 2.147B  stop 2.147B"]),
        ("orders", (80, 24), &["SELL 2,147,483,647  stop 2,147,483,647"]),
        ("log_rest", (40, 12), &["SELL 2.147B stop 2.147B"]),
        ("log_cancelling", (40, 12), &["CANCEL SELL 2.147B stop 2.147B"]),
    ] {
        let screen = shown(name, size);
        for figure in figures {
            assert!(screen.contains(figure), "{name} at {size:?}: {figure}\n{screen}");
        }
    }
}

#[test]
fn times_are_shown_in_the_players_zone() {
    let mut view = fixtures::view();
    view.zone = TimeZone::fixed(jiff::tz::offset(2));
    let screen = text(&fixtures::draw(&view, &fixtures::playing(), (80, 24)));
    assert!(screen.contains("16:03:22  … BUY 2"), "{screen}");
}

#[test]
fn the_mono_theme_has_no_colours() {
    let mut view = fixtures::view();
    view.theme = Theme::by_name("mono").unwrap();
    for (name, state) in fixtures::all() {
        let buffer = fixtures::draw(&view, &state, (120, 36));
        let plain = |cell: &Cell| cell.fg == Color::Reset && cell.bg == Color::Reset;
        assert!(buffer.content.iter().all(plain), "{name}");
    }
    let buffer = fixtures::draw(&view, &fixtures::playing(), (80, 24));
    let button = fixtures::cells(&buffer, "b  BUY");
    assert!(
        button
            .iter()
            .all(|cell| cell.modifier.contains(Modifier::REVERSED))
    );
}

#[test]
fn an_unknown_theme_is_an_error_that_lists_the_themes() {
    let error = Theme::by_name("pink").unwrap_err().to_string();
    for name in Theme::NAMES {
        assert!(error.contains(name), "{error}");
        assert_eq!(Theme::by_name(name).unwrap().name, *name);
    }
}

#[test]
fn the_cursor_is_at_the_end_of_the_input() {
    let cursor = |state: &AppState, size: (u16, u16)| {
        let Ok(mut terminal) = Terminal::new(TestBackend::new(size.0, size.1));
        let Ok(_) = terminal.draw(|frame| _ = fixtures::view().draw(state, frame));
        let Ok(position) = terminal.get_cursor_position();
        (terminal.backend().cursor_visible(), position)
    };
    let typed = fixtures::with_overlay(fixtures::playing(), fixtures::palette("buy 2", None));
    let (visible, position) = cursor(&typed, (80, 24));
    assert!(visible);
    assert_eq!((position.x, position.y), (9, 22));
    let long = fixtures::with_overlay(fixtures::playing(), fixtures::palette(&"x".repeat(120), None));
    assert_eq!(cursor(&long, (40, 12)).1.x, 37);
    // With its separator, the amount is two columns longer.
    let columns = ["100", "1000"].map(|digits| {
        let amount = fixtures::amount(AmountKind::BuyTokens, digits, None);
        let state = fixtures::with_overlay(fixtures::playing(), amount);
        cursor(&state, (80, 24)).1.x
    });
    assert_eq!(columns[1] - columns[0], 2);
    assert!(!cursor(&fixtures::playing(), (80, 24)).0);
}

/// The chart has few rows on a small screen, which the newest entry of the log also takes.
#[test]
fn the_bubble_of_the_tour_is_whole_on_small_screens() {
    let mut rejected = fixtures::all();
    rejected.retain(|(name, _)| ["order_rejected", "with_news", "round", "first_start"].contains(name));
    assert_eq!(rejected.len(), 4);
    for (name, mut state) in rejected {
        state.tour = Some(Tour::default());
        let states = [
            state.clone(),
            fixtures::with_news(state, "Regulator opens an inquiry into the books"),
        ];
        for state in states {
            for size in (38..=75).flat_map(|columns| (10..=17).map(move |rows| (columns, rows))) {
                let screen = text(&draw(&state, size));
                let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(words.contains("Esc ends it."), "{name} {size:?}\n{screen}");
            }
        }
    }
}

#[test]
fn figures_of_the_ticket_keep_their_labels() {
    for held in [5_000, 5_000_000, i32::MAX] {
        let mut state = fixtures::playing();
        state.holdings = WalletState::Known(Wallet {
            tokens: held,
            stocks: held,
            ..Wallet::default()
        });
        // Its entries mention a balance.
        state.log = ActionLog::default();
        for size in &SIZES[1..] {
            let screen = text(&draw(&state, *size));
            let count = |labels: [&str; 2]| {
                labels
                    .map(|label| screen.matches(label).count())
                    .iter()
                    .sum::<usize>()
            };
            assert_eq!(count(["balance: ", "bal. "]), 2, "{held} at {size:?}\n{screen}");
            // The wallet has a row of stocks, too.
            assert!(count([" stocks ", "pos. "]) >= 2, "{held} at {size:?}\n{screen}");
        }
    }
}

/// The unit is not alone in the next line.
#[test]
fn the_missing_tokens_and_stocks_are_one_line_of_the_ticket() {
    for (lacking, price) in [
        ("1", 1),
        ("1", 9_000),
        ("528", 9_000),
        ("5280", 9_000),
        ("528000", 9_000),
    ] {
        let mut state = fixtures::playing();
        state.holdings = WalletState::Known(Wallet::default());
        state.market.push(Some(9_000), price, fixtures::NOW, None);
        lacking
            .chars()
            .for_each(|digit| assert!(state.ticket.type_char(digit)));
        for size in (76..=200).flat_map(|columns| [24, 36, 60].map(|rows| (columns, rows))) {
            let screen = text(&draw(&state, size));
            let lines: Vec<Vec<char>> = screen.lines().map(|line| line.chars().collect()).collect();
            let is_word = |line: &[char], at: usize, word: &str| {
                word.chars().zip(&line[at..]).filter(|(a, b)| a == *b).count() == word.len()
            };
            let mut found = 0;
            for (line, next) in lines.iter().zip(&lines[1..]) {
                for at in 0..line.len() {
                    let is_need = is_word(line, at, "need ");
                    let is_short = is_word(line, at, " short");
                    let is_broken = match is_need {
                        true => ["token", "stock"].iter().any(|unit| is_word(next, at, unit)),
                        false => is_short && !line[at - 1].is_alphanumeric(),
                    };
                    assert!(!is_broken, "{lacking} at {size:?}\n{screen}");
                    found += usize::from(is_need || is_short);
                }
            }
            assert_eq!(found, 2, "{lacking} at {size:?}\n{screen}");
        }
    }
}

#[test]
fn missing_tokens_and_stocks_are_not_understated() {
    for (keys, price, tokens, shown) in [
        ("1", 1, 0, ["1 token short", "1 stock short"]),
        ("1", 10, 0, ["need 10 more", "1 stock short"]),
        ("5", 600, 500, ["2,500 short", "need 5 more"]),
        ("11", 5_051, 6, ["55,555 short", "need 11 more"]),
        ("33333", 1_000, 500, ["33.333M short", "33,333 short"]),
        ("2147483647", i32::MAX, 0, ["4,611,687T", "2.148B short"]),
    ] {
        let mut state = fixtures::playing();
        state.holdings = WalletState::Known(Wallet {
            tokens,
            ..Wallet::default()
        });
        state.market.push(Some(9_000), price, fixtures::NOW, None);
        keys.chars()
            .for_each(|digit| assert!(state.ticket.type_char(digit)));
        let screen = text(&draw(&state, (80, 24)));
        for shown in shown {
            assert!(screen.contains(shown), "{keys} at {price}: {shown}\n{screen}");
        }
    }
}

#[test]
fn a_moved_order_shows_the_key_that_applies_the_move() {
    let mut states = fixtures::all();
    states.retain(|(name, _)| ["chart_orders", "chart_orders_many"].contains(name));
    assert_eq!(states.len(), 2);
    for (name, mut state) in states {
        for code in [KeyCode::Tab, KeyCode::Up, KeyCode::Up] {
            let key = KeyEvent::new(code, KeyModifiers::NONE);
            update(&mut state, fixtures::NOW, Event::Key(key));
        }
        for columns in 76..=200 {
            let screen = text(&draw(&state, (columns, 24)));
            assert!(screen.contains(" Enter"), "{name} {columns}\n{screen}");
        }
    }
}
