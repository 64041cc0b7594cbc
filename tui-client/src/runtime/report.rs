//! Reports panics and errors on standard error, after restoring the terminal, and in the log.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::panic;

use crate::runtime;
use crate::ui::text::{sanitize, sanitize_lines};

/// Restores the terminal and reports the panic when any thread panics.
pub fn install_panic_hook() {
    panic::set_hook(Box::new(|panic| {
        runtime::restore();
        let backtrace = Backtrace::capture();
        let report = match backtrace.status() {
            BacktraceStatus::Captured => format!("{panic}\n{backtrace}"),
            _ => format!("{panic}\nset RUST_BACKTRACE=1 to see a backtrace"),
        };
        tracing::error!(%report, "panic");
        let _ = writeln!(io::stderr(), "awesomestock {}", sanitize_lines(&report));
    }));
}

/// Reports an error in one line. It may be as ordinary as a rejected order.
pub fn failure(error: &anyhow::Error) {
    // It may contain text from a server.
    let text = format!("{error:#}");
    let text = sanitize(&text);
    tracing::warn!(error = %text, "failed");
    // Fails after a hang-up.
    let _ = writeln!(io::stderr(), "awesomestock: {text}");
}
