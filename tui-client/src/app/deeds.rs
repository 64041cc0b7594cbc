//! What a player does: the one place where an action or a command turns into state and effects.
//!
//! Owns which orders are sent and which are held back. The rules of money are the casino's: an order that cannot pass
//! is sent all the same and refused there, with the figures.

use super::{
    AppState, Effect, Effects,
    action::{Action, Look},
    alerts::Alert,
    command::Command,
    connection::{Connection, Liveness},
    event::Call,
    log::{Deed, Entry, Outcome},
    money::{Side, TOKENS_PER_DOLLAR},
    overlay::{AmountEntry, AmountKind, Confirm, Overlay, Palette, Scroll, Sheet},
};

/// Tokens from which an order is large: it is asked about once before it is sent.
pub const LARGE_TOKENS: i64 = 10_000;

/// Orders that may wait for their answers at once.
pub const MAX_WAITING_ORDERS: usize = 64;

/// Why an order with a limit is held back at a casino that would pass over it.
const NO_LIMITS: &str = "this casino keeps to no limits";

/// Why an order is held back whose limit has been begun and not been typed.
const NO_PRICE: &str = "the limit has no price";

/// Does what is bound to a key.
pub(super) fn act(state: &mut AppState, action: Action) -> Effects {
    match action {
        Action::Buy => return order_of_ticket(state, Side::Buy),
        Action::Sell => return order_of_ticket(state, Side::Sell),
        Action::BuyTokens => open(state, Overlay::Amount(AmountEntry::new(AmountKind::BuyTokens))),
        Action::Withdraw => open(state, Overlay::Amount(AmountEntry::new(AmountKind::Withdraw))),
        Action::More => state.ticket.step(1),
        Action::Fewer => state.ticket.step(-1),
        Action::ManyMore => state.ticket.step(10),
        Action::ManyFewer => state.ticket.step(-10),
        Action::Max => state.ticket.toggle_max(),
        Action::Limit => state.ticket.begin_limit(),
        Action::Erase => state.ticket.erase(),
        Action::Look(to) => return look(state, to),
        Action::Payments => return run(state, Command::Payments),
        Action::Trades => return run(state, Command::Trades),
        Action::Statement => return run(state, Command::Statement),
        Action::Leaderboard => return run(state, Command::Leaderboard),
        Action::Help => return run(state, Command::Help),
        Action::Palette => open(state, Overlay::Palette(Palette::default())),
        Action::Repaint => return vec![Effect::Repaint],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Quit => return vec![Effect::Quit],
    }
    Effects::new()
}

/// Looks at the prices in another way; asks for older ones where those kept do not reach back far enough.
fn look(state: &mut AppState, to: Look) -> Effects {
    let pulled = state.screen.pulled();
    let (chart, market) = (&mut state.chart, &state.market);
    match to {
        Look::Kind => chart.next_kind(),
        Look::Interval => chart.next_interval(),
        Look::Closer => chart.zoom_in(market),
        Look::Farther => chart.zoom_out(market),
        Look::Earlier => chart.left(pulled, market),
        Look::Later => chart.right(pulled, market),
        Look::Oldest => chart.to_oldest(market),
        Look::Newest => chart.to_newest(market),
        Look::Crosshair => chart.toggle_crosshair(market),
        Look::Percent => chart.percent = !chart.percent,
    }
    if !matches!(to, Look::Farther | Look::Earlier | Look::Oldest) {
        return Effects::new();
    }
    chart.wants_older(market).map(Effect::Call).into_iter().collect()
}

/// Runs a command; one that is large is asked about first.
pub(super) fn run(state: &mut AppState, command: Command) -> Effects {
    match question(state, command) {
        Some(confirm) => {
            open(state, Overlay::Confirm(confirm));
            Effects::new()
        }
        None => run_confirmed(state, command),
    }
}

