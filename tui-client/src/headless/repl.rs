//! Plain mode: commands and answers line by line, without escape sequences. For scripts, pipes and screen readers. A
//! command is answered before the next line is read.

use std::collections::VecDeque;
use std::fmt::Display;
use std::io::{self, Write};
use std::ops::ControlFlow;

use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

use crate::app::commands::command::{self, Command};
use crate::app::commands::request::Request;
use crate::app::event::{Response, StreamEvent};
use crate::app::lobby::Lobby;
use crate::app::portfolio::open_orders::{MAX_ENDED, OF_OWN_ACCOUNT, OrderEnd, SeenEnd};
use crate::app::portfolio::quantity::Quantity;
use crate::app::wire::{WireEvent, WireLog};
use crate::cli::config::zone::local_zone;
use crate::client::{AnsweredOrder, CALL_DEADLINE, Client, GambleSession, Order, SessionEnd};
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
    match result.and(left).and(shown) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        ended => ended,
    }
}

#[derive(Debug)]
struct OpenSession {
    stream: GambleSession,
    orders: mpsc::Sender<Order>,
}

enum WaitError {
    Lost(SessionEnd),
    Unwritable(io::Error),
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
    /// That of earlier games.
    shown_before: Option<SeenEnd>,
    orders_shown: Option<OrdersShown>,
    /// That of the last price, if sent.
    tick: Option<i64>,
    /// Numbers of ended orders that were printed as answers; the stream may send them later.
    printed_ends: VecDeque<i64>,
}

impl<W: Write> Repl<W> {
    async fn run(&mut self, lines: &mut mpsc::Receiver<InputLine>) -> io::Result<()> {
        loop {
            let event = tokio::select! {
                biased;
                event = next_event(&mut self.session) => event,
                Some(event) = next_wire(&mut self.wire) => {
                    self.print_row(event)?;
                    continue;
                }
                line = lines.recv() => match line {
                    None => return Ok(()),
                    Some(line) => match self.execute(line).await? {
                        ControlFlow::Continue(()) => continue,
                        ControlFlow::Break(()) => return Ok(()),
                    },
                },
            };
            self.print_event(event)?;
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
        if let Some(why) = messages::needs_a_screen(command) {
            self.print(why)?;
            return Ok(ControlFlow::Continue(()));
        }
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
            // No typed commands: only the ticket on the screen creates the first, and the others are answered above.
            Command::Order(..)
            | Command::AlertAbove(_)
            | Command::AlertBelow(_)
            | Command::AlertsOff
            | Command::Tour => {}
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
        match self.client.open_session().await {
            Ok((stream, orders)) => self.session = Some(OpenSession { stream, orders }),
            Err(failure) => return self.error(failure),
        }
        // The first game prints all ends, also if there are none yet.
        if let Some(shown) = self.orders_shown.as_mut().filter(|shown| shown.end().is_none()) {
            shown.keep(SeenEnd::default());
        }
        // The wallet, which says which account is in use, follows the price.
        let names_accounts = self
            .session
            .as_ref()
            .is_some_and(|session| session.stream.names_accounts());
        let first_price = self.wait_for(|event| match event {
            StreamEvent::Price { .. } => !names_accounts,
            StreamEvent::Wallet(_) => names_accounts,
            _ => false,
        });
        match timeout(CALL_DEADLINE, first_price).await {
            Ok(result) => result,
            // Old casinos send nothing before the next tick.
            Err(_) => Ok(()),
        }
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
            Ok(Ok(())) => return Ok(()),
            Ok(Err(WaitError::Unwritable(error))) => return Err(error),
            Ok(Err(WaitError::Lost(end))) if !ids => return self.print_event(Err(end)),
            Ok(Err(WaitError::Lost(_))) | Err(_) => {}
        }
        // Results are matched by order: after a missing one, later ones cannot be assigned.
        self.session = None;
        if ids {
            self.resend_order(order).await
        } else {
            self.error(messages::ORDER_UNANSWERED)
        }
    }

