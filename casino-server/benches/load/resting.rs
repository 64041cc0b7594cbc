//! Ticks of a market beside orders that rest, without gRPC.

use std::io;
use std::path::Path;
use std::time::Duration;

use awesomestock_proto::transport;
use casino_server::testkit::unwired::{RestingOrders, tick_times};
use casino_server::{Casino, Options};

use crate::loads::median;

const NAME: &str = "a tick beside resting orders";

/// No tick comes that near to its end.
const OPENING_PRICE: i32 = 1_000_000;

/// Players with as many open orders as they may have: 10,000 orders.
const PLAYERS: usize = 313;
const EACH: u16 = 32;

/// Ticks of one measurement.
const TICKS: usize = 500;

/// Runs the scenario if its name contains `filter`.
pub(crate) async fn run(rounds: usize, filter: &str, folder: &Path) -> io::Result<()> {
    if !NAME.contains(filter) {
        return Ok(());
    }
    println!("{NAME}");
    let none = RestingOrders {
        players: 0,
        each: 0,
        distance: 1,
    };
    let far = RestingOrders {
        players: PLAYERS,
        each: EACH,
        distance: OPENING_PRICE - 1,
    };
    // Twice as many, as the price meets those on one side.
    let near = RestingOrders {
        players: 2 * PLAYERS,
        each: EACH,
        distance: 1,
    };
    let (mut alone, mut beside, mut more, mut due) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let store = |kind| folder.join(format!("resting-{kind}-{round}.db"));
        let [without, with] = [(none, "none"), (far, "far")].map(|(orders, kind)| async move {
            let times = measure(&store(kind), orders, TICKS).await?;
            Ok::<_, io::Error>(median(&mut times.iter().map(ms).collect::<Vec<_>>()))
        });
        let (without, with) = (without.await?, with.await?);
        more.push(with - without);
        alone.push(without);
        beside.push(with);
        let times = measure(&store("near"), near, 3).await?;
        // The price may stay.
        due.push(times.iter().map(ms).fold(0.0, f64::max));
    }
    println!("no orders: {:.2} ms", median(&mut alone));
    println!("10,016 orders that no price meets: {:.2} ms", median(&mut beside));
    println!("difference, median of rounds: {:.2} ms", median(&mut more));
    println!("10,016 orders that the price meets: {:.0} ms\n", median(&mut due));
    Ok(())
}

async fn measure(store: &Path, orders: RestingOrders, ticks: usize) -> io::Result<Vec<Duration>> {
    let payments = transport::endpoint("http://127.0.0.1:1").map_err(io::Error::other)?;
    let mut options = Options::new(store);
    (options.initial_price, options.seed) = (Some(OPENING_PRICE), Some(7));
    let casino = Casino::open(options, payments.connect_lazy()).await;
    let casino = casino.map_err(io::Error::other)?;
    let times = tick_times(&casino, orders, ticks);
    match times.is_empty() {
        true => Err(io::Error::other("the ledger failed")),
        false => Ok(times),
    }
}

fn ms(time: &Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
