//! `attune`: one command for people, from the first script to a running deployment.
//!
//! # Theory of operation
//!
//! `attune run` looks the same with and without a server because commands speak to a [`backend::Backend`]: either the
//! whole product inside this process (SQLite in memory, the in-process queue, the real scheduler and the real worker),
//! or an Attune server over HTTP. Nothing is imitated: the embedded backend runs the same eight steps as a deployment.
//!
//! Guarantees that scripts may build on:
//!
//! * data goes to standard output, and everything else (live output of the action, notes, errors, logs) to standard
//!   error, so `attune run examples.hello | jq .` always works;
//! * parameters are checked before anything starts;
//! * the exit code is the action's own, or one of the constants in [`exit`];
//! * a first Ctrl-C cancels and waits until the process tree is gone, a second one kills it at once; both give 130;
//! * text that somebody else wrote reaches a terminal only with its control characters made visible, unless `--raw`.
//!
//! Errors are printed once, here: `error:` with the chain of causes, one line for every detail, then `hint:`.
//!
//! | module | holds |
//! |---|---|
//! | [`arguments`] | the command line |
//! | [`commands`] | one file per command |
//! | [`backend`] | embedded and remote |
//! | [`dev`] | the state directory of `attune dev` |
//! | [`output`] | tables, JSON, YAML, escaping |

mod arguments;
mod backend;
mod commands;
mod dev;
mod error;
mod exit;
mod logging;
mod output;
mod parameters;
mod script;
mod session;
mod target;

use std::process::ExitCode;

use attune_secret::own_process;
use attune_secret::redact::{Needles, Shield};
use clap::Parser;

fn main() -> ExitCode {
    attune_names::replace_c_library();
    attune_process::serve_as_launcher_if_asked();
    // Actions that an embedded worker runs find this program as `attune-agent`.
    if let Some(code) = attune_worker::helper::run_if_called() {
        return code;
    }
    let arguments = match arguments::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refusal) => return arguments::refuse(&refusal),
    };
    if let Err(error) = own_process::keep_to_itself() {
        tracing::debug!(%error, "the process cannot be kept from others");
    }
    if let Some(token) = &arguments.global.api_token {
        // It has been read: nobody else has to. `attune config show` still tells where it came from.
        if !matches!(arguments.command, commands::Command::Config(_)) {
            own_process::conceal_variables(&["ATTUNE_API_TOKEN".to_owned()]);
        }
        let _came_otherwise = own_process::conceal_argument(token);
        Shield::raise(&Needles::new([("client.api_token", token.as_bytes())])).keep();
    }
    logging::start(arguments.command.log_level());
    let raw = arguments.global.raw;
    match commands::dispatch(arguments) {
        Ok(code) => code,
        Err(error) => {
            error.print(raw);
            ExitCode::from(error.exit_code())
        }
    }
}
