//! `attune doctor`: what works on this machine.

use std::process::ExitCode;

use attune_worker::doctor;
use clap::Args;

use crate::arguments::Global;
use crate::backend::Local;
use crate::error::CliError;
use crate::exit;
use crate::output::Format;

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
    let findings = doctor::examine(&local.config, &local.library, false)
        .map_err(|error| CliError::internal("looking at this machine", error))?;
    let printer = global.printer();
    match printer.format() {
        Format::Table => printer.text(&doctor::render(&findings))?,
        Format::Json | Format::Yaml => printer.document(&findings)?,
        Format::Name => findings.iter().try_for_each(|finding| printer.line(&finding.name))?,
    }
    Ok(ExitCode::from(if doctor::is_usable(&findings) { 0 } else { exit::UNAVAILABLE }))
}
