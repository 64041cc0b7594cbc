//! The one table of what a player can do: it drives keys, mouse, footer hints, help and the palette.
//!
//! Owns names, words, and the keys where the player has no others ([`keymap`](super::keymap)). What an action does is
//! the reducer's to say.

use crossterm::event::KeyCode;
use serde::{Deserialize, Serialize};

use super::key::Key;

/// Something a player can do at the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Action {
    /// Send a buy order for the ticket's quantity.
    Buy,
    /// Send a sell order for the ticket's quantity.
    Sell,
    /// Enter dollars to buy tokens for.
    BuyTokens,
    /// Enter tokens to withdraw.
    Withdraw,
    /// One stock more on the ticket.
    More,
    /// One stock less on the ticket.
    Fewer,
    /// Ten stocks more on the ticket.
    ManyMore,
    /// Ten stocks less on the ticket.
    ManyFewer,
    /// As many stocks as possible on the ticket.
    Max,
    /// Type the worst price for the ticket's order, or take it away.
    Limit,
    /// Take the ticket's last digit back.
    Erase,
    /// Look at the prices in another way.
    Look(Look),
    /// Show the payments.
    Payments,
    /// Show the trades.
    Trades,
    /// Show the statement.
    Statement,
    /// Show what is known of the others.
    Leaderboard,
    /// Show the keys and the words.
    Help,
    /// Open the palette.
    Palette,
    /// Draw the whole screen anew.
    Repaint,
    /// Suspend the game.
    Suspend,
    /// Leave the game.
    Quit,
}

/// Another look at the prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Look {
    /// The next kind of chart.
    Kind,
    /// Candles of the next interval.
    Interval,
    /// Fewer prices in sight.
    Closer,
    /// More prices in sight.
    Farther,
    /// Towards the oldest price.
    Earlier,
    /// Towards the newest price.
    Later,
    /// To the oldest price.
    Oldest,
    /// To the newest price, and on with it.
    Newest,
    /// Read a price off, or no more.
    Crosshair,
    /// The scale in percent, or in tokens.
    Percent,
}

impl Action {
    /// Its name in the configuration and in the palette.
    #[must_use]
    pub fn name(self) -> &'static str {
        let row = BINDINGS.iter().find(|row| row.action == self);
        row.map_or("", |row| row.name)
    }

    /// The action called `name`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let row = BINDINGS.iter().find(|row| row.name == name);
        row.map(|row| row.action)
    }

    /// Its key closes what is being read: it opened it, or means to leave.
    #[must_use]
    pub fn closes_what_is_read(self) -> bool {
        matches!(
            self,
            Self::Payments | Self::Trades | Self::Statement | Self::Leaderboard | Self::Help | Self::Quit
        )
    }

    /// A key that is held down may do it again: it moves no money.
    #[must_use]
    pub fn may_repeat(self) -> bool {
        matches!(
            self,
            Self::More
                | Self::Fewer
                | Self::ManyMore
                | Self::ManyFewer
                | Self::Erase
                | Self::Look(Look::Closer | Look::Farther | Look::Earlier | Look::Later)
        )
    }
}

impl From<Action> for &'static str {
    fn from(action: Action) -> Self {
        action.name()
    }
}

impl TryFrom<String> for Action {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::by_name(&name).ok_or_else(|| format!("there is no action {name:?}"))
    }
}

/// Something the mouse does over the chart that means an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gesture {
    /// The wheel, away from the hand.
    WheelUp,
    /// The wheel, towards the hand.
    WheelDown,
    /// To the right, with the button down.
    DragRight,
    /// To the left, with the button down.
    DragLeft,
}

impl Gesture {
    /// As the help writes it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::WheelUp => "wheel up",
            Self::WheelDown => "wheel down",
            Self::DragRight => "drag right",
            Self::DragLeft => "drag left",
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// What is done.
    pub action: Action,
    /// Its name in the configuration and in the palette.
    pub name: &'static str,
    /// The keys that do it, unless the player has others; the first one is shown as a hint.
    pub keys: &'static [Key],
    /// What the mouse does over the chart to the same end.
    pub gesture: Option<Gesture>,
    /// One or two words for the footer, and their rank; a higher one goes first where room is short.
    pub hint: Option<(&'static str, u8)>,
    /// A sentence for the help.
    pub help: &'static str,
}

impl Binding {
    const fn hint(mut self, words: &'static str, rank: u8) -> Self {
        self.hint = Some((words, rank));
        self
    }

