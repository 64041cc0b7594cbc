//! Reports panics and errors on standard error, after restoring the terminal, and in the log.

use std::io::{self, Write};
use std::panic;

use color_eyre::Report;
use color_eyre::config::{HookBuilder, Theme};

use crate::runtime;
use crate::ui::text::{sanitize, sanitize_lines};

/// Restores the terminal and reports the panic when any thread panics.
pub fn install_panic_hook() {
    // Not the hook for errors: they are reported in one line, and with `RUST_BACKTRACE=1` it resolves a backtrace for each.
    let (reporter, _) = HookBuilder::new()
        .theme(Theme::new())
        .display_env_section(false)
        .into_hooks();
    panic::set_hook(Box::new(move |panic| {
        runtime::restore();
        let report = reporter.panic_report(panic).to_string();
        tracing::error!(%report, "panic");
        let _ = writeln!(io::stderr(), "{}", sanitize_lines(&report));
    }));
}

/// Reports an error in one line. It may be as ordinary as a rejected order.
pub fn failure(error: &Report) {
    // It may contain text from a server.
    let text = format!("{error:#}");
    let text = sanitize(&text);
    tracing::warn!(error = %text, "failed");
    // Fails after a hang-up.
    let _ = writeln!(io::stderr(), "awesomestock: {text}");
}
