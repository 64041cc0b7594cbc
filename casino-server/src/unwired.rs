//! The ledger without the wire, for the benchmark: what the same commands come to when no stream brings them.

use std::{
    future::poll_fn,
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use tokio::{runtime, task::JoinSet};

use crate::{
    Casino,
    identity::PlayerName,
    ledger::{Asker, Books, Order},
    quantity::{Dollars, Stocks},
    record::Command,
};

/// Enough for any benchmark.
const DEPOSIT: Dollars = Dollars(100_000_000);

/// Has `players` buy and sell on `casino` for `length`, each with a window of `window` actions, on `threads` runtimes.
/// Gives how many actions were on disk in that time; 0 if the ledger failed.
#[must_use]
pub fn actions(casino: &Casino, threads: usize, players: usize, window: usize, length: Duration) -> u64 {
    let until = Instant::now().checked_add(length);
    let names: Vec<String> = (0..players).map(|number| format!("player-{number}")).collect();
    thread::scope(|scope| {
        let mut playing = Vec::new();
        for names in names.chunks(players.div_ceil(threads.max(1)).max(1)) {
            let books = casino.books();
            playing.push(scope.spawn(move || play(&books, names, window, until)));
        }
        let counts = playing.into_iter().map(|played| played.join().unwrap_or(0));
        counts.fold(0, u64::saturating_add)
    })
}

/// Plays for all of `names` on this thread.
fn play(books: &Books, names: &[String], window: usize, until: Option<Instant>) -> u64 {
    let Ok(runtime) = runtime::Builder::new_current_thread().enable_all().build() else {
        return 0;
    };
    let players = async {
        let mut players = JoinSet::new();
        for player in names.iter().filter_map(|name| PlayerName::new(name).ok()) {
            players.spawn(player_of(books.clone(), player, window, until));
        }
        let counts = players.join_all().await;
        counts.into_iter().fold(0, u64::saturating_add)
    };
    runtime.block_on(async {
        tokio::select! {
            count = players => count,
            never = books.listen() => match never {},
        }
    })
}

/// Buys and sells in turn, a window at a time.
async fn player_of(books: Books, player: PlayerName, window: usize, until: Option<Instant>) -> u64 {
    if books
        .execute(player.clone(), Command::Deposit(DEPOSIT))
        .await
        .is_err()
    {
        return 0;
    }
    let (mut asker, mut count) = (Asker::default(), 0_u64);
    let commands = [Command::Buy(Stocks(1)), Command::Sell(Stocks(1))];
    while until.is_some_and(|until| Instant::now() < until) {
        let asked = commands.iter().cycle().take(window);
        let mut orders: Vec<_> = asked
            .map(|command| Order::Asked(player.clone(), (*command).into()))
            .collect();
        let last = poll_fn(|cx| {
            let waiting = orders
                .iter_mut()
                .filter(|order| matches!(order, Order::Asked(..)));
            books.decide(&mut asker, waiting, cx);
            match orders.last() {
                Some(Order::Decided(verdict)) => Poll::Ready(verdict.settled_with),
                _ => Poll::Pending,
            }
        })
        .await;
        // Batches are settled in their order, so the last stands for all.
        if poll_fn(|cx| books.poll_settled(&mut asker, last, cx))
            .await
            .is_err()
        {
            return 0;
        }
        count = count.saturating_add(u64::try_from(orders.len()).unwrap_or(0));
    }
    count
}
