//! The game line by line: one line in, one line out, no escape sequences. For scripts, pipes and screen readers.
//!
//! Owns the conversation: which command needs a seat at the table, and that a command is answered before the next line
//! is read. The words are [`command`]'s; it knows no screen.

mod lines;
pub(crate) mod phrases;

pub use lines::{Line, read_lines};

use std::{
    fmt::Display,
    io::{self, Write},
    ops::ControlFlow,
};

use tokio::{sync::mpsc, time::timeout};

use crate::{
    app::{
        command::{self, Command},
        event::{Call, StreamEvent},
        money::Side,
    },
    client::{Answered, CALL_DEADLINE, Client, NO_LIMITS, Order, Seat, SeatEnd},
    text::harmless,
};

/// Talks with the player: `lines` are what they say, answers and prices go to `out`. Ends at `exit`, at the end of
/// the lines (when everything is answered), or when `told_to_stop` completes.
///
/// # Errors
///
/// When `out` cannot be written to. A reader that has gone away is no error.
pub async fn converse<W: Write>(
    client: Client,
    mut lines: mpsc::Receiver<Line>,
    out: W,
    told_to_stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut talk = Conversation {
        client,
        out,
        table: None,
    };
    let said = tokio::select! {
        said = talk.run(&mut lines) => said,
        () = told_to_stop => Ok(()),
    };
    let left = talk.leave().await.map(drop);
    match said.and(left) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        ended => ended,
    }
}

/// A seat at the table and the way to it.
#[derive(Debug)]
struct AtTable {
    seat: Seat,
    orders: mpsc::Sender<Order>,
}

/// Why no result was told.
enum Unheard {
    /// The seat ended before it.
    Lost(SeatEnd),
    /// It could not be told.
    Unwritable(io::Error),
}

#[derive(Debug)]
struct Conversation<W> {
    client: Client,
    out: W,
    table: Option<AtTable>,
}

impl<W: Write> Conversation<W> {
    async fn run(&mut self, lines: &mut mpsc::Receiver<Line>) -> io::Result<()> {
        loop {
            let heard = tokio::select! {
                biased;
                heard = hear(&mut self.table) => heard,
                line = lines.recv() => match line {
                    None => return Ok(()),
                    Some(line) => match self.obey(line).await? {
                        ControlFlow::Continue(()) => continue,
                        ControlFlow::Break(()) => return Ok(()),
                    },
                },
            };
            self.take(heard)?;
        }
    }

