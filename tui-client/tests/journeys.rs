//! Journeys as text: what was before, which keys, clicks and messages came, what was asked for, and how the screen looks
//! afterwards.
//!
//! A journey is a file of `tests/journeys/`. Its first line says where it begins, the others what happens; each is told
//! again in the snapshot with what the game asks for then. The size of the terminal is in the file's name.
//!
//! ```text
//! seated                 at a casino that tells all, at price 10, with 500 tokens
//! keys 2@9b              presses keys; \r Enter, \e Esc, \t Tab, \b Backspace, arrows as <up> <down> <left> <right>
//! click Esc closes       clicks on words of the screen
//! price 12               a second later
//! trade 480 2            the oldest order is executed; tokens and stocks afterwards
//! refuse WHY             it is not
//! lost WHY / joined      the stream
//! wait MS                nothing happens for so long
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;

use std::{fs, path::Path};

use awesomestock::app::{
    AppState, Effect, Event,
    company::Told,
    event::{Answer, OrderResult, StreamEvent},
    log::Slip,
    money::UnixMs,
    update,
    wallet::Wallet,
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::{Buffer, Cell},
};

/// A game whose frames are drawn after each event, as the loop does.
struct Journey {
    state: AppState,
    now: UnixMs,
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

    /// Hands an event to the game, draws, and tells the game what only drawing tells.
    fn event(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = update(&mut self.state, self.now, event);
        for effect in &mut effects {
            if let Effect::Send { slip, .. } = effect {
                *slip = Slip::default();
            }
        }
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        let mut seen = None;
        terminal
            .draw(|frame| seen = Some(fixtures::view().draw(&self.state, frame)))
            .unwrap();
        let seen = seen.unwrap();
        self.screen = terminal.backend().buffer().clone();
        for told in [
            Event::Reach(seen.reach),
            Event::Buttons(seen.buttons),
            Event::Sight(seen.sight),
        ] {
            update(&mut self.state, self.now, told);
        }
        effects
    }

    fn stream(&mut self, event: StreamEvent) -> Vec<Effect> {
        self.event(Event::Stream(event))
    }

    /// One line of a journey.
    fn step(&mut self, line: &str) -> Vec<Effect> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = |index| rest.split(' ').nth(index).unwrap().parse::<i32>().unwrap();
        match verb {
            "seated" => self.seated(),
            "joined" => self.stream(StreamEvent::Joined {
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
            "refuse" => {
                let held = self.state.holdings.wallet().copied().unwrap_or_default();
                self.result(false, rest, (held.tokens, held.stocks))
            }
            "bought-tokens" => {
                let (dollars, tokens) = (number(0), number(1));
                self.event(Event::Answered(Answer::TokensBought { dollars, tokens }))
            }
            "statement" => self.event(Event::Answered(Answer::Statement(rest.replace("; ", "\n")))),
            "lost" => self.stream(StreamEvent::Lost(rest.to_owned())),
            "wait" => {
                self.now = self.now.plus_ms(number(0).into());
                self.event(Event::Woken)
            }
            other => panic!("there is no step {other:?}"),
        }
    }

    fn seated(&mut self) -> Vec<Effect> {
        let mut effects = self.step("joined");
        let told = Told {
            limits: true,
            ..Told::default()
        };
        effects.extend(self.stream(StreamEvent::Tells(told)));
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

    fn result(&mut self, executed: bool, message: &str, (tokens, stocks): (i32, i32)) -> Vec<Effect> {
        let last = self.state.market.last().unwrap();
        let held = self.state.holdings.wallet().copied().unwrap_or_default();
        self.stream(StreamEvent::Result(OrderResult {
            executed,
            message: message.to_owned(),
            price: executed.then_some(last.price),
            tick: executed.then_some(last.tick),
            at: None,
            wallet: Some(Wallet {
                tokens,
                stocks,
                cost_basis: i64::from(last.price) * i64::from(stocks),
                version: held.version + 1,
                ..held
            }),
        }))
    }

    fn click(&mut self, words: &str) -> Vec<Effect> {
        let cells: Vec<&str> = self.screen.content.iter().map(Cell::symbol).collect();
        let letters: Vec<String> = words.chars().map(String::from).collect();
        let index = cells.windows(letters.len()).position(|cells| cells == letters);
        let index = index.unwrap_or_else(|| panic!("{words:?} is not on the screen:\n{}", self.text()));
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

/// The keys of a line.
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
fn every_journey_ends_where_it_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journeys");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let (_, size) = name.rsplit_once('_').unwrap();
        let (columns, rows) = size.split_once('x').unwrap();
        let mut journey = Journey::begin((columns.parse().unwrap(), rows.parse().unwrap()));
        let mut told = String::new();
        for line in fs::read_to_string(&path).unwrap().lines() {
            told += &format!("{line}\n");
            for effect in journey.step(line) {
                told += &format!("    {effect:?}\n");
            }
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("journey_{name}"), told + &journey.text());
        });
    }
}
