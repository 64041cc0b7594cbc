//! Texts that are meant to do harm, at every door through which text of others comes in, and out at every other: no
//! control character, escape sequence or mark that turns the reading order gets out, and no line is wider than the
//! screen.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;
#[path = "../src/testkit/invariants.rs"]
mod invariants;
#[path = "../../proto/tests/support/nasty.rs"]
mod nasty;
mod support;

use std::{fs, path::Path};

use awesomestock::{
    app::{
        AppState, Effect, Event, SessionInfo,
        event::{OrderResult, Request, RequestError, Response, StreamEvent, TradeRow},
        lobby::{Capabilities, Leaderboard, Player, Players, Standing, TapeRow, TapeUpdate},
        portfolio::money::Side,
        update,
    },
    ui::screens::summary::summary,
};
use awesomestock_proto::text::sanitize::{REPLACEMENT, is_unsafe};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use fixtures::{NOW, view};
use invariants::check_screen;
use nasty::nasty_texts;
use ratatui::{Terminal, backend::TestBackend};
use support::{
    Home,
    nasty_casino::NastyCasino,
    pty::{self, Terminal as Pty},
};

/// What tells nothing to a terminal but to go to the next line.
fn check_lines(said: &str) {
    for line in said.lines() {
        assert!(!line.contains(is_unsafe), "{line:?}");
    }
}

/// The texts as far as the client takes a message of a server.
fn messages() -> Vec<String> {
    const MESSAGE_CHARS: usize = 301;
    let cut = |text: String| text.chars().take(MESSAGE_CHARS).collect();
    nasty_texts().into_iter().map(cut).collect()
}

fn check_drawn_at(state: &AppState, (columns, rows): (u16, u16)) {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let drawn = terminal.draw(|frame| {
        view().draw(state, frame);
    });
    check_screen(drawn.unwrap().buffer);
}

/// On screens of three layouts, and in the summary that is printed after them.
fn check_drawn(state: &AppState) {
    for size in [(40, 12), (80, 24), (120, 36)] {
        check_drawn_at(state, size);
    }
    check_lines(&summary(state).join("\n"));
}

