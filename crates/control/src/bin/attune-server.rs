//! API, scheduler, relay and reaper of a deployment; any number of replicas.

use std::process::ExitCode;

fn main() -> ExitCode {
    attune_names::replace_c_library();
    attune_control::cli::main()
}