    const fn gesture(mut self, gesture: Gesture) -> Self {
        self.gesture = Some(gesture);
        self
    }
}

const fn row(action: Action, name: &'static str, keys: &'static [Key], help: &'static str) -> Binding {
    Binding {
        action,
        name,
        keys,
        gesture: None,
        hint: None,
        help,
    }
}

const fn look(look: Look, name: &'static str, keys: &'static [Key], help: &'static str) -> Binding {
    row(Action::Look(look), name, keys, help)
}

/// Everything a player can do at the desk, in the order of the help and the footer.
#[rustfmt::skip] // A table is read row by row.
pub const BINDINGS: &[Binding] = &[
    row(Action::Buy, "buy", &[Key::char('b')], "buy the ticket's quantity at the price in force")
        .hint("buy", 0),
    row(Action::Sell, "sell", &[Key::char('s')], "sell the ticket's quantity at the price in force")
        .hint("sell", 1),
    row(Action::BuyTokens, "buy-tokens", &[Key::char('t')], "buy tokens with dollars: 5 tokens a dollar")
        .hint("tokens", 3),
    row(Action::Withdraw, "withdraw", &[Key::char('w')], "turn tokens into dollars")
        .hint("withdraw", 5),
    row(Action::More, "more", &[Key::plain(KeyCode::Up)], "one stock more on the ticket"),
    row(Action::Fewer, "fewer", &[Key::plain(KeyCode::Down)], "one stock less on the ticket"),
    row(Action::ManyMore, "many-more", &[Key::plain(KeyCode::PageUp)], "ten stocks more on the ticket"),
    row(Action::ManyFewer, "many-fewer", &[Key::plain(KeyCode::PageDown)], "ten stocks less on the ticket"),
    row(Action::Max, "max", &[Key::char('m')], "as many stocks as possible, and back")
        .hint("max", 12),
    row(Action::Limit, "limit", &[Key::char('@')], "type a limit: buy at that price or below, sell at it or above; @ @: none")
        .hint("limit", 13),
    row(Action::Erase, "erase", &[Key::plain(KeyCode::Backspace)], "take the ticket's last digit back"),
    look(Look::Kind, "chart", &[Key::char('c')], "the chart as area, line, candlesticks, bars")
        .hint("chart", 9),
    look(Look::Interval, "interval", &[Key::char('i')], "ticks of a candle: as suits the room, 5, 15, 60")
        .hint("interval", 15),
    look(Look::Closer, "zoom-in", &[Key::char('+'), Key::char('=')], "fewer prices in sight")
        .gesture(Gesture::WheelUp),
    look(Look::Farther, "zoom-out", &[Key::char('-'), Key::char('_')], "more prices in sight")
        .gesture(Gesture::WheelDown),
    look(Look::Earlier, "earlier", &[Key::plain(KeyCode::Left)], "back in time, crosshair or chart")
        .gesture(Gesture::DragRight),
    look(Look::Later, "later", &[Key::plain(KeyCode::Right)], "on in time, crosshair or chart")
        .gesture(Gesture::DragLeft),
    look(Look::Oldest, "oldest", &[Key::plain(KeyCode::Home)], "the oldest prices"),
    look(Look::Newest, "newest", &[Key::plain(KeyCode::End)], "the newest prices, live; once more: the usual zoom"),
    look(Look::Crosshair, "crosshair", &[Key::char('x')], "read a price off; over the chart the mouse does it too")
        .hint("read", 14),
    look(Look::Percent, "percent", &[Key::char('%')], "the scale in percent of the first price in sight"),
    row(Action::Payments, "payments", &[Key::char('p')], "the list of payments")
        .hint("payments", 8),
    row(Action::Statement, "statement", &[Key::char('S')], "the statement of the payments server")
        .hint("statement", 11),
    row(Action::Trades, "trades", &[Key::char('T')], "the list of your trades, the newest first")
        .hint("trades", 10),
    row(Action::Leaderboard, "leaderboard", &[Key::char('l')], "the others: who owns most, who is here, what they trade")
        .hint("others", 6),
    row(Action::Palette, "palette", &[Key::char(':')], "a line of words")
        .hint("command", 7),
    row(Action::Help, "help", &[Key::char('?')], "this page")
        .hint("help", 4),
    row(Action::Repaint, "repaint", &[Key::ctrl('l')], "draw the screen anew"),
    row(Action::Suspend, "suspend", &[Key::ctrl('z')], "suspend the game; fg comes back"),
    row(Action::Quit, "quit", &[Key::char('q'), Key::ctrl('c')], "leave; the wallet is kept")
        .hint("quit", 2),
];

/// The action that a gesture over the chart means.
#[must_use]
pub fn meant_by(gesture: Gesture) -> Option<Action> {
    let row = BINDINGS.iter().find(|row| row.gesture == Some(gesture));
    row.map(|row| row.action)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_action_has_one_row_and_one_name() {
        let names: HashSet<_> = BINDINGS.iter().map(|row| row.name).collect();
        let actions: HashSet<_> = BINDINGS.iter().map(|row| row.action).collect();
        assert_eq!((names.len(), actions.len()), (BINDINGS.len(), BINDINGS.len()));
        for row in BINDINGS {
            assert_eq!(Action::by_name(row.name), Some(row.action));
            assert_eq!(row.action.name(), row.name);
        }
    }

    #[test]
    fn no_two_hints_have_one_rank() {
        let ranks: Vec<u8> = BINDINGS
            .iter()
            .filter_map(|row| row.hint)
            .map(|(_, rank)| rank)
            .collect();
        assert_eq!(ranks.iter().collect::<HashSet<_>>().len(), ranks.len());
    }
}