/// What is to be asked before a command is run; `None`: it is no large one, or it could not pass anyway.
fn question(state: &AppState, command: Command) -> Option<Confirm> {
    let held = state.holdings.tokens()?;
    let price = state.market.last().map(|last| i64::from(last.price));
    let worth = |count: i32| i64::from(count).checked_mul(price?);
    let (tokens, asked) = match command {
        Command::Buy(count) | Command::Limited(Side::Buy, count, _) => {
            // What it may cost at most, and whether it would pass now.
            let cost = at_limit(command).map_or_else(|| worth(count), Some)?;
            let all_in = count > 1 && cost.checked_mul(10)? >= i64::from(held).checked_mul(9)?;
            let passes = worth(count)? <= i64::from(held) && worth(count)? <= cost;
            (cost, passes && (all_in || cost >= LARGE_TOKENS))
        }
        Command::Sell(count) | Command::Limited(Side::Sell, count, _) => {
            // What it pays at least, and whether it would pass now.
            let pays = at_limit(command).map_or_else(|| worth(count), Some)?;
            let has_them = state
                .holdings
                .wallet()
                .is_none_or(|wallet| wallet.stocks >= count);
            (pays, has_them && worth(count)? >= pays.max(LARGE_TOKENS))
        }
        Command::Withdraw(tokens) => {
            let left = held.checked_sub(tokens)?;
            (
                i64::from(tokens),
                left >= 0 && i64::from(left) < TOKENS_PER_DOLLAR,
            )
        }
        _ => return None,
    };
    asked.then_some(Confirm {
        command,
        tokens,
        held,
    })
}

/// What an order with a limit comes to at its limit, in tokens; `None`: it has none.
fn at_limit(command: Command) -> Option<i64> {
    match command {
        Command::Limited(_, count, limit) => i64::from(count).checked_mul(i64::from(limit)),
        _ => None,
    }
}

/// Runs a command that needs no question, or whose question was answered.
pub(super) fn run_confirmed(state: &mut AppState, command: Command) -> Effects {
    match command {
        Command::Buy(count) => order(state, Side::Buy, count, None),
        Command::Sell(count) => order(state, Side::Sell, count, None),
        Command::Limited(side, count, limit) => order(state, side, count, Some(limit)),
        Command::BuyTokens(dollars) => pay(state, Deed::BuyTokens(dollars), Call::BuyTokens(dollars)),
        Command::Withdraw(tokens) => pay(state, Deed::Withdraw(tokens), Call::Withdraw(tokens)),
        Command::Balance => {
            let balance = match state.holdings.tokens() {
                Some(tokens) => Outcome::Done(format!("balance: {tokens} tokens")),
                None => Outcome::Refused("the balance has not come yet".to_owned()),
            };
            state.log.notice(state.now, balance);
            vec![Effect::Call(Call::Holdings)]
        }
        Command::Payments => {
            open(state, Overlay::Payments(Sheet::default()));
            vec![Effect::Call(Call::Payments)]
        }
        Command::Trades => {
            open(state, Overlay::Trades(Sheet::default()));
            vec![Effect::Call(Call::TradePage { before: None })]
        }
        Command::Statement => {
            open(state, Overlay::Statement(Sheet::default()));
            vec![Effect::Call(Call::Statement)]
        }
        Command::Leaderboard => {
            let scroll = Scroll::default();
            open(state, Overlay::Company { scroll });
            Effects::new()
        }
        Command::AlertAbove(price) => arm(state, Alert::Above(price)),
        Command::AlertBelow(price) => arm(state, Alert::Below(price)),
        Command::AlertsOff => {
            let removed = state.alerts.disarm();
            state
                .log
                .notice(state.now, Outcome::Done(format!("alerts removed: {removed}")));
            Effects::new()
        }
        Command::Gamble => sit_down(state),
        Command::Stop => leave(state),
        Command::Help => {
            open(
                state,
                Overlay::Help {
                    scroll: Scroll::default(),
                },
            );
            Effects::new()
        }
        Command::Exit => vec![Effect::Quit],
    }
}

fn open(state: &mut AppState, overlay: Overlay) {
    state.screen.overlays.push(overlay);
}

fn order_of_ticket(state: &mut AppState, side: Side) -> Effects {
    let Some(price) = state.market.last().map(|last| last.price) else {
        return hold_back(state, "no price has come yet");
    };
    let count = state.ticket.count(side, price, &state.holdings);
    let limit = state.ticket.limit().map(|limit| limit.price);
    if limit == Some(0) {
        return hold_back(state, NO_PRICE);
    }
    state.ticket.settle();
    match count {
        Some(count) => run(state, command_of(side, count, limit)),
        None => hold_back(state, "how many are possible is not known"),
    }
}

