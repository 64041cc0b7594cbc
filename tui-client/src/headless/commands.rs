//! One-shot commands for scripts. Lists are printed as they arrive, so their length is not bounded by memory.

use std::{
    io::{self, Write},
    time::Duration,
};

use color_eyre::eyre::{Report, Result, WrapErr, eyre};
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    app::{
        commands::request::Request,
        event::{Response, StreamEvent},
        overlay::csv::{Cell, ColumnSet},
        portfolio::{money::Side, open_orders::EndReason},
    },
    cli::args::{CancelArgs, OneShot, OrderArgs, Output},
    client::{Client, Order, OrderAnswer, RequestError, SessionEnd},
    headless::{
        columns, messages,
        output::{Printer, Shape},
    },
};

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
    let client = &WithTimeout { client, deadline };
    let result = match command {
        OneShot::Price(output) => price(client, output, out).await,
        OneShot::Balance(output) => call(client, Request::Holdings, output, out).await,
        OneShot::Buy(ordered) => order(client, Side::Buy, ordered, out).await,
        OneShot::Sell(ordered) => order(client, Side::Sell, ordered, out).await,
        OneShot::BuyTokens(amount) => {
            call(client, Request::BuyTokens(amount.count), amount.output, out).await
        }
        OneShot::Withdraw(amount) => call(client, Request::Withdraw(amount.count), amount.output, out).await,
        OneShot::Trades(output) => trades(client, output, out).await,
        OneShot::Payments(output) => payments(client, output, out).await,
        OneShot::Orders(output) => orders(client, output, out).await,
        OneShot::Cancel(CancelArgs { id, output }) => cancel(client, id, output, out).await,
        OneShot::Leaderboard(output) => leaderboard(client, output, out).await,
        OneShot::Statement(output) => call(client, Request::Statement, output, out).await,
    };
    match result {
        Err(Stopped::Unwritable(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(Stopped::Unwritable(error)) if changes => {
            Err(error).wrap_err("it is done, but the answer cannot be written to standard output")
        }
        Err(Stopped::Unwritable(error)) => Err(error).wrap_err("cannot write to standard output"),
        Err(Stopped::NotDone(why)) => Err(why),
        Ok(()) => Ok(()),
    }
}

struct WithTimeout<'a> {
    client: &'a Client,
    deadline: Duration,
}

impl WithTimeout<'_> {
    async fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, RequestError>>,
    ) -> Result<T, RequestError> {
        let answered = timeout(self.deadline, answer).await;
        answered.unwrap_or_else(|_| Err(RequestError::timeout(self.deadline)))
    }
}

enum Stopped {
    NotDone(Report),
    Unwritable(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Unwritable(error)
    }
}

impl From<RequestError> for Stopped {
    fn from(failure: RequestError) -> Self {
        not_done(failure.to_string())
    }
}

fn not_done(why: impl Into<String>) -> Stopped {
    Stopped::NotDone(eyre!(why.into()))
}

async fn price<W: Write>(client: &WithTimeout<'_>, output: Output, out: W) -> Result<(), Stopped> {
    // Old casinos send nothing before the next tick.
    let first = async {
        let (mut session, _orders) = client.client.open_session().await?;
        loop {
            match session.next().await {
                Ok(event @ StreamEvent::Price { .. }) => return Ok(event),
                Ok(_) => {}
                Err(SessionEnd::Closed) => return Err(not_done("the casino closed the table")),
                Err(SessionEnd::Lost(why) | SessionEnd::Rejected(why)) => {
                    return Err(not_done(format!("connection lost: {why}")));
                }
            }
        }
    };
    let first = timeout(client.deadline, first).await;
    let event = first.unwrap_or_else(|_| Err(RequestError::timeout(client.deadline).into()))?;
    let text = messages::stream_event(&event).unwrap_or_default();
    print_one(output, out, columns::PRICE, &text, &columns::price(&event))
}

async fn order<W: Write>(
    client: &WithTimeout<'_>,
    side: Side,
    ordered: OrderArgs,
    out: W,
) -> Result<(), Stopped> {
    let (count, output) = (ordered.amount.count, ordered.amount.output);
    let order = Order::new(side, count, ordered.terms());
    let answered = client.wait(client.client.submit_order(order, false)).await;
    let answer = answered
        .map_err(|why| not_done(messages::order_failure(&why)))?
        .answer;
    let result = match answer {
        OrderAnswer::Result(result) => result,
        OrderAnswer::Accepted(order) => {
            let text = messages::resting_order(&order);
            return print_one(output, out, columns::RESTING, &text, &columns::resting(&order));
        }
    };
    if !result.executed {
        return Err(not_done(result.message));
    }
    let text = messages::result_of(&order, &result);
    print_one(
        output,
        out,
        columns::ORDER,
        &text,
        &columns::order(side, count, &result),
    )
}