    async fn obey(&mut self, line: Line) -> io::Result<ControlFlow<()>> {
        let command = match line {
            Line::TooLong => return self.error(phrases::LINE_TOO_LONG).map(ControlFlow::Continue),
            Line::Text(text) => match command::parse(&text) {
                Ok(command) => command,
                Err(error) => return self.error(error).map(ControlFlow::Continue),
            },
        };
        match command {
            Command::BuyTokens(dollars) => self.call(Call::BuyTokens(dollars)).await?,
            Command::Withdraw(tokens) => self.call(Call::Withdraw(tokens)).await?,
            Command::Balance => self.call(Call::Holdings).await?,
            Command::Payments => self.call(Call::Payments).await?,
            Command::Trades => self.call(Call::TradePage { before: None }).await?,
            Command::Statement => self.call(Call::Statement).await?,
            Command::Leaderboard => self.call(Call::Leaderboard).await?,
            Command::Gamble => self.gamble().await?,
            Command::Buy(count) => self.order(Side::Buy, count, None).await?,
            Command::Sell(count) => self.order(Side::Sell, count, None).await?,
            Command::Limited(side, count, limit) => self.order(side, count, Some(limit)).await?,
            Command::AlertAbove(_) | Command::AlertBelow(_) | Command::AlertsOff => {
                self.say(phrases::ALERTS_NEED_A_SCREEN)?;
            }
            Command::Stop => self.stop().await?,
            Command::Help => self.say_all(phrases::help())?,
            Command::Exit => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn call(&mut self, call: Call) -> io::Result<()> {
        match self.client.call(call).await {
            Ok(answer) => self.say_all(phrases::answer(&answer)),
            Err(failure) => self.error(phrases::failure(call, &failure)),
        }
    }

    /// Sits down, and waits for the first price: it is the answer.
    async fn gamble(&mut self) -> io::Result<()> {
        if self.table.is_some() {
            return self.error(phrases::ALREADY_SEATED);
        }
        match self.client.sit_down().await {
            Ok((seat, orders)) => self.table = Some(AtTable { seat, orders }),
            Err(failure) => return self.error(failure),
        }
        let first_price = self.hear_until(|event| matches!(event, StreamEvent::Price { .. }));
        match timeout(CALL_DEADLINE, first_price).await {
            Ok(heard) => heard,
            // An old casino says nothing before its next tick: the price will come.
            Err(_) => Ok(()),
        }
    }

    async fn order(&mut self, side: Side, count: i32, limit: Option<i32>) -> io::Result<()> {
        let Some(table) = &self.table else {
            return self.error(phrases::NOT_SEATED);
        };
        if limit.is_some() && !table.seat.keeps_limits() {
            return self.error(NO_LIMITS);
        }
        let order = Order {
            limit,
            ..Order::new(side, count)
        };
        let ids = table.seat.keeps_to_ids();
        if table.orders.try_send(order).is_err() {
            self.table = None;
            return self.error(phrases::ORDER_NOT_SENT);
        }
        match timeout(CALL_DEADLINE, self.hear_result()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(Unheard::Unwritable(error))) => return Err(error),
            Ok(Err(Unheard::Lost(end))) if !ids => return self.take(Err(end)),
            Ok(Err(Unheard::Lost(_))) | Err(_) => {}
        }
        // Answers come in order: without this one, no later one could be told from it.
        self.table = None;
        if ids {
            self.order_again(order).await
        } else {
            self.error(phrases::ORDER_UNANSWERED)
        }
    }

    /// Sits down again, and sends `order` again there.
    async fn order_again(&mut self, order: Order) -> io::Result<()> {
        match self.client.order_once(order, true).await {
            Ok(Answered { result, seat, orders }) => {
                self.table = Some(AtTable { seat, orders });
                self.say_all(phrases::stream_event(&StreamEvent::Result(result)))
            }
            Err(_) => self.error(phrases::ORDER_UNANSWERED),
        }
    }

    /// Tells what comes from the table, until a result was told.
    async fn hear_result(&mut self) -> Result<(), Unheard> {
        loop {
            let event = hear(&mut self.table).await.map_err(Unheard::Lost)?;
            let is_result = matches!(event, StreamEvent::Result(_));
            self.say_all(phrases::stream_event(&event))
                .map_err(Unheard::Unwritable)?;
            if is_result {
                return Ok(());
            }
        }
    }

    /// Tells what comes from the table, until `wanted` was told or the table is lost.
    async fn hear_until(&mut self, wanted: impl Fn(&StreamEvent) -> bool) -> io::Result<()> {
        while self.table.is_some() {
            let heard = hear(&mut self.table).await;
            let done = heard.as_ref().is_ok_and(&wanted);
            self.take(heard)?;
            if done {
                break;
            }
        }
        Ok(())
    }

    fn take(&mut self, heard: Result<StreamEvent, SeatEnd>) -> io::Result<()> {
        match heard {
            Ok(event) => self.say_all(phrases::stream_event(&event)),
            Err(end) => {
                self.table = None;
                self.error(phrases::seat_end(&end))
            }
        }
    }

    async fn stop(&mut self) -> io::Result<()> {
        if self.table.is_none() {
            return self.error(phrases::NOT_SEATED);
        }
        match self.leave().await? {
            SeatEnd::Closed => self.say(phrases::LEFT),
            SeatEnd::Lost(why) | SeatEnd::Refused(why) => self.error(why),
        }
    }

    /// Leaves the table, if there is a seat: half-closes, and tells what comes until the casino ends the stream.
    async fn leave(&mut self) -> io::Result<SeatEnd> {
        let Some(AtTable { mut seat, orders }) = self.table.take() else {
            return Ok(SeatEnd::Closed);
        };
        drop(orders);
        let ended = timeout(CALL_DEADLINE, async {
            loop {
                match seat.next().await {
                    Ok(event) => self.say_all(phrases::stream_event(&event))?,
                    Err(end) => return Ok(end),
                }
            }
        });
        // A casino that does not end the stream is left all the same.
        ended.await.unwrap_or(Ok(SeatEnd::Closed))
    }

    fn say_all(&mut self, lines: impl IntoIterator<Item = String>) -> io::Result<()> {
        lines.into_iter().try_for_each(|line| self.say(line))
    }

    fn error(&mut self, why: impl Display) -> io::Result<()> {
        self.say(format_args!("error: {why}"))
    }

    fn say(&mut self, line: impl Display) -> io::Result<()> {
        writeln!(self.out, "{}", harmless(&line.to_string()))?;
        self.out.flush()
    }
}

/// What the table says next; without a seat, nothing ever.
async fn hear(table: &mut Option<AtTable>) -> Result<StreamEvent, SeatEnd> {
    match table {
        Some(table) => table.seat.next().await,
        None => std::future::pending().await,
    }
}
