//! One-shot commands for scripts. Lists are printed as they arrive, so their length is not bounded by memory.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::app::commands::request::Request;
use crate::app::event::{Response, StreamEvent};
use crate::app::lobby::Leaderboard;
use crate::app::overlay::csv::{Cell, ColumnSet};
use crate::app::portfolio::money::Side;
use crate::app::portfolio::open_orders::{EndReason, OF_OWN_ACCOUNT, RestingOrder};
use crate::cli::args::{CancelArgs, OneShot, OrderArgs, Output};
use crate::client::{Client, Order, OrderAnswer, RequestError, within};
use crate::headless::output::{Printer, Shape};
use crate::headless::{columns, messages};

/// Runs one command and prints its result to `out`; a closed reader is not an error. `deadline` applies to each answer
/// and each page. Fails if the casino rejects the command or does not answer, or `out` cannot be written.
pub(crate) async fn run<W: Write>(
    client: &Client,
    command: OneShot,
    deadline: Duration,
    out: W,
) -> Result<()> {
    let changes = matches!(
        command,
        OneShot::Buy(_)
            | OneShot::Sell(_)
            | OneShot::BuyTokens(_)
            | OneShot::Withdraw(_)
            | OneShot::Cancel(_)
    );
    let print = |output| OneShotRun {
        client,
        deadline,
        output,
        out,
    };
    let result = match command {
        OneShot::Price(output) => print(output).price().await,
        OneShot::Balance(output) => print(output).call(Request::Holdings).await,
        OneShot::Buy(order) => print(order.amount.output).order(Side::Buy, order).await,
        OneShot::Sell(order) => print(order.amount.output).order(Side::Sell, order).await,
        OneShot::BuyTokens(amount) => print(amount.output).call(Request::BuyTokens(amount.count)).await,
        OneShot::Withdraw(amount) => print(amount.output).call(Request::Withdraw(amount.count)).await,
        OneShot::Trades(output) => print(output).trades().await,
        OneShot::Payments(output) => print(output).payments().await,
        OneShot::Orders(output) => print(output).call(Request::Orders).await,
        OneShot::Cancel(CancelArgs { id, output }) => print(output).call(Request::CancelOrder(id)).await,
        OneShot::Leaderboard(output) => print(output).call(Request::Leaderboard).await,
        OneShot::Statement(output) => print(output).call(Request::Statement).await,
    };
    match result {
        Err(Stopped::Unwritable(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(Stopped::Unwritable(error)) if changes => {
            Err(error).context("it is done, but the answer cannot be written to standard output")
        }
        Err(Stopped::Unwritable(error)) => Err(error).context("cannot write to standard output"),
        done => Ok(done?),
    }
}

#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("{0}")]
    NotDone(String),
    #[error(transparent)]
    Failed(#[from] RequestError),
    #[error(transparent)]
    Unwritable(#[from] io::Error),
}

/// A command with its output. Each answer has until the deadline.
struct OneShotRun<'a, W> {
    client: &'a Client,
    deadline: Duration,
    output: Output,
    out: W,
}

impl<W: Write> OneShotRun<'_, W> {
    async fn price(self) -> Result<(), Stopped> {
        // Old casinos send nothing before the next tick.
        let first = async {
            let (mut session, _orders) = self.client.open_session().await?;
            loop {
                match session.next().await {
                    Ok(event @ StreamEvent::Price { .. }) => return Ok(event),
                    Ok(_) => {}
                    Err(end) => return Err(Stopped::NotDone(end.reason())),
                }
            }
        };
        let event = within(self.deadline, first).await?;
        let text = messages::stream_event(&event).unwrap_or_default();
        self.print_one(columns::PRICE, &text, &columns::price(&event))
    }

    async fn order(self, side: Side, ordered: OrderArgs) -> Result<(), Stopped> {
        let count = ordered.amount.count;
        let order = Order::new(side, count, ordered.terms());
        let answered = within(self.deadline, self.client.submit_order(order, false)).await;
        let answered = answered.map_err(|why| Stopped::NotDone(messages::order_failure(&why)))?;
        let result = match answered.answer {
            OrderAnswer::Result(result) => result,
            OrderAnswer::Accepted(order) => {
                let text = messages::resting_order(&order);
                return self.print_one(columns::RESTING, &text, &columns::resting(&order));
            }
        };
        if !result.executed {
            return Err(Stopped::NotDone(result.message));
        }
        let text = messages::result_of(&order, &result);
        self.print_one(columns::ORDER, &text, &columns::order(side, count, &result))
    }

    async fn call(self, call: Request) -> Result<(), Stopped> {
        let answer = within(self.deadline, self.client.call(call)).await;
        let answer = answer.map_err(|failure| Stopped::NotDone(messages::failure(call, &failure)))?;
        let text = messages::answer(&answer).join("\n");
        let (columns, cells) = match &answer {
            Response::TokensBought { dollars, tokens } | Response::Withdrawn { tokens, dollars } => {
                (columns::EXCHANGE, columns::exchange(*dollars, *tokens))
            }
            Response::Wallet(wallet) => (columns::WALLET, columns::wallet(self.client.player(), wallet)),
            Response::Tokens(tokens) => (
                columns::WALLET,
                columns::tokens_only(self.client.player(), *tokens),
            ),
            Response::Statement(text) => (columns::STATEMENT, columns::statement(self.client.player(), text)),
            Response::Orders { open, ended } => return self.orders(open.iter().chain(ended)).await,
            Response::Leaderboard(leaderboard) => return self.leaderboard(leaderboard),
            Response::Cancelled { order, .. } => match order.end.as_ref().map(|end| &end.reason) {
                Some(EndReason::Cancelled) => (columns::RESTING, columns::resting(order)),
                // It ended in another way before.
                _ => return Err(Stopped::NotDone(format!("not cancelled: {text}"))),
            },
            Response::Payments(_)
            | Response::History { .. }
            | Response::Candles { .. }
            | Response::Trades(_)
            | Response::TradePage { .. } => return Ok(()),
        };
        self.print_one(columns, &text, &cells)
    }

    async fn payments(self) -> Result<(), Stopped> {
        let deadline = self.deadline;
        let mut payments = within(self.deadline, self.client.all_payments()).await?;
        let mut printer = self.printer(Shape::List, columns::PAYMENTS)?;
        while let Some(row) = within(deadline, payments.next()).await? {
            printer.row(&messages::payment(&row), &columns::payment(&row))?;
        }
        Ok(printer.end("no payments yet")?)
    }

    async fn trades(self) -> Result<(), Stopped> {
        let deadline = self.deadline;
        let mut pages = within(self.deadline, self.client.all_trades()).await?;
        let mut printer = self.printer(Shape::List, columns::TRADES)?;
        while let Some(page) = within(deadline, pages.next()).await? {
            for row in page {
                printer.row(&messages::trade(&row), &columns::trade(&row))?;
            }
        }
        Ok(printer.end("no trades yet")?)
    }

    async fn orders<'a>(self, orders: impl Iterator<Item = &'a RestingOrder>) -> Result<(), Stopped> {
        let is_text = !self.output.json && !self.output.csv;
        let is_in_round = is_text && self.client.is_in_round().await;
        let mut printer = self.printer(Shape::List, columns::RESTING)?;
        if is_in_round {
            printer.note(OF_OWN_ACCOUNT)?;
        }
        for order in orders {
            printer.row(&messages::resting_order(order), &columns::resting(order))?;
        }
        Ok(printer.end(messages::NO_ORDERS)?)
    }

    fn leaderboard(self, leaderboard: &Leaderboard) -> Result<(), Stopped> {
        let mut printer = self.printer(Shape::List, columns::LEADERBOARD)?;
        for standing in leaderboard.rows() {
            printer.row(&messages::standing(standing), &columns::standing(standing))?;
        }
        if let Some(text) = messages::not_ranked(leaderboard) {
            printer.note(text)?;
        }
        Ok(printer.end(messages::NOBODY_RANKED)?)
    }

    fn print_one(self, columns: ColumnSet, text: &str, cells: &[Cell]) -> Result<(), Stopped> {
        let mut printer = self.printer(Shape::One, columns)?;
        printer.row(text, cells)?;
        Ok(printer.end("")?)
    }

    fn printer(self, shape: Shape, columns: ColumnSet) -> io::Result<Printer<W>> {
        Printer::start(self.output, shape, columns, self.out)
    }
}
