//! Whatever a casino sends, and whatever the player presses meanwhile: bytes to messages, through the checks of
//! [`wire`], to the reducer and the screen.

#![allow(clippy::expect_used, clippy::panic, reason = "a check fails by a panic")]

use awesomestock_proto::{
    casino::{Candles, GambleInfo, Leaderboard, PriceHistory, Trades, Wallet},
    types,
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use prost::Message;
use ratatui::{Terminal, backend::TestBackend};
use tonic::{Code, Status};

use super::{
    Failure, company,
    wire::{self, Feeds},
};
use crate::{
    app::{
        Event,
        company::Told,
        event::{Answer, Call, StreamEvent},
        money::UnixMs,
    },
    checks::invariants::{Watched, check_screen},
    ui::{Markers, Theme, View},
};

/// Keys that are no letters.
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

/// Plays `data`: the first byte says what the casino has granted; each step is a byte that says what happens, and a
/// piece of bytes, its length before it.
///
/// # Panics
///
/// When the game or its screen does not keep what always holds of it.
pub fn table(data: &[u8]) {
    let Some((granted, mut rest)) = data.split_first() else {
        return;
    };
    let granted = feeds(*granted);
    let mut game = Watched::new();
    let mut now = UnixMs(1_795_356_202_000);
    while let Some((step, behind)) = rest.split_first() {
        rest = behind;
        let piece = piece(&mut rest);
        now = now.plus_ms(i64::from(*step));
        match step % 24 {
            22 => now = now.plus_ms(number(piece)),
            23 => look(&mut game, now, piece),
            _ => {
                if let Some(event) = event(*step, piece, granted) {
                    game.tell(now, &event);
                }
            }
        }
    }
    look(&mut game, now, &[120, 36]);
}

/// The next piece of `input`, whose first byte is its length.
fn piece<'a>(input: &mut &'a [u8]) -> &'a [u8] {
    let Some((length, behind)) = input.split_first() else {
        return &[];
    };
    let (piece, behind) = behind.split_at(usize::from(*length).min(behind.len()));
    *input = behind;
    piece
}

fn feeds(bits: u8) -> Feeds {
    let bit = |number: u32| bits.checked_shr(number).is_some_and(|bits| bits & 1 == 1);
    Feeds {
        ticks: bit(0),
        wallet: bit(1),
        others: Told {
            tape: bit(2),
            players: bit(3),
            leaderboard: bit(4),
            limits: bit(5),
        },
        ids: bit(6),
    }
}

/// Up to eight bytes as a number of milliseconds.
fn number(piece: &[u8]) -> i64 {
    let mut bytes = [0; 8];
    bytes
        .iter_mut()
        .zip(piece)
        .for_each(|(byte, given)| *byte = *given);
    i64::from_le_bytes(bytes)
}

/// What a step tells the game; `None` where its piece means nothing.
fn event(step: u8, piece: &[u8], granted: Feeds) -> Option<Event> {
    let before = piece
        .first()
        .filter(|byte| **byte > 0)
        .map(|byte| i64::from(*byte));
    let text = || String::from_utf8_lossy(piece).into_owned();
    let answer = match step % 24 {
        0..=5 => {
            let info = GambleInfo::decode(piece).ok()?;
            return wire::stream_event(info, granted).map(Event::Stream);
        }
        6 => {
            let (extended, ids) = (granted.ticks && granted.wallet, granted.ids);
            return Some(Event::Stream(StreamEvent::Joined { extended, ids }));
        }
        7 => return Some(Event::Stream(StreamEvent::Tells(granted.others))),
        8 => return Some(Event::Stream(StreamEvent::Lost(text()))),
        9..=11 => return Some(Event::Key(KeyEvent::new(key(piece)?, KeyModifiers::NONE))),
        12 => return Some(Event::Paste(text())),
        13 => return Some(Event::Failed(call(piece, before)?, failure(piece)?)),
        14 => Answer::Wallet(wire::wallet(&Wallet::decode(piece).ok()?)?),
        15 => {
            let Trades { trades, more } = Trades::decode(piece).ok()?;
            let row = |trade| Some((number_of(trade), wire::trade_row(trade)?));
            let rows = trades.iter().filter_map(row).collect();
            Answer::TradePage { before, rows, more }
        }
        16 => {
            let trades = Trades::decode(piece).ok()?.trades;
            Answer::Trades(trades.iter().filter_map(wire::trade_row).collect())
        }
        17 => {
            let PriceHistory { points, more } = PriceHistory::decode(piece).ok()?;
            let prices = points.iter().filter_map(wire::price_point).collect();
            Answer::History { before, prices, more }
        }
        18 => {
            let Candles { candles, more } = Candles::decode(piece).ok()?;
            let candles = candles.iter().filter_map(wire::candle).collect();
            let before = before.unwrap_or(0);
            Answer::Candles {
                before,
                candles,
                more,
            }
        }
        19 => {
            let payment = types::Payment::decode(piece).ok()?;
            Answer::Payments(
                (1..4)
                    .map(|position| wire::payment_row(&payment, position))
                    .collect(),
            )
        }
        20 => Answer::Statement(text()),
        _ => Answer::Leaderboard(company::leaderboard(&Leaderboard::decode(piece).ok()?)),
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

fn call(piece: &[u8], before: Option<i64>) -> Option<Call> {
    Some(match piece.get(1)? % 10 {
        0 => Call::BuyTokens(1),
        1 => Call::Withdraw(5),
        2 => Call::Holdings,
        3 => Call::Payments,
        4 => Call::Statement,
        5 => Call::History { before },
        6 => Call::Candles {
            before: before.unwrap_or(0),
        },
        7 => Call::Trades,
        8 => Call::TradePage { before },
        _ => Call::Leaderboard,
    })
}

fn failure(piece: &[u8]) -> Option<Failure> {
    let (code, words) = piece.split_first()?;
    let status = Status::new(Code::from_i32(i32::from(*code)), String::from_utf8_lossy(words));
    Some(Failure::from(status))
}

/// Draws the game on a screen of `size`, and tells it what only drawing tells, as the shell does.
fn look(game: &mut Watched, now: UnixMs, size: &[u8]) {
    let &[columns, rows, ..] = size else { return };
    let (columns, rows) = (u16::from(columns), u16::from(rows).min(80));
    game.tell(now, &Event::Resized(columns, rows));
    let view = View {
        theme: Theme::default(),
        markers: Markers::default(),
        zone: TimeZone::UTC,
    };
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a buffer");
    let mut seen = None;
    let drawn = terminal.draw(|frame| seen = Some(view.draw(&game.state, frame)));
    check_screen(drawn.expect("a buffer takes anything").buffer);
    if let Some(seen) = seen {
        game.tell(now, &Event::Reach(seen.reach));
        game.tell(now, &Event::Sight(seen.sight));
        game.tell(now, &Event::Buttons(seen.buttons));
    }
}
