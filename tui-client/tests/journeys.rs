//! Journeys as text files: keys, clicks and messages, the resulting effects, and the final screen as a snapshot.
//!
//! A journey is a file in `tests/journeys/` with one step per line. The snapshot repeats each step with its effects and
//! ends with the screen. The file name contains the size of the terminal.
//!
//! ```text
//! connected              to a casino with all features, at price 10, with 500 tokens
//! keys 2@9b              presses keys; \r Enter, \e Esc, \t Tab, \b Backspace, others as <up> <down> <left> <right>
//!                        <pageup> <pagedown>
//! click Esc closes       clicks on a text of the screen
//! price 12               a second later
//! trade 480 2            the oldest order is executed; tokens and stocks afterwards
//! bought 31 4            the oldest order is executed for 31 stocks; stocks and tokens afterwards
//! reject WHY             the oldest order is rejected
//! lost WHY / opened      the stream
//! wait MS                time passes without events
//! ```

mod fixtures;

use std::fs;
use std::path::Path;

use awesomestock::app::event::{OrderResult, Response, StreamEvent, TradeRow};
use awesomestock::app::lobby::{
    Capabilities, Leaderboard, Performance, Player, Players, Standing, TapeRow, TapeUpdate,
};
use awesomestock::app::overlay::PaymentRow;
use awesomestock::app::portfolio::money::{Side, UnixMillis};
use awesomestock::app::portfolio::order::ClientOrderId;
use awesomestock::app::portfolio::wallet::Wallet;
use awesomestock::app::{AppState, Effect, Event, update};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};

/// A game that draws a frame after each event, like the event loop.
struct Journey {
    state: AppState,
    now: UnixMillis,
    size: (u16, u16),
    tick: i64,
    screen: Buffer,
}

impl Journey {
    fn begin(size: (u16, u16)) -> Self {
        let mut journey = Self {
            state: fixtures::first_start(),
            now: fixtures::NOW,
            size,
            tick: 0,
            screen: Buffer::default(),
        };
        journey.event(Event::Resized(size.0, size.1));
        journey
    }

    /// Dispatches an event, draws, and dispatches what the frame reports.
    fn event(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = update(&mut self.state, self.now, event);
        for effect in &mut effects {
            if let Effect::Send(order) = effect {
                order.id = ClientOrderId::default();
            }
        }
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        let mut frame_info = None;
        terminal
            .draw(|frame| frame_info = Some(fixtures::view().draw(&self.state, frame)))
            .unwrap();
        self.screen = terminal.backend().buffer().clone();
        if let Some(change) = frame_info.unwrap().change(&self.state) {
            update(&mut self.state, self.now, change);
        }
        effects
    }

    fn stream(&mut self, event: StreamEvent) -> Vec<Effect> {
        self.event(Event::Stream(event))
    }

    /// Runs one line of a journey.
    fn step(&mut self, line: &str) -> Vec<Effect> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = |index| rest.split(' ').nth(index).unwrap().parse::<i32>().unwrap();
        match verb {
            "connected" => self.connect(),
            "opened" => self.stream(StreamEvent::Opened {
                extended: true,
                ids: true,
            }),
            "keys" => keys(rest)
                .into_iter()
                .flat_map(|code| self.event(Event::Key(KeyEvent::new(code, KeyModifiers::NONE))))
                .collect(),
            "click" => self.click(rest),
            "price" => self.price(number(0)),
            "trade" => self.result(true, "operation executed successfully", (number(0), number(1))),
            "bought" => self.answer(
                true,
                "operation executed successfully",
                (number(1), number(0)),
                Some(number(0)),
            ),
            "reject" => {
                let wallet = self.state.holdings.wallet().copied().unwrap_or_default();
                self.result(false, rest, (wallet.tokens, wallet.stocks))
            }
            "bought-tokens" => {
                let (dollars, tokens) = (number(0), number(1));
                self.event(Event::Answered(Response::TokensBought { dollars, tokens }))
            }
            "statement" => self.event(Event::Answered(Response::Statement(rest.replace("; ", "\n")))),
            "lost" => self.stream(StreamEvent::Closed(rest.to_owned())),
            "wait" => {
                self.now = self.now.plus_ms(number(0).into());
                self.event(Event::Timer)
            }
            other => panic!("unknown step {other:?}"),
        }
    }

    fn connect(&mut self) -> Vec<Effect> {
        let mut effects = self.step("opened");
        let capabilities = Capabilities {
            limits: true,
            up_to: true,
            ..Capabilities::default()
        };
        effects.extend(self.stream(StreamEvent::Capabilities(capabilities)));
        effects.extend(self.stream(StreamEvent::Wallet(Wallet {
            tokens: 500,
            dollars_in: 100,
            version: 1,
            ..Wallet::default()
        })));
        effects.extend(self.price(10));
        effects
    }

    fn price(&mut self, price: i32) -> Vec<Effect> {
        self.now = self.now.plus_ms(1_000);
        self.tick += 1;
        self.stream(StreamEvent::Price {
            tick: Some(self.tick),
            price,
            at: Some(self.now),
            interval_ms: Some(1_000),
        })
    }

    fn result(&mut self, executed: bool, message: &str, holdings: (i32, i32)) -> Vec<Effect> {
        self.answer(executed, message, holdings, None)
    }

    fn answer(
        &mut self,
        executed: bool,
        message: &str,
        (tokens, stocks): (i32, i32),
        count: Option<i32>,
    ) -> Vec<Effect> {
        let last = self.state.market.last().unwrap();
        let wallet = self.state.holdings.wallet().copied().unwrap_or_default();
        self.stream(StreamEvent::Result(OrderResult {
            executed,
            message: message.to_owned(),
            price: executed.then_some(last.price),
            count,
            tick: executed.then_some(last.tick),
            at: None,
            wallet: Some(Wallet {
                tokens,
                stocks,
                cost_basis: i64::from(last.price) * i64::from(stocks),
                version: wallet.version + 1,
                ..wallet
            }),
        }))
    }

    fn click(&mut self, text: &str) -> Vec<Effect> {
        let cells: Vec<&str> = self.screen.content.iter().map(Cell::symbol).collect();
        let letters: Vec<String> = text.chars().map(String::from).collect();
        let index = cells.windows(letters.len()).position(|cells| cells == letters);
        let index = index.unwrap_or_else(|| panic!("{text:?} is not on the screen:\n{}", self.text()));
        let (column, row) = self.screen.pos_of(index);
        self.event(Event::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }))
    }

    fn text(&self) -> String {
        let rows = self.screen.content.chunks(usize::from(self.size.0));
        rows.map(|row| row.iter().map(Cell::symbol).collect::<String>())
            .map(|row| row.trim_end().to_owned() + "\n")
            .collect()
    }
}

