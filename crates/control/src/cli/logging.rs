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
    // The HTTP library tells every thread it starts; whoever wants to know can still say so.
    let filter: Targets = format!("actix_server=warn,{}", log.level).parse()?;
    let terminal = io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE);
    let lines = lines.with_writer(|| Shielded::new(io::stderr()));
    let json = match log.format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    if json {
        lines.json().flatten_event(true).finish().with(filter).try_init()?;
    } else {
        let colour = terminal && std::env::var_os("NO_COLOR").is_none();
        lines.with_ansi(colour).finish().with(filter).try_init()?;
    }
    Ok(())
}
