//! Compares several builds of the casino on SQLite.

use std::io;
use std::path::Path;

use crate::drive::{Measured, measure};
use crate::loads::{LOADS, Load, Plan, command_for_build, median};
use crate::process::Server;
use crate::report::{print_head, print_row};

/// Measures every build under every selected load, in turn, and prints medians and ratios to the first build.
pub(crate) async fn run(plan: &Plan, folder: &Path) -> io::Result<()> {
    for load in LOADS
        .into_iter()
        .filter(|load| load.name().contains(&plan.filter))
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
            // Alternate the order, so that no build always comes first.
            let build = if round % 2 == 0 { turn } else { count - 1 - turn };
            let store = folder.join(format!("{build}-{}-{}-{round}.db", load.streams, load.window));
            let server = Server::start(&mut command_for_build(&plan.builds[build], &store, "10s"))?;
            measured[build].push(measure((&server).into(), load, plan.length, true).await?);
        }
    }
    println!("{}", load.name());
    print_head();
    for (number, (build, rounds)) in plan.builds.iter().zip(&measured).enumerate() {
        let number = number + 1;
        print_row(&format!("build {number}"), rounds);
        let pairs = rounds.iter().zip(&measured[0]);
        let mut ratios: Vec<f64> = pairs
            .map(|(ours, first)| ours.per_second / first.per_second)
            .collect();
        let middle = median(&mut ratios);
        // They are sorted now. Quartiles, because a disk that stalls for a second makes the extremes meaningless.
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
