//! Actions and commands of the player. An order that the casino will reject is still sent: its answer has the figures.

use awesomestock_proto::text::{pluralize, thousands};

use crate::app::commands::action::{Action, ChartAction};
use crate::app::commands::command::Command;
use crate::app::commands::lab::Fault;
use crate::app::commands::request::Request;
use crate::app::connection::Connection;
use crate::app::overlay::tour::Tour;
use crate::app::overlay::{AmountEntry, AmountKind, Document, Overlay, Palette, Scroll};
use crate::app::portfolio::alerts::Alert;
use crate::app::portfolio::money::{Side, TOKENS_PER_DOLLAR};
use crate::app::portfolio::order::Terms;
use crate::app::portfolio::order_log::{ActionStatus, LoggedAction};
use crate::app::portfolio::quantity::Quantity;
use crate::app::portfolio::ticket::Estimate;
use crate::app::update::send::{NO_PAUSE, cannot_rest, not_sent, send_order};
use crate::app::update::{orders, wire};
use crate::app::{AppState, Effect, Effects};

/// Tokens from which an order needs confirmation.
pub(crate) const LARGE_TOKENS: i64 = 10_000;

const NO_PRICE: &str = "the price is missing";

const NO_MAXIMUM: &str = "the maximum quantity is not known yet";

const NO_TOUR: &str = "the tour begins with a deposit, which is not possible now; ? lists the keys";

pub(crate) fn perform(state: &mut AppState, action: Action) -> Effects {
    if let Some(reason) = state.not_offered(action) {
        if state.session.settings.watch {
            return Effects::new();
        }
        if action == Action::Rest {
            // The digits that follow are a price, not a quantity, and the order is refused as well.
            state.ticket.next_rest();
            if !state.ticket.rests() {
                return Effects::new();
            }
        }
        return blocked_reason(state, &reason);
    }
    state.tour = state.tour.and_then(|tour| tour.after(action));
    match action {
        Action::Buy => return order_from_ticket(state, Side::Buy),
        Action::Sell => return order_from_ticket(state, Side::Sell),
        Action::BuyTokens => return open(state, Overlay::Amount(AmountEntry::new(AmountKind::BuyTokens))),
        Action::Withdraw => return open(state, Overlay::Amount(AmountEntry::new(AmountKind::Withdraw))),
        Action::More => state.ticket.step(1),
        Action::Fewer => state.ticket.step(-1),
        Action::ManyMore => state.ticket.step(10),
        Action::ManyFewer => state.ticket.step(-10),
        Action::Max => state.ticket.toggle_max(),
        Action::Limit => state.ticket.begin_limit(),
        Action::Rest => state.ticket.next_rest(),
        Action::NextOrder if state.orders.open().is_empty() => {
            state.alerts.toast("no open orders".to_owned(), state.now);
        }
        Action::NextOrder => state.orders.select_next(),
        Action::Orders => {
            let scroll = Scroll::default();
            open(state, Overlay::Orders { scroll });
            return orders::request(state);
        }
        Action::Erase => state.ticket.erase(),
        Action::Chart(to) => return chart_action(state, to),
        Action::Payments => return execute(state, Command::Payments),
        Action::Trades => return execute(state, Command::Trades),
        Action::Statement => return execute(state, Command::Statement),
        Action::Leaderboard => return execute(state, Command::Leaderboard),
        Action::Wire => return wire::toggle(state),
        Action::Help => return execute(state, Command::Help),
        Action::Palette => return open(state, Overlay::Palette(Palette::new(state.lab.is_some()))),
        Action::Repaint => return vec![Effect::Repaint],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Quit => return execute(state, Command::Exit),
    }
    Effects::new()
}

/// Injects a fault or ends it. Outside of the lab, nothing happens.
pub(crate) fn inject(state: &mut AppState, fault: Fault) -> Effects {
    let faults = state.lab.as_mut().map(|lab| lab.toggle(fault));
    Effects::from_iter(faults.map(Effect::Inject))
}

/// Changes the chart view and requests older prices if it shows more than is kept.
fn chart_action(state: &mut AppState, to: ChartAction) -> Effects {
    let dragged = state.screen.take_drag();
    let (chart, market) = (&mut state.chart, &state.market);
    match to {
        ChartAction::Kind => chart.next_kind(),
        ChartAction::Interval => chart.next_interval(),
        ChartAction::ZoomIn => chart.zoom_in(market),
        ChartAction::ZoomOut => chart.zoom_out(market),
        ChartAction::Earlier => chart.pan(false, dragged, market),
        ChartAction::Later => chart.pan(true, dragged, market),
        ChartAction::Oldest => chart.scroll_to_start(market),
        ChartAction::Newest => chart.scroll_to_end(market),
        ChartAction::Crosshair => chart.toggle_crosshair(market),
        ChartAction::Percent => chart.percent = !chart.percent,
    }
    if !matches!(
        to,
        ChartAction::ZoomOut | ChartAction::Earlier | ChartAction::Oldest
    ) {
        return Effects::new();
    }
    Effects::from_iter(chart.request_older(market).map(Effect::Call))
}