fn press(state: &mut AppState, code: KeyCode) -> Vec<Effect> {
    update(state, NOW, Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

/// A game at a table of this name, of which everybody and everything is called so.
fn game_of(text: &str) -> AppState {
    let seat = SessionInfo {
        player: text.to_owned(),
        server: text.to_owned(),
    };
    let (mut state, _) = AppState::new(seat, (120, 36), NOW);
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
    let told = [
        StreamEvent::Closed(text.to_owned()),
        StreamEvent::Opened {
            extended: true,
            ids: true,
        },
        StreamEvent::Capabilities(Capabilities {
            tape: true,
            players: true,
            leaderboard: true,
            limits: true,
            up_to: true,
        }),
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
    for event in told {
        update(&mut state, NOW, Event::Stream(event));
    }
    state
}

#[test]
fn whatever_others_say_the_screen_shows_it_harmless() {
    for text in messages() {
        let mut state = game_of(&text);
        check_drawn(&state);
        press(&mut state, KeyCode::Char('b'));
        let refused = OrderResult {
            executed: false,
            message: text.clone(),
            price: None,
            count: None,
            tick: None,
            at: None,
            wallet: None,
        };
        update(&mut state, NOW, Event::Stream(StreamEvent::Result(refused)));
        for failure in [
            RequestError::Rejected,
            RequestError::NotSent,
            RequestError::Unanswered,
        ] {
            let failed = Event::Failed(Request::BuyTokens(1), failure(text.clone()));
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
fn whatever_lies_on_top_shows_text_of_others_harmless() {
    for text in messages() {
        for (key, call) in [('p', Request::Payments), ('S', Request::Statement)] {
            let mut state = game_of("ann");
            press(&mut state, KeyCode::Char(key));
            update(
                &mut state,
                NOW,
                Event::Failed(call, RequestError::Rejected(text.clone())),
            );
            check_drawn(&state);
        }
        let mut state = game_of("ann");
        press(&mut state, KeyCode::Char(':'));
        update(&mut state, NOW, Event::Paste(text));
        press(&mut state, KeyCode::Enter);
        check_drawn(&state);
    }
}

#[test]
fn a_statement_is_shown_copied_and_exported_harmless() {
    let mut state = game_of("ann");
    press(&mut state, KeyCode::Char('S'));
    let statement = nasty_texts().join("\n");
    update(&mut state, NOW, Event::Answered(Response::Statement(statement)));
    press(&mut state, KeyCode::Char('/'));
    for letter in "\u{202e}draw\u{9b}".chars() {
        press(&mut state, KeyCode::Char(letter));
    }
    check_drawn_at(&state, (120, 36));
    press(&mut state, KeyCode::Esc);
    update(&mut state, NOW, Event::Reach(2_000));
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

/// Runs `play` beside a casino that says everything nasty.
async fn beside_a_casino(play: impl FnOnce(&str) + Send + 'static) {
    let address = NastyCasino::serve(nasty_texts()).await;
    let url = format!("http://{address}");
    tokio::task::spawn_blocking(move || play(&url)).await.unwrap();
}

/// What is in the log of this home.
fn log_of(home: &Home) -> String {
    let folder = home.path().join("state/awesomestock");
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let files = fs::read_dir(folder).unwrap();
    files.map(|file| read(&file.unwrap().path())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_mode_says_one_harmless_line_for_each() {
    beside_a_casino(|url| {
        let home = Home::new();
        let texts = nasty_texts().len();
        let mut script =
            "leaderboard\nleaderboard\nleaderboard\npaymentStatement\npayments\ntrades\n".to_owned();
        script.extend((1..=texts).map(|number| format!("buyTokens {number}\n")));
        script.push_str("gamble\n");
        script.extend((1..=texts).map(|number| format!("buy {number}\n")));
        script.push_str("stop\nexit\n");
        let output = home.play_lines(&["--user", "anna", "--casino", url], &script);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        check_lines(&said);
        let harmed = said.lines().filter(|line| line.contains(REPLACEMENT)).count();
        assert!(harmed > texts, "the texts came through all doors: {said}");
        check_lines(&log_of(&home));
    })
    .await;
}

/// A cell that a spreadsheet may take for more than text.
fn is_formula(cell: &str) -> bool {
    let text = cell.trim_start();
    text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) && cell.parse::<i64>().is_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_shot_commands_print_it_harmless_in_all_their_forms() {
    beside_a_casino(|url| {
        let home = Home::new();
        let mut said = Vec::new();
        for form in ["", "--json", "--csv"] {
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
            let some = [1, 3, 5, 7, 12, 16, 26, 33, 34];
            commands.extend(some.iter().map(|number| format!("buy {number}")));
            commands.extend(some.iter().map(|number| format!("buy-tokens {number}")));
            for command in commands {
                let words = command.split_whitespace().chain(form.split_whitespace());
                let words: Vec<&str> = words.chain(["--user", "anna", "--casino", url]).collect();
                let output = home.game(words).output().unwrap();
                let out = String::from_utf8(output.stdout).unwrap();
                check_lines(&out);
                check_lines(&String::from_utf8(output.stderr).unwrap());
                if form == "--csv" {
                    let mut reader = csv::ReaderBuilder::new()
                        .has_headers(false)
                        .from_reader(out.as_bytes());
                    for record in reader.records() {
                        let record = record.unwrap();
                        assert!(!record.iter().any(is_formula), "{record:?}");
                    }
                }
                if form == "--json" && !out.is_empty() {
                    serde_json::from_str::<serde_json::Value>(&out).unwrap();
                }
                said.push(out);
            }
        }
        assert!(said.concat().matches(REPLACEMENT).count() > 200);
        let doctor = home.game(["doctor", "--casino", url]).output().unwrap();
        check_lines(&String::from_utf8(doctor.stdout).unwrap());
        check_lines(&log_of(&home));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_the_games_own_sequences_reaches_a_terminal() {
    beside_a_casino(|url| {
        let home = Home::new();
        let mut game = Pty::open(pty::game(&home, &["--user", "anna", "--casino", url]), 120, 36);
        game.see("● live");
        for number in 1..=nasty_texts().len() {
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
        check_lines(&log_of(&home));
    })
    .await;
}
