//! How a game that fails says so: on standard error, after the terminal is whole, and in the log.
//!
//! Owns the hook for panics and the one line of an error. It knows no reason to fail.

use std::{
    io::{self, Write},
    panic,
};

use color_eyre::{
    config::{HookBuilder, Theme},
    eyre::{Report, Result},
};

use crate::{
    shell,
    text::{harmless, harmless_lines},
};

/// Has every panic, of whatever thread, give the terminal back and be reported.
///
/// # Errors
///
/// When hooks are installed already.
pub fn install_hooks() -> Result<()> {
    let (reporter, eyre_hook) = HookBuilder::new()
        .theme(Theme::new())
        .display_env_section(false)
        .into_hooks();
    eyre_hook.install()?;
    panic::set_hook(Box::new(move |panic| {
        shell::restore();
        let report = reporter.panic_report(panic).to_string();
        tracing::error!(%report, "panic");
        let _ = writeln!(io::stderr(), "{}", harmless_lines(&report));
    }));
    Ok(())
}

/// Says why the game ends, in one line.
pub fn failure(error: &Report) {
    // A server's words may be among them.
    let words = format!("{error:#}");
    let words = harmless(&words);
    tracing::error!(error = %words, "the game ends");
    // After a hang-up nobody is there to read it.
    let _ = writeln!(io::stderr(), "awesomestock: {words}");
}
