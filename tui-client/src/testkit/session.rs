//! Runs server messages and key presses, decoded from bytes, through conversion, reducer and renderer.

#![allow(clippy::expect_used, clippy::panic, reason = "a check fails by a panic")]

use awesomestock_proto::capabilities::{Capabilities, LobbyFeeds};
use awesomestock_proto::casino::{Candles, GambleInfo, Leaderboard, PriceHistory, Trades, Wallet};
use awesomestock_proto::types;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use prost::Message;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tonic::{Code, Status};

use crate::app::Event;
use crate::app::commands::request::Request;
use crate::app::event::{Response, StreamEvent};
use crate::app::portfolio::money::UnixMillis;
use crate::client::{RequestError, convert};
use crate::testkit::invariants::{CheckedGame, check_screen};
use crate::ui::{Markers, Renderer, Theme};

const KEYS: [KeyCode; 12] = [
    KeyCode::Enter,
    KeyCode::Esc,
    KeyCode::Tab,
    KeyCode::Backspace,
    KeyCode::Delete,
    KeyCode::Up,
    KeyCode::Down,
    KeyCode::Left,
    KeyCode::Right,
    KeyCode::PageDown,
    KeyCode::Home,
    KeyCode::End,
];

/// Plays `data`. The first byte is a set of granted features; each step is a kind, a length and a piece of bytes.
///
/// # Panics
///
/// If an invariant of the game or its screen is violated.
pub fn session(data: &[u8]) {
    let Some((granted, mut rest)) = data.split_first() else {
        return;
    };
    let granted = capabilities(*granted);
    let mut game = CheckedGame::new();
    let mut now = UnixMillis(1_795_356_202_000);
    while let Some((step, after)) = rest.split_first() {
        rest = after;
        let piece = piece(&mut rest);
        now = now.plus_ms(i64::from(*step));
        match step % 24 {
            22 => now = now.plus_ms(number(piece)),
            23 => draw(&mut game, now, piece),
            _ => {
                if let Some(event) = event(*step, piece, granted) {
                    game.dispatch(now, &event);
                }
            }
        }
    }
    draw(&mut game, now, &[120, 36]);
}

/// Splits off the next piece of `input`, whose first byte is its length.
fn piece<'a>(input: &mut &'a [u8]) -> &'a [u8] {
    let Some((length, after)) = input.split_first() else {
        return &[];
    };
    let (piece, after) = after.split_at(usize::from(*length).min(after.len()));
    *input = after;
    piece
}

fn capabilities(bits: u8) -> Capabilities {
    let bit = |number: u32| bits.checked_shr(number).is_some_and(|bits| bits & 1 == 1);
    Capabilities {
        ticks: bit(0),
        wallet: bit(1),
        limits: bit(5),
        ids: bit(6),
        up_to: bit(7),
        orders: bit(7),
        accounts: bit(4),
        lobby: LobbyFeeds {
            tape: bit(2),
            players: bit(3),
            leaderboard: bit(4),
            news: bit(2),
            rounds: bit(3),
        },
    }
}

/// Reads up to eight bytes as milliseconds.
fn number(piece: &[u8]) -> i64 {
    let mut bytes = [0; 8];
    bytes
        .iter_mut()
        .zip(piece)
        .for_each(|(byte, given)| *byte = *given);
    i64::from_le_bytes(bytes)
}

