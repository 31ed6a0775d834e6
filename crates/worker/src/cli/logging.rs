//! Log lines on standard error.

use std::error::Error;
use std::io::{self, IsTerminal};

use attune_config::{Log, LogFormat};
use attune_secret::redact::Shielded;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging as configured.
pub(crate) fn start(log: &Log) -> Result<(), Box<dyn Error + Send + Sync + 'static>> {
    let filter: Targets = log.level.parse()?;
    let is_terminal = io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE);
    let lines = lines.with_writer(|| Shielded::new(io::stderr()));
    let is_json = match log.format {
        LogFormat::Auto => !is_terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    if is_json {
        lines.json().flatten_event(true).finish().with(filter).try_init()?;
    } else {
        let is_coloured = is_terminal && std::env::var_os("NO_COLOR").is_none();
        lines.with_ansi(is_coloured).finish().with(filter).try_init()?;
    }
    Ok(())
}
