//! API, scheduler, relay and reaper of a deployment; any number of replicas.

use std::process::ExitCode;

fn main() -> ExitCode {
    attune_process::serve_as_launcher_if_asked();
    attune_control::cli::main()
}
