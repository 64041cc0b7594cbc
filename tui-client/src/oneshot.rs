//! One thing at the casino, done and printed: for scripts.
//!
//! Owns what each one-shot command asks of the casino, and what counts as done. The words are those of plain mode; how
//! figures become JSON or CSV is `print`'s. Lists are printed as they come, so that none has to fit into memory.

mod print;
mod tables;

use std::io::{self, Write};

use color_eyre::eyre::{Report, Result, WrapErr, eyre};
use tokio::time::timeout;

use crate::{
    app::{
        event::{Answer, Call, StreamEvent},
        money::Side,
    },
    cli::{Amount, Deed, Ordered, Output},
    client::{Client, Failure, JOIN_DEADLINE, Order, Seat, SeatEnd},
    plain::phrases,
};
use print::{Printer, Shape};

/// Does one thing as `client`, and prints it to `out`. A reader that has gone away is no error.
///
/// # Errors
///
/// When the casino refuses it or does not answer, or `out` cannot be written to.
pub async fn run<W: Write>(client: &Client, deed: Deed, out: W) -> Result<()> {
    let done = match deed {
        Deed::Price(output) => price(client, output, out).await,
        Deed::Balance(output) => call(client, Call::Holdings, output, out).await,
        Deed::Buy(ordered) => order(client, Side::Buy, ordered, out).await,
        Deed::Sell(ordered) => order(client, Side::Sell, ordered, out).await,
        Deed::BuyTokens(amount) => call(client, Call::BuyTokens(amount.count), amount.output, out).await,
        Deed::Withdraw(amount) => call(client, Call::Withdraw(amount.count), amount.output, out).await,
        Deed::Trades(output) => trades(client, output, out).await,
        Deed::Payments(output) => payments(client, output, out).await,
        Deed::Leaderboard(output) => leaderboard(client, output, out).await,
        Deed::Statement(output) => call(client, Call::Statement, output, out).await,
    };
    match done {
        Err(Stopped::Unwritable(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(Stopped::Unwritable(error)) => Err(error).wrap_err("cannot write to standard output"),
        Err(Stopped::NotDone(why)) => Err(why),
        Ok(()) => Ok(()),
    }
}

/// Why it was not done, or not printed.
enum Stopped {
    NotDone(Report),
    Unwritable(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Unwritable(error)
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        not_done(failure.into_words())
    }
}

fn not_done(why: impl Into<String>) -> Stopped {
    Stopped::NotDone(eyre!(why.into()))
}

async fn price<W: Write>(client: &Client, output: Output, out: W) -> Result<(), Stopped> {
    let (mut seat, _orders) = client.sit_down().await?;
    // A casino of the old contract may say its first word with the next price only.
    let first = timeout(
        JOIN_DEADLINE,
        heard(&mut seat, |event| match event {
            StreamEvent::Price { .. } => Some(event),
            _ => None,
        }),
    );
    let event = first.await.map_err(|_| not_done("no price has come"))??;
    let words = phrases::stream_event(&event).unwrap_or_default();
    print_one(output, out, tables::PRICE, &words, &tables::price(&event))
}

/// Sends one order and waits for its one result.
async fn order<W: Write>(
    client: &Client,
    side: Side,
    Ordered {
        amount: Amount { count, output },
        limit,
    }: Ordered,
    out: W,
) -> Result<(), Stopped> {
    let order = Order {
        limit,
        ..Order::new(side, count)
    };
    let answered = client.order_once(order, false).await;
    let result = answered
        .map_err(|why| not_done(phrases::order_failure(&why)))?
        .result;
    if !result.executed {
        return Err(not_done(result.message));
    }
    let words = phrases::order_result(&result);
    print_one(
        output,
        out,
        tables::ORDER,
        &words,
        &tables::order(side, count, &result),
    )
}

/// The first thing told at the table that `wanted` takes.
async fn heard<T>(seat: &mut Seat, wanted: impl Fn(StreamEvent) -> Option<T>) -> Result<T, Stopped> {
    loop {
        match seat.next().await {
            Ok(event) => {
                if let Some(found) = wanted(event) {
                    return Ok(found);
                }
            }
            Err(SeatEnd::Closed) => return Err(not_done("the casino has closed the table")),
            Err(SeatEnd::Lost(why) | SeatEnd::Refused(why)) => {
                return Err(not_done(format!("the table is lost: {why}")));
            }
        }
    }
}

async fn call<W: Write>(client: &Client, call: Call, output: Output, out: W) -> Result<(), Stopped> {
    let answer = client
        .call(call)
        .await
        .map_err(|failure| not_done(phrases::failure(call, &failure)))?;
    let words = phrases::answer(&answer).join("\n");
    let (columns, cells) = match &answer {
        Answer::TokensBought { dollars, tokens } | Answer::Withdrawn { tokens, dollars } => {
            (tables::EXCHANGE, tables::exchange(*dollars, *tokens))
        }
        Answer::Wallet(wallet) => (tables::WALLET, tables::wallet(client.player(), wallet)),
        Answer::Tokens(tokens) => (tables::WALLET, tables::tokens_only(client.player(), *tokens)),
        Answer::Statement(text) => (tables::STATEMENT, tables::statement(client.player(), text)),
        Answer::Payments(_)
        | Answer::History { .. }
        | Answer::Candles { .. }
        | Answer::Trades(_)
        | Answer::TradePage { .. }
        | Answer::Leaderboard(_) => {
            return Ok(());
        }
    };
    print_one(output, out, columns, &words, &cells)
}

async fn payments<W: Write>(client: &Client, output: Output, out: W) -> Result<(), Stopped> {
    let mut payments = client.all_payments().await?;
    let mut printer = Printer::start(output, Shape::List, tables::PAYMENTS, out)?;
    while let Some(row) = payments.next().await? {
        printer.row(&phrases::payment(&row), &tables::payment(&row))?;
    }
    Ok(printer.end("no payments yet")?)
}

async fn trades<W: Write>(client: &Client, output: Output, out: W) -> Result<(), Stopped> {
    let mut pages = client.all_trades().await?;
    let mut printer = Printer::start(output, Shape::List, tables::TRADES, out)?;
    while let Some(page) = pages.next().await? {
        for (number, row) in page {
            printer.row(&phrases::trade(number, &row), &tables::trade(number, &row))?;
        }
    }
    Ok(printer.end("no trades yet")?)
}

async fn leaderboard<W: Write>(client: &Client, output: Output, out: W) -> Result<(), Stopped> {
    let call = Call::Leaderboard;
    let Answer::Leaderboard(leaderboard) = client.call(call).await? else {
        return Ok(());
    };
    let mut printer = Printer::start(output, Shape::List, tables::LEADERBOARD, out)?;
    for standing in leaderboard.rows() {
        printer.row(&phrases::standing(standing), &tables::standing(standing))?;
    }
    Ok(printer.end(phrases::NOBODY_RANKED)?)
}

fn print_one<W: Write>(
    output: Output,
    out: W,
    columns: print::Columns,
    words: &str,
    cells: &[print::Cell],
) -> Result<(), Stopped> {
    let mut printer = Printer::start(output, Shape::One, columns, out)?;
    printer.row(words, cells)?;
    Ok(printer.end("")?)
}
