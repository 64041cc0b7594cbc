//! The table of results.

use crate::drive::Measured;
use crate::loads::median;

pub(crate) fn print_head() {
    println!(
        "{:<12} {:>10} {:>9} {:>9} {:>9} {:>10} {:>9} {:>9} {:>8} {:>9}",
        "",
        "actions/s",
        "p50 us",
        "p99 us",
        "p99.9 us",
        "cpu us/act",
        "load cpu",
        "disk B/a",
        "RSS MB",
        "executed"
    );
}

/// Returns the median of `field` over the rounds.
pub(crate) fn median_of(rounds: &[Measured], field: fn(&Measured) -> f64) -> f64 {
    median(&mut rounds.iter().map(field).collect::<Vec<_>>())
}

pub(crate) fn print_row(name: &str, rounds: &[Measured]) {
    let of = |field| median_of(rounds, field);
    println!(
        "{name:<12} {:>10.0} {:>9.0} {:>9.0} {:>9.0} {:>10.2} {:>9.2} {:>9.1} {:>8.1} {:>9.3}",
        of(|m| m.per_second),
        of(Measured::p50),
        of(|m| m.latency.percentile(990).as_secs_f64() * 1e6),
        of(|m| m.latency.percentile(999).as_secs_f64() * 1e6),
        of(|m| m.server_us_per_action),
        of(|m| m.own_cpu_share),
        of(|m| m.disk_bytes_per_action),
        of(|m| m.rss_mb),
        of(|m| m.executed_share),
    );
}
