//! Hostile text through every input, checked at every output: no control character, escape sequence or bidirectional
//! override gets out, and no line is wider than the screen.

mod fixtures;
#[path = "../../proto/tests/support/hostile_text.rs"]
mod hostile_text;
#[path = "../src/testkit/invariants.rs"]
mod invariants;
mod support;

use std::fs;
use std::path::Path;

use awesomestock::app::event::{
    FrameChange, OrderResult, Request, RequestError, Response, StreamEvent, TradeRow,
};
use awesomestock::app::lobby::{Leaderboard, Player, Players, Standing, TapeRow, TapeUpdate};
use awesomestock::app::portfolio::money::Side;
use awesomestock::app::{AppState, Effect, Event, SessionInfo, update};
use awesomestock::ui::screens::summary::summary;
use awesomestock_proto::text::sanitize::{REPLACEMENT, is_unsafe};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use fixtures::{NOW, lobby_capabilities, view, with_news};
use hostile_text::hostile_texts;
use invariants::check_screen;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use support::Home;
use support::hostile_casino::HostileCasino;
use support::pty::{self, Terminal as Pty};

/// Asserts that each line of `text` is safe for a terminal.
fn check_lines(text: &str) {
    for line in text.lines() {
        assert!(!line.contains(is_unsafe), "{line:?}");
    }
}

/// The texts, cut to the length that the client accepts from a server.
fn messages() -> Vec<String> {
    const MESSAGE_CHARS: usize = 301;
    let cut = |text: String| text.chars().take(MESSAGE_CHARS).collect();
    hostile_texts().into_iter().map(cut).collect()
}

fn check_drawn_at(state: &AppState, (columns, rows): (u16, u16)) {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let drawn = terminal.draw(|frame| {
        view().draw(state, frame);
    });
    check_screen(drawn.unwrap().buffer);
}

/// Checks three screen sizes and the printed summary.
fn check_drawn(state: &AppState) {
    for size in [(40, 12), (80, 24), (120, 36)] {
        check_drawn_at(state, size);
    }
    check_lines(&summary(state).join("\n"));
}