    async fn resend_order(&mut self, order: Order) -> io::Result<()> {
        match self.client.submit_order(order, true).await {
            Ok(AnsweredOrder {
                answer,
                session,
                orders,
            }) => {
                self.session = Some(OpenSession {
                    stream: session,
                    orders,
                });
                self.print(messages::order_answer(&order, &answer))
            }
            Err(_) => self.error(messages::ORDER_UNANSWERED),
        }
    }

    /// Prints events up to the result of `order`.
    async fn wait_for_result(&mut self, order: &Order) -> Result<(), WaitError> {
        loop {
            let event = next_event(&mut self.session).await.map_err(WaitError::Lost)?;
            let is_result = matches!(event, StreamEvent::Result(_) | StreamEvent::Accepted { .. });
            let printed = match &event {
                StreamEvent::Result(result) => self.print(messages::result_of(order, result)),
                event => self.print_stream_event(event),
            };
            printed.map_err(WaitError::Unwritable)?;
            if is_result {
                return Ok(());
            }
        }
    }

    /// Prints events until `wanted` accepts one or the session ends.
    async fn wait_for(&mut self, wanted: impl Fn(&StreamEvent) -> bool) -> io::Result<()> {
        while self.session.is_some() {
            let event = next_event(&mut self.session).await;
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
                let end = order.end.as_ref().filter(|end| self.is_news(end));
                end.map(|_| messages::resting_order(order))
            }
            StreamEvent::News(headline) => Some(messages::headline(headline, self.tick)),
            StreamEvent::Round(round) => {
                self.lobby.set_round(round.clone(), clock::now());
                self.lobby.round.as_ref().and_then(messages::round)
            }
            event => messages::stream_event(event),
        };
        match event {
            StreamEvent::Price { tick, .. } => self.tick = *tick,
            StreamEvent::Leaderboard(leaderboard) => self.lobby.rank(leaderboard.clone()),
            StreamEvent::OrderEnded { order, .. } => {
                if let Some(end) = &order.end {
                    self.client.set_orders_seen(end.number);
                    let shown = self.orders_shown.as_mut();
                    if let Some(shown) = shown.filter(|_| is_after(self.shown_before, end)) {
                        shown.keep(end.seen());
                    }
                }
            }
            _ => {}
        }
        self.print_all(line)
    }

    /// Returns true if an end was not printed before.
    fn is_news(&self, end: &OrderEnd) -> bool {
        is_after(self.shown_before, end) && !self.printed_ends.contains(&end.number)
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
            writeln!(
                self.out,
                "wire {}",
                sanitize(&wire::plain_line(row, &local_zone()))
            )?;
        }
        self.out.flush()
    }
}

fn is_after(shown: Option<SeenEnd>, end: &OrderEnd) -> bool {
    shown.is_none_or(|shown| shown.is_before(end))
}

/// Parses `orders` and `cancel ID`, which have windows and keys on the screen; `None` for other commands.
fn order_call(line: &str) -> Option<Result<Request, &'static str>> {
    let mut text = line.split_whitespace();
    let (word, argument, end) = (text.next()?, text.next(), text.next());
    let is = |name: &str| word.eq_ignore_ascii_case(name);
    match (argument, end) {
        (None, None) if is("orders") => Some(Ok(Request::Orders)),
        (Some(id), None) if is("cancel") => {
            let id = Uuid::parse_str(id).map_err(|_| messages::NO_ORDER_ID);
            Some(id.map(Request::CancelOrder))
        }
        _ if is("orders") => Some(Err("too many words; usage: orders")),
        _ if is("cancel") => Some(Err(messages::NO_ORDER_ID)),
        _ => None,
    }
}

/// Returns the next part of the stream; waits forever if they are not printed.
async fn next_wire(wire: &mut Option<mpsc::Receiver<WireEvent>>) -> Option<WireEvent> {
    match wire {
        Some(wire) => wire.recv().await,
        None => std::future::pending().await,
    }
}

/// Returns the next event; without a session, waits forever.
async fn next_event(session: &mut Option<OpenSession>) -> Result<StreamEvent, SessionEnd> {
    match session {
        Some(session) => session.stream.next().await,
        None => std::future::pending().await,
    }
}
