//! `attune token create`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::backend::Client;
use crate::error::CliError;
use crate::output::{Printer, parse_duration, remark};

/// Makes a token and prints it, once: the server keeps no more than a hash
///
/// A token can give no more than it may do itself. The token of the configuration (`server.api_token`) may do everything;
/// use it to make others, and those for the rest.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune token create ci --scope executions:run --scope executions:read --expires 30d
  attune token create ops --scope admin --expires 8h
  attune token create first-start --bootstrap builder-1 > /run/attune/bootstrap-token")]
pub(crate) struct Arguments {
    /// What to call it
    #[arg(value_name = "NAME")]
    name: String,
    /// What it may do, e.g. executions:run; `admin` is everything. Repeat for more
    #[arg(long = "scope", value_name = "SCOPE", required_unless_present = "bootstrap")]
    scopes: Vec<String>,
    /// Whose it is: it sees the executions of its owner [default: its name]
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
    /// For a worker of this name: fetches the agent and enrols the worker, once, within an hour at most
    #[arg(long, value_name = "WORKER", conflicts_with = "scopes")]
    bootstrap: Option<String>,
    /// How long it lives [default: 90d; 15m for a bootstrap token]
    #[arg(long, value_name = "SPAN", value_parser = parse_duration)]
    expires: Option<Duration>,
}

/// Makes it.
pub(crate) fn run(client: &Client, printer: Printer, arguments: Arguments) -> Result<ExitCode, CliError> {
    let mut wanted = json!({"name": arguments.name});
    match &arguments.bootstrap {
        Some(worker) => {
            wanted["kind"] = json!("bootstrap");
            wanted["worker"] = json!(worker);
        }
        None => wanted["scopes"] = json!(arguments.scopes),
    }
    if let Some(owner) = &arguments.owner {
        wanted["owner"] = json!(owner);
    }
    if let Some(expires) = arguments.expires {
        wanted["expires_in_seconds"] = json!(expires.as_secs().max(1));
    }
    let made = client.create_token(&wanted)?;
    remark(&format!("token {} of {}: {}; it is not shown again", made.id, made.owner, made.scopes.join(", ")));
    printer.one(
        &made,
        |token| token.id.to_string(),
        |token| format!("{}\n", token.token.clone().unwrap_or_default()),
    )?;
    Ok(ExitCode::SUCCESS)
}