fn press(state: &mut AppState, code: KeyCode) -> Vec<Effect> {
    update(state, NOW, Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

/// A game in which every name is `text`.
fn game_with_names(text: &str) -> AppState {
    let info = SessionInfo::new(text, text);
    let (mut state, _) = AppState::new(info, (120, 36), NOW);
    let player = Player {
        name: text.to_owned(),
        house: false,
    };
    let standing = Standing {
        rank: 1,
        player: player.clone(),
        equity: 5,
        tokens: 5,
        stocks: 0,
        performance: None,
    };
    let trade = TradeRow {
        tick: 1,
        at: NOW,
        side: Side::Buy,
        count: 1,
        price: 10,
    };
    let row = TapeRow {
        player: player.clone(),
        trade,
    };
    let events = [
        StreamEvent::Closed(text.to_owned()),
        StreamEvent::Opened {
            extended: true,
            ids: true,
        },
        StreamEvent::Capabilities(lobby_capabilities()),
        StreamEvent::Price {
            tick: Some(1),
            price: 10,
            at: Some(NOW),
            interval_ms: Some(1_000),
        },
        StreamEvent::Tape(TapeUpdate {
            rows: vec![row],
            trades: 1,
        }),
        StreamEvent::Players(Players {
            seated: 1,
            online: vec![player],
            unnamed: 0,
        }),
        StreamEvent::Leaderboard(Leaderboard {
            top: vec![standing.clone()],
            own: Some(standing),
            ranked: 1,
        }),
    ];
    for event in events {
        update(&mut state, NOW, Event::Stream(event));
    }
    with_news(state, text)
}

#[test]
fn hostile_messages_are_drawn_safely() {
    for text in messages() {
        let mut state = game_with_names(&text);
        check_drawn(&state);
        press(&mut state, KeyCode::Char('b'));
        let rejected = OrderResult {
            message: text.clone(),
            ..OrderResult::default()
        };
        update(&mut state, NOW, Event::Stream(StreamEvent::Result(rejected)));
        for error in [
            RequestError::Rejected,
            RequestError::NotSent,
            RequestError::Unanswered,
        ] {
            let failed = Event::Failed(Request::BuyTokens(1), error(text.clone()));
            update(&mut state, NOW, failed);
        }
        update(&mut state, NOW, Event::Exported(Err(text.clone())));
        check_drawn(&state);
        update(&mut state, NOW, Event::Exported(Ok(text.clone())));
        check_drawn(&state);
        update(&mut state, NOW, Event::Stream(StreamEvent::Closed(text.clone())));
        check_drawn(&state);
    }
}

#[test]
fn overlays_draw_hostile_text_safely() {
    for text in messages() {
        for (key, call) in [('p', Request::Payments), ('S', Request::Statement)] {
            let mut state = game_with_names("ann");
            press(&mut state, KeyCode::Char(key));
            update(
                &mut state,
                NOW,
                Event::Failed(call, RequestError::Rejected(text.clone())),
            );
            check_drawn(&state);
        }
        let mut state = game_with_names("ann");
        press(&mut state, KeyCode::Char(':'));
        update(&mut state, NOW, Event::Paste(text));
        press(&mut state, KeyCode::Enter);
        check_drawn(&state);
    }
}

#[test]
fn a_hostile_statement_is_drawn_copied_and_exported_safely() {
    let mut state = game_with_names("ann");
    press(&mut state, KeyCode::Char('S'));
    let statement = hostile_texts().join("\n");
    update(&mut state, NOW, Event::Answered(Response::Statement(statement)));
    press(&mut state, KeyCode::Char('/'));
    for letter in "\u{202e}draw\u{9b}".chars() {
        press(&mut state, KeyCode::Char(letter));
    }
    check_drawn_at(&state, (120, 36));
    press(&mut state, KeyCode::Esc);
    update(
        &mut state,
        NOW,
        Event::Rendered(FrameChange {
            reach: Some(2_000),
            ..FrameChange::default()
        }),
    );
    for _ in 0..4 {
        press(&mut state, KeyCode::PageDown);
        check_drawn_at(&state, (80, 24));
    }
    for key in ['y', 'e', 'E'] {
        let effects = press(&mut state, KeyCode::Char(key));
        assert!(!effects.is_empty(), "{key}");
        for effect in effects {
            match effect {
                Effect::Copy(text) | Effect::Export { text, .. } => check_lines(&text),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Runs `play` with the URL of a casino that sends hostile text.
async fn with_hostile_casino(play: impl FnOnce(&str) + Send + 'static) {
    let address = HostileCasino::serve(hostile_texts()).await;
    let url = format!("http://{address}");
    tokio::task::spawn_blocking(move || play(&url)).await.unwrap();
}

/// Reads the log files in `home`.
fn read_log(home: &Home) -> String {
    let folder = home.path().join("state/awesomestock");
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let files = fs::read_dir(folder).unwrap();
    files.map(|file| read(&file.unwrap().path())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_mode_prints_each_hostile_text_as_one_safe_line() {
    with_hostile_casino(|url| {
        let home = Home::new();
        let texts = hostile_texts().len();
        let mut script =
            "leaderboard\nleaderboard\nleaderboard\npaymentStatement\npayments\ntrades\n".to_owned();
        script.extend((1..=texts).map(|number| format!("buyTokens {number}\n")));
        script.push_str("gamble\n");
        script.extend((1..=texts).map(|number| format!("buy {number}\n")));
        script.push_str("stop\nexit\n");
        let output = home.run_script(&["--user", "anna", "--casino", url], &script);
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{stdout}");
        check_lines(&stdout);
        let replaced = stdout.lines().filter(|line| line.contains(REPLACEMENT)).count();
        assert!(replaced > texts, "every text was printed: {stdout}");
        check_lines(&read_log(&home));
    })
    .await;
}

/// Whether a spreadsheet may evaluate the cell.
fn is_formula(cell: &str) -> bool {
    let text = cell.trim_start();
    text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) && cell.parse::<i64>().is_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_shot_commands_print_hostile_text_safely_in_every_format() {
    with_hostile_casino(|url| {
        let home = Home::new();
        let mut printed = Vec::new();
        for format in ["", "--json", "--csv"] {
            let mut commands: Vec<String> = [
                "leaderboard",
                "leaderboard",
                "leaderboard",
                "statement",
                "payments",
            ]
            .iter()
            .map(|command| (*command).to_owned())
            .collect();
            let numbers = [1, 3, 5, 7, 12, 16, 26, 33, 34];
            commands.extend(numbers.iter().map(|number| format!("buy {number}")));
            commands.extend(numbers.iter().map(|number| format!("buy-tokens {number}")));
            for command in commands {
                let args = command.split_whitespace().chain(format.split_whitespace());
                let args: Vec<&str> = args.chain(["--user", "anna", "--casino", url]).collect();
                let output = home.game(args).output().unwrap();
                let out = String::from_utf8(output.stdout).unwrap();
                check_lines(&out);
                check_lines(&String::from_utf8(output.stderr).unwrap());
                if format == "--csv" {
                    let mut reader = csv::ReaderBuilder::new()
                        .has_headers(false)
                        .from_reader(out.as_bytes());
                    for record in reader.records() {
                        let record = record.unwrap();
                        assert!(!record.iter().any(is_formula), "{record:?}");
                    }
                }
                if format == "--json" && !out.is_empty() {
                    serde_json::from_str::<serde_json::Value>(&out).unwrap();
                }
                printed.push(out);
            }
        }
        assert!(printed.concat().matches(REPLACEMENT).count() > 200);
        let doctor = home.game(["doctor", "--casino", url]).output().unwrap();
        check_lines(&String::from_utf8(doctor.stdout).unwrap());
        check_lines(&read_log(&home));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_games_own_sequences_reach_the_terminal() {
    with_hostile_casino(|url| {
        let home = Home::new();
        let mut game = Pty::open(pty::game(&home, &["--user", "anna", "--casino", url]), 120, 36);
        game.see("● live");
        for number in 1..=hostile_texts().len() {
            game.type_keys(&format!("{number}b"));
        }
        game.type_keys("S");
        game.see("Statement");
        game.see("drawkcab");
        game.type_keys("yG\u{1b}");
        game.see_no_more("Esc closes");
        game.type_keys("q");
        let bytes = game.bytes();
        game.end();
        let written = String::from_utf8_lossy(&bytes);
        for sequence in [
            "\u{1b}]0",
            "\u{1b}]8",
            "\u{1b}P",
            "\u{1b}_",
            "\u{1b}^",
            "\u{1b}X",
            "\u{1b}c",
            "\u{1b}#",
            "\u{1b}[6n",
            "\u{9b}",
            "\u{9d}",
            "\u{7}",
            "\u{202e}",
            "\u{2066}",
            "\u{200b}",
            "\u{feff}",
        ] {
            assert!(!written.contains(sequence), "{sequence:?}");
        }
        check_lines(&read_log(&home));
    })
    .await;
}
