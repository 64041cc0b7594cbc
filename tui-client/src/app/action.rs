//! The one table of what a player can do: it drives keys, footer hints, help and the palette.
//!
//! Owns names, keys and words. What an action does is the reducer's to say.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Something a player can do at the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// Take the ticket's last digit back.
    Erase,
    /// Look at the prices in another way.
    Look(Look),
    /// Show the payments.
    Payments,
    /// Show the statement.
    Statement,
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

/// A key as it is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
}

impl Key {
    const fn plain(code: KeyCode) -> Self {
        Self { code, ctrl: false }
    }

    const fn char(letter: char) -> Self {
        Self::plain(KeyCode::Char(letter))
    }

    const fn ctrl(letter: char) -> Self {
        Self {
            code: KeyCode::Char(letter),
            ctrl: true,
        }
    }

    /// Whether `event` is this key. Shift is in the letter itself.
    #[must_use]
    pub fn matches(&self, event: &KeyEvent) -> bool {
        let blocked = KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META | KeyModifiers::HYPER;
        event.code == self.code
            && event.modifiers.contains(KeyModifiers::CONTROL) == self.ctrl
            && !event.modifiers.intersects(blocked)
    }

    /// As the help writes it: `b`, `Ctrl-C`, `Up`.
    #[must_use]
    pub fn label(&self) -> String {
        let name = match self.code {
            KeyCode::Char(letter) if self.ctrl => return format!("Ctrl-{}", letter.to_ascii_uppercase()),
            KeyCode::Char(letter) => return letter.to_string(),
            KeyCode::Left => "Left",
            KeyCode::Right => "Right",
            KeyCode::Home => "Home",
            KeyCode::End => "End",
            KeyCode::Up => "Up",
            KeyCode::Down => "Down",
            KeyCode::PageUp => "PgUp",
            KeyCode::PageDown => "PgDn",
            KeyCode::Backspace => "Backspace",
            KeyCode::Esc => "Esc",
            KeyCode::Enter => "Enter",
            _ => "?",
        };
        name.to_owned()
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// What is done.
    pub action: Action,
    /// The keys that do it; the first one is shown as a hint.
    pub keys: &'static [Key],
    /// One or two words for the footer; empty: never there.
    pub hint: &'static str,
    /// A sentence for the help.
    pub help: &'static str,
    /// Where room is short, a higher rank goes first.
    pub rank: u8,
}

/// Everything a player can do at the desk, in the order of the help and the footer.
pub const BINDINGS: &[Binding] = &[
    binding(
        Action::Buy,
        &[Key::char('b')],
        "buy",
        "buy the ticket's quantity at the price in force",
        0,
    ),
    binding(
        Action::Sell,
        &[Key::char('s')],
        "sell",
        "sell the ticket's quantity at the price in force",
        1,
    ),
    binding(
        Action::BuyTokens,
        &[Key::char('t')],
        "tokens",
        "buy tokens with dollars: 5 tokens a dollar",
        3,
    ),
    binding(
        Action::Withdraw,
        &[Key::char('w')],
        "withdraw",
        "turn tokens into dollars",
        5,
    ),
    binding(
        Action::More,
        &[Key::plain(KeyCode::Up)],
        "",
        "one stock more on the ticket",
        9,
    ),
    binding(
        Action::Fewer,
        &[Key::plain(KeyCode::Down)],
        "",
        "one stock less on the ticket",
        9,
    ),
    binding(
        Action::ManyMore,
        &[Key::plain(KeyCode::PageUp)],
        "",
        "ten stocks more on the ticket",
        9,
    ),
    binding(
        Action::ManyFewer,
        &[Key::plain(KeyCode::PageDown)],
        "",
        "ten stocks less on the ticket",
        9,
    ),
    binding(
        Action::Max,
        &[Key::char('m')],
        "max",
        "as many stocks as possible, and back",
        8,
    ),
    binding(
        Action::Erase,
        &[Key::plain(KeyCode::Backspace)],
        "",
        "take the ticket's last digit back",
        9,
    ),
    binding(
        Action::Look(Look::Kind),
        &[Key::char('c')],
        "chart",
        "the chart as area, line, candlesticks, bars",
        6,
    ),
    binding(
        Action::Look(Look::Closer),
        &[Key::char('+'), Key::char('=')],
        "",
        "fewer prices in sight; the wheel does it too",
        9,
    ),
    binding(
        Action::Look(Look::Farther),
        &[Key::char('-'), Key::char('_')],
        "",
        "more prices in sight",
        9,
    ),
    binding(
        Action::Look(Look::Earlier),
        &[Key::plain(KeyCode::Left)],
        "",
        "back in time: the crosshair, else the chart",
        9,
    ),
    binding(
        Action::Look(Look::Later),
        &[Key::plain(KeyCode::Right)],
        "",
        "on in time: the crosshair, else the chart",
        9,
    ),
    binding(
        Action::Look(Look::Oldest),
        &[Key::plain(KeyCode::Home)],
        "",
        "the oldest prices",
        9,
    ),
    binding(
        Action::Look(Look::Newest),
        &[Key::plain(KeyCode::End)],
        "",
        "the newest prices, live; once more: the usual zoom",
        9,
    ),
    binding(
        Action::Look(Look::Crosshair),
        &[Key::char('x')],
        "read",
        "read a price off: the crosshair; the mouse does it too",
        8,
    ),
    binding(
        Action::Look(Look::Percent),
        &[Key::char('%')],
        "",
        "the scale in percent of the first price in sight",
        9,
    ),
    binding(
        Action::Payments,
        &[Key::char('p')],
        "payments",
        "the list of payments",
        6,
    ),
    binding(
        Action::Statement,
        &[Key::char('S')],
        "statement",
        "the statement of the payments server",
        7,
    ),
    binding(
        Action::Palette,
        &[Key::char(':')],
        "command",
        "a line of words",
        8,
    ),
    binding(Action::Help, &[Key::char('?')], "help", "this page", 4),
    binding(Action::Repaint, &[Key::ctrl('l')], "", "draw the screen anew", 9),
    binding(
        Action::Suspend,
        &[Key::ctrl('z')],
        "",
        "suspend the game; fg comes back",
        9,
    ),
    binding(
        Action::Quit,
        &[Key::char('q'), Key::ctrl('c')],
        "quit",
        "leave; the wallet is kept",
        2,
    ),
];

const fn binding(
    action: Action,
    keys: &'static [Key],
    hint: &'static str,
    help: &'static str,
    rank: u8,
) -> Binding {
    Binding {
        action,
        keys,
        hint,
        help,
        rank,
    }
}

/// The action bound to a key.
#[must_use]
pub fn bound_to(event: &KeyEvent) -> Option<Action> {
    BINDINGS
        .iter()
        .find(|row| row.keys.iter().any(|key| key.matches(event)))
        .map(|row| row.action)
}