fn command_of(side: Side, count: i32, limit: Option<i32>) -> Command {
    match (side, limit) {
        (side, Some(limit)) => Command::Limited(side, count, limit),
        (Side::Buy, None) => Command::Buy(count),
        (Side::Sell, None) => Command::Sell(count),
    }
}

fn hold_back(state: &mut AppState, why: &str) -> Effects {
    state.log.notice(state.now, Outcome::NotSent(why.to_owned()));
    Effects::new()
}

fn order(state: &mut AppState, side: Side, count: i32, limit: Option<i32>) -> Effects {
    let unlimited = limit.is_some() && !state.company.told.limits;
    let why_not = why_not_sent(state, count);
    let why_not = why_not.or_else(|| unlimited.then(|| NO_LIMITS.to_owned()));
    let Some(why_not) = why_not else {
        let sent = state.log.send(state.now, (side, count), limit);
        return sent.map(Effect::from).into_iter().collect();
    };
    state.log.push(Entry {
        at: state.now,
        deed: Deed::ordered(side, count, limit),
        outcome: Outcome::NotSent(why_not),
    });
    Effects::new()
}

/// Why an order is held back; `None`: it is sent.
fn why_not_sent(state: &AppState, count: i32) -> Option<String> {
    let liveness = state.connection.liveness(state.now, state.market.interval_ms());
    match liveness {
        Liveness::Live => {}
        Liveness::Stale { age_ms } => {
            let seconds = age_ms.checked_div(1000).unwrap_or(0);
            return Some(format!(
                "no price for {seconds} s; orders go on with the next one"
            ));
        }
        Liveness::Connecting => return Some("still connecting to the table".to_owned()),
        Liveness::Reconnecting { .. } => return Some("the table is lost, reconnecting".to_owned()),
        Liveness::Barred => return Some("the casino gives you no seat; :gamble asks again".to_owned()),
        Liveness::Left => return Some("you left the table; :gamble sits down again".to_owned()),
    }
    if count < 1 {
        return Some("the quantity is 0".to_owned());
    }
    (state.log.waiting() >= MAX_WAITING_ORDERS)
        .then(|| format!("{MAX_WAITING_ORDERS} orders wait for their answers"))
}

fn pay(state: &mut AppState, deed: Deed, call: Call) -> Effects {
    state.log.push(Entry {
        at: state.now,
        deed,
        outcome: Outcome::Pending,
    });
    vec![Effect::Call(call)]
}

fn arm(state: &mut AppState, alert: Alert) -> Effects {
    let price = state.market.last().map(|last| last.price);
    let outcome = match (state.alerts.arm(alert, price), alert) {
        (Err(why), _) => Outcome::Refused(why),
        (Ok(()), Alert::Above(price)) => Outcome::Done(format!("alert set: price at or above {price}")),
        (Ok(()), Alert::Below(price)) => Outcome::Done(format!("alert set: price at or below {price}")),
    };
    state.log.notice(state.now, outcome);
    Effects::new()
}

fn sit_down(state: &mut AppState) -> Effects {
    match state.connection {
        // What the seat that was left still has to say is not heard any more, and the player did not wait for it.
        Connection::Left => state.log.lose_waiting(),
        Connection::Barred { .. } => {}
        Connection::Connecting { .. } | Connection::Live(_) | Connection::Waiting { .. } => {
            let words = "you sit at the table".to_owned();
            state.log.notice(state.now, Outcome::Done(words));
            return Effects::new();
        }
    }
    state.connection = Connection::Connecting { attempt: 1 };
    vec![Effect::Connect { after_ms: 0 }]
}

fn leave(state: &mut AppState) -> Effects {
    if state.connection == Connection::Left {
        return Effects::new();
    }
    state.connection = Connection::Left;
    state.log.notice(
        state.now,
        Outcome::Done("you left the table; :gamble sits down again".to_owned()),
    );
    vec![Effect::Leave]
}