/// Parses the keys of a line.
fn keys(line: &str) -> Vec<KeyCode> {
    let named = [
        ("\\r", KeyCode::Enter),
        ("\\e", KeyCode::Esc),
        ("\\t", KeyCode::Tab),
        ("\\b", KeyCode::Backspace),
        ("<up>", KeyCode::Up),
        ("<down>", KeyCode::Down),
        ("<left>", KeyCode::Left),
        ("<right>", KeyCode::Right),
        ("<pageup>", KeyCode::PageUp),
        ("<pagedown>", KeyCode::PageDown),
    ];
    let mut keys = Vec::new();
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        let found = named.iter().find(|(name, _)| rest.starts_with(name));
        let (name, code) = found.map_or((letter.len_utf8(), KeyCode::Char(letter)), |(name, code)| {
            (name.len(), *code)
        });
        keys.push(code);
        rest = &rest[name..];
    }
    keys
}

#[test]
fn journeys_match_their_snapshots() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journeys");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let (_, size) = name.rsplit_once('_').unwrap();
        let (columns, rows) = size.split_once('x').unwrap();
        let mut journey = Journey::begin((columns.parse().unwrap(), rows.parse().unwrap()));
        let mut text = String::new();
        for line in fs::read_to_string(&path).unwrap().lines() {
            text += &format!("{line}\n");
            for effect in journey.step(line) {
                text += &format!("    {effect:?}\n");
            }
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("journey_{name}"), text + &journey.text());
        });
    }
}

/// Returns the longest run of digits without a separator on a screen, except in dates.
fn longest_number(screen: &str) -> String {
    let text = screen.split(|letter: char| !letter.is_ascii_digit() && letter != '-');
    // A date may be cut off by a window.
    let is_date = |word: &str| word.len() >= 7 && word.find('-') == Some(4);
    let numbers = text
        .filter(|word| !is_date(word))
        .flat_map(|word| word.split('-'));
    numbers
        .max_by_key(|number| number.len())
        .unwrap_or_default()
        .to_owned()
}

/// Steps with large numbers.
const LARGE_STEPS: &[&str] = &[
    "price 1500",
    "price 12345",
    "keys 25000b",
    "keys \\r",
    "bought 25000 1691375000",
    "keys mb",
    "price 14321",
    "keys \\r",
    "bought 100000 2000000",
    "keys 5000@20000",
    "keys b",
    "reject buying at 20,001 tokens is above your limit of 20,000 tokens",
    "keys @@$2000",
    "keys 1000000s",
    "keys \\e",
    "keys t5000000",
    "keys \\r",
    "bought-tokens 5000000 25000000",
    "keys t9999999999",
    "keys \\r",
    "keys \\e",
    "keys w5001",
    "keys \\r",
    "keys \\e",
    "keys w1000000000m",
    "keys \\r",
    "keys \\e",
    "keys :alertAbove 20000\\r",
    "keys :alertAbove 14321\\r",
    "keys :alertBelow 1000\\r",
    "price 20001",
    "price 999",
    "keys :balance\\r",
    "keys :buy 0\\r",
    "keys \\e",
    "keys \\e",
    "keys l",
    "keys \\e",
    "keys x",
    "keys <left>",
    "keys c",
    "wait 1500000",
    "lost the connection was reset",
    "wait 90000000",
];

const LARGE_TRADE: TradeRow = TradeRow {
    tick: 12_345,
    at: fixtures::NOW,
    side: Side::Buy,
    count: 54_321,
    price: 12_345,
};

