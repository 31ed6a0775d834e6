//! Diagnostics on standard error: warnings for commands, information for what keeps running.

use std::io::{self, IsTerminal};

use attune_secret::redact::Shielded;
use tracing_subscriber::EnvFilter;

/// How much is logged unless `ATTUNE_LOG` says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogLevel {
    /// A command that ends by itself: only what is wrong.
    Warnings,
    /// Something that keeps running: what it does.
    Information,
    /// The command brings its own logging.
    Own,
}

/// Starts logging. `ATTUNE_LOG` takes the directives of `tracing_subscriber::EnvFilter`, e.g. `debug` or
/// `attune_worker=trace`.
pub(crate) fn start(level: LogLevel) {
    let default = match level {
        LogLevel::Warnings => "warn",
        LogLevel::Information => "info,sqlx=warn,actix_server=warn",
        LogLevel::Own => return,
    };
    let filter = EnvFilter::try_from_env("ATTUNE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Shielded::new(io::stderr()))
        .with_ansi(colour)
        .try_init();
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started before");
    }
}
