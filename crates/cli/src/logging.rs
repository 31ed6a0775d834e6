//! Diagnostics on standard error: warnings for commands, information for what keeps running.

use std::io::{self, IsTerminal};

use attune_secret::redact::Shielded;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

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

/// Starts logging. `ATTUNE_LOG` takes a level, and levels for parts of the program: `debug`, `warn,attune_worker=trace`.
pub(crate) fn start(level: LogLevel) {
    let default = match level {
        LogLevel::Warnings => "warn",
        LogLevel::Information => "info,sqlx=warn,actix_server=warn",
        LogLevel::Own => return,
    };
    let asked = std::env::var("ATTUNE_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let Some(filter) = asked.or_else(|| default.parse().ok()) else { return };
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let started = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(|| Shielded::new(io::stderr()))
        .with_ansi(colour)
        .finish()
        .with(filter)
        .try_init();
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started before");
    }
}
