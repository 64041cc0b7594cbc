//! The ledger without gRPC, for the benchmark.

use std::future::poll_fn;
use std::thread;
use std::time::{Duration, Instant};

use awesomestock_proto::values::Trigger;
use futures_util::future::try_join_all;
use tokio::runtime;
use tokio::task::JoinSet;

use crate::Casino;
use crate::domain::money::{Dollars, Price, Stocks};
use crate::domain::order::request::{OrderRequest, RequestId};
use crate::domain::order::resting::RestingTerms;
use crate::domain::order::{Command, Side};
use crate::domain::player::PlayerName;
use crate::ledger::{LedgerError, LedgerHandle, LedgerOrder, Submitter};

const DEPOSIT: Dollars = Dollars(100_000_000);

/// Lets `players` trade for `length` on `threads` runtimes, each with `window` open orders. Returns the number of
/// committed orders; 0 if the ledger failed.
#[must_use]
pub fn actions(casino: &Casino, threads: usize, players: usize, window: usize, length: Duration) -> u64 {
    let until = Instant::now().checked_add(length);
    let names: Vec<String> = (0..players).map(|number| format!("player-{number}")).collect();
    thread::scope(|scope| {
        let mut threads_running = Vec::new();
        for names in names.chunks(players.div_ceil(threads.max(1)).max(1)) {
            let ledger = casino.ledger();
            threads_running.push(scope.spawn(move || play(&ledger, names, window, until)));
        }
        let counts = threads_running
            .into_iter()
            .map(|thread| thread.join().unwrap_or(0));
        counts.fold(0, u64::saturating_add)
    })
}

/// Resting orders beside which ticks are measured.
#[derive(Debug, Clone, Copy)]
pub struct RestingOrders {
    /// Number of players.
    pub players: usize,
    /// Orders of each player: half of them for a rise of the price, the others for a fall.
    pub each: u16,
    /// The distance of their prices from the current one, in tokens.
    pub distance: i32,
}

/// Places `orders` and returns the times of `ticks` ticks; none if the ledger failed.
#[must_use]
pub fn tick_times(casino: &Casino, orders: RestingOrders, ticks: usize) -> Vec<Duration> {
    let (ledger, price) = (casino.ledger(), casino.price());
    let times = async {
        place(&ledger, orders, price).await?;
        let mut times = Vec::with_capacity(ticks);
        for _ in 0..ticks {
            let start = Instant::now();
            ledger.tick().await?;
            times.push(start.elapsed());
        }
        Ok::<_, LedgerError>(times)
    };
    // The caller may be in a runtime.
    thread::scope(|scope| {
        let running = scope.spawn(|| run(&ledger, times));
        let times = running.join().ok().flatten().and_then(Result::ok);
        times.unwrap_or_default()
    })
}

/// Places the orders of each player together.
async fn place(ledger: &LedgerHandle, orders: RestingOrders, price: Price) -> Result<(), LedgerError> {
    let (above, below) = (
        price.get().saturating_add(orders.distance),
        price.get().saturating_sub(orders.distance),
    );
    for number in 0..orders.players {
        let Ok(player) = PlayerName::new(&format!("player-{number}")) else {
            continue;
        };
        ledger.submit(player.clone(), Command::Deposit(DEPOSIT)).await?;
        let placed = (0..orders.each).filter_map(|number| {
            let (trigger, price) = match number.checked_rem(2) {
                Some(0) => (Trigger::Stop, above),
                _ => (Trigger::Limit, below),
            };
            let terms = RestingTerms {
                side: Side::Buy,
                count: Stocks(1),
                trigger,
                price: Price::new(price)?,
                up_to: false,
            };
            let request = OrderRequest {
                command: Command::Rest(terms),
                id: Some(RequestId(u128::from(number).to_be_bytes())),
                round: None,
            };
            Some(ledger.submit(player.clone(), request))
        });
        try_join_all(placed).await?;
    }
    Ok(())
}

/// Runs `task` and the notifier of `ledger` in a new runtime.
fn run<T>(ledger: &LedgerHandle, task: impl Future<Output = T>) -> Option<T> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async {
        tokio::select! {
            done = task => Some(done),
            never = ledger.run_notifier() => match never {},
        }
    })
}

fn play(ledger: &LedgerHandle, names: &[String], window: usize, until: Option<Instant>) -> u64 {
    let players = async {
        let mut players = JoinSet::new();
        for player in names.iter().filter_map(|name| PlayerName::new(name).ok()) {
            players.spawn(trade(ledger.clone(), player, window, until));
        }
        let counts = players.join_all().await;
        counts.into_iter().fold(0, u64::saturating_add)
    };
    run(ledger, players).unwrap_or(0)
}

/// Buys and sells in turn, a window at a time.
async fn trade(ledger: LedgerHandle, player: PlayerName, window: usize, until: Option<Instant>) -> u64 {
    if ledger
        .submit(player.clone(), Command::Deposit(DEPOSIT))
        .await
        .is_err()
    {
        return 0;
    }
    let (mut submitter, mut count) = (Submitter::default(), 0_u64);
    let commands = [Command::Buy(Stocks(1)), Command::Sell(Stocks(1))];
    while until.is_some_and(|until| Instant::now() < until) {
        let commands_due = commands.iter().cycle().take(window);
        let mut orders: Vec<_> = commands_due
            .map(|command| LedgerOrder::Queued(player.clone(), (*command).into()))
            .collect();
        poll_fn(|cx| {
            let queued = orders.iter_mut().filter(|order| order.is_queued());
            ledger.submit_all(&mut submitter, queued, cx)
        })
        .await;
        let Some(LedgerOrder::Decided(last)) = orders.last() else {
            return 0;
        };
        let last = last.commits_with;
        // Batches commit in order, so the last one is enough.
        if poll_fn(|cx| ledger.poll_committed(&mut submitter, last, cx))
            .await
            .is_err()
        {
            return 0;
        }
        count = count.saturating_add(u64::try_from(orders.len()).unwrap_or(0));
    }
    count
}