async fn call<W: Write>(
    client: &WithTimeout<'_>,
    call: Request,
    output: Output,
    out: W,
) -> Result<(), Stopped> {
    let answer = client.wait(client.client.call(call)).await;
    let answer = answer.map_err(|failure| not_done(messages::failure(call, &failure)))?;
    let text = messages::answer(&answer).join("\n");
    let (columns, cells) = match &answer {
        Response::TokensBought { dollars, tokens } | Response::Withdrawn { tokens, dollars } => {
            (columns::EXCHANGE, columns::exchange(*dollars, *tokens))
        }
        Response::Wallet(wallet) => (columns::WALLET, columns::wallet(client.client.player(), wallet)),
        Response::Tokens(tokens) => (
            columns::WALLET,
            columns::tokens_only(client.client.player(), *tokens),
        ),
        Response::Statement(text) => (
            columns::STATEMENT,
            columns::statement(client.client.player(), text),
        ),
        Response::Payments(_)
        | Response::History { .. }
        | Response::Candles { .. }
        | Response::Trades(_)
        | Response::TradePage { .. }
        | Response::Leaderboard(_)
        | Response::Orders { .. }
        | Response::Cancelled { .. } => {
            return Ok(());
        }
    };
    print_one(output, out, columns, &text, &cells)
}

async fn payments<W: Write>(client: &WithTimeout<'_>, output: Output, out: W) -> Result<(), Stopped> {
    let mut payments = client.wait(client.client.all_payments()).await?;
    let mut printer = Printer::start(output, Shape::List, columns::PAYMENTS, out)?;
    while let Some(row) = client.wait(payments.next()).await? {
        printer.row(&messages::payment(&row), &columns::payment(&row))?;
    }
    Ok(printer.end("no payments yet")?)
}

async fn trades<W: Write>(client: &WithTimeout<'_>, output: Output, out: W) -> Result<(), Stopped> {
    let mut pages = client.wait(client.client.all_trades()).await?;
    let mut printer = Printer::start(output, Shape::List, columns::TRADES, out)?;
    while let Some(page) = client.wait(pages.next()).await? {
        for row in page {
            printer.row(&messages::trade(&row), &columns::trade(&row))?;
        }
    }
    Ok(printer.end("no trades yet")?)
}

async fn orders<W: Write>(client: &WithTimeout<'_>, output: Output, out: W) -> Result<(), Stopped> {
    let Response::Orders { open, ended } = client.wait(client.client.call(Request::Orders)).await? else {
        return Ok(());
    };
    let mut printer = Printer::start(output, Shape::List, columns::RESTING, out)?;
    for order in open.iter().chain(&ended) {
        printer.row(&messages::resting_order(order), &columns::resting(order))?;
    }
    Ok(printer.end(messages::NO_ORDERS)?)
}

/// Fails if the order ended in another way before.
async fn cancel<W: Write>(client: &WithTimeout<'_>, id: Uuid, output: Output, out: W) -> Result<(), Stopped> {
    let call = client.client.call(Request::CancelOrder(id));
    let Response::Cancelled { order, .. } = client.wait(call).await? else {
        return Ok(());
    };
    let text = messages::resting_order(&order);
    match order.end.as_ref().map(|end| &end.reason) {
        Some(EndReason::Cancelled) => {
            print_one(output, out, columns::RESTING, &text, &columns::resting(&order))
        }
        _ => Err(not_done(format!("not cancelled: {text}"))),
    }
}

async fn leaderboard<W: Write>(client: &WithTimeout<'_>, output: Output, out: W) -> Result<(), Stopped> {
    let call = Request::Leaderboard;
    let Response::Leaderboard(leaderboard) = client.wait(client.client.call(call)).await? else {
        return Ok(());
    };
    let mut printer = Printer::start(output, Shape::List, columns::LEADERBOARD, out)?;
    for standing in leaderboard.rows() {
        printer.row(&messages::standing(standing), &columns::standing(standing))?;
    }
    if let Some(text) = messages::not_ranked(&leaderboard) {
        printer.note(text)?;
    }
    Ok(printer.end(messages::NOBODY_RANKED)?)
}

fn print_one<W: Write>(
    output: Output,
    out: W,
    columns: ColumnSet,
    text: &str,
    cells: &[Cell],
) -> Result<(), Stopped> {
    let mut printer = Printer::start(output, Shape::One, columns, out)?;
    printer.row(text, cells)?;
    Ok(printer.end("")?)
}
