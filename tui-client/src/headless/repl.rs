//! Plain mode: commands and answers line by line, without escape sequences. For scripts, pipes and screen readers. A
//! command is answered before the next line is read.

use std::collections::VecDeque;
use std::fmt::Display;
use std::io::{self, Write};
use std::ops::ControlFlow;

use awesomestock_proto::command_line;
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

use crate::app::commands::command::{self, Command};
use crate::app::commands::request::Request;
use crate::app::event::{Response, StreamEvent};
use crate::app::lobby::Lobby;
use crate::app::portfolio::open_orders::{MAX_ENDED, OF_OWN_ACCOUNT, SeenEnd};
use crate::app::portfolio::quantity::Quantity;
use crate::app::wire::{WireEvent, WireLog};
use crate::cli::config::zone::local_zone;
use crate::client::{CALL_DEADLINE, Client, GambleSession, Order, SessionEnd};
pub(crate) use crate::headless::input::{InputLine, read_lines};
use crate::headless::messages;
use crate::runtime::clock;
use crate::storage::progress::OrdersShown;
use crate::ui::panels::wire;
use crate::ui::text::sanitize;

/// Runs commands from `lines` and prints answers and prices to `out`, and with `shows_wire` every message of the stream,
/// until `exit`, the end of input or a shutdown signal. Pending orders are answered first. Ends of orders that earlier
/// games have shown are left out. Fails if `out` cannot be written; a closed reader is not an error.
pub(crate) async fn run_repl<W: Write>(
    client: Client,
    shows_wire: bool,
    orders_shown: Option<OrdersShown>,
    mut lines: mpsc::Receiver<InputLine>,
    out: W,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let wire = shows_wire.then(|| {
        client.collect_wire();
        client.watch_wire(clock::unix_micros)
    });
    let mut repl = Repl {
        client,
        out,
        session: None,
        wire,
        wire_log: WireLog::default(),
        lobby: Lobby::default(),
        shown_before: orders_shown.as_ref().and_then(OrdersShown::end),
        orders_shown,
        tick: None,
        printed_ends: VecDeque::new(),
    };
    let result = tokio::select! {
        result = repl.run(&mut lines) => result,
        () = shutdown => Ok(()),
    };
    let left = repl.leave().await.map(drop);
    let shown = repl.print_wire();
    command_line::written(result.and(left).and(shown))
}

#[derive(Debug)]
struct OpenSession {
    stream: GambleSession,
    orders: mpsc::Sender<Order>,
}

#[derive(Debug)]
struct Repl<W> {
    client: Client,
    out: W,
    session: Option<OpenSession>,
    /// Parts of the stream that are not printed yet.
    wire: Option<mpsc::Receiver<WireEvent>>,
    wire_log: WireLog,
    /// For the player's rank in a round.
    lobby: Lobby,
    /// The newest end that earlier games have shown.
    shown_before: Option<SeenEnd>,
    orders_shown: Option<OrdersShown>,
    /// Tick of the last price, if sent.
    tick: Option<i64>,
    /// Numbers of ended orders that were printed as answers; the stream may send them later.
    printed_ends: VecDeque<i64>,
}

