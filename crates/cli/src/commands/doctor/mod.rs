//! `attune doctor`: what works on this machine.

mod check;
mod kernel;
mod machine;
mod services;

use std::process::ExitCode;

use clap::Args;

use self::check::State;
use crate::arguments::Global;
use crate::backend::Local;
use crate::error::CliError;
use crate::{exit, session};

/// Says what works on this machine, and what to do about the rest
///
/// Exit code 0 when nothing failed, 69 otherwise. Warnings are about what Attune can do without.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune doctor
  attune doctor -o json | jq '.[] | select(.state != \"ok\")'")]
pub(crate) struct Arguments {}

/// Checks everything.
pub(crate) fn run(global: &Global, _: Arguments) -> Result<ExitCode, CliError> {
    let local = Local::load(global, &[])?;
    let mut checks = session::block_on(async {
        let mut checks = machine::interpreters(&local).await;
        checks.extend(kernel::checks());
        checks.extend(machine::checks(&local));
        checks.extend(services::checks(&local).await);
        checks
    });
    checks.sort_by_key(|check| std::cmp::Reverse(check.state));
    global.printer().list(
        &checks,
        |check| check.name.clone(),
        &["state", "check", "found", "what to do"],
        |check| {
            vec![
                check.state.as_str().to_owned(),
                check.name.clone(),
                check.found.clone(),
                check.advice.clone().unwrap_or_default(),
            ]
        },
    )?;
    let failed = checks.iter().any(|check| check.state == State::Fail);
    Ok(ExitCode::from(if failed { exit::UNAVAILABLE } else { 0 }))
}