/// Returns the events of a session whose numbers are all large.
fn large_session() -> [StreamEvent; 6] {
    let ann = Player {
        name: "ann".to_owned(),
        house: false,
    };
    let standing = Standing {
        rank: 1_234,
        player: ann.clone(),
        equity: 5_000_000_000,
        tokens: 2_000_000,
        stocks: 30_000,
        performance: Some(Performance {
            profit: -5_000_000_000,
            dollars_in: 1_000_000_000,
        }),
    };
    let row = TapeRow {
        player: ann.clone(),
        trade: LARGE_TRADE,
    };
    let tape = |trades| TapeUpdate {
        rows: vec![row.clone(); 3],
        trades,
    };
    [
        StreamEvent::Capabilities(fixtures::lobby_capabilities()),
        StreamEvent::Wallet(Wallet {
            tokens: 2_000_000_000,
            stocks: 1_000_000,
            cost_basis: 5_000_000_000,
            realised_pnl: -3_000_000,
            dollars_in: 1_000_000_000,
            dollars_out: 12_345,
            version: 10,
            ..Wallet::default()
        }),
        StreamEvent::Tape(tape(1_000)),
        StreamEvent::Tape(tape(9_876_543)),
        StreamEvent::Players(Players {
            seated: 12_345,
            online: vec![ann],
            unnamed: 4_321,
        }),
        StreamEvent::Leaderboard(Leaderboard {
            top: vec![standing; 9],
            own: None,
            ranked: 54_321,
        }),
    ]
}

/// Returns the keys that open each document, and its content.
fn large_documents() -> [(&'static str, Response); 3] {
    let payment = |number| PaymentRow {
        number,
        at: Some(fixtures::NOW),
        dollars: -123_456,
    };
    let trades = Response::TradePage {
        before: None,
        rows: (1..=1_500).rev().map(|number| (number, LARGE_TRADE)).collect(),
        more: true,
    };
    [
        (
            "keys p",
            Response::Payments((1_001..=1_100).map(payment).collect()),
        ),
        ("keys T", trades),
        ("keys S", Response::Statement("FINAL BALANCE -123,456".to_owned())),
    ]
}

#[test]
fn numbers_have_thousands_separators_on_every_screen() {
    for size in [(40, 12), (80, 24), (120, 36), (200, 60)] {
        let mut journey = Journey::begin(size);
        journey.connect();
        for event in large_session() {
            journey.stream(event);
        }
        let mut checked = 0;
        let mut check = |journey: &Journey, step: &str| {
            let screen = journey.text();
            let number = longest_number(&screen);
            assert!(
                number.len() <= 3,
                "{number} after {step:?} at {size:?}:\n{screen}"
            );
            checked += screen.matches(",000").count();
        };
        for step in LARGE_STEPS {
            journey.step(step);
            check(&journey, step);
        }
        for (keys, answer) in large_documents() {
            journey.step(keys);
            journey.event(Event::Answered(answer));
            check(&journey, keys);
            journey.step("keys G");
            check(&journey, keys);
            journey.step("keys y");
            journey.step("keys \\e");
            check(&journey, keys);
        }
        assert!(checked > 10, "only {checked} large numbers were shown");
    }
}

/// The numbers of the first and the last visible line, as in `1–32 of 82`.
fn visible_lines(screen: &str) -> (usize, usize) {
    let (before, after) = screen.split_once('–').expect(screen);
    let first = before.rsplit(' ').next().unwrap();
    let last = after.split(' ').next().unwrap();
    (first.parse().expect(screen), last.parse().expect(screen))
}

#[test]
fn a_page_is_all_visible_lines_but_one_in_every_window() {
    for size in [(40, 12), (80, 24), (120, 36), (160, 48)] {
        let mut journey = Journey::begin(size);
        journey.connect();
        for event in large_session() {
            journey.stream(event);
        }
        let statement = vec!["PAYMENT"; 400].join("\n");
        let windows = [
            ("keys ?", None),
            ("keys p", Some(Response::Payments(fixtures::payments(400)))),
            (
                "keys T",
                Some(Response::TradePage {
                    before: None,
                    rows: fixtures::trades(1..=400),
                    more: false,
                }),
            ),
            ("keys S", Some(Response::Statement(statement))),
        ];
        for (keys, answer) in windows {
            journey.step(keys);
            if let Some(answer) = answer {
                journey.event(Event::Answered(answer));
            }
            let (first, last) = visible_lines(&journey.text());
            let (page, reach) = (last - first, journey.state.screen.reach);
            for (key, expected) in [
                ("keys <pagedown>", first + page.min(reach)),
                ("keys <pageup>", first + page.min(reach).saturating_sub(page)),
                ("keys G", first + reach),
                ("keys <pageup>", first + reach.saturating_sub(page)),
            ] {
                journey.step(key);
                let screen = journey.text();
                assert_eq!(
                    visible_lines(&screen).0,
                    expected,
                    "{keys} {key} {size:?}\n{screen}"
                );
            }
            journey.step("keys \\e");
        }
    }
}