/// Returns the event of a step; `None` if its piece is invalid.
fn event(step: u8, piece: &[u8], granted: Capabilities) -> Option<Event> {
    let before = piece
        .first()
        .filter(|byte| **byte > 0)
        .map(|byte| i64::from(*byte));
    let text = || String::from_utf8_lossy(piece).into_owned();
    let answer = match step % 24 {
        0..=5 => {
            let info = GambleInfo::decode(piece).ok()?;
            return convert::stream_event(info, granted).map(Event::Stream);
        }
        6 => {
            let (extended, ids) = (granted.ticks && granted.wallet, granted.ids);
            return Some(Event::Stream(StreamEvent::Opened { extended, ids }));
        }
        7 => return Some(Event::Stream(StreamEvent::Capabilities(granted.into()))),
        8 => return Some(Event::Stream(StreamEvent::Closed(text()))),
        9..=11 => return Some(Event::Key(KeyEvent::new(key(piece)?, KeyModifiers::NONE))),
        12 => return Some(Event::Paste(text())),
        13 => return Some(Event::Failed(call(piece, before)?, failure(piece)?)),
        14 => Response::Wallet(convert::wallet(&Wallet::decode(piece).ok()?)?),
        15 => {
            let Trades { trades, more } = Trades::decode(piece).ok()?;
            let row = |trade| Some((number_of(trade), convert::trade_row(trade)?));
            let rows = trades.iter().filter_map(row).collect();
            Response::TradePage { before, rows, more }
        }
        16 => {
            let trades = Trades::decode(piece).ok()?.trades;
            Response::Trades(trades.iter().filter_map(convert::trade_row).collect())
        }
        17 => {
            let PriceHistory { points, more } = PriceHistory::decode(piece).ok()?;
            let prices = points.iter().filter_map(convert::price_point).collect();
            Response::History { before, prices, more }
        }
        18 => {
            let Candles { candles, more } = Candles::decode(piece).ok()?;
            let candles = candles.iter().filter_map(convert::candle).collect();
            let before = before.unwrap_or(0);
            Response::Candles {
                before,
                candles,
                more,
            }
        }
        19 => {
            let payment = types::Payment::decode(piece).ok()?;
            Response::Payments(
                (1..4)
                    .filter_map(|position| convert::payment_row(&payment, position).ok())
                    .collect(),
            )
        }
        20 => Response::Statement(text()),
        _ => Response::Leaderboard(convert::leaderboard(&Leaderboard::decode(piece).ok()?)),
    };
    Some(Event::Answered(answer))
}

fn number_of(trade: &awesomestock_proto::casino::Trade) -> i64 {
    trade.number
}

fn key(piece: &[u8]) -> Option<KeyCode> {
    let named = |byte: &u8| KEYS.get(usize::from(byte.checked_sub(1)?)).copied();
    match piece {
        [byte] if byte.is_ascii_graphic() || *byte == b' ' => Some(KeyCode::Char(char::from(*byte))),
        [byte] => named(byte),
        _ => std::str::from_utf8(piece).ok()?.chars().next().map(KeyCode::Char),
    }
}

fn call(piece: &[u8], before: Option<i64>) -> Option<Request> {
    Some(match piece.get(1)? % 10 {
        0 => Request::BuyTokens(1),
        1 => Request::Withdraw(5),
        2 => Request::Holdings,
        3 => Request::Payments,
        4 => Request::Statement,
        5 => Request::History { before },
        6 => Request::Candles {
            before: before.unwrap_or(0),
        },
        7 => Request::Trades,
        8 => Request::TradePage { before },
        _ => Request::Leaderboard,
    })
}

fn failure(piece: &[u8]) -> Option<RequestError> {
    let (code, text) = piece.split_first()?;
    let status = Status::new(Code::from_i32(i32::from(*code)), String::from_utf8_lossy(text));
    Some(RequestError::from(status))
}

/// Draws the game and dispatches what the frame reports, like the runtime.
fn draw(game: &mut CheckedGame, now: UnixMillis, size: &[u8]) {
    let &[columns, rows, ..] = size else { return };
    let (columns, rows) = (u16::from(columns), u16::from(rows).min(80));
    game.dispatch(now, &Event::Resized(columns, rows));
    let view = Renderer {
        theme: Theme::default(),
        markers: Markers::default(),
        zone: TimeZone::UTC,
    };
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a buffer");
    let mut reported = None;
    let drawn = terminal.draw(|frame| reported = Some(view.draw(&game.state, frame)));
    check_screen(drawn.expect("a buffer takes anything").buffer);
    if let Some(change) = reported.and_then(|reported| reported.change(&game.state)) {
        game.dispatch(now, &change);
    }
}
