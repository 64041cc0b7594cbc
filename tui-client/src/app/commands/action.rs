//! The table of all player actions, used by key handling, mouse, footer hints, help and the palette.

use crossterm::event::KeyCode;
use serde::{Deserialize, Serialize};

use super::command::CommandSpec;
use super::key::Key;

/// An action on the main screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Action {
    Buy,
    Sell,
    BuyTokens,
    Withdraw,
    More,
    Fewer,
    ManyMore,
    ManyFewer,
    Max,
    Limit,
    Rest,
    Erase,
    NextOrder,
    Orders,
    Chart(ChartAction),
    Payments,
    Trades,
    Statement,
    Leaderboard,
    Wire,
    Help,
    Palette,
    Repaint,
    Suspend,
    Quit,
}

/// A change of the chart view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChartAction {
    Kind,
    Interval,
    ZoomIn,
    ZoomOut,
    Earlier,
    Later,
    Oldest,
    Newest,
    Crosshair,
    Percent,
}

impl Action {
    /// Returns the name used in the configuration and the palette.
    pub fn name(self) -> &'static str {
        let row = BINDINGS.iter().find(|row| row.action == self);
        row.map_or("", |row| row.name)
    }

    pub fn by_name(name: &str) -> Option<Self> {
        let row = BINDINGS.iter().find(|row| row.name == name);
        row.map(|row| row.action)
    }

    /// Returns the action that does the same as the command or starts it.
    pub(crate) fn of(command: &CommandSpec) -> Option<Self> {
        command.names().find_map(Self::by_name)
    }

    /// Returns true if the key also closes documents.
    pub(crate) fn closes_documents(self) -> bool {
        matches!(
            self,
            Self::Payments
                | Self::Trades
                | Self::Statement
                | Self::Leaderboard
                | Self::Orders
                | Self::Wire
                | Self::Help
                | Self::Quit
        )
    }

    /// Returns true if the action has no use without a player.
    pub(crate) fn needs_player(self) -> bool {
        !matches!(
            self,
            Self::Chart(_) | Self::Leaderboard | Self::Help | Self::Repaint | Self::Suspend | Self::Quit
        )
    }

    /// Returns true if the action has no use at a casino where orders cannot rest.
    pub(crate) fn needs_resting_orders(self) -> bool {
        matches!(self, Self::Rest | Self::Orders | Self::NextOrder)
    }

    /// Returns true if holding the key repeats the action; never for actions that move money.
    pub(crate) fn may_repeat(self) -> bool {
        matches!(
            self,
            Self::More
                | Self::Fewer
                | Self::ManyMore
                | Self::ManyFewer
                | Self::Erase
                | Self::Chart(
                    ChartAction::ZoomIn | ChartAction::ZoomOut | ChartAction::Earlier | ChartAction::Later
                )
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
        Self::by_name(&name).ok_or_else(|| format!("unknown action {name:?}"))
    }
}

/// A mouse gesture over the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MouseGesture {
    WheelUp,
    WheelDown,
    DragRight,
    DragLeft,
}

impl MouseGesture {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::WheelUp => "wheel up",
            Self::WheelDown => "wheel down",
            Self::DragRight => "drag right",
            Self::DragLeft => "drag left",
        }
    }
}

/// A row of the action table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    pub action: Action,
    /// Name in the configuration and the palette.
    pub name: &'static str,
    /// Default keys; the first one is shown as a hint.
    pub keys: &'static [Key],
    pub(crate) gesture: Option<MouseGesture>,
    /// Footer text and rank; hints with a high rank are dropped first if there is no room.
    pub hint: Option<(&'static str, u8)>,
    pub help: &'static str,
}

impl Binding {
    const fn hint(mut self, text: &'static str, rank: u8) -> Self {
        self.hint = Some((text, rank));
        self
    }

