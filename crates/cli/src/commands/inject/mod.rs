//! `attune inject`: turns an image into a worker.

mod compose;
mod container;
mod docker;
mod kubernetes;

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use clap::Args;

use crate::error::CliError;
use crate::output::write_stdout;
use container::Container;

/// Turns any image into a worker: prints the docker command that does it, or runs it
///
/// The image is used as it is: nothing is built and nothing is installed in it. The agent is one static file that comes
/// in a volume and looks for the image's interpreters. The URLs of database and broker are taken from the environment of
/// docker, so that no password stands in a command line.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune inject ruby:3.3
  attune inject --run --network attune_default my-org/images:r-4.4
  attune inject --compose ruby ruby:3.3 >> docker-compose.override.yaml
  attune inject --kubernetes gpu nvidia/cuda:12.3.1-runtime-ubuntu22.04 | kubectl apply -f -")]
pub(crate) struct Arguments {
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,

    /// Run the command instead of printing it
    #[arg(long, conflicts_with_all = ["compose", "kubernetes"])]
    run: bool,

    /// Print a service for a Compose file that extends docker-compose.yaml instead
    #[arg(long, value_name = "NAME", conflicts_with = "kubernetes")]
    compose: Option<String>,

    /// Print a Kubernetes Deployment instead
    #[arg(long, value_name = "NAME")]
    kubernetes: Option<String>,

    /// Name of the worker; else made from the image's
    #[arg(long, value_name = "NAME", conflicts_with_all = ["compose", "kubernetes"])]
    name: Option<String>,

    /// Volume with the agent in it, or the path of a static attune-agent on this machine
    #[arg(long, value_name = "VOLUME|FILE", default_value = "attune_agent")]
    agent: String,

    /// Volume with the packs in it, or the path of their directory on this machine
    #[arg(long, value_name = "VOLUME|DIRECTORY", default_value = "attune_packs")]
    packs: String,

    /// Network on which database and broker are
    #[arg(long, value_name = "NETWORK", default_value = "attune_default")]
    network: String,

    /// User and group in the container
    #[arg(long, value_name = "UID:GID", default_value = "1000:1000")]
    user: String,

    /// Runtimes to offer; else all that are found
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    runtimes: Vec<String>,

    /// More for the worker's environment; a bare name is passed on from docker's
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    environment: Vec<String>,
}

/// Prints it or runs it.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode, CliError> {
    let name = arguments.compose.as_ref().or(arguments.kubernetes.as_ref()).or(arguments.name.as_ref());
    let container = Container {
        name: name.map_or_else(|| container::name_of(&arguments.image), Clone::clone),
        image: arguments.image,
        agent: arguments.agent,
        packs: arguments.packs,
        network: arguments.network,
        user: arguments.user,
        runtimes: arguments.runtimes,
        environment: arguments.environment,
    };
    container.check().map_err(|problem| CliError::usage(problem, "see attune inject --help"))?;
    if arguments.run {
        return execute(docker::arguments(&container));
    }
    let text = if arguments.compose.is_some() {
        compose::service(&container)
    } else if arguments.kubernetes.is_some() {
        kubernetes::deployment(&container)
    } else {
        docker::shown(&docker::arguments(&container))
    };
    write_stdout(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Becomes docker: its output, its questions and its exit code are its own.
#[expect(clippy::disallowed_methods, reason = "nothing is started: this process becomes the other program")]
fn execute(arguments: Vec<String>) -> Result<ExitCode, CliError> {
    let mut words = arguments.into_iter().map(OsString::from);
    let program = words.next().unwrap_or_default();
    let refused = std::process::Command::new(&program).args(words).exec();
    Err(CliError::Unavailable {
        what: program.to_string_lossy().into_owned(),
        hint: "install docker, or print the command without --run and use it elsewhere".to_owned(),
        source: refused.into(),
    })
}