pub(crate) fn execute(state: &mut AppState, command: Command) -> Effects {
    if needs_confirmation(state, command) == Some(true) {
        return open(state, Overlay::Confirm(command));
    }
    run_confirmed(state, command)
}

/// Returns whether a command is large and would succeed now, or ends the only game that counts; `None` if the figures are
/// unknown.
fn needs_confirmation(state: &AppState, command: Command) -> Option<bool> {
    if command == Command::Exit {
        let is_asked = matches!(
            state.screen.overlays.last(),
            Some(Overlay::Confirm(Command::Exit))
        );
        return Some(state.session.settings.confirm_quit && !is_asked);
    }
    let held = state.holdings.tokens()?;
    if let Command::Withdraw(tokens) = command {
        return Some((0..TOKENS_PER_DOLLAR).contains(&i64::from(held.checked_sub(tokens)?)));
    }
    let order = estimate(state, command)?;
    let all_in = order.count > 1 && order.bound.checked_mul(10)? >= i64::from(held).checked_mul(9)?;
    if let Terms::Rest(_) = order.terms {
        if cannot_rest(state).is_some() {
            return Some(false);
        }
        // It is not checked before its price is met.
        return Some(order.bound >= LARGE_TOKENS || (order.side == Side::Buy && all_in));
    }
    Some(match order.side {
        Side::Buy => {
            let passes = order.total <= i64::from(held) && order.total <= order.bound;
            passes && (all_in || order.bound >= LARGE_TOKENS)
        }
        Side::Sell => {
            let wallet = state.holdings.wallet();
            let has_them = wallet.is_none_or(|wallet| wallet.stocks >= order.count);
            has_them && order.total >= order.bound.max(LARGE_TOKENS)
        }
    })
}

fn estimate(state: &AppState, command: Command) -> Option<Estimate> {
    Estimate::new(command, state.market.last()?.price, &state.holdings)
}

pub(crate) fn run_confirmed(state: &mut AppState, command: Command) -> Effects {
    let scroll = Scroll::default();
    match command {
        Command::Order(side, Quantity::Count(count), terms @ (Terms::Market | Terms::Limit(_))) => {
            send_order(state, LoggedAction::Order(side, count, terms), None)
        }
        Command::Order(_, quantity, _) => send_ticket(state, command, quantity),
        Command::BuyTokens(dollars) => pay(
            state,
            LoggedAction::BuyTokens(dollars),
            Request::BuyTokens(dollars),
        ),
        Command::Withdraw(tokens) => pay(state, LoggedAction::Withdraw(tokens), Request::Withdraw(tokens)),
        Command::Balance => {
            let balance = match state.holdings.tokens() {
                Some(tokens) => ActionStatus::Done(format!("balance: {}", pluralize(tokens, "token"))),
                None => ActionStatus::Rejected("the balance is not known yet".to_owned()),
            };
            state.log.notify(state.now, balance);
            vec![Effect::Call(Request::Holdings)]
        }
        Command::Payments => load(state, Overlay::Payments(Document::default()), Request::Payments),
        Command::Trades => {
            let newest = Request::TradePage { before: None };
            load(state, Overlay::Trades(Document::default()), newest)
        }
        Command::Statement => load(state, Overlay::Statement(Document::default()), Request::Statement),
        Command::Leaderboard => open(state, Overlay::Lobby { scroll }),
        Command::AlertAbove(price) => set_alert(state, Alert::Above(price)),
        Command::AlertBelow(price) => set_alert(state, Alert::Below(price)),
        Command::AlertsOff => {
            let removed = state.alerts.clear();
            notice(state, ActionStatus::Done(format!("alerts removed: {removed}")))
        }
        Command::Gamble => connect(state),
        Command::Stop if state.session.settings.is_challenge() => blocked_reason(state, NO_PAUSE),
        Command::Tour if state.not_offered(Action::BuyTokens).is_some() => blocked_reason(state, NO_TOUR),
        Command::Stop => leave(state),
        Command::Tour => {
            state.tour = Some(Tour::default());
            Effects::new()
        }
        Command::Help => open(state, Overlay::Help { scroll }),
        Command::Exit => vec![Effect::Quit],
    }
}

fn open(state: &mut AppState, overlay: Overlay) -> Effects {
    state.screen.overlays.push(overlay);
    Effects::new()
}

