//! Log lines on standard error.

use std::error::Error;
use std::io::{self, IsTerminal};

use attune_config::{Log, LogFormat};
use attune_secret::redact::Shielded;
use tracing_subscriber::EnvFilter;

/// Starts logging as configured.
pub(crate) fn start(log: &Log) -> Result<(), Box<dyn Error + Send + Sync + 'static>> {
    let filter = EnvFilter::try_new(&log.level)?;
    let is_terminal = io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Shielded::new(io::stderr()));
    let is_json = match log.format {
        LogFormat::Auto => !is_terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    if is_json {
        lines.json().flatten_event(true).try_init()
    } else {
        let is_coloured = is_terminal && std::env::var_os("NO_COLOR").is_none();
        lines.with_ansi(is_coloured).try_init()
    }
}