impl<W: Write> Repl<W> {
    async fn run(&mut self, lines: &mut mpsc::Receiver<InputLine>) -> io::Result<()> {
        loop {
            tokio::select! {
                biased;
                Some(event) = next_event(&mut self.session) => self.print_event(event)?,
                Some(event) = async { self.wire.as_mut()?.recv().await } => self.print_row(event)?,
                line = lines.recv() => {
                    let Some(line) = line else { return Ok(()) };
                    if self.execute(line).await?.is_break() {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn execute(&mut self, line: InputLine) -> io::Result<ControlFlow<()>> {
        let command = match line {
            InputLine::TooLong => return self.error(messages::LINE_TOO_LONG).map(ControlFlow::Continue),
            InputLine::Text(text) => match (order_call(&text), command::parse(&text)) {
                (Some(Ok(call)), _) => return self.call(call).await.map(ControlFlow::Continue),
                (Some(Err(error)), _) => return self.error(error).map(ControlFlow::Continue),
                (None, Ok(command)) => command,
                (None, Err(error)) => return self.error(error).map(ControlFlow::Continue),
            },
        };
        match command {
            Command::BuyTokens(dollars) => self.call(Request::BuyTokens(dollars)).await?,
            Command::Withdraw(tokens) => self.call(Request::Withdraw(tokens)).await?,
            Command::Balance => self.call(Request::Holdings).await?,
            Command::Payments => self.call(Request::Payments).await?,
            Command::Trades => self.call(Request::TradePage { before: None }).await?,
            Command::Statement => self.call(Request::Statement).await?,
            Command::Leaderboard => self.call(Request::Leaderboard).await?,
            Command::Gamble => self.gamble().await?,
            Command::Order(side, Quantity::Count(count), terms) => {
                self.order(Order::new(side, count, terms)).await?;
            }
            // Not typed: only the ticket on the screen creates it.
            Command::Order(..) => {}
            Command::AlertAbove(_) | Command::AlertBelow(_) | Command::AlertsOff | Command::Tour => {
                self.print_all(messages::needs_a_screen(command).map(str::to_owned))?;
            }
            Command::Stop => self.stop().await?,
            Command::Help => self.print_all(messages::help())?,
            Command::Exit => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn call(&mut self, call: Request) -> io::Result<()> {
        match self.client.call(call).await {
            Ok(answer) => {
                if let Response::Cancelled { order, .. } = &answer
                    && let Some(end) = &order.end
                {
                    self.printed_ends.push_back(end.number);
                    if self.printed_ends.len() > MAX_ENDED {
                        self.printed_ends.pop_front();
                    }
                }
                if matches!(answer, Response::Orders { .. }) && self.client.is_in_round().await {
                    self.print(OF_OWN_ACCOUNT)?;
                }
                self.print_all(messages::answer(&answer))
            }
            Err(failure) => self.error(messages::failure(call, &failure)),
        }
    }

    /// Opens a session and waits for the first price as the answer.
    async fn gamble(&mut self) -> io::Result<()> {
        if self.session.is_some() {
            return self.error(messages::ALREADY_JOINED);
        }
        let (stream, orders) = match self.client.open_session().await {
            Ok(opened) => opened,
            Err(failure) => return self.error(failure),
        };
        let names_accounts = stream.names_accounts();
        self.session = Some(OpenSession { stream, orders });
        // The first game prints all ends, also if there are none yet.
        if let Some(shown) = self.orders_shown.as_mut().filter(|shown| shown.end().is_none()) {
            shown.keep(SeenEnd::default());
        }
        // The wallet, which names the account in use, follows the price.
        let first_price = self.wait_for(|event| match event {
            StreamEvent::Price { .. } => !names_accounts,
            StreamEvent::Wallet(_) => names_accounts,
            _ => false,
        });
        // Old casinos send nothing before the next tick.
        timeout(CALL_DEADLINE, first_price).await.unwrap_or(Ok(()))
    }

    async fn order(&mut self, mut order: Order) -> io::Result<()> {
        let Some(session) = &self.session else {
            return self.error(messages::NOT_JOINED);
        };
        if let Err(why) = session.stream.check_support(order.terms) {
            return self.error(why);
        }
        order.round = session.stream.account();
        let ids = session.stream.supports_request_ids();
        if session.orders.try_send(order).is_err() {
            self.session = None;
            return self.error(messages::ORDER_NOT_SENT);
        }
        match timeout(CALL_DEADLINE, self.wait_for_result(&order)).await {
            Ok(Ok(None)) => return Ok(()),
            Ok(Ok(Some(end))) if !ids => return self.print_event(Err(end)),
            Ok(Err(error)) => return Err(error),
            Ok(Ok(Some(_))) | Err(_) => {}
        }
        // Results are matched by order: after a missing one, later ones cannot be assigned.
        self.session = None;
        if !ids {
            return self.error(messages::ORDER_UNANSWERED);
        }
        match self.client.submit_order(order, true).await {
            Ok(answered) => {
                self.session = Some(OpenSession {
                    stream: answered.session,
                    orders: answered.orders,
                });
                self.print(messages::order_answer(&order, &answered.answer))
            }
            Err(_) => self.error(messages::ORDER_UNANSWERED),
        }
    }

    /// Prints events up to the result of `order`. Returns the end of the session if that comes first.
    async fn wait_for_result(&mut self, order: &Order) -> io::Result<Option<SessionEnd>> {
        while let Some(event) = next_event(&mut self.session).await {
            let event = match event {
                Ok(event) => event,
                Err(end) => return Ok(Some(end)),
            };
            let is_result = matches!(event, StreamEvent::Result(_) | StreamEvent::Accepted { .. });
            match &event {
                StreamEvent::Result(result) => self.print(messages::result_of(order, result))?,
                event => self.print_stream_event(event)?,
            }
            if is_result {
                return Ok(None);
            }
        }
        Ok(Some(SessionEnd::Closed))
    }

    /// Prints events until `wanted` accepts one or the session ends.
    async fn wait_for(&mut self, wanted: impl Fn(&StreamEvent) -> bool) -> io::Result<()> {
        while let Some(event) = next_event(&mut self.session).await {
            let done = event.as_ref().is_ok_and(&wanted);
            self.print_event(event)?;
            if done {
                break;
            }
        }
        Ok(())
    }

    fn print_event(&mut self, event: Result<StreamEvent, SessionEnd>) -> io::Result<()> {
        match event {
            Ok(event) => self.print_stream_event(&event),
            Err(end) => {
                self.session = None;
                self.error(messages::session_end(&end))
            }
        }
    }

    async fn stop(&mut self) -> io::Result<()> {
        if self.session.is_none() {
            return self.error(messages::NOT_JOINED);
        }
        match self.leave().await? {
            SessionEnd::Closed => self.print(messages::LEFT),
            SessionEnd::Lost(why) | SessionEnd::Rejected(why) => self.error(why),
        }
    }

    /// Half-closes the session and prints events until the casino ends it.
    async fn leave(&mut self) -> io::Result<SessionEnd> {
        let Some(OpenSession { mut stream, orders }) = self.session.take() else {
            return Ok(SessionEnd::Closed);
        };
        drop(orders);
        let ended = timeout(CALL_DEADLINE, async {
            loop {
                match stream.next().await {
                    Ok(event) => self.print_stream_event(&event)?,
                    Err(end) => return Ok(end),
                }
            }
        });
        // Do not wait longer for a casino that keeps the stream open.
        ended.await.unwrap_or(Ok(SessionEnd::Closed))
    }

    /// Prints an event. The casino does not send the end of an order again.
    fn print_stream_event(&mut self, event: &StreamEvent) -> io::Result<()> {
        let line = match event {
            StreamEvent::OrderEnded { order, .. } => {
                let Some(end) = &order.end else { return Ok(()) };
                self.client.set_orders_seen(end.number);
                let was_shown = self.shown_before.is_some_and(|shown| !shown.is_before(end));
                if let Some(shown) = self.orders_shown.as_mut().filter(|_| !was_shown) {
                    shown.keep(end.seen());
                }
                let is_news = !was_shown && !self.printed_ends.contains(&end.number);
                is_news.then(|| messages::resting_order(order))
            }
            StreamEvent::Leaderboard(leaderboard) => {
                self.lobby.rank(leaderboard.clone());
                None
            }
            StreamEvent::News(headline) => Some(messages::headline(headline, self.tick)),
            StreamEvent::Round(round) => {
                self.lobby.set_round(round.clone(), clock::now());
                self.lobby.round.as_ref().and_then(messages::round)
            }
            event => {
                if let StreamEvent::Price { tick, .. } = event {
                    self.tick = *tick;
                }
                messages::stream_event(event)
            }
        };
        self.print_all(line)
    }

    fn print_all(&mut self, lines: impl IntoIterator<Item = String>) -> io::Result<()> {
        lines.into_iter().try_for_each(|line| self.print(line))
    }

    fn error(&mut self, why: impl Display) -> io::Result<()> {
        self.print(format_args!("error: {why}"))
    }

    /// Prints a line, after the messages that led to it.
    fn print(&mut self, line: impl Display) -> io::Result<()> {
        self.print_wire()?;
        writeln!(self.out, "{}", sanitize(&line.to_string()))?;
        self.out.flush()
    }

    fn print_wire(&mut self) -> io::Result<()> {
        while let Some(event) = self.wire.as_mut().and_then(|wire| wire.try_recv().ok()) {
            self.print_row(event)?;
        }
        Ok(())
    }

    fn print_row(&mut self, event: WireEvent) -> io::Result<()> {
        if let Some(row) = self.wire_log.push(event) {
            let line = wire::plain_line(row, &local_zone());
            writeln!(self.out, "wire {}", sanitize(&line))?;
        }
        self.out.flush()
    }
}

/// Parses `orders` and `cancel ID`, which have windows and keys on the screen; `None` for other commands.
fn order_call(line: &str) -> Option<Result<Request, &'static str>> {
    let line = line.to_ascii_lowercase();
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["orders"] => Some(Ok(Request::Orders)),
        ["orders", ..] => Some(Err("too many words; usage: orders")),
        ["cancel", id] => {
            let id = Uuid::parse_str(id).map_err(|_| messages::NO_ORDER_ID);
            Some(id.map(Request::CancelOrder))
        }
        ["cancel", ..] => Some(Err(messages::NO_ORDER_ID)),
        _ => None,
    }
}

/// Returns the next event; `None` without a session.
async fn next_event(session: &mut Option<OpenSession>) -> Option<Result<StreamEvent, SessionEnd>> {
    Some(session.as_mut()?.stream.next().await)
}
