//! The program `attune-server`: arguments, logging, and the way from configuration to a running control plane.
//!
//! Exit codes: 0 stopped as asked, 64 the command line or the configuration cannot be used, 69 the database, the broker
//! or the address is not available, 70 the supervisor gave up, 75 something did not stop in time, 130 interrupted twice.

mod arguments;
mod health;
mod logging;
mod serve;

use std::error::Error;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use attune_config::{Config, Sources};
use attune_secret::own_process;
use attune_secret::redact::{Needles, Shield};
use clap::Parser;

use arguments::Arguments;
pub use serve::ServeError;

use crate::trouble::chain;

/// The command line or the configuration cannot be used.
pub const BAD_INPUT: u8 = 64;
/// The database, the broker or the address is not available.
pub const UNAVAILABLE: u8 = 69;
/// The supervisor gave up.
pub const GAVE_UP: u8 = 70;
/// Something did not stop in time.
pub const NOT_DRAINED: u8 = 75;
/// Interrupted twice.
pub const INTERRUPTED: u8 = 130;

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    main_from(std::env::args_os())
}

/// Runs the program with these arguments; the first is its name.
#[must_use]
pub fn main_from(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are errors to the parser, and go to standard output.
            let code = if error.use_stderr() { BAD_INPUT } else { 0 };
            return if error.print().is_ok() { ExitCode::from(code) } else { ExitCode::from(BAD_INPUT) };
        }
    };
    let config = match Config::load(Sources::of_process(arguments.config.clone(), arguments.overrides())) {
        Ok(config) => config,
        Err(error) => return failed(&error, BAD_INPUT),
    };
    if arguments.print_config {
        let printed = std::io::stdout().write_all(config.print_with_origins().as_bytes());
        return printed.map_or_else(|error| failed(&error, BAD_INPUT), |()| ExitCode::SUCCESS);
    }
    if let Err(error) = own_process::keep_to_itself() {
        return failed(&error, UNAVAILABLE);
    }
    // From here on nobody reads a credential out of this process, nor in what it says.
    own_process::conceal_variables(&config.credential_variables());
    let credentials = config.credentials();
    Shield::raise(&Needles::new(credentials.iter().map(|(key, text)| (*key, text.as_bytes())))).keep();
    if arguments.health {
        return match health::ask(&config.server.host, config.server.port) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error, UNAVAILABLE),
        };
    }
    if let Err(error) = logging::start(&config.log) {
        return failed(error.as_ref(), BAD_INPUT);
    }
    attune_supervise::install_panic_hook();
    if arguments.migrate_only {
        return match serve::migrate(&config) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error, error.exit_code()),
        };
    }
    match serve::run(config, !arguments.skip_migrations) {
        Ok(code) => ExitCode::from(code),
        Err(error) => failed(&error, error.exit_code()),
    }
}

/// Says on standard error why the program ends. The one place that does.
fn failed(error: &(dyn Error + 'static), code: u8) -> ExitCode {
    // A standard error that is closed is no reason to end otherwise.
    let _unheard = writeln!(std::io::stderr(), "error: {}", Shield::text(&chain(error)));
    ExitCode::from(code)
}