/// Opens a window whose content `call` loads.
fn load(state: &mut AppState, overlay: Overlay, call: Request) -> Effects {
    open(state, overlay);
    vec![Effect::Call(call)]
}

fn notice(state: &mut AppState, status: ActionStatus) -> Effects {
    state.log.notify(state.now, status);
    Effects::new()
}

fn order_from_ticket(state: &mut AppState, side: Side) -> Effects {
    if state.market.last().is_none() {
        state.ticket.settle();
        return blocked_reason(state, "no price received yet");
    }
    let terms = state.ticket.terms();
    if terms.price() == Some(0) {
        return blocked_reason(state, NO_PRICE);
    }
    state.ticket.settle();
    execute(state, Command::Order(side, state.ticket.quantity(), terms))
}

/// Computes the count of a ticket order and sends it. Where supported, the casino recomputes a maximum or a share at
/// execution, because the price may change until then.
fn send_ticket(state: &mut AppState, command: Command, quantity: Quantity) -> Effects {
    let Some(order) = estimate(state, command) else {
        return blocked_reason(state, NO_MAXIMUM);
    };
    let up_to = match (quantity, order.terms.price()) {
        (Quantity::Max, None) => Some(i32::MAX),
        (Quantity::Max | Quantity::Share(_), _) => Some(order.count),
        (Quantity::Count(_) | Quantity::Worth(_), _) => None,
    };
    if order.count < 1
        && not_sent(state, 1).is_none()
        && let Some(reason) = below_one_stock(state, quantity, order)
    {
        return blocked_reason(state, &reason);
    }
    let up_to = up_to.filter(|_| state.lobby.capabilities.up_to && order.count > 0);
    let action = LoggedAction::Order(order.side, order.count, order.terms);
    send_order(state, action, up_to)
}

/// Returns why a maximum, a share or a worth is less than one stock. `None` for a typed 0.
fn below_one_stock(state: &AppState, quantity: Quantity, order: Estimate) -> Option<String> {
    let price = order.terms.price().or(state.market.price())?;
    let one = format!("one stock costs {}", pluralize(price, "token"));
    let held = || match order.side {
        Side::Buy => Some(pluralize(state.holdings.tokens()?, "token")),
        Side::Sell => Some(pluralize(state.holdings.wallet()?.stocks, "stock")),
    };
    Some(match (quantity, order.side) {
        (Quantity::Count(_), _) => return None,
        (Quantity::Worth(dollars), _) => {
            let tokens = i64::from(dollars).saturating_mul(TOKENS_PER_DOLLAR);
            let worth = pluralize(tokens, "token");
            format!("{one}, {} $ is worth {worth}", thousands(dollars))
        }
        (Quantity::Max, Side::Buy) => format!("{one}, you have {}", held()?),
        (Quantity::Share(percent), Side::Buy) => format!("{one}, {percent} % of {} is less", held()?),
        (Quantity::Max, Side::Sell) => "you have no stocks to sell".to_owned(),
        (Quantity::Share(percent), Side::Sell) => {
            format!("{percent} % of {} is less than one stock", held()?)
        }
    })
}

fn blocked_reason(state: &mut AppState, why: &str) -> Effects {
    notice(state, ActionStatus::NotSent(why.to_owned()))
}

fn pay(state: &mut AppState, action: LoggedAction, call: Request) -> Effects {
    if let Some(reason) = state.not_offered(Action::BuyTokens) {
        return blocked_reason(state, &reason);
    }
    state.log.push(state.now, action, ActionStatus::Pending);
    vec![Effect::Call(call)]
}

fn set_alert(state: &mut AppState, alert: Alert) -> Effects {
    let price = state.market.price();
    let status = match state.alerts.set(alert, price) {
        Err(why) => ActionStatus::Rejected(why),
        Ok(()) => ActionStatus::Done(format!("alert set: {alert}")),
    };
    notice(state, status)
}

fn connect(state: &mut AppState) -> Effects {
    match state.connection {
        // Answers of the session that was left are not received any more.
        Connection::Disconnected => state.log.abandon_pending(),
        Connection::Rejected { .. } => {}
        Connection::Connecting { .. } | Connection::Open(_) | Connection::Backoff { .. } => {
            let text = "you are already at the table".to_owned();
            return notice(state, ActionStatus::Done(text));
        }
    }
    state.connection = Connection::Connecting { attempt: 1 };
    vec![Effect::Connect { after_ms: 0 }]
}

fn leave(state: &mut AppState) -> Effects {
    if state.connection == Connection::Disconnected {
        return Effects::new();
    }
    state.connection = Connection::Disconnected;
    let text = "you left the table; :gamble rejoins".to_owned();
    state.log.notify(state.now, ActionStatus::Done(text));
    vec![Effect::Leave]
}
