//! One file per command.

mod action;
mod artifact;
mod audit;
mod completions;
mod config;
mod demo;
mod dev;
mod doctor;
mod environment;
mod execution;
mod inject;
mod key;
mod pack;
mod run;
mod server;
mod token;
mod worker;

use std::process::ExitCode;

use clap::Subcommand;

use crate::arguments::Arguments;
use crate::error::CliError;
use crate::logging::LogLevel;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::Arguments),
    Dev(dev::Arguments),
    Server(server::Arguments),
    Demo(demo::Arguments),
    /// Packs: folders of actions, runtimes and code
    #[command(subcommand)]
    Pack(pack::Command),
    /// Actions: what can be run
    #[command(subcommand)]
    Action(action::Command),
    /// Executions: what was asked to run, and what came of it
    #[command(subcommand, visible_alias = "executions")]
    Execution(execution::Command),
    /// Artifacts: files that executions left behind
    #[command(subcommand, visible_alias = "artifacts")]
    Artifact(artifact::Command),
    /// Workers: the processes that run things
    #[command(subcommand, visible_alias = "workers")]
    Worker(worker::Command),
    /// Secrets that actions may read: stored encrypted, handed to nobody else, never shown
    #[command(subcommand, visible_aliases = ["keys", "secret"])]
    Key(key::Command),
    /// Environments: what packs need beside their interpreters
    #[command(subcommand, visible_alias = "environments")]
    Environment(environment::Command),
    /// Tokens: who may speak to the server
    #[command(subcommand, visible_alias = "tokens")]
    Token(token::Command),
    /// The audit trail: what was done, by whom
    #[command(subcommand)]
    Audit(audit::Command),
    Inject(inject::Arguments),
    Doctor(doctor::Arguments),
    /// The configuration
    #[command(subcommand)]
    Config(config::Command),
    Completions(completions::Arguments),
}

impl Command {
    /// How much it logs by default.
    pub(crate) fn log_level(&self) -> LogLevel {
        match self {
            Self::Dev(_) => LogLevel::Information,
            Self::Server(_) => LogLevel::Own,
            _ => LogLevel::Warnings,
        }
    }
}

/// Does it.
pub(crate) fn dispatch(arguments: Arguments) -> Result<ExitCode, CliError> {
    let Arguments { global, command } = arguments;
    match command {
        Command::Run(arguments) => run::run(&global, arguments),
        Command::Dev(arguments) => dev::run(&global, arguments),
        Command::Server(arguments) => Ok(server::run(&global, arguments)),
        Command::Demo(arguments) => demo::run(&global, arguments),
        Command::Pack(command) => pack::run(&global, command),
        Command::Action(command) => action::run(&global, command),
        Command::Execution(command) => execution::run(&global, command),
        Command::Artifact(command) => artifact::run(&global, command),
        Command::Worker(command) => worker::run(&global, command),
        Command::Key(command) => key::run(&global, command),
        Command::Environment(command) => environment::run(&global, command),
        Command::Token(command) => token::run(&global, command),
        Command::Audit(command) => audit::run(&global, command),
        Command::Inject(arguments) => inject::run(arguments),
        Command::Doctor(arguments) => doctor::run(&global, arguments),
        Command::Config(command) => config::run(&global, command),
        Command::Completions(arguments) => completions::run(arguments),
    }
}
