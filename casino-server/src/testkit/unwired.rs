//! The ledger without gRPC, for the benchmark.

use std::{
    future::poll_fn,
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use tokio::{runtime, task::JoinSet};

use crate::{
    Casino,
    domain::{
        money::{Dollars, Stocks},
        order::Command,
        player::PlayerName,
    },
    ledger::{LedgerHandle, LedgerOrder, Submitter},
};

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

fn play(ledger: &LedgerHandle, names: &[String], window: usize, until: Option<Instant>) -> u64 {
    let Ok(runtime) = runtime::Builder::new_current_thread().enable_all().build() else {
        return 0;
    };
    let players = async {
        let mut players = JoinSet::new();
        for player in names.iter().filter_map(|name| PlayerName::new(name).ok()) {
            players.spawn(trade(ledger.clone(), player, window, until));
        }
        let counts = players.join_all().await;
        counts.into_iter().fold(0, u64::saturating_add)
    };
    runtime.block_on(async {
        tokio::select! {
            count = players => count,
            never = ledger.run_notifier() => match never {},
        }
    })
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
        let last = poll_fn(|cx| {
            let waiting = orders
                .iter_mut()
                .filter(|order| matches!(order, LedgerOrder::Queued(..)));
            ledger.submit_all(&mut submitter, waiting, cx);
            match orders.last() {
                Some(LedgerOrder::Decided(decision)) => Poll::Ready(decision.commits_with),
                _ => Poll::Pending,
            }
        })
        .await;
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