    const fn gesture(mut self, gesture: MouseGesture) -> Self {
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

const fn chart(action: ChartAction, name: &'static str, keys: &'static [Key], help: &'static str) -> Binding {
    row(Action::Chart(action), name, keys, help)
}

/// All actions, in the order of help and footer.
#[rustfmt::skip] // one row a line
pub const BINDINGS: &[Binding] = &[
    row(Action::Buy, "buy", &[Key::char('b')], "buy the ticket's quantity at the current price")
        .hint("buy", 0),
    row(Action::Sell, "sell", &[Key::char('s')], "sell the ticket's quantity at the current price")
        .hint("sell", 1),
    row(Action::BuyTokens, "buy-tokens", &[Key::char('t')], "buy tokens with dollars: 5 tokens per dollar")
        .hint("tokens", 3),
    row(Action::Withdraw, "withdraw", &[Key::char('w')], "convert tokens to dollars")
        .hint("withdraw", 5),
    row(Action::More, "more", &[Key::new(KeyCode::Up)], "one more stock on the ticket"),
    row(Action::Fewer, "fewer", &[Key::new(KeyCode::Down)], "one stock fewer on the ticket"),
    row(Action::ManyMore, "many-more", &[Key::new(KeyCode::PageUp)], "ten more stocks on the ticket"),
    row(Action::ManyFewer, "many-fewer", &[Key::new(KeyCode::PageDown)], "ten stocks fewer on the ticket"),
    row(Action::Max, "max", &[Key::char('m')], "the maximum quantity; again: one stock")
        .hint("max", 12),
    row(Action::Limit, "limit", &[Key::char('@')], "limit price: buy at this price or less, sell at this price or more; @ @ removes it")
        .hint("limit", 13),
    row(Action::Rest, "rest", &[Key::char('o')],
        "let the next orders rest at a price: as a limit; again: as a stop; again: off; @ @ removes it")
        .hint("rest", 16),
    row(Action::Erase, "erase", &[Key::new(KeyCode::Backspace)], "delete the quantity's last digit"),
    chart(ChartAction::Kind, "chart", &[Key::char('c')], "chart type: area, line, candlesticks, bars")
        .hint("chart", 9),
    chart(ChartAction::Interval, "interval", &[Key::char('i')], "candle interval: auto, 5, 15 or 60 ticks")
        .hint("interval", 15),
    chart(ChartAction::ZoomIn, "zoom-in", &[Key::char('+'), Key::char('=')], "zoom in")
        .gesture(MouseGesture::WheelUp),
    chart(ChartAction::ZoomOut, "zoom-out", &[Key::char('-'), Key::char('_')], "zoom out")
        .gesture(MouseGesture::WheelDown),
    chart(ChartAction::Earlier, "earlier", &[Key::new(KeyCode::Left)], "scroll to earlier prices, or move the crosshair left")
        .gesture(MouseGesture::DragRight),
    chart(ChartAction::Later, "later", &[Key::new(KeyCode::Right)], "scroll to later prices, or move the crosshair right")
        .gesture(MouseGesture::DragLeft),
    chart(ChartAction::Oldest, "oldest", &[Key::new(KeyCode::Home)], "go to the oldest prices"),
    chart(ChartAction::Newest, "newest", &[Key::new(KeyCode::End)], "go to the latest price; again: reset the zoom"),
    chart(ChartAction::Crosshair, "crosshair", &[Key::char('x')], "crosshair: inspect a price, also with the mouse")
        .hint("crosshair", 14),
    chart(ChartAction::Percent, "percent", &[Key::char('%')], "price scale in percent of the first visible price"),
    row(Action::Payments, "payments", &[Key::char('p')], "your payments")
        .hint("payments", 8),
    row(Action::Statement, "statement", &[Key::char('S')], "your account statement")
        .hint("statement", 11),
    row(Action::Trades, "trades", &[Key::char('T')], "your trades, newest first")
        .hint("trades", 10),
    row(Action::Orders, "orders", &[Key::char('O')], "your open orders, and how earlier ones ended")
        .hint("orders", 17),
    row(Action::NextOrder, "next-order", &[Key::TAB],
        "select an open order on the chart; arrows and Enter move it, Del cancels it; mouse: drag its label"),
    row(Action::Leaderboard, "leaderboard", &[Key::char('l')], "leaderboard, players online and recent trades")
        .hint("lobby", 6),
    row(Action::Wire, "wire", &[Key::char('W')], "the wire: every message of the stream; Enter opens one"),
    row(Action::Palette, "palette", &[Key::char(':')], "command palette")
        .hint("command", 7),
    row(Action::Help, "help", &[Key::char('?')], "this help")
        .hint("help", 4),
    row(Action::Repaint, "repaint", &[Key::ctrl('l')], "redraw the screen"),
    row(Action::Suspend, "suspend", &[Key::ctrl('z')], "suspend the game; fg resumes it"),
    row(Action::Quit, "quit", &[Key::char('q'), Key::ctrl('c')], "quit; your wallet is saved")
        .hint("quit", 2),
];

pub(crate) fn for_gesture(gesture: MouseGesture) -> Option<Action> {
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
    fn hint_ranks_are_unique() {
        let ranks: Vec<u8> = BINDINGS
            .iter()
            .filter_map(|row| row.hint)
            .map(|(_, rank)| rank)
            .collect();
        assert_eq!(ranks.iter().collect::<HashSet<_>>().len(), ranks.len());
    }
}
