//! Runs a command with a PostgreSQL and a RabbitMQ beside it: `with-services [--durable] COMMAND [ARGUMENT...]`.
//!
//! Both are started once, their addresses exported as `ATTUNE_TEST_DATABASE_URL`, `ATTUNE_TEST_AMQP_URL` and
//! `ATTUNE_TEST_AMQP_CONTROL`, and both are gone when the command has ended. Its exit code is ours; 69 says that a
//! server could not be started, 64 that no command was given. With `--durable` PostgreSQL synchronises every commit, as in
//! production: for anything that is measured.

use std::error::Error;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode};

use attune_testkit::postgres::{Durability, PostgresServer};
use attune_testkit::rabbitmq::RabbitNode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    let durability = match arguments.next_if(|argument| argument == "--durable") {
        Some(_) => Durability::On,
        None => Durability::Off,
    };
    let Some(program) = arguments.next() else {
        eprintln!("usage: with-services [--durable] COMMAND [ARGUMENT...]");
        return ExitCode::from(64);
    };
    #[expect(clippy::disallowed_methods, reason = "runs what the caller asked for")]
    let mut command = Command::new(program);
    command.args(arguments);
    match run(command, durability) {
        Ok(code) => code,
        Err(error) => {
            let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            eprintln!("with-services: {error}{cause}");
            ExitCode::from(69)
        }
    }
}

fn run(mut command: Command, durability: Durability) -> Result<ExitCode, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (postgres, rabbit) =
        runtime.block_on(async { tokio::join!(PostgresServer::start(durability), RabbitNode::start()) });
    let (postgres, rabbit) = (postgres?, rabbit?);
    let status = command
        .env("ATTUNE_TEST_DATABASE_URL", postgres.url("postgres"))
        .env("ATTUNE_TEST_AMQP_URL", rabbit.url())
        .env("ATTUNE_TEST_AMQP_CONTROL", rabbit.control_directory())
        .status()
        .map_err(|source| format!("{} could not be started: {source}", command.get_program().display()))?;
    // A command that died of a signal gets the shell's code for it.
    let code = status.code().unwrap_or(128 + status.signal().unwrap_or(0));
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
