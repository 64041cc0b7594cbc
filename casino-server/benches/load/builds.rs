//! Builds of the casino beside each other, on SQLite: whether a change has made it faster or slower.

use std::{io, path::Path};

use crate::{
    drive::{Measured, measure},
    loads::{LOADS, Load, Plan, casino_of, median},
    process::Server,
    table::{print_head, print_row},
};

/// Measures every build under every load that is wanted, in turn, and prints medians and ratios to the first build.
pub(crate) async fn run(plan: &Plan, folder: &Path) -> io::Result<()> {
    for load in LOADS
        .into_iter()
        .filter(|load| load.name().contains(&plan.wanted))
    {
        compare(plan, load, folder).await?;
    }
    Ok(())
}

async fn compare(plan: &Plan, load: Load, folder: &Path) -> io::Result<()> {
    let count = plan.builds.len();
    let mut measured: Vec<Vec<Measured>> = vec![Vec::new(); count];
    for round in 0..plan.rounds {
        for turn in 0..count {
            // Back and forth, so that nobody always comes first.
            let build = if round % 2 == 0 { turn } else { count - 1 - turn };
            let store = folder.join(format!("{build}-{}-{}-{round}.db", load.streams, load.window));
            let server = Server::start(&mut casino_of(&plan.builds[build], &store, "10s"))?;
            measured[build].push(measure((&server).into(), load, plan.length, true).await?);
        }
    }
    println!("{}", load.name());
    print_head();
    for (number, (build, rounds)) in plan.builds.iter().zip(&measured).enumerate() {
        let number = number + 1;
        print_row(&format!("build {number}"), rounds);
        let beside = rounds.iter().zip(&measured[0]);
        let mut ratios: Vec<f64> = beside
            .map(|(ours, first)| ours.per_second / first.per_second)
            .collect();
        let middle = median(&mut ratios);
        // Sorted by now. A disk that stalls for a second makes the outermost ones mean nothing.
        let quarter = ratios.len() / 4;
        println!(
            "             {}: build {number} / build 1, median of rounds: {middle:.3} (quartiles {:.2}, {:.2})",
            build.display(),
            ratios[quarter],
            ratios[ratios.len() - 1 - quarter],
        );
    }
    println!();
    Ok(())
}
