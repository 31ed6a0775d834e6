//! The programs `attune-worker` and `attune-agent`: arguments, logging, and the way from a configuration to a worker.
//!
//! Exit codes: 0 stopped as asked, 3 another worker took over the name, 64 the command line or the configuration cannot
//! be used, 69 the database or the broker is not available, 70 the supervisor gave up, 75 outcomes wait on disk for the
//! next start, 130 killed by the third signal.

mod arguments;
mod detect_only;
mod doctor;
mod health;
mod install;
mod logging;
mod progress;
mod serve;

use std::error::Error;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use attune_config::{Config, Sources};
use attune_secret::own_process;
use attune_secret::redact::{Needles, Shield};
use clap::{CommandFactory, FromArgMatches};

use crate::helper;
use crate::mode::Mode;
use crate::update::Updater;
use crate::version::version;
use arguments::{Arguments, Command, Output};
pub use serve::ServeError;

/// The command line or the configuration cannot be used.
pub const BAD_INPUT: u8 = 64;
/// The database or the broker is not available.
pub const UNAVAILABLE: u8 = 69;

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main(mode: Mode) -> ExitCode {
    main_from(mode, std::env::args_os())
}

/// Runs the program with these arguments; the first is its name.
#[must_use]
pub fn main_from(mode: Mode, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    if let Some(code) = helper::run_if_called() {
        return code;
    }
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let started_with = arguments.clone();
    let command = Arguments::command().name(mode.program()).bin_name(mode.program()).version(version());
    let parsed = command.try_get_matches_from(arguments).and_then(|matches| Arguments::from_arg_matches(&matches));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are errors to the parser, and go to standard output.
            let code = if error.use_stderr() { BAD_INPUT } else { 0 };
            return if error.print().is_ok() { ExitCode::from(code) } else { ExitCode::from(BAD_INPUT) };
        }
    };
    if let Some(Command::Install { directory }) = &arguments.command {
        return match install::run(mode.program(), directory) {
            Ok(text) => printed(&text),
            Err(error) => failed(&error, UNAVAILABLE),
        };
    }
    let config = match Config::load(Sources::of_process(arguments.config.clone(), arguments.overrides())) {
        Ok(config) => config,
        Err(error) => return failed(&error, BAD_INPUT),
    };
    if arguments.print_config {
        return printed(&config.print_with_origins());
    }
    if let Some(Command::Doctor { output }) = arguments.command {
        return match doctor::run(&config, output == Output::Json) {
            Ok((text, is_usable)) => match printed(&text) {
                ExitCode::SUCCESS if !is_usable => ExitCode::from(UNAVAILABLE),
                code => code,
            },
            Err(error) => failed(&error, UNAVAILABLE),
        };
    }
    if arguments.health {
        return match health::run(&config) {
            Ok(text) => printed(&text),
            Err(error) => failed(&error, UNAVAILABLE),
        };
    }
    if arguments.detect_only {
        return match detect_only::run(&config, arguments.json) {
            Ok(text) => printed(&text),
            Err(error) => failed(&error, UNAVAILABLE),
        };
    }
    if let Err(error) = own_process::keep_to_itself() {
        return failed(&error, UNAVAILABLE);
    }
    // A program that goes on in the place of this one is given what this one was given.
    let variables: Vec<_> = if config.worker.self_update { std::env::vars_os().collect() } else { Vec::new() };
    // From here on nobody reads a credential out of this process, nor in what it says.
    own_process::conceal_variables(&config.credential_variables());
    let credentials = config.credentials();
    Shield::raise(&Needles::new(credentials.iter().map(|(key, text)| (*key, text.as_bytes())))).keep();
    if let Err(error) = logging::start(&config.log) {
        return failed(error.as_ref(), BAD_INPUT);
    }
    attune_supervise::install_panic_hook();
    let updater = match Updater::of(mode, &config, &started_with, &variables) {
        Ok(updater) => updater,
        Err(error) => return failed(&error, BAD_INPUT),
    };
    if let Some(change) = updater.as_ref().and_then(Updater::at_start) {
        return failed(&change.make(), UNAVAILABLE);
    }
    match serve::run(mode, &config, updater.as_ref()) {
        Ok((_, Some(change))) => failed(&change.make(), UNAVAILABLE),
        Ok((reason, None)) => ExitCode::from(reason.exit_code()),
        Err(error) => match updater.as_ref().and_then(Updater::way_back) {
            Some(back) => {
                failed(&error, error.exit_code());
                failed(&back.make(), UNAVAILABLE)
            }
            None => failed(&error, error.exit_code()),
        },
    }
}

/// Says that this process is number 1 and cannot be what that takes.
#[must_use]
pub fn no_init(error: &std::io::Error) -> ExitCode {
    failed(error, UNAVAILABLE)
}

fn printed(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error, BAD_INPUT),
    }
}

/// Says on standard error why the program ends, with every cause. The one place that does.
fn failed(error: &(dyn Error + 'static), code: u8) -> ExitCode {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    // A standard error that is closed is no reason to end otherwise.
    let _unheard = writeln!(std::io::stderr(), "error: {}", Shield::text(&text));
    ExitCode::from(code)
}
